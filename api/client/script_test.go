package client_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/api/web/verify/build"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// scriptHost is what the script of the page for cards has in these tests: Go's hashes
// and signatures, since they are slow here, and a ledger that answers at once.
const scriptHost = `
	const host = {};
	const fetch = (path, init) => {
		const r = ask(init.method || "GET", path, init.body || "");
		const parts = [new Uint8Array(r.bytes)];
		return Promise.resolve({ok: r.status === 200, status: r.status, body: {getReader: () => ({
			read: () => Promise.resolve(parts.length > 0 ? {done: false, value: parts.pop()} : {done: true}),
		})}});
	};
	const AbortController = class { signal = {aborted: false}; abort() {} };
	const setTimeout = () => 0, clearTimeout = () => {};
`

const scriptPrimitives = `
	export const { sha256, sha512, hmac, signed } = host;
	export const p = 2n ** 255n - 19n, order = 2n ** 252n + 27742317777372353535851937790883648493n;
	export const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
`

// script is that page's, without the page.
type script struct {
	*town
	vm    *goja.Runtime
	index client.Index
	// What stands below the signatures of the ledger and of the index besides, and the
	// policy that the person gives.
	cosigned [2]string
	policy   string
}

var compiled = func() func(testing.TB) *goja.Program {
	var program *goja.Program
	return func(t testing.TB) *goja.Program {
		if program == nil {
			source, err := build.Script("../web/verify", "trail/open.ts", "trail", map[string]string{"primitives.ts": scriptPrimitives})
			check(t, err)
			program, err = goja.Compile("trail.js", scriptHost+"Object.assign(host, given);"+string(source), false)
			check(t, err)
		}
		return program
	}
}()

func newScript(c *town, index client.Index) *script {
	s := &script{town: c, vm: goja.New(), index: index}
	check(c, s.vm.Set("ask", s.ask))
	check(c, s.vm.Set("given", map[string]any{
		"sha256": func(b string) string { s := sha256.Sum256(octets(b)); return characters(s[:]) },
		"sha512": func(b string) string { s := sha512.Sum512(octets(b)); return characters(s[:]) },
		"hmac":   func(k, m string) string { s := events.MAC(octets(k), octets(m)); return characters(s[:]) },
		"signed": func(k, m, s string) bool {
			return len(octets(k)) == ed25519.PublicKeySize && ed25519.Verify(octets(k), octets(m), octets(s))
		},
	}))
	_, err := s.vm.RunProgram(compiled(c))
	check(c, err)
	return s
}

// octets are the bytes that a string of the script stands for, a character for each.
func octets(s string) (out []byte) {
	for _, c := range s {
		out = append(out, byte(c))
	}
	return out
}

func characters(b []byte) string {
	out := make([]rune, len(b))
	for i, c := range b {
		out[i] = rune(c)
	}
	return string(out)
}

// ask answers as the ledger's addresses do.
func (s *script) ask(method, path, body string) map[string]any {
	b, err := s.answer(method, path, body)
	if err != nil {
		b, _ = json.Marshal(map[string]string{"detail": err.Error()})
		return map[string]any{"status": http.StatusInternalServerError, "bytes": s.vm.NewArrayBuffer(b)}
	}
	if path == "/checkpoint" {
		b = append(slices.Clone(b), s.cosigned[0]...)
	}
	return map[string]any{"status": http.StatusOK, "bytes": s.vm.NewArrayBuffer(b)}
}

func (s *script) answer(method, path, body string) ([]byte, error) {
	if method == http.MethodGet {
		return s.Read(s.Context(), strings.TrimPrefix(path, "/"))
	}
	if path != "/v1/index/proofs" {
		return nil, fmt.Errorf("nobody answers %s", path)
	}
	var in struct{ Ranges, LabelRanges []string }
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		return nil, err
	}
	var q client.Question
	for _, x := range []struct {
		from []string
		to   *[]proof.Prefix
	}{{in.Ranges, &q.Ranges}, {in.LabelRanges, &q.LabelRanges}} {
		for _, text := range x.from {
			p, err := proof.ParsePrefix(text)
			if err != nil {
				return nil, err
			}
			*x.to = append(*x.to, p)
		}
	}
	a, err := s.index.Prove(s.Context(), q)
	if err != nil {
		return nil, err
	}
	a.Proof.Note = append(slices.Clone(a.Proof.Note), s.cosigned[1]...)
	positions := map[string]events.Index{}
	for label, at := range a.Positions {
		positions[base64.RawURLEncoding.EncodeToString(label[:])] = at
	}
	return json.Marshal(map[string]any{"proof": string(a.Proof.Format()), "positions": positions})
}

