package events

import (
	"slices"
	"strings"
)

// Role is what a token may do.
type Role string

// The roles. Auditor and Admin tokens say nothing; RoleLedger is given to no
// token.
const (
	Emitter    Role = "emitter"
	Registrar  Role = "registrar"
	Officer    Role = "officer"
	Auditor    Role = "auditor"
	Admin      Role = "admin"
	RoleLedger Role = "ledger"
)

// Kind is one kind of event: what it holds, and who may say it. A kind's name
// is never used again for something else.
type Kind struct {
	Name   string
	By     Role
	Open   bool    // false: named, and refused until it is built
	Coarse bool    // the entry gives days, exact times being private
	Seals  bool    // coarse; the entry gives quarters instead of days
	Whole  bool    // about the ledger as a whole: its entries name no organization
	Object string  // register kinds: the register, which is also the field naming the object
	Effect Effect  // register kinds: what it does to the object
	Needs  string  // an object at least one of whose members is required
	Fields []Field // sorted by path

	ownSlots int               // see Slots
	given    map[string]*Field // by path in data; nil for an object that fields are in
	shown    map[string]*Field // the same by path in the entry, without the envelope's
	required []*Field
}

// Effect is what an event does to the object of a register.
type Effect uint8

// The effects. An object begun again begins anew; what is ended stays in the
// register, ended.
const (
	Begins Effect = iota + 1 // makes it known, with these fields
	Amends                   // replaces the fields given
	Moves                    // replaces its place
	Ends                     // on the day given, or the event's
	Notes                    // says something about it
)

// AnyRegister is the register of a reference to an object of any of them.
const AnyRegister = "*"

// TypePrefix and TypeSuffix frame a kind in the CloudEvents type attribute.
const (
	TypePrefix = "org.daybook."
	TypeSuffix = ".v1"
)

// IsData says that the kind is about use of data, not about the register.
func (k *Kind) IsData() bool { return k.By == Emitter }

// Field finds a field by its dotted path.
func (k *Kind) Field(path string) (Field, bool) {
	f := k.given[path]
	if f == nil {
		return Field{}, false
	}
	return *f, true
}

// Slots is the number of private digests an entry of this kind carries beside
// one for each tag, however many of its private fields are filled in.
func (k *Kind) Slots() int {
	switch {
	case k.Name == "data.derived":
		return 14 // inputs and output instead of dataset
	case k.By == Emitter:
		return 13 // id sequence occurredAt recordedAt dataset actor.id actor.role actor.unit reasonText caseRef query counts unresolved
	case k.By == Registrar:
		return 3 // id sequence unresolved
	}
	return k.ownSlots
}

// countSlots is how many private fields a kind has that the ledger says, of itself
// or for an officer: id occurredAt recordedAt, those of its table, and counts and
// unresolved where it may have them. Kinds with exact times have none.
func (k *Kind) countSlots() int {
	if !k.Coarse {
		return 0
	}
	n, counts, unresolved := 3, 0, 0
	for i := range k.Fields {
		f := &k.Fields[i]
		switch {
		case !f.isPublic():
			n++
		case f.Type == Count:
			counts = 1
		case f.Register != "":
			unresolved = 1
		}
	}
	return n + counts + unresolved
}

// FindKind finds a kind by its name, as "data.accessed".
func FindKind(name string) (*Kind, bool) {
	i, ok := slices.BinarySearchFunc(kinds, name, func(k *Kind, n string) int { return strings.Compare(k.Name, n) })
	if !ok {
		return nil, false
	}
	return kinds[i], true
}

// Kinds are all kinds, sorted by name.
func Kinds() []*Kind { return slices.Clone(kinds) }

// Registers are the names of the registers, sorted.
func Registers() []string {
	return []string{"activity", "agreement", "dataset", "grant", "organization", "policy", "system"}
}

// Begins is the register and the id that an entry makes known, or an empty id.
func (e *Entry) Begins() (register, id string) {
	if e.Kind.Effect != Begins {
		return "", ""
	}
	return e.Kind.Object, e.Text(e.Kind.Object)
}
