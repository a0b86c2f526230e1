package v1

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/projections"
)

// Statement makes the statement that an inquiry asks for.
func (o *Office) Statement(r *http.Request, who Officer, q Inquiry) (*Statement, error) {
	q.Reader, _ = o.Shown.Reader()
	told, err := o.Desk.Statement(r.Context(), who, q)
	if err != nil {
		return nil, officerProblem(err)
	}
	opened, err := o.Shown.Opened()
	if err != nil {
		return nil, err
	}
	now := o.Shown.Time()
	m := &statementMaker{reader: q.Reader, Statement: Statement{
		Format: StatementFormat, Origin: opened.Text("origin"), LogKey: opened.Text("keys.log"),
		Made: now.UTC().Format(time.RFC3339), Reading: told.Reading, Person: whomJSON{q.Person.Scheme, q.Person.Value},
	}}
	c, _ := o.Shown.Ledger.Checkpoint()
	m.Size = c.Size
	if err := m.lines(told, func(list []events.Index) ([]proof.Proof, error) { return o.Shown.Ledger.ProveAll(r.Context(), list) }); err != nil {
		return nil, err
	}
	m.controller(q.Organization)
	for i := range m.Lines {
		m.sort(&m.Lines[i])
	}
	if err := errors.Join(m.err, m.storage(now), m.notSaid(o.Shown, q.Organization)); err != nil {
		return nil, err
	}
	return &m.Statement, nil
}

// statementMaker fills in a statement and keeps the first error.
type statementMaker struct {
	Statement
	reader projections.Reader
	items  map[[2]string]projections.Item
	err    error
}

// lines are the entries with their proofs, all of one checkpoint.
func (m *statementMaker) lines(told Told, prove func([]events.Index) ([]proof.Proof, error)) error {
	m.Lines = make([]StatementLine, len(told.Lines))
	var positions []events.Index
	for i, l := range told.Lines {
		if positions = append(positions, l.Position); l.Head != nil {
			positions = append(positions, l.HeadAt)
		}
		entry := l.Entry.Append(nil)
		m.Lines[i] = StatementLine{
			Position: l.Position, Event: l.Entry.Name().String(), Kind: l.Kind, Relation: l.Relation, EntryHash: events.HashEntry(entry).String(),
			Entry: entry, EventKey: base64.RawURLEncoding.EncodeToString(l.EventKey[:]), Disclosures: newDetails(l.Hers), Disclosed: l.Disclosed, line: l,
		}
		m.Lines[i].When = cmp.Or(m.Lines[i].fact("occurredAt"), NotFilledIn)
	}
	proofs, err := prove(positions)
	if err != nil || len(proofs) == 0 {
		return err
	}
	c, err := checkpointIn(proofs[0])
	if err != nil {
		return err
	}
	m.Size = c.Size
	for i := range m.Lines {
		l := &m.Lines[i]
		l.Proof, proofs = string(proofs[0].Format()), proofs[1:]
		if head := l.line.Head; head != nil {
			entry := head.Append(nil)
			l.Head = &LineHead{l.line.HeadAt, events.HashEntry(entry).String(), entry, string(proofs[0].Format()), newDetails(l.line.HeadHers)}
			proofs = proofs[1:]
		}
	}
	return nil
}

// checkpointIn is what the note of a proof says of the log.
func checkpointIn(p proof.Proof) (proof.Checkpoint, error) {
	text, _, _ := strings.Cut(string(p.Note), "\n\n")
	c, err := proof.ParseCheckpoint(text + "\n")
	if err != nil {
		return c, fmt.Errorf("making a statement: %w", err)
	}
	return c, nil
}

// fact is what the person may know of a line: what was sealed for her, what the
// public sees, and then the same of the head.
func (l *StatementLine) fact(path string) string {
	for _, from := range []struct {
		open  []events.Disclosure
		entry *events.Entry
	}{{l.line.Hers, l.line.Entry}, {l.line.HeadHers, l.line.Head}} {
		for _, d := range from.open {
			if d.Name == path {
				return strings.TrimSpace(strings.Join(append(d.Value.Texts(), d.Value.Text()), " "))
			}
		}
		if from.entry == nil {
			break
		}
		if s := from.entry.Text(path); s != "" {
			return s
		}
	}
	return ""
}

