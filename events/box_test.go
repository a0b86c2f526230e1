package events

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

type octets []byte

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.DecodeString(string(text))
	return err
}

// TestWycheproof seals with the IV of each vector as its nonce and opens what
// the vector says, valid or not.
func TestWycheproof(t *testing.T) {
	data, err := os.ReadFile("../testdata/vectors/wycheproof/aes_gcm_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			Tests []struct {
				TcID                       int
				Key, IV, AAD, Msg, CT, Tag octets
				Result                     string
			}
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, group := range file.TestGroups {
		for _, v := range group.Tests {
			ran++
			key, box := [32]byte(v.Key), slices.Concat(v.IV, v.CT, v.Tag)
			sealed, err := SealBox(key, bytes.NewReader(v.IV), v.AAD, v.Msg)
			if err != nil {
				t.Fatalf("%d: %v", v.TcID, err)
			}
			opened, err := OpenBox(key, v.AAD, box)
			if valid := v.Result == "valid"; valid != (err == nil) || valid != bytes.Equal(sealed, box) || valid && !bytes.Equal(opened, v.Msg) {
				t.Errorf("%d is %s, but opens with: %v", v.TcID, v.Result, err)
			}
		}
	}
	if ran != file.NumberOfTests || ran == 0 {
		t.Errorf("ran %d of %d vectors", ran, file.NumberOfTests)
	}
}

func TestBox(t *testing.T) {
	key := BoxKey("person", bytes.Repeat([]byte{7}, 32))
	box, err := SealBox(key, nil, []byte("entry"), []byte("detail"))
	if err != nil || len(box) != len("detail")+Overhead {
		t.Fatalf("%d bytes: %v", len(box), err)
	}
	again, err := SealBox(key, nil, []byte("entry"), []byte("detail"))
	if err != nil || bytes.Equal(box[:12], again[:12]) {
		t.Errorf("two boxes share a nonce: %v", err)
	}
	if got, err := OpenBox(key, []byte("entry"), box); err != nil || string(got) != "detail" {
		t.Errorf("opens as %q: %v", got, err)
	}
	if _, err := OpenBox(key, []byte("other"), box); err == nil {
		t.Error("opens for another entry")
	}
	if _, err := OpenBox(BoxKey("officers", bytes.Repeat([]byte{7}, 32)), []byte("entry"), box); err == nil {
		t.Error("opens under the key of another kind of box")
	}
	for i := range box {
		if _, err := OpenBox(key, []byte("entry"), box[:i]); err == nil {
			t.Errorf("opens when cut to %d bytes", i)
		}
		flipped := slices.Clone(box)
		flipped[i] ^= 1
		if _, err := OpenBox(key, []byte("entry"), flipped); err == nil {
			t.Errorf("opens with byte %d flipped", i)
		}
	}
	if _, err := SealBox(key, bytes.NewReader(nil), nil, nil); err == nil {
		t.Error("seals without a nonce")
	}
}
