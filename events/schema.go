package events

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func cmpString(a, b string) int { return strings.Compare(a, b) }

// checkEntry holds an entry against the closed schema of its kind.
func checkEntry(o Object) (*Kind, error) {
	if v, _ := o.Get("$"); v.Text() != EntryFormat {
		return nil, fmt.Errorf("checking an entry: it does not begin with %s", EntryFormat)
	}
	v, _ := o.Get("kind")
	k, ok := FindKind(v.Text())
	if !ok || !k.Open {
		return nil, fmt.Errorf("checking an entry: unknown kind")
	}
	if v, _ := o.Get("event"); !isBinary(v.Text(), 16) {
		return nil, fmt.Errorf("checking an entry: event is not a name of 22 characters")
	}
	var err error
	switch {
	case k.Name == "ledger.opened":
		err = checkOpened(o)
	case k.Name == "subject.enrolled":
		err = checkEnrolled(o)
	default:
		err = checkSaid(k, o)
	}
	if err != nil {
		return nil, fmt.Errorf("checking %s: %w", k.Name, err)
	}
	return k, nil
}

// only refuses members beside those named.
func only(o Object, names ...string) error {
	for _, m := range o {
		if !slices.Contains(names, m.Name) {
			return fmt.Errorf("%q is no field of it", m.Name)
		}
	}
	if len(o) != len(names) {
		return fmt.Errorf("a field is missing")
	}
	return nil
}

func checkOpened(o Object) error {
	keys, _ := o.Get("keys")
	if err := only(keys.Object(), "index", "log", "receipt"); err != nil {
		return err
	}
	if err := only(o, "$", "event", "formats", "keys", "kind", "origin", "policy", "recordedAt", "vrf"); err != nil {
		return err
	}
	formats, _ := o.Get("formats")
	origin, _ := o.Get("origin")
	policy, _ := o.Get("policy")
	vrf, _ := o.Get("vrf")
	for _, s := range append(formats.Texts(), keyTexts(keys.Object())...) {
		if !isText(s, 512, false) {
			return fmt.Errorf("a format or key is not one line")
		}
	}
	if !isText(origin.Text(), 256, false) || !isText(policy.Text(), 8192, true) || !isBinary(vrf.Text(), 32) {
		return fmt.Errorf("origin, policy or vrf is malformed")
	}
	if len(formats.Texts()) == 0 || formats.shape != shapeList {
		return fmt.Errorf("it names no formats")
	}
	return checkRecordedAt(o)
}

func keyTexts(o Object) (out []string) {
	for _, m := range o {
		out = append(out, m.Value.Text())
	}
	return out
}

func checkRecordedAt(o Object) error {
	v, _ := o.Get("recordedAt")
	t, ok := ParseInstant(v.Text())
	if form := [40]byte{}; !ok || string(t.UTC().AppendFormat(form[:0], time.RFC3339Nano)) != v.text {
		return fmt.Errorf("recordedAt is not a UTC time")
	}
	return nil
}

func checkEnrolled(o Object) error {
	if err := only(o, "$", "event", "kind", "pairs", "recordedAt"); err != nil {
		return err
	}
	pairs, _ := o.Get("pairs")
	if pairs.shape != shapeList || len(pairs.Items()) == 0 || len(pairs.Items()) > MaxPairs {
		return fmt.Errorf("pairs must be 1 to %d", MaxPairs)
	}
	last := ""
	for _, p := range pairs.Items() {
		if err := only(p.Object(), "commitment", "label"); err != nil {
			return err
		}
		if !isBinary(p.Object()[0].Value.Text(), 32) || !isBinary(p.Object()[1].Value.Text(), 64) {
			return fmt.Errorf("a pair is malformed")
		}
		if p.Object()[1].Value.text <= last {
			return fmt.Errorf("pairs are not sorted by label")
		}
		last = p.Object()[1].Value.text
	}
	if v, _ := o.Get("recordedAt"); !isDate(v.Text()) {
		return fmt.Errorf("recordedAt is not a day")
	}
	return nil
}

// isEnvelope names the members every register and data entry may have beside
// the fields of its table.
func isEnvelope(name string) bool {
	switch name {
	case "$", "_sd", "event", "kind", "occurredAt", "organization", "recordedAt", "source", "unresolved":
		return true
	}
	return false
}

