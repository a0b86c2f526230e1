package keyring

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"testing"

	vrf "filippo.io/mostly-harmless/vrf-r255"

	"github.com/daybook-ledger/daybook/events"
)

// derivation is one line of testdata/vectors/derivations.json, which was computed
// apart from this code, from the text of the package documentation.
type derivation struct {
	Name, Verdict, Reason, Of, Is string
	From                          struct {
		Secret, Key, EventKey, Source, ID, ContentKey, Canonical, Root string
		IndexKey, What, Value, LookupKey, Scheme, Seal                 string
		VRFSecret, VRFPublic, Input, Proof, Label, Handle              string
		Month, Head, Circle                                            string
		Roots                                                          []string
		Generation                                                     uint32
		I                                                              uint64
	}
}

// TestDerivations computes every vector.
func TestDerivations(t *testing.T) {
	b, err := os.ReadFile("../../testdata/vectors/derivations.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []derivation }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, v := range file.Vectors {
		derive := derivations[v.Of]
		if derive == nil {
			t.Fatalf("%s %s is not derived", v.Of, v.Name)
		}
		got := derive(t, v)
		if (base64.RawURLEncoding.EncodeToString(got) == v.Is) != (v.Verdict == "accept") {
			t.Errorf("%s, %s, is to be %sed, as %s: it is %s", v.Of, v.Name, v.Verdict, v.Reason, base64.RawURLEncoding.EncodeToString(got))
		}
		seen[v.Of]++
	}
	if len(file.Vectors) < 60 || len(seen) != len(derivations) {
		t.Errorf("%d vectors of %v", len(file.Vectors), seen)
	}
}

func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// derivations compute what a vector is of.
var derivations = map[string]func(t *testing.T, v derivation) []byte{
	"ledger key": func(t *testing.T, v derivation) []byte {
		key := events.BoxKey(v.From.Key, unbase64(t, v.From.Secret))
		return key[:]
	},
	"event name": func(t *testing.T, v derivation) []byte {
		k := &Keyring{keys: &ledgerKeys{event: [32]byte(unbase64(t, v.From.EventKey))}}
		name := k.EventName(v.From.Source, v.From.ID)
		return name[:]
	},
	"content": func(t *testing.T, v derivation) []byte {
		k := &Keyring{keys: &ledgerKeys{content: [32]byte(unbase64(t, v.From.ContentKey))}}
		var named []*Person
		for _, root := range v.From.Roots {
			named = append(named, rooted(t, root))
		}
		sum := k.Content([]byte(v.From.Canonical), named...)
		return sum[:]
	},
	"pseudonym": func(t *testing.T, v derivation) []byte {
		key := secret(unbase64(t, v.From.IndexKey))
		k := &Keyring{shared: map[string]*secret{"organizations/" + hashRef("city"): &key}}
		name, err := k.Pseudonym("city", v.From.What, v.From.Value)
		if err != nil {
			t.Fatal(err)
		}
		return unbase64(t, name)
	},
	"lookup": func(t *testing.T, v derivation) []byte {
		k := &Keyring{keys: &ledgerKeys{lookup: [32]byte(unbase64(t, v.From.LookupKey))}}
		sum := k.lookupOf(named(t, v))
		return sum[:]
	},
	"label input": func(t *testing.T, v derivation) []byte {
		id := named(t, v)
		if v.From.Seal != "" {
			var err error
			if id, err = sealed(id, v.From.Seal); err != nil {
				t.Fatal(err)
			}
		}
		return LabelInput(id, v.From.Generation)
	},
	"label": label,
	"commitment": func(t *testing.T, v derivation) []byte {
		p := rooted(t, v.From.Root)
		copy(p.label[:], unbase64(t, v.From.Label))
		sum := p.Commitment()
		return sum[:]
	},
	"event key": func(t *testing.T, v derivation) []byte {
		key := rooted(t, v.From.Root).EventKey(v.From.I)
		return key[:]
	},
	"tag": func(t *testing.T, v derivation) []byte {
		tag := TagOf([32]byte(unbase64(t, v.From.EventKey)))
		return tag[:]
	},
	"shred name": func(t *testing.T, v derivation) []byte {
		name := ShredName(Handle(unbase64(t, v.From.Handle)))
		return name[:]
	},
	"detail key": func(t *testing.T, v derivation) []byte {
		head := events.HashEntry(unbase64(t, v.From.Head))
		key := events.BoxKey("detail/"+v.From.Circle, unbase64(t, v.From.Month), head[:])
		return key[:]
	},
}

func named(t *testing.T, v derivation) Identifier {
	t.Helper()
	id, err := Identifier{v.From.Scheme, v.From.Value}.Normalize()
	if err != nil || id.Value != v.From.Value {
		t.Fatalf("%s is not normalized: %v", v.Name, err)
	}
	return id
}

func rooted(t *testing.T, root string) *Person {
	t.Helper()
	key := secret(unbase64(t, root))
	return &Person{root: &key}
}

// label computes a label with the secret key, and verifies its proof with the
// public one.
func label(t *testing.T, v derivation) []byte {
	key, err := vrf.NewPrivateKey(unbase64(t, v.From.VRFSecret))
	if err != nil {
		t.Fatal(err)
	}
	proof, err := vrf.NewProof(unbase64(t, v.From.Proof))
	if err != nil {
		t.Fatal(err)
	}
	public, err := vrf.NewPublicKey(unbase64(t, v.From.VRFPublic))
	if err != nil {
		t.Fatal(err)
	}
	input := unbase64(t, v.From.Input)
	verified, err := public.Verify(proof, input)
	computed := key.Prove(input).Hash()
	if err != nil || !bytes.Equal(verified, computed) || !bytes.Equal(key.PublicKey().Bytes(), public.Bytes()) {
		t.Fatalf("%s: the proof shows %x, computed is %x: %v", v.Name, verified, computed, err)
	}
	return computed
}
