package projections

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
)

// ledgerSource is the source of what the ledger says itself, for an officer too.
const ledgerSource = "daybook"

const (
	usesPrefix    = "vc" // uses of data recorded, by organization, source and day
	unnamedPrefix = "vu" // of them those whose persons nobody named
	sourcePrefix  = "vs" // what the ledger said of a source
	namedPrefix   = "vy" // systems that a use of data named
)

// foldCoverage counts what each source said, by the day it was recorded on, and
// keeps what the ledger says of the source.
func foldCoverage(b *batch, m *message) error {
	e := m.entry
	if e.Kind.IsData() {
		if e.Text("source") == ledgerSource {
			return nil // what the ledger destroyed itself; it is no service
		}
		return countUse(b, m)
	}
	emitter := e.Text("emitter")
	if emitter == "" {
		return nil
	}
	prefix := part(sourcePrefix, e.Text("organization"), emitter)
	before, err := b.lastOf(prefix)
	if err != nil {
		return err
	}
	s := values{}
	if before != nil {
		if s, err = stored(before); err != nil {
			return err
		}
	}
	b.setLatest(prefix, m.position, spoken(s, m).Append(nil))
	return nil
}

func countUse(b *batch, m *message) error {
	e := m.entry
	organization, source, on := e.Text("organization"), e.Text("source"), day(e.Text("recordedAt"))
	b.count(usesKey(b, usesPrefix, organization, source, on))
	if e.Text("subjects.mode") == "unknown" {
		b.count(usesKey(b, unnamedPrefix, organization, source, on))
	}
	system := e.Text("system")
	if system == "" || system == events.Unknown {
		return nil
	}
	b.key = append(append(b.key[:0], namedPrefix...), system...)
	first, err := b.get(b.key)
	if err != nil || first != nil {
		return err
	}
	b.put(b.key, number(nil, m.position))
	return nil
}

func usesKey(b *batch, prefix, organization, source, on string) []byte {
	b.key = append(append(append(b.key[:0], prefix...), organization...), 0)
	b.key = append(append(b.key, source...), 0)
	return append(b.key, on...)
}

// spoken is the state s of a source after the entry m about it. Times are as the
// ledger gave them, exact; which day that is, readers compute.
func spoken(s values, m *message) events.Object {
	e, at := m.entry, events.Integer(int64(m.position))
	n := func(path string) events.Value { v, _ := e.Value(path); return v }
	o := s.Object
	switch e.Kind.Name {
	case "emitter.onboarded":
		when := events.String(e.Text("occurredAt"))
		if s.text("announcedAt") == "" {
			o = o.With("announced", at).With("announcedAt", when)
		}
		o = o.With("onboarded", at).With("onboardedAt", when)
		for _, name := range []string{"rhythm", "offboardedAt"} {
			o = values{o}.say(name, e.Text(name))
		}
	case "emitter.offboarded":
		o = o.With("offboarded", at).With("offboardedAt", events.String(e.Text("occurredAt")))
	case "emitter.counted":
		o = o.With("counted", at).With("on", n("on")).With("count", n("count")).With("unnamed", n("unnamed")).
			With("missed", n("missing")).With("missing", n("missing"))
	case "emitter.silent":
		o = o.With("silent", at).With("since", n("since"))
	case "emitter.gap":
		o = o.With("gap", at).With("missing", n("missing"))
	}
	return o
}

// DayCount is what one source said on one day, as recorded.
type DayCount struct {
	Day     string // local, as the entries give it
	Events  uint64
	Unnamed uint64 // of them those whose persons nobody named
}

// sourceName is whose source it is, and which.
type sourceName struct{ organization, source string }

// usesByDay are the uses that the reader has, by source and day. Like Totals it
// subtracts what lies behind the reader's size from what was counted.
func (r Reader) usesByDay(db pebble.Reader) (map[sourceName]map[string]DayCount, error) {
	counted, err := foldedSize(db, "coverage")
	if err != nil {
		return nil, err
	}
	entries, err := foldedSize(db, "entries")
	if err != nil {
		return nil, err
	}
	size := min(r.size, counted)
	if size < counted && entries < counted {
		return nil, fmt.Errorf("the view entries is being folded again and has %d of %d", entries, counted)
	}
	out := map[sourceName]map[string]DayCount{}
	for _, prefix := range []string{usesPrefix, unnamedPrefix} {
		if err := readUses(db, prefix, out); err != nil {
			return nil, err
		}
	}
	return out, subtractUses(db, size, counted, out)
}

// readUses adds the counters under prefix to out.
func readUses(db pebble.Reader, prefix string, out map[sourceName]map[string]DayCount) error {
	return each(db, []byte(prefix), after(prefix), func(key, value []byte) error {
		of := splitKey(key[len(prefix):])
		n, err := strconv.ParseUint(string(value), 10, 64)
		if err != nil || len(of) != 3 {
			return fmt.Errorf("the counter %q is malformed", key)
		}
		if prefix == usesPrefix {
			addUse(out, sourceName{of[0], of[1]}, of[2], n, 0)
		} else {
			addUse(out, sourceName{of[0], of[1]}, of[2], 0, n)
		}
		return nil
	})
}

// addUse counts n uses and unnamed ones; both may be negative in two's
// complement. No day of nothing is left behind.
func addUse(out map[sourceName]map[string]DayCount, name sourceName, on string, n, unnamed uint64) {
	if out[name] == nil {
		out[name] = map[string]DayCount{}
	}
	d := out[name][on]
	d.Day, d.Events, d.Unnamed = on, d.Events+n, d.Unnamed+unnamed
	out[name][on] = d
	if d.Events == 0 && d.Unnamed == 0 {
		delete(out[name], on)
	}
	if len(out[name]) == 0 {
		delete(out, name)
	}
}

// subtractUses takes the entries from … to-1 away again.
func subtractUses(db pebble.Reader, from, to events.Size, out map[sourceName]map[string]DayCount) error {
	lower, upper := number([]byte(entryPrefix), events.Index(from)), number([]byte(entryPrefix), events.Index(to))
	return each(db, lower, upper, func(_, value []byte) error {
		v, err := events.ParseValue(value)
		if err != nil {
			return err
		}
		e := values{v.Object()}
		kind, ok := events.FindKind(e.text("kind"))
		if !ok || !kind.IsData() || e.text("source") == ledgerSource {
			return nil
		}
		const one = ^uint64(0) // minus one
		unnamed := uint64(0)
		if mode, _ := e.At("subjects.mode"); mode.Text() == "unknown" {
			unnamed = one
		}
		addUse(out, sourceName{e.text("organization"), e.text("source")}, day(e.text("recordedAt")), one, unnamed)
		return nil
	})
}

// each calls visit for the keys from lower up to upper; it may keep neither key
// nor value.
func each(db pebble.Reader, lower, upper []byte, visit func(key, value []byte) error) (err error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	for it.First(); it.Valid() && err == nil; it.Next() {
		err = visit(it.Key(), it.Value())
	}
	if closeErr := it.Close(); err == nil {
		err = closeErr
	}
	return err
}

func splitKey(key []byte) []string { return strings.Split(string(key), "\x00") }
