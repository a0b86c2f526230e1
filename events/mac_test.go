package events_test

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"testing"

	"pgregory.net/rapid"

	"github.com/daybook-ledger/daybook/events"
)

// TestMAC holds the code here against the library's.
func TestMAC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "key")
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 700), 0, 4).Draw(t, "parts")
		h := hmac.New(sha256.New, key)
		for _, p := range parts {
			h.Write(p)
		}
		if events.MAC(key, parts...) != [32]byte(h.Sum(nil)) {
			t.Fatal("it is not HMAC-SHA256")
		}
	})
	tag, want := events.TagOf([32]byte{1, 2, 3}), hmac.New(sha256.New, append([]byte{1, 2, 3}, make([]byte, 29)...))
	want.Write([]byte("tag"))
	if tag != events.Tag(want.Sum(nil)[:16]) {
		t.Error("the tag is another")
	}
}

// TestBoxKeyIsHKDF holds the derivation against the library's, and that an empty
// list of keys derives nothing.
func TestBoxKeyIsHKDF(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 32, 32), 1, 12).Draw(t, "keys")
		box := rapid.StringMatching(`[a-z/-]{1,40}`).Draw(t, "box")
		var joined []byte
		for _, k := range keys {
			joined = append(joined, k...)
		}
		want, err := hkdf.Key(sha256.New, joined, nil, "daybook/"+box+"/1", 32)
		if err != nil || events.BoxKey(box, keys...) != [32]byte(want) {
			t.Fatalf("it is not HKDF-SHA256: %v", err)
		}
	})
	defer func() {
		if recover() == nil {
			t.Error("a key is derived from nothing")
		}
	}()
	events.BoxKey("person")
}
