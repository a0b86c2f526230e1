package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/daybook-ledger/daybook/api/web/verify/build"
)

// TestDistPages holds the page that checks, and the script of the page of a trail,
// against their sources.
func TestDistPages(t *testing.T) {
	fresh(t, "../dist/verify.html", onePage(t))
	script, err := build.Script(".", "trail/page.ts", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	fresh(t, "../dist/trail.js", script)
}

// onePage is the page that checks: one file with its script and its style, and a
// policy that lets it run these two and reach nobody.
func onePage(t *testing.T) []byte {
	t.Helper()
	html, err := os.ReadFile("page/page.html")
	if err != nil {
		t.Fatal(err)
	}
	script, err := build.Script(".", "page/page.ts", "daybook", nil)
	if err != nil {
		t.Fatal(err)
	}
	style := smallStyle(t, "../assets/style.css")
	if bytes.Contains(bytes.ToLower(script), []byte("</script")) || bytes.Contains(bytes.ToLower(style), []byte("</style")) {
		t.Fatal("the script or the style of the page would end within itself")
	}
	policy := "default-src 'none'; script-src '" + sourceHash(script) + "'; style-src '" + sourceHash(style) + "'; base-uri 'none'; form-action 'none'"
	return []byte(strings.NewReplacer("POLICY", policy, "STYLE", string(style), "SCRIPT", string(script)).Replace(string(html)))
}

// sourceHash is how a Content-Security-Policy names a script or a style.
func sourceHash(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// smallStyle is a style sheet without what only people read.
func smallStyle(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := api.Transform(string(b), api.TransformOptions{Loader: api.LoaderCSS, MinifyWhitespace: true, MinifySyntax: true, Charset: api.CharsetUTF8})
	if len(out.Errors) > 0 {
		t.Fatal(api.FormatMessages(out.Errors, api.FormatMessagesOptions{}))
	}
	return bytes.TrimSuffix(out.Code, []byte("\n"))
}