// checkSaid checks an entry made from a submitted event.
func checkSaid(k *Kind, o Object) error {
	organization, named := o.Get("organization")
	source, _ := o.Get("source")
	if !IsReference(source.Text()) || !k.Whole && !IsReference(organization.Text()) || k.Whole && named {
		return fmt.Errorf("organization or source is malformed")
	}
	if err := checkTimes(k, o); err != nil {
		return err
	}
	unresolved, err := checkUnresolved(o)
	if err != nil {
		return err
	}
	c := publicCheck{kind: k, unresolved: unresolved, single: modeOf(o) == "single"}
	if err := c.members(o, ""); err != nil {
		return err
	}
	if slices.Contains(unresolved, "organization") {
		c.seen++
	}
	if c.seen != len(unresolved) {
		return fmt.Errorf("unresolved names a field that is not there or is known")
	}
	for _, f := range k.required {
		if _, ok := o.At(f.shown()); !ok && !c.private(f) {
			return fmt.Errorf("%s is missing", f.Path)
		}
	}
	return checkDigests(k, o)
}

func modeOf(o Object) string {
	v, _ := o.At("subjects.mode")
	return v.Text()
}

func checkTimes(k *Kind, o Object) error {
	at, _ := o.Get("occurredAt")
	on, _ := o.Get("recordedAt")
	switch {
	case k.Seals:
		if !isQuarter(at.Text()) || !isQuarter(on.Text()) {
			return fmt.Errorf("occurredAt or recordedAt is not a quarter")
		}
		return nil
	case k.Coarse:
		if !isDate(at.Text()) || !isDate(on.Text()) {
			return fmt.Errorf("occurredAt or recordedAt is not a day")
		}
		return nil
	}
	if _, ok := ParseInstant(at.Text()); !ok {
		return fmt.Errorf("occurredAt is not a time")
	}
	return checkRecordedAt(o)
}

func checkUnresolved(o Object) ([]string, error) {
	v, ok := o.Get("unresolved")
	names := v.Texts()
	if ok && (len(names) == 0 || !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names)) {
		return nil, fmt.Errorf("unresolved is not a sorted list of field names")
	}
	return names, nil
}

// publicCheck holds the members of an entry against the table of its kind.
type publicCheck struct {
	kind       *Kind
	unresolved []string
	single     bool // the entry concerns exactly one person
	seen       int  // references shown as unknown
}

// private says that this entry must not show f.
func (c *publicCheck) private(f *Field) bool {
	return !f.isPublic() || f.isPrivate() && c.single
}

// members walks the members of o, whose dotted path so far is prefix.
func (c *publicCheck) members(o Object, prefix string) error {
	for i := range o {
		m := &o[i]
		if prefix == "" && isEnvelope(m.Name) {
			continue // checked as a member of the entry
		}
		path := prefix + m.Name
		f, ok := c.kind.shown[path]
		var err error
		switch {
		case strings.Contains(m.Name, "."): // it would stand for a member of an object
			err = fmt.Errorf("%q is no field of it", path)
		case f != nil:
			err = c.field(f, m.Value, path)
		case ok && len(m.Value.Object()) > 0:
			err = c.members(m.Value.Object(), path+".")
		default:
			err = fmt.Errorf("%q is no field of it", path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *publicCheck) field(f *Field, v Value, path string) error {
	switch {
	case c.private(f):
		return fmt.Errorf("%s is not public", f.Path)
	case !f.List && !c.value(f, v, path):
		return fmt.Errorf("%s is malformed", path)
	case !f.List:
		return nil
	case v.shape != shapeList || len(v.Items()) == 0 || len(v.Items()) > MaxList:
		return fmt.Errorf("%s is not a list", path)
	}
	for i, item := range v.Items() {
		name := path
		if len(c.unresolved) > 0 {
			name = index(path, i)
		}
		if !c.value(f, item, name) {
			return fmt.Errorf("%s is malformed", index(path, i))
		}
	}
	return nil
}

// value says whether v is what the public may see of field f. Name is what
// unresolved would call it.
func (c *publicCheck) value(f *Field, v Value, name string) bool {
	switch f.Type {
	case Count:
		return CodeBucket.Has(v.Text())
	case Instant:
		return isDate(v.Text())
	case Name:
		return isBinary(v.Text(), 16)
	case Persons:
		return publishedSubjects(v.Object())
	case Reference:
		_, unknown := slices.BinarySearch(c.unresolved, name)
		if unknown && f.Register != "" {
			c.seen++
			return v.Text() == Unknown
		}
		return IsReference(v.Text())
	}
	return f.check(v) == nil
}

// checkDigests checks the number, form and order of the private digests.
func checkDigests(k *Kind, o Object) error {
	v, given := o.Get("_sd")
	if k.Slots() == 0 {
		if given {
			return fmt.Errorf("it has no private fields")
		}
		return nil
	}
	tags, _ := o.At("subjects.tags")
	if v.shape != shapeList || len(v.Items()) != k.Slots()+len(tags.Items()) {
		return fmt.Errorf("it must have %d digests and one for each tag", k.Slots())
	}
	last := ""
	for _, item := range v.Items() {
		if !isBinary(item.Text(), 32) || item.text <= last {
			return fmt.Errorf("a digest is malformed or out of order")
		}
		last = item.text
	}
	return nil
}
