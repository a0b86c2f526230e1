package projections_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/adapt"
	"github.com/daybook-ledger/daybook/events/broker"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/events/keyring"
	"github.com/daybook-ledger/daybook/events/stream"
	"github.com/daybook-ledger/daybook/projections"
	"github.com/daybook-ledger/daybook/testdata/records"
)

// keys shows the keyring to the writer. The records name no person, so nobody
// needs a key.
type keys struct{ *keyring.Keyring }

func (k keys) EventName(source, id string) events.EventName { return k.Keyring.EventName(source, id) }

func (k keys) Content(canonical []byte, _ []intake.Subject) events.Digest {
	return k.Keyring.Content(canonical)
}

func (k keys) Shared(organization string, t time.Time) (fold, month []byte, err error) {
	month, err = k.MonthKey(organization, t)
	return k.FoldKey(), month, err
}

func (k keys) FindMonth(organization string, t time.Time) ([]byte, error) {
	return k.FindMonthKey(organization, t)
}

func (k keys) Find(events.Person) (intake.Subject, error)         { return nil, nil }
func (k keys) Hide(events.Person, string) (intake.Subject, error) { return nil, nil }
func (k keys) ByHandle(events.Handle) (intake.Subject, error)     { return nil, nil }
func (k keys) Prepare([]events.Person, func([64]byte) (bool, error)) ([]intake.Subject, error) {
	return nil, nil
}

// city is a writer and its history, all of it real.
type city struct {
	t       *testing.T
	keys    keys
	history *stream.History
	writer  *intake.Writer
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openCity(t *testing.T) *city {
	t.Helper()
	dir := t.TempDir()
	ring, err := keyring.Open(keyring.Config{Dir: filepath.Join(dir, "keys")})
	check(t, err)
	t.Cleanup(func() { check(t, ring.Close()) })
	b, err := broker.Open(broker.Config{Dir: filepath.Join(dir, "history")})
	check(t, err)
	t.Cleanup(func() { check(t, b.Close()) })
	nc, err := b.Connect()
	check(t, err)
	c := &city{t: t, keys: keys{ring}}
	c.history, err = stream.Open(t.Context(), nc, stream.Config{Healthy: b.Healthy})
	check(t, err)
	first, err := intake.Begin(c.keys, events.Opened{
		RecordedAt: time.Now().UTC(), Origin: ring.Origin(), Log: ring.LogKey(), Receipt: ring.ReceiptKey(),
		Index: ring.IndexKey(), VRF: ring.VRFKey(), Policy: "quorum none\n", Formats: []string{events.EntryFormat},
	})
	check(t, err)
	_, err = c.history.Append(t.Context(), [][]byte{first})
	check(t, err)
	book, err := intake.OpenBook(filepath.Join(dir, "book"))
	check(t, err)
	t.Cleanup(func() { check(t, book.Close()) })
	check(t, book.CatchUp(t.Context(), c.history, intake.FoldOpener(ring.FoldKey())))
	c.writer = intake.NewWriter(intake.Config{History: c.history, Book: book, People: c.keys, Keys: c.keys})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.writer.Run(ctx) }()
	t.Cleanup(func() { cancel(); check(t, <-ended) })
	return c
}

// submit says events for whoever they name, and for organization otherwise.
func (c *city) submit(organization string, said []adapt.Event, err error) {
	c.t.Helper()
	check(c.t, err)
	var list []intake.Submitted
	for _, a := range said {
		b, err := a.MarshalJSON()
		check(c.t, err)
		e, err := events.ParseEvent(b)
		check(c.t, err)
		by := organization
		if named, ok := e.Data.Get("organization"); ok {
			by = named.Text()
		}
		list = append(list, intake.Submitted{Event: e, Organization: by, Size: len(b)})
	}
	outcomes, err := c.writer.Submit(c.t.Context(), list)
	check(c.t, err)
	for i, o := range outcomes {
		if o.Status != 201 {
			c.t.Fatalf("%s: %d %v", said[i].ID, o.Status, o.Problem)
		}
	}
}

// read folds the history into new views.
func (c *city) read() projections.Reader {
	c.t.Helper()
	views, err := projections.Open(projections.Config{Dir: c.t.TempDir(), Open: intake.FoldOpener(c.keys.FoldKey())})
	check(c.t, err)
	c.t.Cleanup(func() { check(c.t, views.Close()) })
	check(c.t, views.CatchUp(c.t.Context(), c.history, c.history.Last()))
	return views.Now()
}

