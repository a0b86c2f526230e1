package web

import (
	"crypto/sha256"
	_ "embed" // the page that checks
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
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

// checking says how to check, and what a check shows.
func (p *Pages) checking(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, "checking", frame{Title: "How to check it yourself", Section: "checking", Body: struct {
		Key, Base, Hash string
	}{p.key, base(r), VerifierHash()}})
}
