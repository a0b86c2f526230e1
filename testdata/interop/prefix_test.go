package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"filippo.io/torchwood/prefix"
	"golang.org/x/mod/sumdb/tlog"
)

var update = flag.Bool("update", false, "write ../vectors/prefix.json")

// prefixFile is ../vectors/prefix.json, as torchwood computes it.
type prefixFile struct {
	Format  string         `json:"format"`
	About   string         `json:"about"`
	Vectors []prefixVector `json:"vectors"`
}

// prefixVector is one tree. Everything is hexadecimal; a place is bits, a colon and
// the bytes they need.
type prefixVector struct {
	Name   string        `json:"name"`
	Items  [][2]string   `json:"items"` // label, value
	Root   string        `json:"root"`
	Proofs []prefixProof `json:"proofs"`
}

type prefixProof struct {
	Label   string      `json:"label"`
	Present bool        `json:"present"`
	Nodes   [][2]string `json:"nodes"` // place and hash, the leaf's sibling first
}

type prefixTree struct {
	*prefix.Tree
	items map[[32]byte][32]byte
}

func newPrefixTree(t *testing.T) *prefixTree {
	store := prefix.NewMemoryStorage()
	if err := prefix.InitStorage(t.Context(), sha256.Sum256, store); err != nil {
		t.Fatal(err)
	}
	return &prefixTree{prefix.NewTree(sha256.Sum256, store), map[[32]byte][32]byte{}}
}

func (p *prefixTree) insert(t *testing.T, label, value [32]byte) {
	t.Helper()
	if err := p.Insert(t.Context(), label, value); err != nil {
		t.Fatal(err)
	}
	p.items[label] = value
}