// seen is what the script says of a card.
type seen struct {
	Bundle   []byte // "" when something is wrong
	Ended    string
	Hers     int    // entries that the index does not cover
	Said     string // what is wrong
	Bad      bool   // with the ledger
	Evidence []byte
}

// open has the script open a card.
func (s *script) open(card proof.Card, held *proof.Bundle) (out seen) {
	s.Helper()
	kept := goja.Null()
	if held != nil {
		kept = s.vm.ToValue(s.vm.NewArrayBuffer(held.Format()))
	}
	check(s, s.vm.Set("kept", kept))
	check(s, s.vm.Set("card", string(card.Text())))
	check(s, s.vm.Set("policy", s.policy))
	_, err := s.vm.RunString(`
		var out = {said: "it does not come to an end"};
		const join = (b) => Array.from(b, (c) => String.fromCharCode(c)).join("");
		trail.openCard(card, kept && new Uint8Array(kept), policy, () => {}).then(
			(o) => { out = {bundle: join(o.bundle), ended: o.ended, hers: o.tail.hers.length, said: ""}; },
			(e) => { out = {said: String(e.message || e), bad: e.evidence !== undefined, evidence: e.evidence || ""}; });
		0`)
	check(s, err)
	result := s.vm.Get("out").ToObject(s.vm)
	text := func(name string) string {
		if v := result.Get(name); v != nil {
			return v.String()
		}
		return ""
	}
	out = seen{Bundle: octets(text("bundle")), Ended: text("ended"), Said: text("said"), Evidence: octets(text("evidence"))}
	if v := result.Get("hers"); v != nil {
		out.Hers = int(v.ToInteger())
	}
	if v := result.Get("bad"); v != nil {
		out.Bad = v.ToBoolean()
	}
	return out
}

// TestScriptFindsWhatWeFind opens the same card in both: what is found is the same but
// for what only a browser opens, and the bundle of each verifies.
func TestScriptFindsWhatWeFind(t *testing.T) {
	c, card := annsTown(t)
	want, _ := c.collect(card, nil)
	got := newScript(c, c).open(card, nil)
	b, err := proof.ParseBundle(got.Bundle)
	if err != nil {
		t.Fatalf("%v: %s", err, got.Said)
	}
	if _, err := b.Verify(card); err != nil {
		t.Error(err)
	}
	again := newScript(c, c).open(card, &want)
	if string(again.Bundle) != string(want.Format()) {
		t.Errorf("with what was kept it finds another bundle: %s", again.Said)
	}
	if got.Ended != "" || got.Hers != 0 {
		t.Errorf("%+v", got)
	}
}

