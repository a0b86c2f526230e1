package projections

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// Finding is what a rule found. Nothing was refused for it; an officer judges.
type Finding struct {
	Rule         int
	ID           string // 22 characters, the same for the same matter at any size
	Organization string
	Code         string            // which case of the rule: reference, look-back, overdue, …
	Count        uint64            // of entries; of a run: days, of bursts: hours, of a gap: missing numbers or parts
	Positions    []events.Index    // of the first MaxPositions entries; of a run: the first of each day
	First, Last  events.Index      // positions of the first entry and the last
	Evidence     map[string]string // public references and codes, and pseudonyms for officers
	FirstDay     string            // local; of the days it is about
	LastDay      string
}

// MaxPositions is the most positions one finding lists.
const MaxPositions = 20

// FindingFilter chooses findings. What is zero chooses nothing.
type FindingFilter struct {
	Organization string
	Rule         int
	ID           string
	After        string // only findings behind the one with this ID
	Limit        int    // as in Filter
}

const (
	findingPrefix = "fs"
	knownPrefix   = "fr" // what rules need of registers, as last said
	numberPrefix  = "fq" // a source's numbers, see foldSequence
)

// finding is one occasion of a Finding while folding. Its evidence, code and
// organization are what make it the same matter.
type finding struct {
	rule     int
	code     string
	evidence events.Object
	tally    []string // members of the evidence to add one to; they make no difference
}

// matter appends what a matter is told from others by.
func (f finding) matter(dst []byte, organization string, more []byte) []byte {
	// No value but the last contains a zero byte, so joining is unambiguous.
	dst = append(strconv.AppendInt(dst, int64(f.rule), 10), 0)
	dst = append(append(dst, f.code...), 0)
	dst = append(append(dst, organization...), 0)
	return append(append(f.evidence.Append(dst), 0), more...)
}

// id names a matter.
func (f finding) id(organization string, more ...byte) string {
	return idOf(f.matter(make([]byte, 0, 256), organization, more))
}

func idOf(matter []byte) string {
	h := sha256.Sum256(matter)
	return base64.RawURLEncoding.EncodeToString(h[:16])
}

// key is where the states of a finding are.
func (f finding) key(organization, id string) []byte {
	return part(findingPrefix, organization, fmt.Sprintf("%02d", f.rule), id)
}

// noted is a finding after one of its entries.
type noted struct {
	code, first, last string
	count             int64
	evidence          events.Object
}

func (n noted) append(dst []byte) []byte {
	dst = append(dst, '{')
	if n.code != "" {
		dst = append(events.String(n.code).Append(append(dst, `"code":`...)), ',')
	}
	dst = strconv.AppendInt(append(dst, `"count":`...), n.count, 10)
	dst = n.evidence.Append(append(dst, `,"evidence":`...))
	if n.first != "" {
		dst = events.String(n.first).Append(append(dst, `,"first":`...))
	}
	if n.last != "" {
		dst = events.String(n.last).Append(append(dst, `,"last":`...))
	}
	return append(dst, '}')
}

func parseNoted(b []byte) (noted, error) {
	v, err := stored(b)
	evidence, _ := v.Get("evidence")
	return noted{v.text("code"), v.text("first"), v.text("last"), v.number("count"), evidence.Object()}, err
}

// found adds the entry to a finding; more tells findings apart whose evidence is
// equal.
func (o *observation) found(f finding, more ...byte) error {
	key := o.b.keyOf(f, o.organization, more)
	n, err := o.b.notedAt(key)
	if err != nil {
		return err
	}
	if n == nil {
		n = &noted{code: f.code, first: o.day, last: o.day, evidence: f.evidence}
	}
	n.count++
	n.first, n.last = min(n.first, o.day), max(n.last, o.day)
	for _, name := range f.tally {
		v := values{n.evidence}
		n.evidence = v.With(name, events.Integer(v.number(name)+1))
	}
	o.b.note(key, o.m.position, n)
	return nil
}

