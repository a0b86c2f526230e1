package projections

import (
	"cmp"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

// Rule is one thing that is looked for in the history.
type Rule struct {
	Number   int
	Name     string
	Question string // in plain words
	Public   bool   // what the entries show decides it; otherwise also what only officers may see
	AsOf     bool   // it is about elapsed time, and judged when read
}

// Numbers of rules.
const (
	RuleUnknown  = 1
	RulePurpose  = 2
	RuleBasis    = 3
	RuleRight    = 4
	RuleAge      = 5
	RuleClass    = 6
	RuleGrant    = 7
	RulePattern  = 8
	RuleSequence = 9
	RuleSeal     = 10
	RuleEnded    = 11
	RuleClock    = 12
	RuleReceipt  = 14
	RuleUnnamed  = 15
)

// Rules are the rules findings are made by, by number; a number is never given to
// another rule.
func Rules() []Rule {
	return []Rule{
		{RuleUnknown, "unknown reference", "Does everything that is named stand in the register, and did it before it began?", true, false},
		{RulePurpose, "purpose outside the activity", "Is data used only for the purposes its activity declares?", true, false},
		{RuleBasis, "no legal basis or reason", "Is it said by what right and why data about people is used?", false, false},
		{RuleRight, "share without agreement", "Is data about people shared only under an agreement in force?", false, false},
		{RuleAge, "kept or searched too long", "Is data deleted when it is due, and does nobody look further back than it may be kept?", false, true},
		{RuleClass, "class too low", "Does data keep its class, and is personal data at least Private?", true, false},
		{RuleGrant, "use without a grant", "Is data about people used only by those who were granted it, and while they were?", false, false},
		{RulePattern, "unusual working pattern", "Does anyone use data on five or more days in a row, against habit at night, or very often within an hour?", false, false},
		{RuleSequence, "silence or missing numbers", "Does every service report as often as it said, and did every event arrive that it numbered?", false, true},
		{RuleSeal, "seal overdue", "Is everything that is kept from a person looked at again when that was promised?", true, true},
		{RuleEnded, "ended system in use", "Is a system silent after the day it was taken out of service?", true, false},
		{RuleClock, "clock missed", "Is what a person asks for decided within a month, or three when that is extended?", true, true},
		{RuleReceipt, "share without its receipt", "Do both sides of a disclosure record it?", true, true},
		{RuleUnnamed, "persons left unnamed", "Does an activity about persons name whom it concerns?", true, false},
	}
}

// folded are the rules that an entry, its fold header and what was registered
// before it decide.
var folded = []func(*observation) error{
	foldUnknown, foldStatements, foldPurpose, foldBasis, foldAgreement, foldLookBack, foldClass, foldGrant, foldPattern,
	foldSequence, foldEnded, foldUnnamed,
}

// observation is one entry under the rules.
type observation struct {
	b            *batch
	m            *message
	e            *events.Entry
	organization string
	day          string      // of the event, local for use of data
	said         []statement // about objects of registers
}

// foldFindings puts an entry to every rule, and then notes what it registers:
// known is what was registered before.
func foldFindings(b *batch, m *message) error {
	if m.entry.Kind.By == events.RoleLedger {
		return nil // nothing its organization did
	}
	o := &observation{b: b, m: m, e: m.entry, organization: m.entry.Text("organization"), day: cmp.Or(dayOf(m.entry), m.fold.Day)}
	if isPart(m.entry) {
		return foldSequence(o) // its head is judged, and it is numbered all the same
	}
	var err error
	if o.said, err = statementsOf(o.e, o.known); err != nil {
		return err
	}
	for _, rule := range folded {
		if err := rule(o); err != nil {
			return err
		}
	}
	return o.register()
}

// isUse says that data about people was used, or may have been: not deleted, not
// refused, and not about nobody.
func (o *observation) isUse() bool {
	return o.e.Kind.IsData() && o.e.Kind.Name != "data.deleted" && o.e.Text("outcome") != "denied" &&
		o.e.Text("subjects.mode") != "none"
}

// known is what the register says of the object that a field of the entry names;
// ok is false when it names none or an unknown one.
func (o *observation) known(register, id string) (s state, ok bool, err error) {
	if id == "" || id == events.Unknown {
		return state{}, false, nil
	}
	key := part(knownPrefix, register, id)
	if s, ok = o.b.states[string(key)]; ok {
		return s, true, nil
	}
	value, err := o.b.get(key)
	if err != nil || value == nil {
		return state{}, false, err
	}
	if s, err = parseState(value); err != nil {
		return state{}, false, err
	}
	o.b.states[string(key)] = s
	return s, true, nil
}

// judged are the fields of registers that rules look at.
var judged = []string{
	"authority", "classification", "datasets", "ends", "expires", "from", "legalBasis", "parties", "pii", "purposes",
	"retention", "role", "subjectsExpected", "unit", "until",
}

// register notes what the entry says about objects of registers.
func (o *observation) register() error {
	for _, x := range o.said {
		if x.foreign {
			continue
		}
		s := x.before.after(o.e)
		s.fields = slices.DeleteFunc(slices.Clone(s.fields), func(m events.Member) bool { return !slices.Contains(judged, m.Name) })
		key := part(knownPrefix, x.register, x.id)
		o.b.put(key, s.append(nil))
		o.b.states[string(key)] = s
		if x.register == "grant" {
			if err := o.issue(x.id, values{s.fields}); err != nil {
				return err
			}
		}
	}
	return nil
}

// foldUnknown is rule 1. An entry of a register is a finding of its own, as each
// concerns another object; uses are one finding for each source, kind and fields,
// and whatever an unregistered organization says is one.
func foldUnknown(o *observation) error {
	var fields []string
	for _, name := range o.e.Texts("unresolved") {
		field, _, _ := strings.Cut(name, "/")
		if field == "organization" {
			if err := o.found(finding{rule: RuleUnknown, code: "organization"}); err != nil {
				return err
			}
		} else if !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	if fields == nil {
		return nil
	}
	f := finding{rule: RuleUnknown, code: "reference", evidence: texts(
		"fields", strings.Join(fields, " "), "kind", o.e.Kind.Name, "source", o.e.Text("source"))}
	if !o.e.Kind.IsData() {
		return o.found(f, number(nil, o.m.position)...)
	}
	return o.found(f)
}

// foldStatements is the part of rule 1 about an object's own organization and
// time: what another one says of it, which changes nothing, and a system that
// started before the day it was declared on. Each entry is a finding.
func foldStatements(o *observation) error {
	at := number(nil, o.m.position)
	for _, x := range o.said {
		f := finding{rule: RuleUnknown, code: "not-its-own"}
		f.evidence = texts("kind", o.e.Kind.Name, "owner", x.before.organization).With(x.register, events.String(x.id))
		if starts := o.e.Text("starts"); !x.known && x.register == "system" && starts != "" && starts < cmp.Or(o.m.fold.Day, o.day) {
			f.code, f.evidence = "late", texts("starts", starts, "system", x.id)
		} else if !x.foreign {
			continue
		}
		if err := o.found(f, at...); err != nil {
			return err
		}
	}
	return nil
}

// foldPurpose is rule 2. Purposes are compared word for word: a narrower one must
// be declared too.
func foldPurpose(o *observation) error {
	purpose := o.e.Text("purpose")
	if purpose == "" || !o.e.Kind.IsData() {
		return nil
	}
	activity, ok, err := o.known("activity", o.e.Text("activity"))
	declared := values{activity.fields}.list("purposes")
	if err != nil || !ok || len(declared) == 0 || slices.Contains(declared, purpose) {
		return err
	}
	return o.found(finding{rule: RulePurpose, code: "purpose", evidence: texts("activity", o.e.Text("activity"), "purpose", purpose)})
}

// foldBasis is rule 3: a use for which neither event nor activity names a legal
// basis or statute, or for which neither names a purpose and the event gives no
// reason. One finding for each activity, and for each system where the event
// names no activity.
func foldBasis(o *observation) error {
	if !o.isUse() {
		return nil
	}
	id := o.e.Text("activity")
	activity, _, err := o.known("activity", id)
	if err != nil {
		return err
	}
	said := values{activity.fields}
	var lacks []string
	if o.e.Text("legalBasis") == "" && said.text("legalBasis") == "" && said.text("authority") == "" {
		lacks = append(lacks, "withoutLegalBasis")
	}
	if o.e.Text("purpose") == "" && len(said.list("purposes")) == 0 && !o.m.fold.HasReason {
		lacks = append(lacks, "withoutReason")
	}
	if lacks == nil {
		return nil
	}
	f := finding{rule: RuleBasis, code: "basis", tally: lacks, evidence: texts("activity", id)}
	if id == "" {
		f.evidence = texts("system", o.e.Text("system"))
	}
	return o.found(f)
}

// foldLookBack is the part of rule 5 that needs no clock: a use that looks
// further back than its dataset may be kept.
func foldLookBack(o *observation) error {
	back := o.e.Text("lookBack")
	if back == "" {
		return nil
	}
	dataset, ok, err := o.known("dataset", o.m.fold.Dataset)
	if err != nil || !ok {
		return err
	}
	rule, _ := dataset.fields.Get("retention")
	period := values{rule.Object()}.text("period")
	on, isDay := dayOn(o.day)
	oldest, kept := earlier(on, period)
	if period == "" || !isDay || !kept {
		return nil
	}
	// A look back beyond the calendar is longer than any period within it.
	if from, ok := earlier(on, back); ok && !from.Before(oldest) {
		return nil
	}
	return o.found(finding{rule: RuleAge, code: "look-back", evidence: texts(
		"activity", o.e.Text("activity"), "dataset", o.m.fold.Dataset, "lookBack", back, "period", period, "system", o.e.Text("system"))})
}

// foldClass is rule 6, an entry of the register each.
func foldClass(o *observation) error {
	if o.e.Kind.Effect == events.Notes || len(o.said) != 1 || o.said[0].register != "dataset" || o.said[0].foreign {
		return nil
	}
	id, before := o.said[0].id, o.said[0].before
	was, is := values{before.fields}, values{before.after(o.e).fields}
	evidence := texts("class", is.text("classification"), "classBefore", was.text("classification"), "dataset", id, "pii", is.text("pii"))
	rank := events.ClassRank(is.text("classification"))
	at := number(nil, o.m.position)
	if rank >= 0 && rank < events.ClassRank(was.text("classification")) {
		if err := o.found(finding{rule: RuleClass, code: "lowered", evidence: evidence}, at...); err != nil {
			return err
		}
	}
	personal := is.text("pii") != "" && is.text("pii") != "none"
	said := o.e.Text("classification") != "" || o.e.Text("pii") != ""
	if personal && said && rank >= 0 && rank < events.ClassRank("Private") {
		return o.found(finding{rule: RuleClass, code: "below-private", evidence: evidence}, at...)
	}
	return nil
}

// foldEnded is rule 11, one finding for each system.
func foldEnded(o *observation) error {
	if !o.e.Kind.IsData() {
		return nil
	}
	id := o.e.Text("system")
	system, ok, err := o.known("system", id)
	ends := values{system.fields}.text("ends")
	if system.ended != "" && (ends == "" || system.ended < ends) {
		ends = system.ended
	}
	if err != nil || !ok || ends == "" || o.day <= ends {
		return err
	}
	return o.found(finding{rule: RuleEnded, code: "ended", evidence: texts("ended", ends, "system", id)})
}

// foldUnnamed is rule 15, one finding for each activity. No activity declares a
// share yet, so one such use is enough.
func foldUnnamed(o *observation) error {
	if !o.isUse() || o.e.Text("subjects.mode") != "unknown" {
		return nil
	}
	activity, ok, err := o.known("activity", o.e.Text("activity"))
	expected := values{activity.fields}.text("subjectsExpected")
	if err != nil || !ok || !slices.Contains([]string{"single", "several", "bulk"}, expected) {
		return err
	}
	return o.found(finding{rule: RuleUnnamed, code: "unnamed", evidence: texts("activity", o.e.Text("activity"), "subjectsExpected", expected)})
}
