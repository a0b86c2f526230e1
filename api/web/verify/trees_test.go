package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/api/web/verify/vectest"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// rawNode is a node of a pruned tree as its bytes and its hash, whatever sense it makes.
type rawNode struct {
	file []byte
	hash proof.Hash
}

// label has its first bits as given, and those behind them by a name.
func label(bits string, name string) (l proof.Hash) {
	l = sha256.Sum256([]byte(name))
	for i, b := range bits {
		l[i/8] = l[i/8]&^(0x80>>(i%8)) | byte(b-'0')<<7>>(i%8)
	}
	return l
}

func rawHash(bits int, path, value proof.Hash) proof.Hash {
	place := sha256.Sum256(append(binary.BigEndian.AppendUint32(nil, uint32(bits)), path[:]...))
	return sha256.Sum256(append(bytes.Clone(value[:]), place[:]...))
}

func rawLeaf(l proof.Hash) rawNode {
	value := proof.Hash(sha256.Sum256(l[:]))
	return rawNode{append(append([]byte{3}, l[:]...), value[:]...), rawHash(256, l, value)}
}

func rawOnlyHash(n rawNode) rawNode { return rawNode{append([]byte{1}, n.hash[:]...), n.hash} }

func rawStub(bits int, path proof.Hash) rawNode {
	value := proof.Hash(sha256.Sum256(path[:]))
	file := append([]byte{2, byte(bits)}, path[:(bits+7)/8]...)
	return rawNode{append(file, value[:]...), rawHash(bits, path, value)}
}

// rawEmpty is the place beside a root's only child.
func rawEmpty() rawNode {
	ones := proof.Hash(bytes.Repeat([]byte{1}, 32))
	return rawNode{[]byte{0}, rawHash(0, ones, rawHash(0, ones, sha256.Sum256([]byte{0})))}
}

// rawInner is under a path, of which the bits of the node count.
func rawInner(bits int, path proof.Hash, left, right rawNode) rawNode {
	value := proof.Hash(sha256.Sum256(append(bytes.Clone(left.hash[:]), right.hash[:]...)))
	file := append([]byte{4, byte(bits)}, left.file...)
	return rawNode{append(file, right.file...), rawHash(bits, proof.PrefixOf(path, bits).Path, value)}
}

// TestTreesOutOfPlace: an index that signs a tree with something out of its place could
// have it there for one question and not for another, so no such tree is read, though
// its root is signed.
func TestTreesOutOfPlace(t *testing.T) {
	e := newEngine(t, quick(t))
	secret, vkey, err := note.GenerateKey(nil, "edge.example/index")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	var root proof.Hash
	a, b, c := label("000", "a"), label("001", "b"), label("1", "c")
	under := rawInner(2, a, rawLeaf(a), rawLeaf(b))
	for _, test := range []struct {
		name string
		tree rawNode
		good bool
	}{
		{"in place", rawInner(0, root, under, rawLeaf(c)), true},
		{"pruned", rawInner(0, root, under, rawOnlyHash(rawLeaf(c))), true},
		{"a prefix shown", rawInner(0, root, rawStub(2, proof.PrefixOf(a, 2).Path), rawLeaf(c)), true},
		{"one child", rawInner(0, root, rawLeaf(a), rawEmpty()), true},
		{"a hash and an empty place", rawInner(0, root, rawOnlyHash(under), rawEmpty()), true},
		{"sides of the root", rawInner(0, root, rawLeaf(c), under), false},
		{"sides below", rawInner(0, root, rawInner(2, a, rawLeaf(b), rawLeaf(a)), rawLeaf(c)), false},
		{"both on one side", rawInner(0, root, rawLeaf(a), rawLeaf(b)), false},
		{"another prefix", rawInner(0, root, rawInner(2, a, rawLeaf(a), rawLeaf(label("011", "d"))), rawLeaf(c)), false},
		{"a prefix as long as its parent's", rawInner(0, root, rawInner(2, a, rawStub(2, proof.PrefixOf(a, 2).Path), rawLeaf(b)), rawLeaf(c)), false},
		{"a prefix with spare bits", rawInner(0, root, rawStub(2, label("001", "x")), rawLeaf(c)), false},
		{"a prefix of another side", rawInner(0, root, rawStub(2, proof.PrefixOf(c, 2).Path), rawLeaf(c)), false},
		{"nothing is shown", rawInner(0, root, rawOnlyHash(under), rawOnlyHash(rawLeaf(c))), false},
		{"nothing is shown below", rawInner(0, root, rawInner(2, a, rawOnlyHash(rawLeaf(a)), rawOnlyHash(rawLeaf(b))), rawLeaf(c)), false},
		{"an empty place below", rawInner(0, root, rawInner(2, a, rawLeaf(a), rawEmpty()), rawLeaf(c)), false},
		{"a node as short as its parent", rawInner(0, root, rawInner(0, a, rawLeaf(a), rawLeaf(c)), rawLeaf(c)), false},
	} {
		file := rawIndexProof(t, test.tree, signer)
		if got := compare(t, e, "index-proof", file, vectest.Trust{Key: vkey}); got != test.good {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// rawIndexProof has a tree of tags whose root is signed.
func rawIndexProof(t *testing.T, tree rawNode, s note.Signer) []byte {
	t.Helper()
	leaf := proof.IndexLeaf{Size: 4, Tags: tree.hash}
	msg, err := proof.SignCheckpoint(proof.Checkpoint{Origin: s.Name(), Size: 1, Root: proof.LeafHash([]byte(leaf.Text()))}, s)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, "daybook/index-proof@1\n%stags %s\n\n%s", leaf.Text(), base64.RawURLEncoding.EncodeToString(tree.file), msg)
}

// TestPathsOfAllSizes: both verifiers take the path of every entry, in small logs and
// in the largest, and none that is a hash longer or shorter.
func TestPathsOfAllSizes(t *testing.T) {
	e := newEngine(t, quick(t))
	secret, vkey, err := note.GenerateKey(nil, "edge.example")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []uint64{1, 2, 3, 4, 5, 7, 8, 9, 1<<32 + 1, 1<<53 - 1, 1 << 53} {
		for _, at := range []uint64{0, 1, 2, size / 2, size - 2, size - 1} {
			if at >= size {
				continue
			}
			p := proof.Proof{Extra: []byte("{}"), Index: events.Index(at), Path: pathOf(at, size)}
			root := rootOf(proof.LeafHash(p.Extra), at, size, p.Path)
			for longer := -1; longer <= 1; longer++ {
				p.Path = pathOf(at, size)
				if longer > 0 {
					p.Path = append(p.Path, root)
				} else if p.Path = p.Path[:max(0, len(p.Path)+longer)]; longer < 0 && size == 1 {
					continue
				}
				if p.Note, err = proof.SignCheckpoint(proof.Checkpoint{Origin: "edge.example", Size: events.Size(size), Root: root}, signer); err != nil {
					t.Fatal(err)
				}
				if got := compare(t, e, "proof", p.Format(), vectest.Trust{Key: vkey}); got != (longer == 0) {
					t.Errorf("entry %d of %d with %+d hashes: %v", at, size, longer, got)
				}
			}
		}
	}
}

// pathOf has as many hashes as the path of an entry.
func pathOf(at, size uint64) (out []proof.Hash) {
	for size > 1 {
		half := uint64(1)
		for half*2 < size {
			half *= 2
		}
		if at < half {
			size = half
		} else {
			at, size = at-half, size-half
		}
		out = append(out, sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(len(out)))))
	}
	return out
}

