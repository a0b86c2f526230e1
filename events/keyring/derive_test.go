package keyring

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/events"
)

// fixed is a keyring and a person with known keys.
func fixed() (*Keyring, *Person) {
	k := &Keyring{keys: &ledgerKeys{}}
	ledger := bytes.Repeat([]byte{0x11}, 32)
	k.keys.event = events.BoxKey("event-key", ledger)
	k.keys.fold = events.BoxKey("fold-key", ledger)
	k.keys.content = events.BoxKey("content-key", ledger)
	k.keys.lookup = events.BoxKey("lookup-key", ledger)
	p := &Person{generation: 1, root: new(secret)}
	copy(p.root[:], bytes.Repeat([]byte{0x22}, 32))
	copy(p.label[:], bytes.Repeat([]byte{0x33}, 64))
	return k, p
}

// TestVectors pins every derivation; the values were computed apart from this
// code, from the text of the package documentation.
func TestVectors(t *testing.T) {
	k, p := fixed()
	name, content, hers := k.EventName("example", "e-1"), k.Content([]byte("{}")), k.Content([]byte("{}"), p)
	lookup := k.lookupOf(Identifier{"email", "ada@example.org"})
	commitment, k1, t1, t2 := p.Commitment(), p.EventKey(1), p.Tag(1), p.Tag(2)
	box := events.BoxKey("officers", bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32))
	got := map[string]string{
		"fold key":    hex.EncodeToString(k.FoldKey()),
		"event name":  hex.EncodeToString(name[:]),
		"content":     hex.EncodeToString(content[:]),
		"her content": hex.EncodeToString(hers[:]),
		"lookup":      hex.EncodeToString(lookup[:]),
		"commitment":  hex.EncodeToString(commitment[:]),
		"event key 1": hex.EncodeToString(k1[:]),
		"tag 1":       hex.EncodeToString(t1[:]),
		"tag 2":       hex.EncodeToString(t2[:]),
		"box key":     hex.EncodeToString(box[:]),
	}
	want := map[string]string{
		"fold key":    "88b7848a50a1a73f6281c37495e0ac5a870d343304ea64db785095caa24f1229",
		"event name":  "2bf9e3b53b1ffe64d4ade82976e61792",
		"content":     "1f4509cc506604acd65f8963e84dee12ce431d469e95aa7f18c1df4995a65a76",
		"her content": "2c05d6113b2dc88f4f09a7d2ba37594ecb550be635a222cbe4044e45e2fa0d92",
		"lookup":      "36b7e6cf4cc4ccd681e8820d634a86a017a1d8c6ccd7281fd4d5064b9db89e61",
		"commitment":  "8b9614421fab6d6a7312da3f069d901d7546f9009f84fc694d608edb611472a9",
		"event key 1": "881a254d596757ee4852b91fb1887e865b5c91f669a1006b40f69ae44592adfd",
		"tag 1":       "ce324db3572602586914983df13c2091",
		"tag 2":       "3981bb140f1ec208f6585cb010a5aa84",
		"box key":     "822b61c98ab35181d147ebb9d001b9262a0eaf62e5441b5c8d6720c2dd2d11c0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("derivations (-want +got):\n%s", diff)
	}
}

func TestEventNameSplits(t *testing.T) {
	k, _ := fixed()
	if k.EventName("ab", "c") == k.EventName("a", "bc") {
		t.Error("where the source ends does not matter")
	}
}