// TestScriptPolicies opens a card for which too few cosigned: nothing is found and nobody
// is blamed, also where another cosigned with ML-DSA-44, which is not checked here. What
// was kept under another policy is compared all the same.
func TestScriptPolicies(t *testing.T) {
	c, card := annsTown(t)
	held, _ := c.collect(card, nil)
	b64 := base64.StdEncoding.EncodeToString
	key := append([]byte{6}, make([]byte, 1312)...)
	hash := sha256.Sum256(append([]byte("pq.example\n"), key...))
	line := "— pq.example " + b64(append(hash[:4:4], bytes.Repeat([]byte{1}, 2428)...)) + "\n"
	const library = "witness w library.example+b47721af+BBHF9LLgLT7rma0mDjpU2vBcSgLrmLNc9tttIUhzJlNh\n" // who cosigned nothing here
	pq := fmt.Sprintf("witness pq pq.example+%x+%s\n", hash[:4], b64(key))
	for _, x := range []struct {
		card, given string
		cosigned    [2]string
		says        string
	}{
		{library + "quorum w\n", "", [2]string{}, "The cosignatures that are missing: w (library.example)"},
		{library + "quorum w\n", "quorum none\n", [2]string{}, ""},
		{"quorum none\n", library + "quorum w\n", [2]string{}, "The cosignatures that are missing: w (library.example)"},
		{pq + "quorum pq\n", "", [2]string{line, line}, ""},
		{pq + "quorum pq\n", "", [2]string{line, ""}, "The cosignatures that are missing: pq (pq.example)"},
		{library + pq + "group g 2 w pq\nquorum g\n", "", [2]string{line, line}, "The cosignatures that are missing: w (library.example)"},
		{"quorum none\n", "quorum nobody\n", [2]string{}, "The policy that you gave cannot be read"},
		{"quorum none\n", "log " + card.Index + "\nquorum none\n", [2]string{}, "The policy that you gave is for other logs"},
	} {
		asks := card
		asks.Policy = x.card
		for _, kept := range []*proof.Bundle{nil, &held} {
			s := newScript(c, c)
			s.cosigned, s.policy = x.cosigned, x.given
			got := s.open(asks, kept)
			if (x.says == "") != (got.Said == "" && len(got.Bundle) > 0) || !strings.Contains(got.Said, x.says) || got.Bad {
				t.Errorf("under %.60q, given %.60q: %d bytes are found, blamed: %v: %s", x.card, x.given, len(got.Bundle), got.Bad, got.Said)
			}
		}
	}
}

// TestScriptAttacks lets the script look at every attack: it finds what we find, and
// what it gives to show others convicts.
func TestScriptAttacks(t *testing.T) {
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			c := village(t)
			held, _ := c.collect(c.card(ann), nil)
			shown := a.wrong(c, func(*town) {})
			var index client.Index = shown
			if a.index != nil {
				index = a.index(shown)
			}
			card := c.card(ann)
			if a.card.who != "" {
				card = c.cardOf(ann, a.card)
			}
			for _, x := range []struct {
				who  string
				card proof.Card
				held *proof.Bundle
			}{{returning, c.card(ann), &held}, {newcomer, card, nil}} {
				got := newScript(shown, index).open(x.card, x.held)
				if finds := got.Bad || got.Ended != "" || got.Hers > 0; finds != slices.Contains(a.found, x.who) || got.Said != "" && !got.Bad {
					t.Errorf("%s: %+v", x.who, got)
				}
				shown.convicts(x.card, x.held, index, got)
			}
		})
	}
}

// convicts holds that the script gives evidence where we do, of the same kind.
func (c *town) convicts(card proof.Card, held *proof.Bundle, index client.Index, got seen) {
	c.Helper()
	bad := c.blames(card, held, index)
	if (bad != nil && bad.Evidence != nil) != (len(got.Evidence) > 0) {
		c.Errorf("we blame it with %v, and the script with %q (%s)", bad, got.Evidence, got.Said)
		return
	}
	if len(got.Evidence) == 0 {
		return
	}
	e, err := proof.ParseEvidence(got.Evidence)
	if err != nil || e.Kind != bad.Evidence.Kind {
		c.Errorf("the evidence is of kind %q, and ours of kind %q: %v: %s", e.Kind, bad.Evidence.Kind, err, got.Evidence)
		return
	}
	for _, key := range []string{card.Index, card.Log} {
		v, err := proof.ParseVerifierKey(key)
		check(c, err)
		if _, err = e.Verify(v); err == nil {
			return
		}
	}
	c.Errorf("the evidence convicts nobody: %s", got.Evidence)
}

// blames is what our own program says of a ledger, nil when it has nothing to say.
func (c *town) blames(card proof.Card, held *proof.Bundle, index client.Index) *client.Misbehaviour {
	follow := c.trail(card, held)
	follow.Index = index
	_, err := follow.Collect(c.Context())
	var bad *client.Misbehaviour
	errors.As(err, &bad)
	return bad
}
