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
	Object string  // register kinds: the register, which is also the field naming the object
	Needs  string  // an object at least one of whose members is required
	Fields []Field // sorted by path

	given    map[string]*Field // by path in data; nil for an object that fields are in
	shown    map[string]*Field // the same by path in the entry, without the envelope's
	required []*Field
}

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
	switch k.By {
	case Emitter:
		return 13 // id sequence occurredAt recordedAt dataset actor.id actor.role actor.unit reasonText caseRef query counts unresolved
	case Registrar:
		return 3 // id sequence unresolved
	}
	return 0
}

// MaxEntry is the largest entry of this kind in bytes.
func (k *Kind) MaxEntry() int {
	if k.Name == "subject.enrolled" {
		return 65535
	}
	return 16 << 10
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

// Registers are the names of the registers: organization, system, dataset,
// activity.
func Registers() []string { return []string{"activity", "dataset", "organization", "system"} }
