package witness

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

func send(t *testing.T, method, url string, body []byte) (*http.Response, string) {
	t.Helper()
	req := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body)))
	resp := must[*http.Response](t)(http.DefaultClient.Do(req))
	defer resp.Body.Close()
	return resp, string(must[[]byte](t)(io.ReadAll(resp.Body)))
}

func idOf(origin string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(origin))) }

// exchange is what is sent to a witness that has cosigned 5 of the log.
type exchange struct {
	method, path string // POST to /add-checkpoint when empty
	body         []byte
	want         int
	says         string // what is in the answer; all of it when the status is 409
}

// everyStatus meets every status code of the specification.
func everyStatus(t testing.TB, key, second testKey) map[string]exchange {
	t.Helper()
	stranger := newKey(t, testOrigin, "stranger")
	h := newHistory(t, key, 20)
	forked := newHistory(t, key, 20, 2)
	good := h.request(t, 5, 9)
	swap := func(old, new string) []byte { return bytes.Replace(good, []byte(old), []byte(new), 1) }
	spare := func() []byte { // the same hash with a spare bit, which plain base64 reads
		end := bytes.IndexByte(good[6:], '=') + 6
		b := bytes.Clone(good)
		b[end-1]++
		return b
	}
	path := Request{5, h.path(t, 5, 9), h.note(t, 9)}
	sign := func(c proof.Checkpoint, signers ...note.Signer) []byte {
		return must[[]byte](t)(note.Sign(&note.Note{Text: c.Text()}, signers...))
	}
	emptyWrong := proof.Checkpoint{Origin: second.Signer.Name(), Root: proof.Hash{1}}
	badSig := bytes.Clone(h.note(t, 9))
	badSig = bytes.Replace(badSig, []byte("\n9\n"), []byte("\n8\n"), 1) // of another text
	extension := must[[]byte](t)(note.Sign(&note.Note{Text: h.at(t, 9).Text() + "extension\n"}, key.Signer))
	long := make([]proof.Hash, 64)
	return map[string]exchange{
		"cosigned":          {body: good, want: 200, says: "— library.example/witness "},
		"same again":        {body: h.request(t, 5, 5), want: 200, says: "— library.example/witness "},
		"first of another":  {body: newHistory(t, second, 3).request(t, 0, 3), want: 200},
		"empty log":         {body: newHistory(t, second, 3).request(t, 0, 0), want: 200},
		"more signatures":   {body: Request{5, path.Path, sign(h.at(t, 9), key.Signer, stranger.Signer)}.Format(), want: 200},
		"no request":        {body: nil, want: 400, says: "empty line"},
		"not a request":     {body: []byte("hello\n\nthere\n"), want: 400},
		"no old":            {body: swap("old 5\n", ""), want: 400},
		"old with zero":     {body: swap("old 5", "old 05"), want: 400, says: "not a size"},
		"old signed":        {body: swap("old 5", "old +5"), want: 400},
		"old spaced":        {body: swap("old 5", "old  5"), want: 400},
		"old huge":          {body: swap("old 5", "old 18446744073709551615"), want: 400},
		"carriage return":   {body: swap("old 5\n", "old 5\r\n"), want: 400},
		"spare bits":        {body: spare(), want: 400, says: "one form"},
		"return in a hash":  {body: swap("=\n", "=\r\n"), want: 400},
		"short hash":        {body: swap("old 5\n", "old 5\nAAAA\n"), want: 400},
		"no padding":        {body: swap("=\n", "\n"), want: 400},
		"64 hashes":         {body: Request{5, long, h.note(t, 9)}.Format(), want: 400, says: "more than 63"},
		"63 hashes":         {body: Request{5, long[:63], h.note(t, 9)}.Format(), want: 422},
		"no note":           {body: []byte("old 5\n\n"), want: 400},
		"no signature":      {body: Request{5, nil, []byte(h.at(t, 9).Text())}.Format(), want: 400},
		"torn":              {body: good[:len(good)-1], want: 400},
		"more behind":       {body: append(bytes.Clone(good), "more\n"...), want: 400},
		"twice a key":       {body: append(bytes.Clone(good), good[bytes.LastIndex(good, []byte("\n— "))+1:]...), want: 400},
		"extension":         {body: Request{5, path.Path, extension}.Format(), want: 400},
		"too long":          {body: append(bytes.Clone(good), make([]byte, maxRequest)...), want: 400},
		"old above":         {body: Request{10, nil, h.note(t, 9)}.Format(), want: 400, says: "above"},
		"stranger":          {body: Request{5, path.Path, sign(h.at(t, 9), stranger.Signer)}.Format(), want: 403, says: "no key of the log"},
		"wrong signature":   {body: Request{5, path.Path, badSig}.Format(), want: 403},
		"unknown log":       {body: newHistory(t, newKey(t, "unknown.example", "log"), 3).request(t, 0, 3), want: 404, says: "not witnessed"},
		"old below":         {body: h.request(t, 3, 9), want: 409, says: "5\n"},
		"old zero":          {body: h.request(t, 0, 9), want: 409, says: "5\n"},
		"old beyond":        {body: h.request(t, 6, 9), want: 409, says: "5\n"},
		"gone back":         {body: h.request(t, 3, 3), want: 409, says: "5\n"},
		"nothing yet":       {body: newHistory(t, second, 9).request(t, 3, 9), want: 409, says: "0\n"},
		"no proof":          {body: Request{5, nil, h.note(t, 9)}.Format(), want: 422},
		"proof for zero":    {body: Request{0, path.Path, newHistory(t, second, 9).note(t, 9)}.Format(), want: 422},
		"proof of itself":   {body: Request{5, path.Path, h.note(t, 5)}.Format(), want: 422},
		"wrong proof":       {body: Request{5, h.path(t, 6, 9), h.note(t, 9)}.Format(), want: 422},
		"other root":        {body: forked.request(t, 5, 5), want: 422, says: "two roots"},
		"inconsistent":      {body: forked.request(t, 5, 9), want: 422},
		"empty, wrong root": {body: Request{0, nil, sign(emptyWrong, second.Signer)}.Format(), want: 422},
		"other method":      {method: "GET", path: "/add-checkpoint", want: 405},
		"put":               {method: "PUT", path: "/add-checkpoint", body: good, want: 405},
		"shown":             {method: "GET", path: "/" + idOf(testOrigin) + "/checkpoint", want: 200, says: "\n5\n"},
		"post to show":      {method: "POST", path: "/" + idOf(testOrigin) + "/checkpoint", want: 405},
		"nothing to show":   {method: "GET", path: "/" + idOf(second.Signer.Name()) + "/checkpoint", want: 404},
		"no such log":       {method: "GET", path: "/" + idOf("unknown.example") + "/checkpoint", want: 404},
		"upper case":        {method: "GET", path: "/" + strings.ToUpper(idOf(testOrigin)) + "/checkpoint", want: 404},
		"elsewhere":         {method: "GET", path: "/x", want: 404},
		"itself":            {method: "GET", path: "/", want: 200, says: idOf(testOrigin) + "/checkpoint " + testOrigin},
	}
}