func (p *prefixTree) root(t *testing.T) [32]byte {
	t.Helper()
	root, err := p.RootHash(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// prove is torchwood's proof of a label, verified by torchwood.
func (p *prefixTree) prove(t *testing.T, label [32]byte) prefixProof {
	t.Helper()
	present, nodes, err := p.Lookup(t.Context(), label)
	if err == nil && present {
		err = prefix.VerifyMembershipProof(sha256.Sum256, label, p.items[label], nodes, p.root(t))
	} else if err == nil && len(nodes) > 1 { // of what is beside the only child of a root it cannot tell
		err = prefix.VerifyNonMembershipProof(sha256.Sum256, label, nodes, p.root(t))
	}
	if err != nil {
		t.Fatal(err)
	}
	out := prefixProof{Label: hex.EncodeToString(label[:]), Present: present, Nodes: [][2]string{}}
	for _, n := range nodes {
		place := "empty"
		if n.Label != prefix.EmptyNodeLabel {
			place = fmt.Sprintf("%d:%x", n.Label.BitLen(), n.Label.Bytes()[:(n.Label.BitLen()+7)/8])
		}
		out.Nodes = append(out.Nodes, [2]string{place, hex.EncodeToString(n.Hash[:])})
	}
	return out
}

// TestPrefixVectors makes the vectors again, and compares them with the file that
// our own tests read.
func TestPrefixVectors(t *testing.T) {
	file := prefixFile{Format: "torchwood/prefix v0.9.0, SHA-256", About: "Prefix trees as filippo.io/torchwood/prefix makes and proves them."}
	for _, n := range []int{0, 1, 2, 3, 9, 60} {
		for _, crowded := range []bool{false, true} {
			if n > 0 || !crowded {
				file.Vectors = append(file.Vectors, vectorOf(t, n, crowded))
			}
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	if err := e.Encode(file); err != nil {
		t.Fatal(err)
	}
	const path = "../vectors/prefix.json"
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, b.Bytes()) {
		t.Fatalf("%s is not what torchwood computes; write it with -update: %v", path, err)
	}
}

// vectorOf is a tree of n items. Crowded labels share beginnings of any length.
func vectorOf(t *testing.T, n int, crowded bool) prefixVector {
	r := rand.New(rand.NewPCG(uint64(n), 6))
	label := func() (l [32]byte) {
		for i := 0; i < len(l); i += 8 {
			binary.BigEndian.PutUint64(l[i:], r.Uint64())
		}
		return l
	}
	tree := newPrefixTree(t)
	out := prefixVector{Name: fmt.Sprintf("%d items, random", n), Items: [][2]string{}, Proofs: []prefixProof{}}
	if crowded {
		out.Name = fmt.Sprintf("%d items, crowded", n)
	}
	var labels [][32]byte
	for range n {
		l, value := label(), label()
		if crowded && len(labels) > 0 {
			near := labels[r.IntN(len(labels))]
			bit := r.IntN(256)
			copy(l[:bit/8], near[:bit/8])
			l[bit/8] = near[bit/8] ^ 0x80>>(bit%8)
		}
		labels = append(labels, l)
		tree.insert(t, l, value)
		out.Items = append(out.Items, [2]string{hex.EncodeToString(l[:]), hex.EncodeToString(value[:])})
	}
	root := tree.root(t)
	out.Root = hex.EncodeToString(root[:])
	for i := range 6 {
		ask := label()
		if n > 0 && i < 4 {
			ask = labels[r.IntN(n)]
		}
		if n > 0 && i >= 2 && i < 4 {
			ask[r.IntN(32)] ^= 1 << r.IntN(8)
		}
		out.Proofs = append(out.Proofs, tree.prove(t, ask))
	}
	return out
}

// testIndex computes both trees of the completeness index again from the public
// entries, with torchwood, and reads the log of the index with torchwood's client.
func (d *daybook) testIndex(t *testing.T) {
	d.name(t, 40)
	var stated struct {
		Policy string
		Keys   struct{ Index string }
	}
	if err := json.Unmarshal(d.get(t, "/v1/ledger"), &stated); err != nil {
		t.Fatal(err)
	}
	deadline, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	for leaf := []string(nil); ; {
		if leaf = d.lastLeaf(t, stated.Keys.Index, stated.Policy); leaf != nil {
			var size int64
			if _, err := fmt.Sscan(leaf[1], &size); err != nil {
				t.Fatal(err)
			}
			tags, labels := d.trees(t, size)
			if leaf[3] != tags || leaf[4] != labels {
				t.Fatalf("at size %d the leaf says %s and %s, torchwood computes %s and %s", size, leaf[3], leaf[4], tags, labels)
			}
			if int(size) > d.sent {
				return // it covers all that was sent
			}
		}
		select {
		case <-deadline.Done():
			t.Fatal("no leaf covers what was sent")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// name records n events about as many persons.
func (d *daybook) name(t *testing.T, n int) {
	t.Helper()
	var body bytes.Buffer
	for range n {
		d.sent++
		fmt.Fprintf(&body, `,{"specversion":"1.0","id":"try %d","source":"example","type":"org.daybook.data.accessed.v1","time":"2026-01-15T09:30:00Z",`+
			`"data":{"system":"example/app","operation":"Consult","outcome":"success","subjects":{"mode":"single","persons":[{"scheme":"example","value":"person %d"}]}}}`, d.sent, d.sent)
	}
	body.Bytes()[0] = '['
	body.WriteByte(']')
	d.post(t, d.url+"/v1/events?wait=anchored", &body)
}

// lastLeaf are the lines of the last leaf of the index, read and verified by
// torchwood, nil before the first.
func (d *daybook) lastLeaf(t *testing.T, key, policy string) []string {
	t.Helper()
	p, err := torchwood.ParsePolicy([]byte("log " + key + "\n" + policy))
	if err != nil {
		t.Fatal(err)
	}
	if d.status(t, "/index/checkpoint") == 404 {
		return nil
	}
	c, _, err := torchwood.VerifyCheckpoint(d.get(t, "/index/checkpoint"), p)
	if err != nil {
		t.Fatal(err)
	}
	fetcher, err := torchwood.NewTileFetcher(d.url + "/index")
	if err != nil {
		t.Fatal(err)
	}
	reader, err := torchwood.NewClient(fetcher)
	if err != nil {
		t.Fatal(err)
	}
	var last []byte
	for _, leaf := range reader.AllEntries(t.Context(), c.Tree, 0) {
		last = leaf
	}
	if err := reader.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(last), "\n")
}

// trees are the roots of both trees over the first size entries.
func (d *daybook) trees(t *testing.T, size int64) (tags, labels string) {
	t.Helper()
	fetcher, err := torchwood.NewTileFetcher(d.url)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := torchwood.NewClient(fetcher)
	if err != nil {
		t.Fatal(err)
	}
	note := string(d.get(t, "/checkpoint"))
	c, err := torchwood.ParseCheckpoint(note[:strings.Index(note, "\n\n")+1])
	if err != nil {
		t.Fatal(err)
	}
	ofTags, ofLabels := newPrefixTree(t), newPrefixTree(t)
	for i, entry := range reader.AllEntries(t.Context(), c.Tree, 0) {
		if i >= size {
			break
		}
		var e struct {
			Subjects struct{ Tags []string }
			Pairs    []struct{ Label string }
		}
		if err := json.Unmarshal(entry, &e); err != nil {
			t.Fatal(err)
		}
		leaf := tlog.RecordHash(entry)
		value := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, uint64(i)), leaf[:]...))
		for _, s := range e.Subjects.Tags {
			ofTags.insert(t, labelOf(t, 1, s), value)
		}
		for _, p := range e.Pairs {
			ofLabels.insert(t, labelOf(t, 2, p.Label), value)
		}
	}
	if err := reader.Err(); err != nil {
		t.Fatal(err)
	}
	if len(ofTags.items) == 0 || len(ofLabels.items) == 0 {
		t.Fatal("nothing is in the index")
	}
	a, b := ofTags.root(t), ofLabels.root(t)
	return base64.StdEncoding.EncodeToString(a[:]), base64.StdEncoding.EncodeToString(b[:])
}

func labelOf(t *testing.T, kind byte, s string) [32]byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(append([]byte{kind}, b...))
}