// rootOf is where a path leads, as RFC 6962 defines the tree.
func rootOf(leaf proof.Hash, at, size uint64, path []proof.Hash) proof.Hash {
	if size == 1 {
		return leaf
	}
	half := uint64(1)
	for half*2 < size {
		half *= 2
	}
	beside, path := path[len(path)-1], path[:len(path)-1]
	join := func(l, r proof.Hash) proof.Hash { return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...)) }
	if at < half {
		return join(rootOf(leaf, at, half, path), beside)
	}
	return join(beside, rootOf(leaf, at-half, size-half, path))
}

// memoryHashes are the stored hashes of a log, for package tlog.
type memoryHashes []tlog.Hash

func (m memoryHashes) ReadHashes(list []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(list))
	for i, n := range list {
		out[i] = m[n]
	}
	return out, nil
}

// TestBeginningsOfAllSizes: both take the path from every small log to every larger one
// as evidence against a ledger that signed another beginning, and no shorter path.
func TestBeginningsOfAllSizes(t *testing.T) {
	e := newEngine(t, quick(t))
	secret, vkey, err := note.GenerateKey(nil, "edge.example")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(size int64, root proof.Hash) []byte {
		msg, err := proof.SignCheckpoint(proof.Checkpoint{Origin: "edge.example", Size: events.Size(size), Root: root}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return msg
	}
	var log memoryHashes
	var roots []proof.Hash
	for now := int64(1); now <= 12; now++ {
		stored, err := tlog.StoredHashes(now-1, []byte{byte(now)}, log)
		if err != nil {
			t.Fatal(err)
		}
		log = append(log, stored...)
		root, err := tlog.TreeHash(now, log)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, root)
		for old := int64(1); old < now; old++ {
			path, err := tlog.ProveTree(now, old, log)
			if err != nil {
				t.Fatal(err)
			}
			bad := proof.Evidence{Kind: proof.EvidenceInconsistent, Notes: [][]byte{sign(old, proof.LeafHash(nil)), sign(now, root)}, Beginning: roots[old-1], Path: path}
			if !compare(t, e, "evidence", bad.Format(), vectest.Trust{Key: vkey}) {
				t.Errorf("%d to %d is not taken", old, now)
			}
			bad.Path = path[:len(path)-1]
			if compare(t, e, "evidence", bad.Format(), vectest.Trust{Key: vkey}) {
				t.Errorf("%d to %d is taken without the last hash", old, now)
			}
		}
	}
}