// item is what the register has of a reference; a zero one when it is unknown.
func (m *statementMaker) item(register, id string) projections.Item {
	key := [2]string{register, id}
	if i, ok := m.items[key]; ok || id == "" || id == events.Unknown {
		return i
	}
	i, err := m.reader.Item(register, id)
	if err != nil && !errors.Is(err, projections.ErrNotFound) && m.err == nil {
		m.err = err
	}
	if m.items == nil {
		m.items = map[[2]string]projections.Item{}
	}
	m.items[key] = i
	return i
}

func saidOf(i projections.Item, path string) string {
	v, _ := i.Fields.At(path)
	return v.Text()
}

// name is what the register calls an object, or what stands for it.
func (m *statementMaker) name(register, id string) string {
	i := m.item(register, id)
	if id == events.Unknown {
		return "not in the register"
	}
	return cmp.Or(saidOf(i, "name"), saidOf(i, "title"), id, NotFilledIn)
}

func saidList(i projections.Item, path string) []string {
	v, _ := i.Fields.At(path)
	return append([]string{}, v.Texts()...)
}

func (m *statementMaker) controller(organization string) {
	name := m.name("organization", organization)
	m.Organization = Controller{organization, name, cmp.Or(saidOf(m.item("organization", organization), "contact"), NotFilledIn)}
	m.Complaint = Complaint{m.Organization.Contact, NotFilledIn}
	m.Confirmation = fmt.Sprintf("%s recorded %d entries about you.", name, len(m.Lines))
	switch len(m.Lines) {
	case 0:
		m.Confirmation = name + " recorded nothing about you that can be shown."
	case 1:
		m.Confirmation = name + " recorded one entry about you."
	}
	m.Rights = rights()
	m.Footnotes = []string{
		"* Where a law is cited: not yet checked against the text of the law.",
		"Each line is an entry of the log, and its proof shows that it stands there. A proof does not show that what was recorded is true, nor that all was recorded.",
		"“" + NotFilledIn + "” means that nobody told the ledger.",
	}
}

// rights are those that a person has; their source is a memory of the law.
func rights() []string {
	return []string{
		"to have wrong data corrected (GDPR Article 16*)",
		"to have data erased (GDPR Article 17*)",
		"to have its use restricted (GDPR Article 18*)",
		"to object to its use (GDPR Article 21*)",
		"to complain to a supervisory authority (GDPR Article 77*)",
	}
}

// sort puts a line under the headings that it belongs to.
func (m *statementMaker) sort(l *StatementLine) {
	switch l.Kind {
	case "data.shared":
		m.recipient(l)
	case "data.accessed", "ledger.read":
		m.consultation(l)
	case "data.collected", "data.received":
		m.origin(l)
	case "event.corrected":
		m.correction(l)
	}
	if !l.line.Entry.Kind.IsData() {
		return
	}
	m.purpose(l)
	m.category(l)
	if a := l.fact("automation"); a != "" && a != "human" {
		m.Automated = append(m.Automated, Automated{a, m.name("activity", l.fact("activity")), NotFilledIn, l.Position})
	}
}

func (m *statementMaker) purpose(l *StatementLine) {
	id := l.fact("activity")
	activity := m.item("activity", id)
	p := Purpose{
		Purpose: cmp.Or(l.fact("purpose"), strings.Join(saidList(activity, "purposes"), " "), NotFilledIn), Activity: id, Title: saidOf(activity, "title"),
		LegalBasis: cmp.Or(l.fact("legalBasis"), saidOf(activity, "legalBasis"), NotFilledIn), Authority: saidOf(activity, "authority"),
	}
	i := slices.IndexFunc(m.Purposes, func(x Purpose) bool {
		return x.Purpose == p.Purpose && x.Activity == p.Activity && x.LegalBasis == p.LegalBasis
	})
	if i < 0 {
		i = len(m.Purposes)
		m.Purposes = append(m.Purposes, p)
	}
	m.Purposes[i].Lines = append(m.Purposes[i].Lines, l.Position)
}

func (m *statementMaker) category(l *StatementLine) {
	for _, id := range strings.Fields(cmp.Or(l.fact("dataset"), l.fact("output"))) {
		i := slices.IndexFunc(m.Categories, func(x Category) bool { return x.Dataset == id })
		if i < 0 {
			i = len(m.Categories)
			d := m.item("dataset", id)
			m.Categories = append(m.Categories, Category{
				Dataset: id, Title: m.name("dataset", id), Categories: saidList(d, "categories"),
				Classification: cmp.Or(saidOf(d, "classification"), NotFilledIn),
			})
		}
		m.Categories[i].Lines = append(m.Categories[i].Lines, l.Position)
	}
}

