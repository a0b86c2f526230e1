package proof

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
)

// TestPrefixVectors compares trees and single proofs with those another program made.
func TestPrefixVectors(t *testing.T) {
	b, err := os.ReadFile(vectorDir + "/prefix.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Name   string
			Items  [][2]string
			Root   string
			Proofs []struct {
				Label   string
				Present bool
				Nodes   [][2]string
			}
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			var items []IndexItem
			for _, it := range v.Items {
				items = append(items, IndexItem{hashOf(t, it[0]), hashOf(t, it[1])})
			}
			slices.SortFunc(items, func(a, b IndexItem) int { return bytes.Compare(a.Label[:], b.Label[:]) })
			root := build(t, items)
			if root.Hash() != hashOf(t, v.Root) {
				t.Fatalf("root %v, want %s", root.Hash(), v.Root)
			}
			for _, p := range v.Proofs {
				label := hashOf(t, p.Label)
				pruned, err := ParseTree(AppendTree(nil, root.Show([]Hash{label}, nil)))
				if err != nil {
					t.Fatal(err)
				}
				if _, present, known := pruned.Find(label); !known || present != p.Present {
					t.Errorf("%s: known %v, present %v, want %v", p.Label, known, present, p.Present)
				}
				if got := siblings(root, label); !slices.Equal(got, p.Nodes) {
					t.Errorf("%s: the proof is\n%v, want\n%v", p.Label, got, p.Nodes)
				}
			}
		})
	}
	if len(file.Vectors) < 10 {
		t.Errorf("%d vectors", len(file.Vectors))
	}
}

// siblings is the proof of a label as the vectors have it: what stands beside the path
// to it, or to where it would be, from below.
func siblings(n *Node, label Hash) (out [][2]string) {
	node := func(n *Node) [2]string {
		h := n.Hash()
		if n == nil {
			return [2]string{"empty", hex.EncodeToString(h[:])}
		}
		p := n.Prefix()
		return [2]string{fmt.Sprintf("%d:%x", p.Bits, p.Path[:(p.Bits+7)/8]), hex.EncodeToString(h[:])}
	}
	for n != nil && n.Prefix().Has(label) {
		left, right, open := n.Children()
		if !open {
			break
		}
		below := []*Node{left, right}
		at := side(label, n.Prefix().Bits)
		out = append(out, node(below[1-at]))
		n = below[at]
	}
	if n != nil && !n.Prefix().Has(label) {
		out = append(out, node(n))
	}
	slices.Reverse(out)
	return out
}

func hashOf(t *testing.T, s string) (h Hash) {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || copy(h[:], b) != len(h) {
		t.Fatalf("%q is no hash", s)
	}
	return h
}
