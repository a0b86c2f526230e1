package api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/api/web"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// TestChecker holds the page that checks: it is the same to use and to keep, it has its
// script and its style within itself, and its policy lets it run these and reach nobody.
func TestChecker(t *testing.T) {
	w := seeded(t)
	here, kept := w.get("/verify"), w.get("/verify.html")
	page := here.Body.String()
	if sum := sha256.Sum256(kept.Body.Bytes()); page != kept.Body.String() || hex.EncodeToString(sum[:]) != web.VerifierHash() {
		t.Error("the page that is kept is another one, or has another hash")
	}
	if how := kept.Header().Get("Content-Disposition"); how != `attachment; filename="verify.html"` || here.Header().Get("Content-Disposition") != "" {
		t.Errorf("it is kept as %q, and shown as %q", how, here.Header().Get("Content-Disposition"))
	}
	within := between(t, page, `http-equiv="Content-Security-Policy" content="`, `"`)
	for _, of := range []string{within, here.Header().Get("Content-Security-Policy"), kept.Header().Get("Content-Security-Policy")} {
		want := "default-src 'none'; script-src '" + hashOf(between(t, page, "<script>", "</script>")) + "'; style-src '" + hashOf(between(t, page, "<style>", "</style>")) +
			"'; base-uri 'none'; form-action 'none'"
		if strings.TrimSuffix(of, "; frame-ancestors 'none'") != want {
			t.Errorf("the policy is %s, and should be %s", of, want)
		}
	}
	if !strings.HasSuffix(here.Header().Get("Content-Security-Policy"), "; frame-ancestors 'none'") {
		t.Error("another page may show it within itself")
	}
	if found := regexp.MustCompile(`<(?:link|img|iframe|base|object)\b|<script[^>]|@import|url\(|\bsrc=|fetch\(|XMLHttpRequest|WebSocket|sendBeacon|localStorage|document\.cookie|\beval\(`).FindString(page); found != "" {
		t.Errorf("the page has %q", found)
	}
	if checking := w.get("/checking").Body.String(); !strings.Contains(checking, web.VerifierHash()) || !strings.Contains(checking, `href="/verify.html"`) {
		t.Error("the page about checking does not say which page it is")
	}
	if got := w.do("POST", "/verify", ""); got.Code != http.StatusMethodNotAllowed {
		t.Errorf("a POST is answered %d", got.Code)
	}
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// TestCheckingNamesKeys: the page about checking shows each key with what it is for,
// and who else signs: nobody, until the ledger says that it asks others.
func TestCheckingNamesKeys(t *testing.T) {
	w := seeded(t)
	_, index := key(t, origin+"/index")
	_, receipt := key(t, origin+"/receipt")
	page := html.UnescapeString(w.get("/checking").Body.String())
	for _, want := range []string{w.vkey, index, receipt, "signs receipts: for those alone", "asks no witness"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	data := append([]byte{proof.CosignerEd25519}, make([]byte, 32)...)
	hash := sha256.Sum256(append([]byte("library.example\n"), data...))
	witness := fmt.Sprintf("library.example+%x+%s", hash[:4], base64.StdEncoding.EncodeToString(data))
	policy := "witness library " + witness + "\nquorum library\n"
	w.record("", fmt.Appendf(nil, `{"specversion":"1.0","id":"1","source":"daybook","time":"2026-06-24T08:00:00Z","type":"org.daybook.witness.added.v1","data":{"witness":"library","key":%q,"policy":%q}}`, witness, policy))
	w.publish()
	w.fold()
	page = html.UnescapeString(w.get("/checking").Body.String())
	if !strings.Contains(page, witness) || !strings.Contains(page, policy) || strings.Contains(page, "asks no witness") {
		t.Errorf("the page does not say who cosigns: %s", page)
	}
}
