package api_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/api/web"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// opener opens every card to what a world says.
type opener struct{ *world }

func (o opener) Open(context.Context, proof.Card) (web.Trail, error) { return o.opened() }

// card is a well-formed card of a world's ledger.
func (w *world) card() proof.Card {
	_, index := key(w.t, proof.IndexKeyName(origin))
	return proof.Card{
		Log: w.vkey, Index: index, URL: "https://daybook.example", Scheme: "plate", Policy: "quorum none\n",
		Trails: []proof.CardTrail{{Generation: 1, First: 1, Key: [32]byte{7}}},
	}
}

// sendCard sends the form of the page that opens cards.
func (w *world) sendCard(form string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://daybook.example/trail", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	return out
}

// trailOf is a trail of the last entries of a world, from one on.
func (w *world) trailOf(from events.Index) (t web.Trail) {
	messages, _ := w.history.state()
	for i, stored := range messages[from:] {
		msg, err := events.ParseMessage(stored.Data)
		check(w.t, err)
		e, err := events.ParseEntry(msg.Entry)
		check(w.t, err)
		t.Lines = append(t.Lines, web.TrailLine{Position: from + events.Index(i), Entry: e, Hidden: i == 0})
	}
	return t
}

// TestTrailPage tells what a card leads to, and what is wrong with it or with the
// ledger. No answer has the card in it, or may be kept.
func TestTrailPage(t *testing.T) {
	w := seeded(t)
	card, other := w.card(), w.card()
	_, other.Log = key(t, "other.example")
	_, other.Index = key(t, "other.example/index")
	forged := w.card()
	forger := ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	forgedKey, err := note.NewEd25519VerifierKey(origin, forger)
	check(t, err)
	forged.Log = forgedKey
	whole := w.trailOf(9)
	whole.Ended, whole.Proven, whole.NotProven = "It ended <b>.", []string{"A shown thing."}, []string{"Another thing."}
	text := func(c proof.Card) string { return "consent=yes&card=" + url.QueryEscape(string(c.Text())) }
	link := url.QueryEscape(card.Link())
	_, fragment, _ := strings.Cut(card.Link(), "#")
	for _, c := range []struct {
		name, form string
		trail      web.Trail
		err        error
		status     int
		want       []string
	}{
		{"a link", "consent=yes&card=" + link, whole, nil, 200, []string{"It ended &lt;b&gt;.", "2 entries about you", "A seal hid this", "A shown thing.", "Another thing.", "it could have shown you something else"}},
		{"text", text(card), web.Trail{}, nil, 200, []string{"Nothing is recorded under this card."}},
		{"a fragment in lines", "consent=yes&card=" + fragment[:100] + "%0D%0A+" + fragment[100:], web.Trail{}, nil, 200, []string{"Nothing is recorded"}},
		{"a link of before", "consent=yes&card=https://before.example/%23" + fragment, web.Trail{}, nil, 200, []string{"Nothing is recorded"}},
		{"a wrong card", text(card), web.Trail{}, &web.TrailError{Said: "it is too new"}, 422, []string{"It is too new."}},
		{"a wrong ledger", text(card), web.Trail{}, &web.TrailError{Said: "an event is hidden", Convicts: true}, 200, []string{"Something is wrong with this ledger. An event is hidden.", "keeps what shows it"}},
		{"a broken ledger", text(card), web.Trail{}, errors.New("SECRET disk"), 503, []string{"Please try again."}},
		{"another ledger's", text(other), whole, nil, 422, []string{"This card is of another ledger, other.example."}},
		{"a forger's", text(forged), whole, nil, 422, []string{"This card names another key than this ledger signs with"}},
		{"no consent", "card=" + link, whole, nil, 422, []string{"you did not agree"}},
		{"a query", "consent=yes&card=x", whole, nil, 422, []string{"That is not a trail card."}},
		{"a cut link", "consent=yes&card=" + link[:len(link)-4], whole, nil, 422, []string{"That is not a trail card."}},
		{"too much", "consent=yes&card=" + strings.Repeat("x", 17<<10), whole, nil, 422, []string{"no form of ours"}},
		{"nothing", "", whole, nil, 422, []string{"you did not agree"}},
	} {
		w.opened = func() (web.Trail, error) { return c.trail, c.err }
		got := w.sendCard(c.form)
		body := got.Body.String()
		if got.Code != c.status || strings.Contains(body, fragment[50:90]) || strings.Contains(body, "SECRET") {
			t.Errorf("%s: %d, want %d: %s", c.name, got.Code, c.status, body)
		}
		for _, want := range c.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not say %q: %s", c.name, want, body)
			}
		}
		if got.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept: %v", c.name, got.Header())
		}
	}
}

// TestOnePageHasAScript: no policy but that of the page for cards allows one of this
// site, which may ask this ledger and nobody else.
func TestOnePageHasAScript(t *testing.T) {
	w := seeded(t)
	for path, has := range map[string]bool{"/trail": true, "/": false, "/entries": false, "/checking": false, "/trail?x=1": false, "/nowhere": false, "/v1/ledger": false} {
		got := w.get(path)
		policy := got.Header().Get("Content-Security-Policy")
		if strings.Contains(policy, "; script-src 'self'; connect-src 'self'") != has || strings.Contains(got.Body.String(), "<script src") != has || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", path, policy)
		}
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH"} {
		if got := w.do(method, "/trail", ""); got.Code != http.StatusMethodNotAllowed || got.Header().Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("%s: %d, Allow %q", method, got.Code, got.Header().Get("Allow"))
		}
	}
}
