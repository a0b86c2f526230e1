package verify

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"testing"

	"github.com/dop251/goja"

	"github.com/daybook-ledger/daybook/api/web/verify/build"
	"github.com/daybook-ledger/daybook/events"
)

// quickSource takes the place of primitives.ts where thousands of files are verified:
// goja computes a block of SHA-256 in half a millisecond and a signature in forty. What
// is compared there is how files are read and judged. That hashes and signatures are
// right, the script that is served shows on all kinds of vectors.
const quickSource = `
	export const sha256 = (b) => host.sha256(b), { sha512, hmac, signed } = host; // a test counts the first
	export const p = 2n ** 255n - 19n, order = 2n ** 252n + 27742317777372353535851937790883648493n;
	export const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
`

// quick compiles the verifier with Go's hashes and signatures.
func quick(t testing.TB) *goja.Program {
	t.Helper()
	script, err := build.Script(".", "core.ts", "daybook", map[string]string{"primitives.ts": quickSource})
	if err != nil {
		t.Fatal(err)
	}
	program, err := goja.Compile("quick.js", string(script), true)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// offer gives a script the host that quickSource names.
func offer(vm *goja.Runtime) {
	host := vm.NewObject()
	for name, f := range map[string]any{
		"sha256": func(b string) string { s := sha256.Sum256(bytesOf(b)); return textOf(s[:]) },
		"sha512": func(b string) string { s := sha512.Sum512(bytesOf(b)); return textOf(s[:]) },
		"hmac":   func(k, m string) string { s := events.MAC(bytesOf(k), bytesOf(m)); return textOf(s[:]) },
		"signed": func(k, m, s string) bool {
			return len(bytesOf(k)) == ed25519.PublicKeySize && ed25519.Verify(bytesOf(k), bytesOf(m), bytesOf(s))
		},
	} {
		_ = host.Set(name, f)
	}
	_ = vm.Set("host", host)
}

// bytesOf is what a string of the script, with a character for each byte, stands for.
func bytesOf(s string) []byte {
	out := make([]byte, 0, len(s))
	for _, c := range s {
		out = append(out, byte(c))
	}
	return out
}

func textOf(b []byte) string {
	out := make([]rune, len(b))
	for i, c := range b {
		out[i] = rune(c)
	}
	return string(out)
}
