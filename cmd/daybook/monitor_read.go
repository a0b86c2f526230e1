package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
)

// chosen are the entries that are printed: what is "" chooses nothing, and the others
// must all hold, as those of the API.
type chosen struct{ kind, organization, system, dataset, day string }

func (f *chosen) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.kind, "kind", "", "print only entries of this kind, as data.accessed")
	c.Flags().StringVar(&f.organization, "organization", "", "print only entries of this organization")
	c.Flags().StringVar(&f.system, "system", "", "print only entries about this system")
	c.Flags().StringVar(&f.dataset, "dataset", "", "print only entries about this dataset")
	c.Flags().StringVar(&f.day, "day", "", "print only entries of what occurred on this day, as 2026-06-24")
}

func (f *chosen) check() error {
	if _, ok := events.FindKind(f.kind); f.kind != "" && !ok {
		return exitWith(exitUsage, "--kind %q is no kind of event, as data.accessed", f.kind)
	}
	for name, value := range map[string]string{"organization": f.organization, "system": f.system, "dataset": f.dataset} {
		if value != "" && !events.IsReference(value) {
			return exitWith(exitUsage, "--%s %q is not a reference, of small letters, digits and . _ / @ -", name, value)
		}
	}
	if _, err := time.Parse(time.DateOnly, f.day); f.day != "" && err != nil {
		return exitWith(exitUsage, "--day %q is not a day as 2026-06-24", f.day)
	}
	return nil
}

// has says whether an entry is one of them. What is unknown is nobody's.
func (f *chosen) has(e *events.Entry) bool {
	is := func(want, got string) bool { return want == "" || want == got && got != events.Unknown }
	day := ""
	if at := e.Text("occurredAt"); !e.Kind.Seals {
		day = at[:min(len(at), len(time.DateOnly))]
	}
	return is(f.kind, e.Kind.Name) && is(f.organization, e.Text("organization")) && is(f.system, e.Text("system")) &&
		is(f.dataset, e.Text("dataset")) && is(f.day, day)
}

// printed is a line of what a monitor prints. Entry are the bytes of the log.
type printed struct {
	Position events.Index    `json:"position"`
	Event    string          `json:"event"`
	Kind     string          `json:"kind"`
	Entry    json.RawMessage `json:"entry"`
}

// eachBundle gives do the entries that are here, from one size of the ledger to another,
// parsed, some at a time, until that says that it is enough.
func (m *monitoring) eachBundle(ctx context.Context, from, to events.Size, do func(first events.Index, raw [][]byte, entries []*events.Entry) (more bool, err error)) error {
	for from < to {
		n, skip := uint64(from)/proof.TileWidth, uint64(from)%proof.TileWidth
		width := int(min(proof.TileWidth, uint64(to)-n*proof.TileWidth))
		b, err := m.ledger.Public().Read(ctx, proof.EntriesPath(n, width))
		var raw [][]byte
		if err == nil {
			raw, err = proof.ReadBundle(b, width)
		}
		if err != nil {
			return fmt.Errorf("reading entries from %d: %w", from, err)
		}
		raw = raw[skip:]
		entries := make([]*events.Entry, len(raw))
		for i := range raw {
			at := events.Index(from) + events.Index(i)
			if entries[i], err = events.ParseEntry(raw[i]); err != nil {
				return &trouble{alert: alertEntry, code: exitInvalid, final: true, err: fmt.Errorf("entry %d is none that this program knows: %w; a newer one may", at, err)}
			}
		}
		more, err := do(events.Index(from), raw, entries)
		if err != nil || !more {
			return err
		}
		from += events.Size(len(raw))
	}
	return nil
}

// readNew prints what is new, and remembers what of it may stand once. What is printed
// when the process is killed can be printed again.
func (m *monitoring) readNew(ctx context.Context) error {
	out := json.NewEncoder(m.out)
	out.SetEscapeHTML(false)
	here, _ := m.ledger.Checkpoint()
	err := m.eachBundle(ctx, m.seen.Size(), here.Size, func(first events.Index, raw [][]byte, entries []*events.Entry) (bool, error) {
		for i, e := range entries {
			if !m.flags.chosen.has(e) {
				continue
			}
			if err := out.Encode(printed{first + events.Index(i), e.Name().String(), e.Kind.Name, raw[i]}); err != nil {
				return false, fmt.Errorf("printing entries: %w", err)
			}
		}
		m.await(first, entries)
		return true, m.seen.Add(entries)
	})
	if twice := new(trail.TwiceError); errors.As(err, &twice) {
		return &trouble{alert: twice.Kind, code: exitInvalid, final: true, err: twice, evidence: m.twice(ctx, twice)}
	}
	if wrong := new(ledger.AuditError); errors.As(err, &wrong) {
		return &trouble{alert: alertEntry, code: exitInvalid, final: true, err: wrong}
	}
	return err
}

// twice is evidence that two entries have what may stand in one, nil if they show none.
func (m *monitoring) twice(ctx context.Context, t *trail.TwiceError) *proof.Evidence {
	e := &proof.Evidence{Kind: t.Kind}
	for _, i := range []events.Index{t.First, t.Second} {
		p, err := m.ledger.Prove(ctx, i)
		if err != nil {
			return nil
		}
		e.Proofs = append(e.Proofs, p)
	}
	if _, err := e.Verify(m.key); err != nil {
		return nil
	}
	return e
}

// await notes the first of some entries that the index is to cover, unless one is waited
// for already.
func (m *monitoring) await(first events.Index, entries []*events.Entry) {
	for i, e := range entries {
		if !m.waiting.since.IsZero() {
			return
		}
		if f, err := ledger.FactsOf(e); err == nil && len(f.Tags)+len(f.Labels) > 0 {
			m.waiting.at, m.waiting.since = first+events.Index(i), m.since(e)
		}
	}
}

// since is from when on an entry waits: from now on, or for who looks once from when the
// ledger says that it was recorded.
func (m *monitoring) since(e *events.Entry) time.Time {
	now := m.now()
	if !m.flags.once {
		return now
	}
	at, err := time.Parse(time.RFC3339, e.Text("recordedAt"))
	if err != nil { // many kinds tell the day alone
		at, err = time.Parse(time.DateOnly, e.Text("recordedAt"))
		at = at.Add(36 * time.Hour) // wherever that day was
	}
	if err != nil || at.After(now) {
		return now
	}
	return at
}

// awaitIndex finds the first entry of those that were read that the index is to cover and
// does not.
func (m *monitoring) awaitIndex(ctx context.Context) error {
	covered, err := m.covered(ctx)
	if err != nil {
		return fmt.Errorf("reading the last leaf of the index: %w", err)
	}
	here, _ := m.ledger.Checkpoint()
	return m.eachBundle(ctx, covered, min(m.seen.Size(), here.Size), func(first events.Index, _ [][]byte, entries []*events.Entry) (bool, error) {
		m.await(first, entries)
		return m.waiting.since.IsZero(), nil
	})
}
