package keyring

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	vrf "filippo.io/mostly-harmless/vrf-r255"
)

func next(t testing.TB, k *Keyring, id Identifier, after uint32) *Person {
	t.Helper()
	p, err := k.PrepareNext(id, after, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestNext holds that a generation is of the same person and of no key she had,
// whether she waits or is in her bucket, and that it is never minted twice.
func TestNext(t *testing.T) {
	for name, moved := range map[string]bool{"who waits": false, "in her bucket": true} {
		t.Run(name, func(t *testing.T) {
			k, dir := newKeyring(t)
			ada := Identifier{"plate", "ABC 123"}
			first := prepare(t, k, ada, Identifier{"example", "bob"})[0]
			if moved {
				k.moveNow(t)
			}
			second := next(t, k, Identifier{"plate", "abc-123"}, 1)
			if second.Generation() != 2 || second.Handle() != first.Handle() || second.Root() == first.Root() || second.Tag(1) == first.Tag(1) {
				t.Fatal("it is no second generation of the same person")
			}
			if second.Label() != [64]byte(k.keys.vrf.Prove(LabelInput(Identifier{"plate", "ABC123"}, 2)).Hash()) {
				t.Error("its label is another")
			}
			if next(t, k, ada, 1) != second {
				t.Error("what was minted is minted again")
			}
			third := next(t, k, ada, 2)
			check := func(when string, k *Keyring) {
				t.Helper()
				p := byHandle(t, k, first.handle)
				if !same(p, first) || lookup(t, k, ada) != p || prepare(t, k, ada)[0] != p {
					t.Fatalf("%s: she is not found by her first generation", when)
				}
				for _, g := range []*Person{first, second, third} {
					if !same(p.At(g.generation), g) || p.At(3).At(g.generation) != p.At(g.generation) {
						t.Errorf("%s: generation %d is another", when, g.generation)
					}
				}
				if p.At(0) != nil || p.At(4) != nil {
					t.Errorf("%s: there are others", when)
				}
				if n, err := k.Count(); n != 2 || err != nil {
					t.Errorf("%s: %d persons: %v", when, n, err)
				}
			}
			check("at once", k)
			k.moveNow(t)
			check("moved", k)
			k.crash(t)
			k = open(t, dir)
			check("after a crash", k)
			id := newIdentity(t)
			check("put back", restore(t, writeTo(t, dir, id), id))
			if err := k.RotateMaster(); err != nil {
				t.Fatal(err)
			}
			check("under another master key", k)
		})
	}
}

func TestNextRefuses(t *testing.T) {
	k, _ := newKeyring(t)
	ada := Identifier{"example", "ada"}
	if _, err := k.PrepareNext(ada, 1, nil); err == nil {
		t.Error("somebody unknown has a second generation")
	}
	if _, err := k.PrepareNext(Identifier{"passport", "1"}, 1, nil); !errors.Is(err, ErrScheme) {
		t.Errorf("an unknown scheme: %v", err)
	}
	prepare(t, k, ada)
	if _, err := k.PrepareNext(ada, 2, nil); err == nil {
		t.Error("a third generation follows none")
	}
	broken := errors.New("the history is away")
	if _, err := k.PrepareNext(ada, 1, func([64]byte) (bool, error) { return false, broken }); !errors.Is(err, broken) || lookup(t, k, ada).At(2) != nil {
		t.Errorf("asking in vain: %v", err)
	}
	taken := [64]byte(k.keys.vrf.Prove(LabelInput(ada, 2)).Hash())
	p, err := k.PrepareNext(ada, 1, func(l [64]byte) (bool, error) { return l == taken, nil })
	if err != nil || p.Generation() != 3 {
		t.Errorf("where a label is taken: %v", err)
	}
}

// TestNextIsErased holds that erasing a person destroys every generation, while
// one still waits, and by her public name.
func TestNextIsErased(t *testing.T) {
	for name, erase := range map[string]func(t *testing.T, k *Keyring, p *Person){
		"by her handle": func(t *testing.T, k *Keyring, p *Person) { erase(t, k, p.handle) },
		"by her public name": func(t *testing.T, k *Keyring, p *Person) {
			if n, err := k.EraseNamed(map[[16]byte]bool{ShredName(p.handle): true}); n != 1 || err != nil {
				t.Errorf("%d persons named: %v", n, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			k, dir := newKeyring(t)
			ada, bob := Identifier{"example", "ada"}, Identifier{"example", "bob"}
			people := prepare(t, k, ada, bob)
			k.moveNow(t)
			gens := []*Person{people[0], next(t, k, ada, 1), next(t, k, ada, 2)}
			his := next(t, k, bob, 1)
			var mine []traces
			for _, p := range gens {
				mine = append(mine, tracesOf(k, p, ada))
			}
			erase(t, k, gens[0])
			for i, m := range mine {
				if found := m.in(contents(t, dir, k.files.vault)); len(found) > 0 {
					t.Errorf("generation %d: found %v", i+1, found)
				}
			}
			if lookup(t, k, ada) != nil || byHandle(t, k, people[0].handle) != nil || lookup(t, k, bob).At(2) != his {
				t.Error("she is still found, or he is gone with her")
			}
			enrolled := map[[64]byte]bool{gens[0].label: true, gens[1].label: true}
			anew, err := k.Prepare([]Identifier{ada}, func(l [64]byte) (bool, error) { return enrolled[l], nil })
			if err != nil || anew[0].generation != 3 || anew[0].handle == gens[0].handle || anew[0].Root() == gens[2].Root() {
				t.Errorf("she comes back as she was: %v", err)
			}
		})
	}
}

// TestNextAtOnce lets readers look while generations are minted and moved.
func TestNextAtOnce(t *testing.T) {
	k, err := Open(Config{Dir: tempDir(t), MaxRecords: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	ids := persons("p", 6)
	people := prepare(t, k, ids...)
	var readers sync.WaitGroup
	for i, id := range ids {
		readers.Go(func() {
			for g := uint32(1); g < 6; {
				p := byHandle(t, k, people[i].handle)
				if p == nil || p.At(1) == nil || lookup(t, k, id) == nil {
					t.Errorf("person %d is not found", i)
					return
				}
				for p.At(g) != nil {
					g++
				}
			}
		})
	}
	for g := uint32(1); g < 6; g++ {
		for _, id := range ids {
			next(t, k, id, g)
		}
		if g%2 == 0 {
			k.moveNow(t)
		}
	}
	readers.Wait()
}

// TestProveLabel checks proofs with the published library, of generations that are
// and that are not.
func TestProveLabel(t *testing.T) {
	k, _ := newKeyring(t)
	ada := Identifier{"plate", "ABC123"}
	p := prepare(t, k, ada)[0]
	key, err := vrf.NewPublicKey(k.VRFKey())
	if err != nil {
		t.Fatal(err)
	}
	for g := uint32(1); g < 4; g++ {
		text, err := k.ProveLabel(Identifier{"plate", "abc 123"}, g)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := vrf.NewProof(text[:])
		if err != nil {
			t.Fatal(err)
		}
		label, err := key.Verify(proof, LabelInput(ada, g))
		if err != nil || g == 1 != bytes.Equal(label, p.label[:]) || !bytes.Equal(label, proof.Hash()) {
			t.Errorf("generation %d: %v", g, err)
		}
		if _, err := key.Verify(proof, LabelInput(ada, g+1)); err == nil {
			t.Error("it proves another label too")
		}
	}
	if _, err := k.ProveLabel(Identifier{"plate", "?"}, 1); !errors.Is(err, ErrIdentifier) {
		t.Errorf("a malformed value: %v", err)
	}
}