// TestStatus goes through every status code of the specification.
func TestStatus(t *testing.T) {
	key, second := newKey(t, testOrigin, "log"), newKey(t, "second.example", "log")
	h := newHistory(t, key, 20)
	for name, test := range everyStatus(t, key, second) {
		t.Run(name, func(t *testing.T) {
			w := openWitness(t, testConfig(t, t.TempDir(), key.Verifier, second.Verifier))
			if _, err := w.AddCheckpoint(h.request(t, 0, 5)); err != nil {
				t.Fatal(err)
			}
			s := serve(t, w)
			if test.method == "" {
				test.method, test.path = "POST", "/add-checkpoint"
			}
			resp, body := send(t, test.method, s.URL+test.path, test.body)
			if resp.StatusCode != test.want || !strings.Contains(body, test.says) {
				t.Fatalf("answered %d %q, want %d with %q", resp.StatusCode, body, test.want, test.says)
			}
			if ct := resp.Header.Get("Content-Type"); resp.StatusCode == 409 && (ct != "text/x.tlog.size" || body != test.says) {
				t.Fatalf("a 409 of type %q with body %q", ct, body)
			}
			if test.method == "POST" && resp.StatusCode == 200 && !strings.HasPrefix(body, "— ") {
				t.Fatalf("answered %q", body)
			}
			if resp.StatusCode != 200 {
				if c, _ := proof.OpenCheckpoint(w.Checkpoint(t.Context(), idOf(testOrigin)), key.Verifier); c != h.at(t, 5) {
					t.Fatal("a refused request changed what was cosigned")
				}
			}
		})
	}
}

// TestCosigned: the answer, what is shown and what is taken up again say the same, with
// both kinds of keys.
func TestCosigned(t *testing.T) {
	key := newKey(t, testOrigin, "log")
	h := newHistory(t, key, 300)
	cfg := testConfig(t, t.TempDir(), key.Verifier)
	cfg.Signers = append(cfg.Signers, newSigner(t, "library.example/witness", proof.CosignerMLDSA44))
	w := must[*Witness](t)(Open(cfg))
	old := events.Size(0)
	for _, size := range []events.Size{1, 2, 7, 8, 255, 256, 300, 300} {
		lines := must[string](t)(w.AddCheckpoint(h.request(t, old, size)))
		policy := policyOf(t, "all", cfg.Signers[0].Cosigner.String(), cfg.Signers[1].Cosigner.String())
		whole := must[[]byte](t)(proof.AddCosignatures(h.note(t, size), slices.Collect(strings.Lines(lines))...))
		c, by, err := policy.Check(whole, key.Verifier)
		if err != nil || c != h.at(t, size) || !by.At.Equal(testNow) {
			t.Fatalf("%+v, %+v, %v", c, by, err)
		}
		if shown := w.Checkpoint(t.Context(), idOf(testOrigin)); !bytes.Equal(shown, whole) {
			t.Fatalf("shown is %q", shown)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w = must[*Witness](t)(Open(cfg))
		if shown := w.Checkpoint(t.Context(), idOf(testOrigin)); !bytes.Equal(shown, whole) {
			t.Fatalf("taken up is %q", shown)
		}
		old = size
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := w.AddCheckpoint(h.request(t, 300, 300))
	wantError(t, err, "closed")
}

func FuzzRequest(f *testing.F) {
	h := newHistory(f, newKey(f, testOrigin, "log"), 20)
	f.Add(h.request(f, 5, 9))
	f.Add(h.request(f, 0, 0))
	f.Add([]byte("old 1\n\n\n\n"))
	cfg := testConfig(f, f.TempDir(), h.key.Verifier)
	w := openWitness(f, cfg)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRequest(b)
		if err == nil && !bytes.Equal(r.Format(), b) {
			t.Fatalf("%q is read, and written as %q", b, r.Format())
		}
		if _, added := w.AddCheckpoint(b); err != nil && statusOf(t, added) != 400 {
			t.Fatalf("%q is malformed, and answered %v", b, added)
		}
	})
}
