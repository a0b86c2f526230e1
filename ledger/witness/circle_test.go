package witness

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// town is a log with witnesses that serve, each with keys of its own.
type town struct {
	log     *history
	witness []*Witness
	served  []*httptest.Server
	down    []atomic.Bool
	asked   []atomic.Int32
	policy  proof.Policy
	now     time.Time
	slow    time.Duration // to show what was cosigned
}

// newTown makes n witnesses under a policy that needs so many of them.
func newTown(t *testing.T, need string, n int) *town {
	t.Helper()
	key := newKey(t, testOrigin, "log")
	w := &town{log: newHistory(t, key, 100), down: make([]atomic.Bool, n), asked: make([]atomic.Int32, n), now: testNow}
	var lines []string
	for i := range n {
		cfg := testConfig(t, t.TempDir(), key.Verifier)
		w.witness = append(w.witness, openWitness(t, cfg))
		handler := w.witness[i].Handler()
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.asked[i].Add(1)
			if r.Method == http.MethodGet {
				time.Sleep(w.slow)
			}
			if w.down[i].Load() {
				http.Error(rw, "closed today", http.StatusServiceUnavailable)
				return
			}
			handler.ServeHTTP(rw, r)
		}))
		t.Cleanup(server.Close)
		w.served = append(w.served, server)
		lines = append(lines, cfg.Signers[0].Cosigner.String()+" "+server.URL+"/")
	}
	w.policy = policyOf(t, need, lines...)
	return w
}

func (w *town) circle(t *testing.T) *Circle {
	t.Helper()
	return must[*Circle](t)(NewCircle(CircleConfig{
		Policy: w.policy, Key: w.log.key.Verifier, Timeout: 2 * time.Second, Grace: 200 * time.Millisecond,
		Now: func() time.Time { return w.now },
	}))
}

func (w *town) prove(t *testing.T, size events.Size) func(context.Context, events.Size) ([]proof.Hash, error) {
	return func(_ context.Context, old events.Size) ([]proof.Hash, error) { return w.log.path(t, old, size), nil }
}

func (w *town) cosign(t *testing.T, c *Circle, size events.Size) (names []string, err error) {
	t.Helper()
	msg, held, err := c.Cosign(t.Context(), w.log.note(t, size), w.prove(t, size))
	if err != nil {
		return nil, err
	}
	if len(held) > 0 {
		t.Fatalf("held: %+v", held)
	}
	at, by, err := w.policy.Check(msg, w.log.key.Verifier)
	if err != nil || at != w.log.at(t, size) {
		t.Fatalf("%+v, %v", at, err)
	}
	if known, err := c.Known(msg); err != nil || !known.Equal(testNow) {
		t.Fatalf("known at %v: %v", known, err)
	}
	_, lines, _ := strings.Cut(string(msg), "\n\n")
	list := strings.SplitAfter(lines, "\n")
	for i, b := range by.By { // behind the log's own, in the order of the policy
		names = append(names, b.Witness)
		at := slices.IndexFunc(w.policy.Witnesses, func(p proof.Witness) bool { return p.Name == b.Witness })
		made, err := proof.Cosignatures([]byte(list[i+1]), w.log.at(t, size).Text(), w.policy.Witnesses[at].Key)
		if err != nil || len(made) != 1 {
			t.Fatalf("line %d of %q is not of %s: %v", i+1, msg, b.Witness, err)
		}
	}
	return names, nil
}

