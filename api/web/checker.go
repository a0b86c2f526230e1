package web

import (
	"crypto/sha256"
	_ "embed" // the page that checks
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

//go:embed dist/verify.html
var checker []byte

// VerifierHash is the SHA-256 of the page that checks files, in lower-case hex as
// sha256sum prints it. The page is the same in every ledger of this version.
func VerifierHash() string {
	sum := sha256.Sum256(checker)
	return hex.EncodeToString(sum[:])
}

// checkerPolicy is the Content-Security-Policy of the page that checks: the one that
// stands in it, and that no other page may show it within itself.
func checkerPolicy() string {
	_, rest, _ := strings.Cut(string(checker), `http-equiv="Content-Security-Policy" content="`)
	policy, _, _ := strings.Cut(rest, `"`)
	return policy + "; frame-ancestors 'none'"
}

// serveChecker answers with the page that checks, to be used or to be kept.
func (p *Pages) serveChecker(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", checkerPolicy())
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Length", strconv.Itoa(len(checker)))
	if r.URL.Path == "/verify.html" {
		h.Set("Content-Disposition", `attachment; filename="verify.html"`)
	}
	w.Write(checker) //nolint:errcheck // who asked is gone; there is nobody to tell
}

// checkingPage is what the page about checking says of this ledger.
type checkingPage struct {
	Key, Base, Hash string
	Keys            []namedKey      // and what each is for; none when nothing is published
	Policy          string          // whose cosignatures a checkpoint needs
	Witnesses       []proof.Witness // whom Policy names
}

type namedKey struct{ Name, Key, For string }

// checking says how to check, and what a check shows.
func (p *Pages) checking(w http.ResponseWriter, r *http.Request) {
	page := checkingPage{Key: p.key, Base: base(r), Hash: VerifierHash()}
	var unpublished *events.Problem
	if err := p.tellKeys(&page); err != nil && !errors.As(err, &unpublished) {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, "checking", frame{Title: "How to check it yourself", Section: "checking", Body: page})
}

// tellKeys fills in who signs, as entry 0 and what the ledger said last of its
// witnesses have it.
func (p *Pages) tellKeys(page *checkingPage) error {
	e, err := p.shown.Opened()
	if err != nil {
		return err
	}
	if page.Policy, err = p.shown.Policy(); err != nil {
		return err
	}
	policy, err := proof.ParsePolicy([]byte(page.Policy))
	if err != nil {
		return err
	}
	page.Witnesses = policy.Witnesses
	page.Keys = []namedKey{
		{"Log key", e.Text("keys.log"), "signs checkpoints: for proofs, presentations, checkpoints and evidence"},
		{"Index key", e.Text("keys.index"), "signs what the index says: for an index proof or a checkpoint of the index by itself; a card has it"},
		{"Receipt key", e.Text("keys.receipt"), "signs receipts: for those alone"},
	}
	return nil
}
