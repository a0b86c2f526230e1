package keyring

import (
	"testing"

	vrf "filippo.io/mostly-harmless/vrf-r255"
	"pgregory.net/rapid"
)

// TestLabelsAreTheLibrarys holds the short way against the long one.
func TestLabelsAreTheLibrarys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := vrf.GenerateKey()
		l, err := newLabeling(key.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		input := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "input")
		got, err := l.label(input)
		if err != nil || got != [64]byte(key.Prove(input).Hash()) {
			t.Fatalf("the label is another: %v", err)
		}
	})
	if _, err := newLabeling(make([]byte, 31)); err == nil {
		t.Error("a key that is cut off makes labels")
	}
}

func BenchmarkLabel(b *testing.B) {
	key := vrf.GenerateKey()
	l, err := newLabeling(key.Bytes())
	if err != nil {
		b.Fatal(err)
	}
	input := LabelInput(Identifier{"plate", "ABC123"}, 1)
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.label(input); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("with its proof", func(b *testing.B) {
		for b.Loop() {
			key.Prove(input).Hash()
		}
	})
}
