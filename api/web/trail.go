package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Trails opens cards here, for who agreed to have it done by this server.
type Trails interface {
	// Open finds and checks all that a card leads to. A *TrailError says what is
	// wrong with the card or, much worse, with the ledger.
	Open(ctx context.Context, card proof.Card) (Trail, error)
}

// Trail is what a card leads to, checked.
type Trail struct {
	Ended     string      // a sentence: why the card shows nothing newer; "" when it does
	Lines     []TrailLine // oldest first
	Proven    []string    // sentences: what the proofs show
	NotProven []string    // and what they do not
}

// TrailLine is one entry of a person's trail.
type TrailLine struct {
	Position events.Index
	Entry    *events.Entry
	Details  []events.Disclosure
	Hidden   bool // a seal hid it until it was lifted
}

// TrailError says in a sentence why a trail is not shown.
type TrailError struct {
	Said     string
	Convicts bool // it is the ledger that is wrong
}

func (e *TrailError) Error() string { return e.Said }

// maxCardForm is far above any card.
const maxCardForm = 16 << 10

// trailPage is the page that opens a card.
type trailPage struct {
	Script  string
	Origin  string // of this ledger, and the key it signs with
	Key     string
	Wrong   string // what is wrong with what was sent
	Opened  bool
	Verdict string
	Trail   *shownTrail
}

type shownTrail struct {
	Ended             string
	Lines             []shownLine
	Proven, NotProven []string
}

type shownLine struct {
	Position events.Index
	Title    string
	Example  bool
	Hidden   bool
	Sentence phrase
	Details  []detail
}

// MountTrails adds the page that opens a card.
func (p *Pages) MountTrails(mux v1.Mux, trails Trails) {
	p.cards = true
	mux.HandleFunc("GET /trail", func(w http.ResponseWriter, r *http.Request) {
		if _, err := v1.Query(r); err != nil {
			p.fail(w, r, err)
			return
		}
		p.showTrail(w, r, http.StatusOK, trailPage{})
	})
	mux.HandleFunc("POST /trail", func(w http.ResponseWriter, r *http.Request) { p.openTrail(w, r, trails) })
}

// openTrail answers who sent a card. Nothing of the request is logged or kept.
func (p *Pages) openTrail(w http.ResponseWriter, r *http.Request, trails Trails) {
	w.Header().Set("Cache-Control", "no-store")
	card, wrong := sentCard(w, r)
	if wrong != "" {
		p.showTrail(w, r, http.StatusUnprocessableEntity, trailPage{Wrong: wrong})
		return
	}
	if c, _ := p.shown.Ledger.Checkpoint(); card.Origin() != c.Origin {
		p.showTrail(w, r, http.StatusUnprocessableEntity, trailPage{Wrong: "This card is of another ledger, " + card.Origin() + "."})
		return
	}
	if p.key != "" && card.Log != p.key {
		p.showTrail(w, r, http.StatusUnprocessableEntity, trailPage{Wrong: "This card names another key than this ledger signs with, so it is not one that this ledger made. Tell the office who gave it to you."})
		return
	}
	t, err := trails.Open(r.Context(), card)
	var bad *TrailError
	switch {
	case errors.As(err, &bad) && bad.Convicts:
		p.showTrail(w, r, http.StatusOK, trailPage{Opened: true, Verdict: "Something is wrong with this ledger. " + sentenceCase(bad.Said)})
	case errors.As(err, &bad):
		p.showTrail(w, r, http.StatusUnprocessableEntity, trailPage{Wrong: sentenceCase(bad.Said)})
	case err != nil:
		p.fail(w, r, err)
	default:
		p.tellTrail(w, r, t)
	}
}

func (p *Pages) tellTrail(w http.ResponseWriter, r *http.Request, t Trail) {
	reader, _ := p.shown.Reader()
	l := newLookup(reader)
	out := &shownTrail{Ended: t.Ended, Proven: t.Proven, NotProven: t.NotProven}
	for _, line := range t.Lines {
		sentence := l.sentence(line.Entry)
		if line.Entry.Kind.Coarse && !line.Entry.Kind.Seals {
			sentence = dated(line.Entry, sentence)
		}
		out.Lines = append(out.Lines, shownLine{
			line.Position, title(line.Entry.Kind.Name), isExample(line.Entry), line.Hidden, sentence, detailRows(line.Details),
		})
	}
	if l.err != nil {
		p.fail(w, r, l.err)
		return
	}
	p.showTrail(w, r, http.StatusOK, trailPage{Opened: true, Trail: out})
}

// sentCard is the card in a form, or what is wrong with it, in a sentence.
func sentCard(w http.ResponseWriter, r *http.Request) (card proof.Card, wrong string) {
	r.Body = http.MaxBytesReader(w, r.Body, maxCardForm)
	if err := r.ParseForm(); err != nil {
		return card, "What you sent is no form of ours."
	}
	if r.PostForm.Get("consent") != "yes" {
		return card, "The card was not opened, because you did not agree that this server opens it."
	}
	card, err := readCard(r.PostForm.Get("card"))
	if err != nil {
		return card, "That is not a trail card. A card has a link that begins with https, or some ten lines of text."
	}
	return card, ""
}

// readCard reads a card as a browser sends its text, or as people copy its link: with
// line breaks, and whatever address stands before it, as a ledger may have moved.
func readCard(s string) (proof.Card, error) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "daybook/card@") {
		return proof.ParseCard([]byte(strings.ReplaceAll(s, "\r\n", "\n") + "\n"))
	}
	s = strings.Join(strings.Fields(s), "")
	return proof.ParseCardLink(s[strings.LastIndexByte(s, '#')+1:])
}

// showTrail is show for the one page with a script, which asks this ledger and nobody
// else, and with what nobody else should see: it is not kept.
func (p *Pages) showTrail(w http.ResponseWriter, r *http.Request, status int, page trailPage) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", h.Get("Content-Security-Policy")+"; script-src 'self'; connect-src 'self'")
	c, _ := p.shown.Ledger.Checkpoint()
	page.Script, page.Origin, page.Key = p.trailScript, c.Origin, p.key
	p.show(w, r, status, "trail", frame{Title: "Your trail", Section: "trail", Body: page})
}