func findings(t *testing.T, r projections.Reader, f projections.FindingFilter) []projections.Finding {
	t.Helper()
	out, err := r.Findings(time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC), f)
	check(t, err)
	return out
}

// TestFindingsInRealSearches: of 500 published plate searches an officer learns
// that their activity has no legal basis, and who searched five days in a row.
func TestFindingsInRealSearches(t *testing.T) {
	c := openCity(t)
	said, err := adapt.EugeneRegister(records.Files)
	c.submit("", said, err)
	said, err = adapt.EugeneSearches(records.Files)
	c.submit("eugene-police", said, err)
	r := c.read()

	basis := findings(t, r, projections.FindingFilter{Rule: projections.RuleBasis})
	if len(basis) != 1 || basis[0].Count != 500 || basis[0].Organization != "eugene-police" ||
		basis[0].Evidence["activity"] != "eugene-police/plate-search" || basis[0].Evidence["withoutLegalBasis"] != "500" {
		t.Fatalf("rule 3: %+v", basis)
	}
	if f := basis[0]; f.Last-f.First != 499 || len(f.Positions) != projections.MaxPositions {
		t.Errorf("rule 3 is about entries %d to %d, listed %v", f.First, f.Last, f.Positions)
	}

	want := map[string]bool{}
	for user, days := range map[string]string{"9990f284": "2025-06-23 2025-06-27", "fbbb50fd": "2025-06-25 2025-06-29"} {
		actor, err := c.keys.Pseudonym("eugene-police", "actor", userID(t, said, user))
		check(t, err)
		want[actor+" "+days+" 5"] = true
	}
	got := map[string]bool{}
	for _, f := range findings(t, r, projections.FindingFilter{Rule: projections.RulePattern}) {
		got[fmt.Sprint(f.Evidence["actor"], " ", f.FirstDay, " ", f.LastDay, " ", f.Count)] = true
		// Each position is a use by that actor on that day.
		for i, p := range f.Positions {
			uses, _, err := r.Trail(projections.TrailFilter{Actor: f.Evidence["actor"], From: f.FirstDay, To: f.LastDay, Limit: 1000})
			check(t, err)
			if !slices.ContainsFunc(uses, func(u projections.Use) bool { return u.Position == p && u.Day >= f.FirstDay }) {
				t.Errorf("position %d of day %d is no use", p, i)
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("rule 8: %v, want %v", got, want)
	}
	counts, err := r.FindingCounts(time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC))
	check(t, err)
	if len(counts) != 1 || counts["eugene-police"][projections.RuleBasis] != 1 || counts["eugene-police"][projections.RulePattern] != 2 {
		t.Errorf("counts: %v", counts)
	}
	facets, err := r.TrailFacets(projections.TrailFilter{System: "eugene-police/flock-search"})
	check(t, err)
	if facets.Uses != 500 || !facets.Complete || facets.Datasets["eugene-police/plate-reads"] != 500 {
		t.Errorf("facets: %+v", facets)
	}
}

// userID is the whole of a user's id that begins so.
func userID(t *testing.T, searches []adapt.Event, prefix string) string {
	t.Helper()
	for _, e := range searches {
		actor, _ := e.Data["actor"].(map[string]any)
		if id, _ := actor["id"].(string); len(id) > len(prefix) && id[:len(prefix)] == prefix {
			return id
		}
	}
	t.Fatalf("nobody is %s…", prefix)
	return ""
}

// TestFindingsInRealNodes: three nodes were commissioned that no register has.
func TestFindingsInRealNodes(t *testing.T) {
	c := openCity(t)
	said, err := adapt.ArrayOfThings(records.Files)
	c.submit("", said, err)
	list := findings(t, c.read(), projections.FindingFilter{})
	if len(list) != 3 {
		t.Fatalf("%d findings: %+v", len(list), list)
	}
	for _, f := range list {
		if f.Rule != projections.RuleUnknown || f.Organization != "array-of-things" || f.Evidence["kind"] != "system.changed" ||
			f.Evidence["fields"] != "system" || f.Count != 1 || len(f.Positions) != 1 {
			t.Errorf("%+v", f)
		}
	}
}