// keyOf is where the states of a finding are. What is found again and again in a
// batch is told by its matter without hashing it.
func (b *batch) keyOf(f finding, organization string, more []byte) []byte {
	b.text = f.matter(b.text[:0], organization, more)
	if key, ok := b.matters[string(b.text)]; ok {
		return key
	}
	key := f.key(organization, idOf(b.text))
	if len(more) == 0 {
		b.matters[string(b.text)] = key
	}
	return key
}

// note is setLatest for a finding, of which notedAt finds n itself: whoever
// changes it notes it again.
func (b *batch) note(key []byte, position events.Index, n *noted) {
	b.key = number(append(b.key[:0], key...), position)
	b.text = n.append(b.text[:0])
	b.set(b.key, b.text)
	if b.noted[string(key)] != n {
		b.noted[string(key)] = n
	}
}

// notedAt is lastOf for a finding, nil without any.
func (b *batch) notedAt(key []byte) (*noted, error) {
	if n := b.noted[string(key)]; n != nil {
		return n, nil
	}
	value, err := b.lastOf(key)
	if err != nil || value == nil {
		return nil, err
	}
	n, err := parseNoted(value)
	if err != nil {
		return nil, err
	}
	return &n, nil
}

// Findings are the findings that f chooses as they stand at asOf, sorted by
// organization, rule and ID. The rules about elapsed time compare days with the
// day that it is at asOf in each organization's own time zone. They are for officers: what shows them
// records ledger.read.
func (r Reader) Findings(asOf time.Time, f FindingFilter) ([]Finding, error) {
	done, err := r.useOfficers()
	if err != nil {
		return nil, err
	}
	defer done()
	all, err := r.findings(asOf, f)
	if err == nil {
		all = f.page(all)
		for i := range all {
			if err = r.locate(&all[i]); err != nil {
				break
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the findings: %w", err)
	}
	return all, nil
}

// FindingCounts is how many findings there are at asOf, by organization and rule.
// The public may see them.
func (r Reader) FindingCounts(asOf time.Time) (map[string]map[int]int, error) {
	done, err := r.useOfficers()
	if err != nil {
		return nil, err
	}
	defer done()
	all, err := r.findings(asOf, FindingFilter{})
	if err != nil {
		return nil, fmt.Errorf("counting the findings: %w", err)
	}
	out := map[string]map[int]int{}
	for _, f := range all {
		if out[f.Organization] == nil {
			out[f.Organization] = map[int]int{}
		}
		out[f.Organization][f.Rule]++
	}
	return out, nil
}

// findings are all that f chooses, sorted, without the positions of folded ones.
func (r Reader) findings(asOf time.Time, f FindingFilter) ([]Finding, error) {
	all, err := r.folded(f)
	if err != nil {
		return nil, err
	}
	for _, rule := range []func(time.Time) ([]Finding, error){r.overdue, r.unreceived, r.silent, r.unreviewed, r.undecided, r.incompleteSince} {
		more, err := rule(asOf)
		if err != nil {
			return nil, err
		}
		for _, x := range more {
			if f.chooses(x) {
				all = append(all, x)
			}
		}
	}
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

func (f FindingFilter) chooses(x Finding) bool {
	return (f.Organization == "" || f.Organization == x.Organization) && (f.Rule == 0 || f.Rule == x.Rule) && (f.ID == "" || f.ID == x.ID)
}

// page is the part of all behind After. An After that is no longer among them
// gives nothing.
func (f FindingFilter) page(all []Finding) []Finding {
	if f.After != "" {
		at := slices.IndexFunc(all, func(x Finding) bool { return x.ID == f.After })
		if at < 0 {
			return nil
		}
		all = all[at+1:]
	}
	return all[:min(len(all), limited(f.Limit))]
}

// folded are the findings of the rules without a clock.
func (r Reader) folded(f FindingFilter) (out []Finding, err error) {
	prefix, organization, depth := []byte(findingPrefix), "", 3
	if f.Organization != "" {
		if !clean(f.Organization) {
			return nil, nil
		}
		prefix, organization, depth = part(findingPrefix, f.Organization), f.Organization+"\x00", 2
	}
	err = r.latest(prefix, depth, func(key, value []byte) error {
		n, err := parseNoted(value)
		if err != nil || n.count == 0 {
			return err // of count 0: it is no more, its matter being part of another
		}
		of := strings.Split(organization+string(key), "\x00")
		x := Finding{Organization: of[0], ID: of[2], Code: n.code, Count: uint64(n.count), FirstDay: n.first, LastDay: n.last, Evidence: map[string]string{}}
		if x.Rule, err = strconv.Atoi(of[1]); err != nil {
			return fmt.Errorf("reading a finding's key: %w", err)
		}
		for _, m := range n.evidence {
			x.Evidence[m.Name] = m.Value.Text()
			if m.Value.Text() == "" {
				x.Evidence[m.Name] = strconv.FormatInt(m.Value.Int(), 10)
			}
		}
		if f.chooses(x) {
			out = append(out, x)
		}
		return nil
	})
	return out, err
}

// locate fills in the positions of a finding that does not have them.
func (r Reader) locate(f *Finding) error {
	switch {
	case f.Positions != nil:
		return nil
	case f.Code == codeRun:
		return r.locateRun(f)
	}
	prefix := finding{rule: f.Rule}.key(f.Organization, f.ID)
	it, err := r.under(prefix, true)
	if err != nil {
		return err
	}
	for it.First(); it.Valid() && len(f.Positions) < MaxPositions; it.Next() {
		if p, ok := positionAfter(it.Key(), len(prefix)); ok {
			f.Positions = append(f.Positions, p)
		}
	}
	if len(f.Positions) > 0 {
		f.First = f.Positions[0]
		if it.Last() {
			f.Last, _ = positionAfter(it.Key(), len(prefix))
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("reading the positions of a finding: %w", err)
	}
	return nil
}

// single makes a finding of the entry at p, computed when read.
func single(f finding, organization, day string, p events.Index) Finding {
	out := Finding{
		Rule: f.rule, ID: f.id(organization, number(nil, p)...), Organization: organization, Code: f.code, Count: 1,
		Positions: []events.Index{p}, First: p, Last: p, Evidence: map[string]string{}, FirstDay: day, LastDay: day,
	}
	for _, m := range f.evidence {
		out.Evidence[m.Name] = m.Value.Text()
	}
	return out
}

// overdue is the part of rule 5 that a clock decides: a finding for each dataset
// whose deletion is overdue.
func (r Reader) overdue(asOf time.Time) ([]Finding, error) {
	datasets, err := r.retention(r.calendar(asOf))
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, d := range datasets {
		if d.Status != Overdue {
			continue
		}
		f := finding{rule: RuleAge, code: "overdue", evidence: texts("dataset", d.Dataset, "deleted", d.Deleted, "due", d.Due, "period", d.Period)}
		x := single(f, d.Organization, d.Due, d.Set)
		if d.DeletedBy != nil {
			x.Positions = append(x.Positions, *d.DeletedBy)
			slices.Sort(x.Positions)
			x.First, x.Last = x.Positions[0], x.Positions[1]
		}
		out = append(out, x)
	}
	return out, nil
}

// ReceiptGrace is how many days after a disclosure its other side has to be
// recorded.
const ReceiptGrace = 7

// unreceived is rule 14, both ways: a share that nobody says to have received and
// a receipt of what nobody says to have shared, when the days of grace are over.
func (r Reader) unreceived(asOf time.Time) ([]Finding, error) {
	shares, receipts, err := r.unmatched()
	if err != nil {
		return nil, err
	}
	var out []Finding
	days := r.calendar(asOf)
	note := func(f finding, organization, day string, p events.Index) error {
		today, err := days.today(organization)
		if err == nil && addDays(day, ReceiptGrace) < today {
			out = append(out, single(f, organization, day, p))
		}
		return err
	}
	for _, s := range shares {
		f := finding{rule: RuleReceipt, code: "not-received", evidence: texts("dataset", s.Dataset, "recipient", s.Recipient)}
		if err := note(f, s.Organization, s.Day, s.Position); err != nil {
			return nil, err
		}
	}
	for _, x := range receipts {
		f := finding{rule: RuleReceipt, code: "not-shared", evidence: texts("counterpart", x.Counterpart.String(), "dataset", x.Dataset)}
		if err := note(f, x.Organization, x.Day, x.Position); err != nil {
			return nil, err
		}
	}
	return out, nil
}
