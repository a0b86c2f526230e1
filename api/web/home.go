package web

import (
	"net/http"
	"strings"

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
}

// lines are found entries as a list shows them.
func (l *lookup) lines(found []projections.Found) ([]line, error) {
	out := make([]line, len(found))
	for i, f := range found {
		e, err := events.ParseEntry(f.Entry)
		if err != nil {
			return nil, err
		}
		out[i] = line{f.Position, happened(e), l.sentence(e), title(e.Kind.Name), isExample(e)}
	}
	return out, l.err
}

// happened is the day a list shows.
func happened(e *events.Entry) string {
	if at := e.Text("occurredAt"); at != "" {
		return date(at)
	}
	return date(e.Text("recordedAt"))
}

func isExample(e *events.Entry) bool {
	return e.Text("organization") == projections.ExampleOrganization
}

// tally is one figure with what it counts.
type tally struct {
	Number uint64
	Label  string
}

// tallies sort entries into what people ask about.
func tallies(c projections.Counts) []tally {
	var uses, register, ledger uint64
	for kind, n := range c.ByKind {
		switch k, _ := events.FindKind(kind); {
		case k != nil && k.IsData():
			uses += n
		case strings.HasPrefix(kind, "ledger.") || strings.HasPrefix(kind, "subject."):
			ledger += n
		default:
			register += n
		}
	}
	out := []tally{{uses, noun(uses, "use of data", "uses of data")}, {register, noun(register, "register entry", "register entries")}}
	if ledger > 0 {
		out = append(out, tally{ledger, noun(ledger, "note by the ledger itself", "notes by the ledger itself")})
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
	recent, err := reader.Recent(8)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	l := newLookup(reader)
	lines, err := l.lines(recent)
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
	}{
		tallies(totals.Real), tallies(totals.Example), totals.Example.Entries, organizations(totals.Real), size, signed, lines,
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

func (p *Pages) verify(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, "verify", frame{Title: "How to check it yourself", Section: "verify", Body: struct {
		Key, Base string
	}{p.key, base(r)}})
}

// base is the address of this site as the reader typed it, for command lines.
func base(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
