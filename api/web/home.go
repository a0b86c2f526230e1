package web

import (
	"maps"
	"net/http"
	"slices"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// line is one entry in a list.
type line struct {
	Position events.Index
	When     string
	Sentence phrase
	Title    string
	Example  bool
	Alike    int // how many like it came before it and are not shown
}

// lines are found entries as a list shows them.
func (l *lookup) lines(found []projections.Found) ([]line, error) {
	out := make([]line, len(found))
	for i, f := range found {
		e, err := events.ParseEntry(f.Entry)
		if err != nil {
			return nil, err
		}
		out[i] = line{f.Position, happened(e), l.sentence(e), title(e.Kind.Name), isExample(e), 0}
	}
	return out, l.err
}

// The first page looks through the newest entries for some that differ.
const (
	looksBack   = 400
	newestShown = 10
)

// newest are the newest entries of each organization and kind, and of each kind
// that the ledger says itself, newest first; of more that are alike, the newest
// alone with how many follow it.
func (l *lookup) newest(found []projections.Found) ([]line, error) {
	var chosen []projections.Found
	var alike []int
	at := map[[2]string]int{}
	for _, f := range found {
		e, err := events.ParseEntry(f.Entry)
		if err != nil {
			return nil, err
		}
		of := [2]string{e.Text("organization"), e.Kind.Name}
		if e.Kind.By == events.RoleLedger {
			of[0] = ""
		}
		if i, ok := at[of]; ok {
			alike[i]++
		} else if len(chosen) < newestShown {
			at[of] = len(chosen)
			chosen, alike = append(chosen, f), append(alike, 0)
		}
	}
	lines, err := l.lines(chosen)
	for i := range lines {
		lines[i].Alike = alike[i]
	}
	return lines, err
}

// happened is the day a list shows.
func happened(e *events.Entry) string {
	if at := e.Text("occurredAt"); at != "" {
		return date(at)
	}
	return date(e.Text("recordedAt"))
}

func isExample(e *events.Entry) bool {
	return projections.IsExample(e.Text("organization"))
}

// tally is one figure with what it counts.
type tally struct {
	Number uint64
	Label  string
}

// tallies sort entries into what people ask about.
func tallies(c projections.Counts) []tally {
	var uses, register, persons, ledger uint64
	for kind, n := range c.ByKind {
		k, ok := events.FindKind(kind)
		if !ok {
			continue
		}
		*[...]*uint64{aboutUse: &uses, aboutRegister: &register, aboutPersons: &persons, aboutLedger: &ledger}[about(k)] += n
	}
	out := []tally{{uses, noun(uses, "use of data", "uses of data")}, {register, noun(register, "register entry", "register entries")}}
	if persons > 0 {
		out = append(out, tally{persons, noun(persons, "request, correction or seal", "requests, corrections and seals")})
	}
	if ledger > 0 {
		out = append(out, tally{ledger, noun(ledger, "note by the ledger itself", "notes by the ledger itself")})
	}
	return out
}

// comparison is one figure of real records and one of invented ones,
// with where to read on.
type comparison struct {
	Label, Href   string
	Real, Example uint64
}

// uses are how often each use of data is on record.
func uses(t projections.Totals) (out []comparison) {
	for _, k := range events.Kinds() {
		if real, example := t.Real.ByKind[k.Name], t.Example.ByKind[k.Name]; k.IsData() && real+example > 0 {
			out = append(out, comparison{title(k.Name), "/entries?kind=" + k.Name, real, example})
		}
	}
	return out
}

// daysShown is how many days with real records, and with invented ones, the
// first page tells of.
const daysShown = 5

// days are the latest days on which something happened, latest first.
func days(t projections.Totals) []comparison {
	latest := map[string]bool{}
	for _, byDay := range []map[string]uint64{t.Real.ByDay, t.Example.ByDay} {
		sorted := slices.Sorted(maps.Keys(byDay))
		for _, d := range sorted[max(0, len(sorted)-daysShown):] {
			latest[d] = true
		}
	}
	var out []comparison
	for _, d := range slices.Backward(slices.Sorted(maps.Keys(latest))) {
		out = append(out, comparison{day(d), "/entries?day=" + d, t.Real.ByDay[d], t.Example.ByDay[d]})
	}
	return out
}

func noun(n uint64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func (p *Pages) home(w http.ResponseWriter, r *http.Request) {
	reader, size := p.shown.Reader()
	totals, err := p.shown.Totals()
	if err != nil {
		p.fail(w, r, err)
		return
	}
	recent, err := reader.Recent(looksBack)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	l := newLookup(reader)
	lines, err := l.newest(recent)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	signed := ""
	if t, ok := p.shown.Published(); ok {
		signed = ago(t, p.now())
	}
	p.show(w, r, http.StatusOK, "home", frame{Section: "home", Body: struct {
		Real, Example []tally
		Examples      uint64
		Organizations int
		Size          events.Size
		Signed        string
		Lines         []line
		Uses, Days    []comparison
	}{
		tallies(totals.Real), tallies(totals.Example), totals.Example.Entries, organizations(totals.Real), size, signed, lines, uses(totals), days(totals),
	}})
}

// organizations is how many real organizations said something.
func organizations(c projections.Counts) (n int) {
	for id := range c.ByOrganization {
		if id != "" {
			n++
		}
	}
	return n
}

// base is the address of this site as the reader typed it, for command lines.
func base(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