// TestCircle: who is there cosigns, whatever he cosigned before, and below the quorum
// nothing comes back.
func TestCircle(t *testing.T) {
	w := newTown(t, "2", 3)
	c := w.circle(t)
	all := []string{"w1", "w2", "w3"}
	for _, size := range []events.Size{0, 3, 8, 8, 64} {
		if names, err := w.cosign(t, c, size); err != nil || !slices.Equal(names, all) {
			t.Fatalf("size %d: %v, %v", size, names, err)
		}
	}
	if n := w.asked[0].Load(); n != 5 {
		t.Fatalf("asked %d times for 5 checkpoints", n)
	}
	again := w.circle(t) // one that does not know what they cosigned
	if names, err := w.cosign(t, again, 70); err != nil || !slices.Equal(names, all) {
		t.Fatalf("%v, %v", names, err)
	}
	if n := w.asked[0].Load(); n != 7 {
		t.Fatalf("asked %d times", n)
	}
	w.down[1].Store(true)
	if names, err := w.cosign(t, c, 71); err != nil || !slices.Equal(names, []string{"w1", "w3"}) {
		t.Fatalf("%v, %v", names, err)
	}
	before := w.asked[1].Load()
	if _, err := w.cosign(t, c, 72); err != nil || w.asked[1].Load() != before {
		t.Fatal("who just failed was asked at once", err)
	}
	w.down[2].Store(true)
	_, err := w.cosign(t, c, 73)
	wantError(t, err, "no quorum all-of-them: w1 cosigned; w2 failed before (it answered 503: closed today) and is asked again in 500ms; w3: it answered 503")
	before = w.asked[0].Load()
	_, err = w.cosign(t, c, 73)
	wantError(t, err, "no quorum all-of-them: nobody cosigned; w2 failed before")
	if w.asked[0].Load() != before {
		t.Fatal("one was asked though the others could not make a quorum with it")
	}
	w.down[1].Store(false)
	w.now = w.now.Add(time.Minute)
	if names, err := w.cosign(t, c, 74); err != nil || !slices.Equal(names, []string{"w1", "w2"}) {
		t.Fatalf("%v, %v", names, err)
	}
}

// TestCircleHeld: what a witness holds that the log does not continue comes back, also
// beside a quorum.
func TestCircleHeld(t *testing.T) {
	for name, test := range map[string]struct {
		of   func(*testing.T, testKey) *history
		size events.Size // the witness cosigned
		held bool
	}{
		"a beginning":  {func(t *testing.T, k testKey) *history { return newHistory(t, k, 90) }, 9, false},
		"ahead":        {func(t *testing.T, k testKey) *history { return newHistory(t, k, 90) }, 60, true},
		"another":      {func(t *testing.T, k testKey) *history { return newHistory(t, k, 90, 4) }, 9, true},
		"at its size":  {func(t *testing.T, k testKey) *history { return newHistory(t, k, 90, 4) }, 50, true},
		"power of two": {func(t *testing.T, k testKey) *history { return newHistory(t, k, 90, 4) }, 8, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "1", 2)
			other := test.of(t, w.log.key)
			if _, err := w.witness[1].AddCheckpoint(other.request(t, 0, test.size)); err != nil {
				t.Fatal(err)
			}
			c := w.circle(t)
			w.slow = 300 * time.Millisecond // longer than the others are waited for
			msg, held, err := c.Cosign(t.Context(), w.log.note(t, 50), w.prove(t, 50))
			if err != nil || (len(held) == 1) != test.held {
				t.Fatalf("%q, %+v, %v", msg, held, err)
			}
			heads, err := c.Heads(t.Context())
			if err != nil || len(heads) != 2 {
				t.Fatalf("%+v, %v", heads, err)
			}
			if !test.held {
				return
			}
			if at, err := proof.OpenCheckpoint(held[0].Note, w.log.key.Verifier); err != nil || at != other.at(t, test.size) || held[0].From != "the witness w2" {
				t.Fatalf("held: %+v, %v", held, err)
			}
		})
	}
}

// TestCircleHeads: who has nothing holds nothing, and who cannot be asked is named
// beside what the others hold.
func TestCircleHeads(t *testing.T) {
	w := newTown(t, "all", 3)
	if _, err := w.witness[0].AddCheckpoint(w.log.request(t, 0, 5)); err != nil {
		t.Fatal(err)
	}
	w.down[2].Store(true)
	heads, err := w.circle(t).Heads(t.Context())
	wantError(t, err, "asking the witness w3: it answered 503")
	if len(heads) != 1 || heads[0].From != "the witness w1" {
		t.Fatalf("%+v", heads)
	}
}