func TestTagsAreDistinct(t *testing.T) {
	k, err := Open(Config{Dir: tempDir(t), Origin: testOrigin, Rand: seeded()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	seen := make(map[[16]byte]bool)
	for _, p := range prepare(t, k, persons("p", 20)...) {
		for i := uint64(1); i <= 100; i++ {
			tag := p.Tag(i)
			if seen[tag] {
				t.Fatal("a tag stands twice")
			}
			seen[tag] = true
			if tag != TagOf(p.EventKey(i)) || tag != p.Tag(i) {
				t.Fatal("a tag is not of its event key, or changes")
			}
		}
	}
}

// TestSeededKeyring pins what a keyring of known randomness says in public.
func TestSeededKeyring(t *testing.T) {
	k, err := Open(Config{Dir: tempDir(t), Origin: testOrigin, Rand: seeded()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	p := prepare(t, k, Identifier{"email", "ada@example.org"})[0]
	label, tag := p.Label(), p.Tag(1)
	got := fmt.Sprintf("%s %x %x %x", k.LogKey(), k.VRFKey(), label[:16], tag)
	const want = "ledger.example.org/test+f5a7bc4a+AR05thMzVBIYzWn1Ll1nEOi/W/2Kei6WohxAHjonhoT3 1ec7333ae5beed967e555274510e55a6b7d60fcd69e104dc7ffc5f0089e06c64 aca557c4ebb9e15c5469e1011b061adf 55d59a7ddd23e258d54939016997f183"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPseudonym(t *testing.T) {
	k, _ := newKeyring(t)
	seen := make(map[string]string)
	for _, of := range [][3]string{{"a", "actor", "x"}, {"b", "actor", "x"}, {"a", "case", "x"}, {"a", "actor", "y"}, {"a", "actor", ""}} {
		got, err := k.Pseudonym(of[0], of[1], of[2])
		if err != nil || len(got) != 22 || seen[got] != "" {
			t.Errorf("%v: %q (also of %s): %v", of, got, seen[got], err)
		}
		seen[got] = of[0]
		if again, _ := k.Pseudonym(of[0], of[1], of[2]); again != got {
			t.Errorf("%v: %q, then %q", of, got, again)
		}
	}
	for _, of := range [][3]string{{"", "actor", "x"}, {"a", "person", "x"}} {
		if got, err := k.Pseudonym(of[0], of[1], of[2]); err == nil {
			t.Errorf("%v has the pseudonym %q", of, got)
		}
	}
}

func TestMonthKey(t *testing.T) {
	k, dir := newKeyring(t)
	month := func(organization string, at time.Time) string {
		t.Helper()
		key, err := k.MonthKey(organization, at)
		if err != nil || len(key) != 32 {
			t.Fatalf("%d bytes: %v", len(key), err)
		}
		copied := string(key)
		clear(key) // what a caller does with it is the caller's
		return copied
	}
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if _, err := k.FindMonthKey("a", start); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("finding what is not there: %v", err)
	}
	march := month("a", start)
	if month("a", start.Add(30*24*time.Hour).In(time.FixedZone("", -12*3600))) != march {
		t.Error("one UTC month has two keys")
	}
	// Still February where the clock hangs, but the month is that of UTC.
	if month("a", start.In(time.FixedZone("", -3600))) != march {
		t.Error("the zone decides the month")
	}
	if month("a", start.Add(-time.Nanosecond)) == march || month("b", start) == march {
		t.Error("another month or organization has the same key")
	}
	k.crash(t)
	k = open(t, dir)
	if found, err := k.FindMonthKey("a", start); err != nil || string(found) != march {
		t.Errorf("after reopening another key is found: %v", err)
	}
	for _, at := range []time.Time{time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if _, err := k.MonthKey("a", at); err == nil {
			t.Errorf("%v has a key", at)
		}
	}
	if _, err := k.MonthKey("", start); err == nil {
		t.Error("nobody has a key")
	}
}

// TestNothingPrints looks for key bytes in everything that prints values.
func TestNothingPrints(t *testing.T) {
	k, p := fixed()
	k.pending = newRoster()
	k.pending.byHandle[Handle{}] = &line{generations: []*Person{p}}
	k.files = &files{vault: must(newVault([][32]byte{*p.root}, nil))(t)}
	k.keys.log = testSigner(t)
	month := secret(bytes.Repeat([]byte{0x22}, 32))
	k.shared = map[string]*secret{"months/x": &month}
	type holder struct {
		person  *Person
		keyring *Keyring
		Open    *Person
	}
	values := []any{p, k, []*Person{p}, map[string]any{"p": p, "k": k}, holder{p, k, p}, &holder{p, k, p}}
	var out strings.Builder
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b"} {
			fmt.Fprintf(&out, verb+"\n", v)
			if got := fmt.Sprintf(verb, p); got != p.String() {
				t.Errorf("%s prints a person as %s", verb, got)
			}
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
	}
	text := out.String()
	if !strings.Contains(text, "sealed, 164 bytes") || !strings.Contains(text, "keyring("+testOrigin) {
		t.Errorf("the length or the origin is missing in\n%s", text)
	}
	// The same bytes as hex, decimal, octal, binary, Go syntax and characters.
	for _, one := range []string{"22", "34 ", "34, ", "34,", "42 ", "100010 ", "0x22, ", `"`, "\\\"", "Ii"} {
		leak := strings.Repeat(one, 6)
		if strings.Contains(text, leak) {
			t.Errorf("key bytes appear as %s", leak)
		}
	}
	if got := fmt.Sprintf("%v %+v %x %s", Identifier{"email", "ada"}, Identifier{"email", "ada"}, Identifier{"email", "ada"}, Identifier{"email", "ada"}.LogValue()); strings.Contains(got, "ada") || strings.Contains(got, "616461") {
		t.Errorf("an identifier prints as %s", got)
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func testSigner(t *testing.T) *signing {
	t.Helper()
	k, _ := newKeyring(t)
	return k.keys.log
}