func (m *statementMaker) recipient(l *StatementLine) {
	id := l.fact("recipient")
	out := StatementRecipient{
		Recipient: id, Name: m.name("organization", id), Dataset: cmp.Or(l.fact("dataset"), NotFilledIn), When: l.When,
		DisclosureClass: l.fact("disclosureClass"), LegalStandard: l.fact("legalStandard"), Agreement: l.fact("agreement"),
		Country: l.fact("transfer.country"), Safeguard: l.fact("transfer.safeguard"), Line: l.Position,
	}
	m.Recipients = append(m.Recipients, out)
	if out.Country != "" {
		m.Transfers = append(m.Transfers, out)
	}
}

func (m *statementMaker) consultation(l *StatementLine) {
	c := Consultation{When: l.When, Purpose: l.fact("purpose"), Line: l.Position}
	if system := l.fact("system"); system != "" {
		c.System = m.name("system", system)
	}
	if activity := m.item("activity", l.fact("activity")); c.Purpose == "" {
		c.Purpose = cmp.Or(strings.Join(saidList(activity, "purposes"), " "), NotFilledIn)
	}
	role, unit := l.fact("actor.role"), l.fact("actor.unit")
	if l.Kind == "ledger.read" {
		role, c.Purpose = l.fact("role"), "reading this ledger"
	}
	c.By = cmp.Or(strings.Join(slices.DeleteFunc([]string{role, unit}, func(s string) bool { return s == "" }), ", "), NotFilledIn)
	m.Consultations = append(m.Consultations, c)
}

func (m *statementMaker) origin(l *StatementLine) {
	o := DataSource{Source: l.fact("source"), System: l.fact("system")}
	i := slices.IndexFunc(m.Sources, func(x DataSource) bool { return x.Source == o.Source && x.System == o.System })
	if i < 0 {
		i = len(m.Sources)
		o.Name = m.name("system", o.System)
		m.Sources = append(m.Sources, o)
	}
	m.Sources[i].Lines = append(m.Sources[i].Lines, l.Position)
}

func (m *statementMaker) correction(l *StatementLine) {
	c := Correction{Corrects: l.fact("corrects"), Reason: l.fact("reason"), Line: l.Position}
	if i := slices.IndexFunc(m.Lines, func(x StatementLine) bool { return x.Event == c.Corrects }); i >= 0 {
		c.At = &m.Lines[i].Position
	}
	m.Corrections = append(m.Corrections, c)
}

// storage is how long the datasets are kept that were used.
func (m *statementMaker) storage(now time.Time) error {
	kept, err := m.reader.Retention(now)
	if err != nil {
		return err
	}
	for _, c := range m.Categories {
		s := Storage{Dataset: c.Dataset, Title: c.Title, Period: NotFilledIn}
		for _, k := range kept {
			if k.Dataset == c.Dataset {
				s.Period, s.Trigger, s.Method, s.Due, s.Status = k.Period, k.Trigger, k.Method, k.Due, string(k.Status)
			}
		}
		m.Storage = append(m.Storage, s)
	}
	return nil
}

func (m *statementMaker) notSaid(shown *Shown, organization string) error {
	totals, err := shown.Totals()
	if err != nil {
		return err
	}
	for _, counts := range []projections.Counts{totals.Real, totals.Example} {
		of := counts.ByOrganization[organization]
		m.NotSaid.OpenSeals += of["seal.placed"] - min(of["seal.placed"], of["seal.lifted"])
	}
	coverage, _, err := shown.Coverage()
	if err != nil {
		return err
	}
	for _, s := range coverage.Sources {
		if s.Organization == organization {
			m.NotSaid.Unnamed += s.Unnamed
			m.NotSaid.Coverage = append(m.NotSaid.Coverage, CoverageSince{s.Name, cmp.Or(s.Since, s.First, NotFilledIn), string(s.Status)})
		}
	}
	m.NotSaid.Words = []string{
		fmt.Sprintf("Seals of this organization that stand, over whomever: %d. A seal hides entries from the person concerned for a time; they are told when it ends.", m.NotSaid.OpenSeals),
		fmt.Sprintf("Uses that this organization recorded without saying whom they concern: %d. Some of them may concern you.", m.NotSaid.Unnamed),
		"What happened before a source told the ledger, and what no source told it, is not here.",
		"What other organizations recorded about you is theirs to tell.",
	}
	return nil
}