// TestCircleStrange: whatever a witness answers, it is not given, and what is wrong is
// said.
func TestCircleStrange(t *testing.T) {
	key := newKey(t, testOrigin, "log")
	h := newHistory(t, key, 20)
	mine := newSigner(t, "library.example/witness", proof.CosignerEd25519)
	line := must[string](t)(mine.Cosign(h.at(t, 9).Text(), testNow))
	other := must[string](t)(newSigner(t, "library.example/witness", proof.CosignerEd25519).Cosign(h.at(t, 9).Text(), testNow))
	older := must[string](t)(mine.Cosign(h.at(t, 8).Text(), testNow))
	for name, test := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"good":          {200, line, ""},
		"among others":  {200, other + line, ""},
		"nothing":       {200, "", "reading the answer"},
		"another key":   {200, other, "no cosignature of the key"},
		"of other text": {200, older, "not valid"},
		"twice":         {200, line + line, "more than one"},
		"noise":         {200, "hello\n", "reading the answer"},
		"cut off":       {200, line[:len(line)-1], "reading the answer"},
		"endless":       {200, strings.Repeat("x", maxNote+1), "more than 65536 bytes"},
		"redirected":    {302, "elsewhere", "answered 302: elsewhere"},
		"no size":       {409, "five\n", "409 without a size"},
		"no newline":    {409, "5", "409 without a size"},
		"zero in front": {409, "05\n", "409 without a size"},
		"stubborn":      {409, "5\n", "it cosigned size 5 last"},
		"ahead":         {409, "50\n", "it cosigned size 50 last; and asked what it holds: it answered 409"},
		"refused":       {422, "no\x1b[31m, \xff\nsecond line", "answered 422: no?[31m, ?"},
		"broken":        {500, "", "answered 500"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				asked++
				rw.Header().Set("Location", "http://127.0.0.1:1/")
				rw.WriteHeader(test.status)
				fmt.Fprint(rw, test.body)
			}))
			defer s.Close()
			c := must[*Circle](t)(NewCircle(CircleConfig{Policy: policyOf(t, "any", mine.Cosigner.String()+" "+s.URL), Key: key.Verifier}))
			msg, held, err := c.Cosign(t.Context(), h.note(t, 9), (&town{log: h}).prove(t, 9))
			if asked > 2 || len(held) > 0 {
				t.Fatalf("asked %d times, held %+v", asked, held)
			}
			if test.want != "" {
				wantError(t, err, test.want)
			} else if _, known := c.Known(msg); err != nil || known != nil {
				t.Fatal(err, known)
			}
		})
	}
}

// TestCircleSlow: a quorum does not wait for who is slow longer than a moment, nobody
// who is needed is waited for longer than the time-out, and what is asked can be ended.
func TestCircleSlow(t *testing.T) {
	w := newTown(t, "1", 1)
	hangs := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hangs:
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	defer close(hangs)
	second := newSigner(t, "paper.example/witness", proof.CosignerEd25519)
	both := []string{w.witness[0].Keys()[0].String() + " " + w.served[0].URL, second.Cosigner.String() + " " + slow.URL}
	circle := func(need string, timeout time.Duration) *Circle {
		return must[*Circle](t)(NewCircle(CircleConfig{
			Policy: policyOf(t, need, both...), Key: w.log.key.Verifier, Timeout: timeout, Grace: 20 * time.Millisecond,
		}))
	}
	begun := time.Now()
	if _, _, err := circle("1", time.Minute).Cosign(t.Context(), w.log.note(t, 5), w.prove(t, 5)); err != nil {
		t.Fatal(err)
	}
	_, _, err := circle("2", 100*time.Millisecond).Cosign(t.Context(), w.log.note(t, 6), w.prove(t, 6))
	wantError(t, err, "no quorum all-of-them: w1 cosigned; w2: ")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err = circle("2", time.Minute).Cosign(ctx, w.log.note(t, 7), w.prove(t, 7)); err == nil {
		t.Fatal("there was a quorum")
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Fatalf("it took %v", took)
	}
}

// TestCircleKeys: one address with two keys is asked once, and both count.
func TestCircleKeys(t *testing.T) {
	key := newKey(t, testOrigin, "log")
	h := newHistory(t, key, 20)
	cfg := testConfig(t, t.TempDir(), key.Verifier)
	cfg.Signers = append(cfg.Signers, newSigner(t, "library.example/witness", proof.CosignerMLDSA44))
	asked := 0
	handler := openWitness(t, cfg).Handler()
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked++
		handler.ServeHTTP(rw, r)
	}))
	defer s.Close()
	policy := policyOf(t, "all", cfg.Signers[0].Cosigner.String()+" "+s.URL, cfg.Signers[1].Cosigner.String()+" "+s.URL+"/")
	c := must[*Circle](t)(NewCircle(CircleConfig{Policy: policy, Key: key.Verifier}))
	for i, size := range []events.Size{5, 9} {
		msg, _, err := c.Cosign(t.Context(), h.note(t, size), (&town{log: h}).prove(t, size))
		if err != nil || asked != i+1 {
			t.Fatalf("asked %d times: %v", asked, err)
		}
		if _, by, err := policy.Check(msg, key.Verifier); err != nil || len(by.By) != 2 {
			t.Fatalf("%+v, %v", by, err)
		}
	}
}

