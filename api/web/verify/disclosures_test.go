package verify

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"github.com/daybook-ledger/daybook/api/web/verify/vectest"
)

// TestManyDisclosures gives a bundle with thousands of disclosures that its entry does
// not commit to: the first is refused, and the others are not hashed.
func TestManyDisclosures(t *testing.T) {
	e, hashed := newEngine(t, quick(t)), 0
	host := e.vm.Get("host").ToObject(e.vm)
	hash, _ := goja.AssertFunction(host.Get("sha256"))
	_ = host.Set("sha256", func(b goja.Value) goja.Value {
		hashed++
		v, err := hash(goja.Undefined(), b)
		if err != nil {
			t.Error(err)
		}
		return v
	})
	var many strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&many, "[\"AAAAAAAAAAAAAAAAAAAAAA\",\"x\",%d]\n", i)
	}
	bundle, card := string(read(t, "bundle-ann.bundle")), string(read(t, "card-ann.card"))
	entry := bundle[strings.Index(bundle, "{") : strings.Index(bundle, "}\n")+2]
	file := []byte(strings.Replace(bundle, entry, entry+many.String(), 1))
	if why := e.judge(t, "bundle", file, vectest.Trust{Card: card}); !strings.Contains(why, "does not commit to") || hashed > 500 {
		t.Errorf("%q after %d hashes", why, hashed)
	}
}
