package projections

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
)

// ExampleOrganization is the invented organization that newcomers try things
// with. What it says is recorded like anything else and never counted with the
// records of real ones.
const ExampleOrganization = "example"

// IsExample says that an organization is the invented one, or one of those that
// its records name, as example/hospital.
func IsExample(organization string) bool {
	return organization == ExampleOrganization || strings.HasPrefix(organization, ExampleOrganization+"/")
}

// Totals are how many entries there are.
type Totals struct {
	Size    events.Size // of the log they count
	Real    Counts      // of real organizations, and the ledger's own entries
	Example Counts      // of ExampleOrganization
}

// Counts are numbers of entries. ByOrganization is by organization, then kind,
// and ByDay by the day something happened. What the ledger says itself is counted
// by kind alone, being nothing its organization did; it stands with the real
// entries or the example's as the organization it is about does.
type Counts struct {
	Entries        uint64
	ByKind         map[string]uint64
	ByOrganization map[string]map[string]uint64
	ByDay          map[string]uint64
}

const (
	kindCount = "tk"
	dayCount  = "td"
)

// The sections of the counts, as keys name them.
const (
	sectionReal    = "real"
	sectionExample = "example"
)

func section(organization string) string {
	if IsExample(organization) {
		return sectionExample
	}
	return sectionReal
}

func foldTotals(b *batch, m *message) error {
	organization := m.entry.Text("organization")
	of := section(organization)
	whose, on := countedFor(m.entry.Kind, organization, dayOf(m.entry))
	b.key = append(append(b.key[:0], kindCount...), of...)
	b.key = append(append(append(b.key, 0), whose...), 0)
	b.count(append(b.key, m.entry.Kind.Name...))
	if on != "" {
		b.key = append(append(b.key[:0], dayCount...), of...)
		b.count(append(append(b.key, 0), on...))
	}
	return nil
}

// countedFor is for which organization and day an entry counts, "" for none.
func countedFor(k *events.Kind, organization, on string) (whose, day string) {
	switch {
	case k != nil && k.By == events.RoleLedger:
		return "", ""
	case k != nil && k.Seals: // they tell a quarter
		return organization, ""
	}
	return organization, on
}

// Totals counts the entries the reader has. It takes what was counted while
// folding and subtracts the entries behind the reader's size, so its cost grows
// with their number: ask once for a published size and keep the answer.
func (r Reader) Totals() (Totals, error) {
	done, err := r.v.use()
	if err != nil {
		return Totals{}, err
	}
	defer done()
	snapshot := r.v.db.NewSnapshot()
	t, err := r.totals(snapshot)
	if err := errors.Join(err, snapshot.Close()); err != nil {
		return Totals{}, fmt.Errorf("counting entries: %w", err)
	}
	return t, nil
}

func (r Reader) totals(db pebble.Reader) (Totals, error) {
	t := Totals{Real: newCounts(), Example: newCounts()}
	counted, err := foldedSize(db, "totals")
	if err != nil {
		return t, err
	}
	entries, err := foldedSize(db, "entries")
	if err != nil {
		return t, err
	}
	t.Size = min(r.size, counted)
	if t.Size < counted && entries < counted {
		return t, fmt.Errorf("the view entries is being folded again and has %d of %d", entries, counted)
	}
	if err := t.read(db); err != nil {
		return t, err
	}
	return t, t.subtract(db, t.Size, counted)
}

// foldedSize is how many entries a view has folded.
func foldedSize(db pebble.Reader, view string) (events.Size, error) {
	value, closer, err := db.Get([]byte(viewPrefix + view))
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading a view's record: %w", err)
	}
	r, err := parseRecord(value)
	return r.cursor.Size(), errors.Join(err, closer.Close())
}

func newCounts() Counts {
	return Counts{ByKind: map[string]uint64{}, ByOrganization: map[string]map[string]uint64{}, ByDay: map[string]uint64{}}
}

// of are the counts a section names.
func (t *Totals) of(section string) *Counts {
	if section == sectionExample {
		return &t.Example
	}
	return &t.Real
}

// read adds up what was folded.
func (t *Totals) read(db pebble.Reader) error {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte("t"), UpperBound: after("t")})
	if err != nil {
		return fmt.Errorf("reading the counts: %w", err)
	}
	for it.First(); it.Valid(); it.Next() {
		n, parseErr := strconv.ParseUint(string(it.Value()), 10, 64)
		if parseErr != nil {
			return errors.Join(fmt.Errorf("reading the counts: %w", parseErr), it.Close())
		}
		values := strings.Split(string(it.Key()[len(kindCount):]), "\x00")
		switch c := t.of(values[0]); string(it.Key()[:len(kindCount)]) {
		case kindCount:
			c.add(values[1], values[2], n)
		case dayCount:
			c.ByDay[values[1]] += n
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("reading the counts: %w", err)
	}
	return nil
}

// add counts n entries; n may be negative in two's complement.
func (c *Counts) add(organization, kind string, n uint64) {
	c.Entries += n
	bump(c.ByKind, kind, n)
	if organization == "" {
		return
	}
	if c.ByOrganization[organization] == nil {
		c.ByOrganization[organization] = map[string]uint64{}
	}
	bump(c.ByOrganization[organization], kind, n)
	if len(c.ByOrganization[organization]) == 0 {
		delete(c.ByOrganization, organization)
	}
}

// bump adds n to a number and leaves no zero behind.
func bump(m map[string]uint64, key string, n uint64) {
	if m[key] += n; m[key] == 0 {
		delete(m, key)
	}
}

// subtract takes the entries from … to-1 away again.
func (t *Totals) subtract(db pebble.Reader, from, to events.Size) error {
	it, err := db.NewIter(&pebble.IterOptions{
		LowerBound: number([]byte(entryPrefix), events.Index(from)), UpperBound: number([]byte(entryPrefix), events.Index(to)),
	})
	if err != nil {
		return fmt.Errorf("reading the latest entries: %w", err)
	}
	const one = ^uint64(0) // minus one
	for it.First(); it.Valid(); it.Next() {
		// What is stored was checked when it was folded.
		e, parseErr := events.ParseValue(it.Value())
		if parseErr != nil {
			return errors.Join(parseErr, it.Close())
		}
		text := func(name string) string { v, _ := e.Object().Get(name); return v.Text() }
		c := t.of(section(text("organization")))
		kind, _ := events.FindKind(text("kind"))
		whose, on := countedFor(kind, text("organization"), day(text("occurredAt")))
		c.add(whose, text("kind"), one)
		if on != "" {
			bump(c.ByDay, on, one)
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("reading the latest entries: %w", err)
	}
	return nil
}