// TestCircleRefuses: policies that could never be met by asking.
func TestCircleRefuses(t *testing.T) {
	key := newKey(t, testOrigin, "log").Verifier
	w := newSigner(t, "library.example/witness", proof.CosignerEd25519).Cosigner.String()
	for _, test := range []struct{ policy, want string }{
		{"witness a " + w + "\nquorum a\n", "no address"},
		{"witness a " + w + " ftp://a.example\nquorum a\n", "not the address"},
		{"witness a " + w + " http://a.example/?b\nquorum a\n", "not the address"},
		{"witness a " + w + " https:///path\nquorum a\n", "not the address"},
		{"witness a " + w + "\nquorum none\n", ""},
		{"quorum none\n", ""},
	} {
		c, err := NewCircle(CircleConfig{Policy: must[proof.Policy](t)(proof.ParsePolicy([]byte(test.policy))), Key: key})
		if test.want != "" {
			wantError(t, err, test.want)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		h := newHistory(t, newKey(t, testOrigin, "log"), 3)
		if msg, _, err := c.Cosign(t.Context(), h.note(t, 3), nil); err != nil || string(msg) != string(h.note(t, 3)) {
			t.Fatalf("%q, %v", msg, err)
		}
	}
	if _, err := NewCircle(CircleConfig{}); err == nil {
		t.Fatal("without a key")
	}
}

// TestCircleReplay: an answer to an earlier question, given again, does not set back when
// a checkpoint was known.
func TestCircleReplay(t *testing.T) {
	key := newKey(t, testOrigin, "log")
	h := newHistory(t, key, 9)
	signer := newSigner(t, "library.example/witness", proof.CosignerEd25519)
	answer := ""
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, answer) }))
	defer s.Close()
	c := must[*Circle](t)(NewCircle(CircleConfig{Policy: policyOf(t, "1", signer.Cosigner.String()+" "+s.URL), Key: key.Verifier}))
	msg := h.note(t, 9)
	for _, hour := range []time.Duration{1, 0, 2} {
		answer = must[string](t)(signer.Cosign(h.at(t, 9).Text(), testNow.Add(hour*time.Hour)))
		var err error
		if msg, _, err = c.Cosign(t.Context(), msg, func(context.Context, events.Size) ([]proof.Hash, error) { return nil, nil }); err != nil {
			t.Fatal(err)
		}
		if at := must[time.Time](t)(c.Known(msg)); !at.Equal(testNow.Add(max(hour, 1) * time.Hour)) {
			t.Errorf("answered with hour %d it is known at %v", hour, at)
		}
	}
}

// TestCircleStalls: who refuses and then shows nothing for as long as he may is waited
// for once, when the others are a quorum.
func TestCircleStalls(t *testing.T) {
	w := newTown(t, "1", 2)
	ended := make(chan struct{})
	stall := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Error(rw, "no", http.StatusUnprocessableEntity)
			return
		}
		select {
		case <-r.Context().Done():
		case <-ended:
		}
	}))
	defer stall.Close()
	defer close(ended)
	mallory := newSigner(t, "mallory.example/witness", proof.CosignerEd25519)
	w.policy = policyOf(t, "1", w.policy.Witnesses[0].Key.String()+" "+w.served[0].URL, mallory.Cosigner.String()+" "+stall.URL)
	c := must[*Circle](t)(NewCircle(CircleConfig{
		Policy: w.policy, Key: w.log.key.Verifier, Timeout: time.Second, Grace: 20 * time.Millisecond, Now: func() time.Time { return w.now },
	}))
	for i, size := range []events.Size{3, 9, 20} {
		began := time.Now()
		if _, err := w.cosign(t, c, size); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); i > 0 && took > 800*time.Millisecond {
			t.Errorf("question %d took %v", i, took)
		}
		w.now = w.now.Add(time.Minute)
	}
}
