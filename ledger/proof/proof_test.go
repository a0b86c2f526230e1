package proof

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"pgregory.net/rapid"
)

func drawHash(rt *rapid.T, label string) (h Hash) {
	copy(h[:], rapid.SliceOfN(rapid.Byte(), len(h), len(h)).Draw(rt, label))
	return h
}

func drawOrigin(rt *rapid.T) string {
	return rapid.StringMatching(`[a-z0-9é/.:-]{1,60}`).Draw(rt, "origin")
}

func TestLeafHashIsRFC6962(t *testing.T) {
	const empty = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
	h := LeafHash(nil)
	if got := hex.EncodeToString(h[:]); got != empty {
		t.Errorf("leaf hash of nothing = %s, want %s", got, empty)
	}
	if EmptyRoot() != treeRoot(nil) {
		t.Errorf("EmptyRoot = %v", EmptyRoot())
	}
}

func TestCheckpointRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := Checkpoint{Origin: drawOrigin(rt), Root: drawHash(rt, "root")}
		c.Size = events.Size(rapid.Uint64Range(0, uint64(MaxSize)).Draw(rt, "size"))
		if c.Size == 0 {
			c.Root = EmptyRoot()
		}
		if got, err := ParseCheckpoint(c.Text()); err != nil || got != c {
			rt.Fatalf("parsed %+v, %v; want %+v", got, err, c)
		}
		k := newTestKey(t, c.Origin, "round trip")
		msg, err := SignCheckpoint(c, k.Signer)
		if err != nil {
			rt.Fatal(err)
		}
		if got, err := OpenCheckpoint(msg, k.Verifier); err != nil || got != c {
			rt.Fatalf("opened %+v, %v; want %+v", got, err, c)
		}
	})
}

func TestReceiptRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := Receipt{Origin: drawOrigin(rt)}
		r.Time = time.UnixMilli(rapid.Int64Range(-62167219200000, 253402300799999).Draw(rt, "time")).UTC()
		positions := rapid.SliceOfNDistinct(rapid.Uint64Range(0, uint64(MaxSize)-1), 1, 20, rapid.ID[uint64]).Draw(rt, "positions")
		slices.Sort(positions)
		for _, p := range positions {
			r.Lines = append(r.Lines, ReceiptLine{events.Index(p), drawHash(rt, "hash")})
		}
		k := newTestKey(t, ReceiptKeyName(r.Origin), "round trip")
		msg, err := SignReceipt(r, k.Signer)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := OpenReceipt(msg, k.Verifier)
		if err != nil || got.Text() != r.Text() || !got.Time.Equal(r.Time) || !slices.Equal(got.Lines, r.Lines) {
			rt.Fatalf("opened %+v, %v; want %+v", got, err, r)
		}
		if c, err := ParseCheckpoint(r.Text()); err == nil {
			rt.Fatalf("the receipt is the checkpoint %+v", c)
		}
	})
}

func TestProofRoundTrip(t *testing.T) {
	v := logKey(t).Verifier
	rapid.Check(t, func(rt *rapid.T) {
		d := testEntries(rapid.IntRange(1, 70).Draw(rt, "size"))
		p := testProof(t, rapid.IntRange(0, len(d)-1).Draw(rt, "position"), d)
		file := p.Format()
		got, err := ParseProof(file)
		if err != nil || !bytes.Equal(got.Format(), file) {
			rt.Fatalf("parsed %+v, %v; want %+v", got, err, p)
		}
		if c, err := got.Verify(v); err != nil || c != testCheckpoint(d) {
			rt.Fatalf("verified %+v, %v", c, err)
		}
	})
}

// TestNoChangedProofVerifies flips bits of every byte of proof files.
func TestNoChangedProofVerifies(t *testing.T) {
	v := logKey(t).Verifier
	for _, size := range []int{1, 11} {
		file := testProof(t, size/2, testEntries(size)).Format()
		for at := range file {
			for _, bits := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 3, 0x21, 0xff} {
				changed := bytes.Clone(file)
				changed[at] ^= bits
				p, err := ParseProof(changed)
				if err != nil {
					continue
				}
				if _, err := p.Verify(v); err == nil {
					t.Errorf("size %d: byte %d (%q) xor %#x still verifies", size, at, file[at], bits)
				}
			}
		}
	}
}

// TestNoCutProofVerifies drops, repeats and cuts at every byte.
func TestNoCutProofVerifies(t *testing.T) {
	v := logKey(t).Verifier
	file := testProof(t, 2, testEntries(5)).Format()
	for at := range file {
		for name, changed := range map[string][]byte{
			"cut":     file[:at],
			"dropped": slices.Concat(file[:at], file[at+1:]),
			"doubled": slices.Concat(file[:at+1], file[at:]),
		} {
			// Dropping or doubling one of two equal neighbours is also here:
			// it changes the length, so it is never the same file.
			p, err := ParseProof(changed)
			if err != nil {
				continue
			}
			if _, err := p.Verify(v); err == nil {
				t.Errorf("%s at byte %d still verifies", name, at)
			}
		}
	}
}

func TestInclusionOfEveryPosition(t *testing.T) {
	for size := 1; size <= 33; size++ {
		d := testEntries(size)
		c := testCheckpoint(d)
		for i := range d {
			path := inclusionPath(i, d)
			if err := CheckInclusion(d[i], events.Index(i), path, c); err != nil {
				t.Fatal(err)
			}
			for j := range size + 2 {
				if err := CheckInclusion(d[i], events.Index(j), path, c); j != i && err == nil {
					t.Errorf("entry %d of %d proved at %d", i, size, j)
				}
			}
			if err := CheckInclusion(d[i], events.Index(i), append(path, Hash{}), c); err == nil {
				t.Errorf("entry %d of %d proved with a spare hash", i, size)
			}
		}
	}
}

func TestConsistencyOfEveryPair(t *testing.T) {
	d := testEntries(20)
	for n := range d {
		for m := 0; m <= n; m++ {
			old, new := testCheckpoint(d[:m]), testCheckpoint(d[:n])
			var path []Hash
			if m > 0 {
				path = consistencyPath(m, d[:n], true)
			}
			if err := CheckConsistency(old, new, path); err != nil {
				t.Fatalf("%d to %d: %v", m, n, err)
			}
			if err := CheckConsistency(old, new, append(path, Hash{})); err == nil {
				t.Errorf("%d to %d: a spare hash is accepted", m, n)
			}
			if m > 0 {
				old.Root[7] ^= 1
				if err := CheckConsistency(old, new, path); err == nil {
					t.Errorf("%d to %d: another old root is accepted", m, n)
				}
			}
		}
	}
}

func TestConsistencyRefusals(t *testing.T) {
	d := testEntries(4)
	c4, c3 := testCheckpoint(d), testCheckpoint(d[:3])
	other := c4
	other.Origin = "other.example/log"
	forked := c4
	forked.Root[0] ^= 1
	hollow := Checkpoint{Origin: testOrigin}
	huge := Checkpoint{Origin: testOrigin, Size: 1<<63 + 1}
	for _, tc := range []struct {
		old, new Checkpoint
		path     []Hash
		reason   string
	}{
		{c4, other, nil, "differ"},
		{c4, c3, nil, "not an extension"},
		{c4, forked, nil, "two roots"},
		{hollow, c4, nil, "not that of the empty tree"},
		{c4, huge, nil, "is above"},
		{c3, c4, make([]Hash, 64), "more than 63"},
	} {
		wantError(t, CheckConsistency(tc.old, tc.new, tc.path), tc.reason)
	}
	wantError(t, CheckInclusion(d[0], 1<<63, nil, huge), "is above")
	wantError(t, CheckInclusion(d[0], 0, nil, testCheckpoint(nil)), "outside")
}

func TestSigningRefusesWhatCannotBeOpened(t *testing.T) {
	k, rk := logKey(t), receiptKey(t)
	c := testCheckpoint(testEntries(2))
	_, err := SignCheckpoint(c, rk.Signer)
	wantError(t, err, "not the key's name")
	c.Size = MaxSize + 1
	_, err = SignCheckpoint(c, k.Signer)
	wantError(t, err, "is above")

	r := Receipt{Origin: testOrigin, Lines: []ReceiptLine{{Index: 2}, {Index: 1}}}
	_, err = SignReceipt(r, rk.Signer)
	wantError(t, err, "does not ascend")
	r.Lines = r.Lines[:1]
	_, err = SignReceipt(r, k.Signer)
	wantError(t, err, "not the receipt key")
	r.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err = SignReceipt(r, rk.Signer)
	wantError(t, err, "time:")
	r.Lines = nil
	_, err = SignReceipt(r, rk.Signer)
	wantError(t, err, "no position")
}

// TestLargestReceiptFits holds the note's limit against the largest request.
func TestLargestReceiptFits(t *testing.T) {
	r := Receipt{Origin: strings.Repeat("o", maxOrigin)}
	for i := range 1000 {
		r.Lines = append(r.Lines, ReceiptLine{Index: events.Index(MaxSize) - 1000 + events.Index(i)})
	}
	k := newTestKey(t, ReceiptKeyName(r.Origin), "largest")
	msg, err := SignReceipt(r, k.Signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReceipt(msg, k.Verifier); err != nil {
		t.Fatal(err)
	}
}

func TestSizeLimits(t *testing.T) {
	k := logKey(t)
	text := testCheckpoint(testEntries(1)).Text()
	_, err := OpenCheckpoint([]byte(strings.Repeat("x\n", maxNote)+signRaw(t, text, k)), k.Verifier)
	wantError(t, err, "more than 65536")
	keys := []testKey{k}
	for i := range maxSignatures {
		keys = append(keys, newTestKey(t, "witness.example", strings.Repeat("w", i)))
	}
	_, err = OpenCheckpoint([]byte(signRaw(t, text, keys...)), k.Verifier)
	wantError(t, err, "more than 100")
	if _, err = OpenCheckpoint([]byte(signRaw(t, text, keys[:maxSignatures]...)), k.Verifier); err != nil {
		t.Error(err)
	}
	_, err = ParseProof(make([]byte, maxProof+1))
	wantError(t, err, "more than 262144")
	p := testProof(t, 0, [][]byte{make([]byte, MaxEntry+1)})
	_, err = ParseProof(p.Format())
	wantError(t, err, "extra: 65536 bytes")
	p = testProof(t, 0, [][]byte{make([]byte, MaxEntry)})
	if _, err = ParseProof(p.Format()); err != nil {
		t.Error(err)
	}
	_, err = ParseCheckpoint(strings.Repeat("o", maxOrigin+1) + text)
	wantError(t, err, "more than 200")
}

func TestParseVerifierKey(t *testing.T) {
	k := newTestKey(t, testOrigin, "spelling 3")
	name, rest, _ := strings.Cut(k.vkey, "+")
	hash, data, _ := strings.Cut(rest, "+")
	if strings.ToUpper(hash) == hash {
		t.Fatalf("the key hash %s has no letter to change", hash)
	}
	for vkey, reason := range map[string]string{
		name + "+" + strings.ToUpper(hash) + "+" + data: "lower case",
		k.vkey + "\n":                         "line ends",
		strings.Replace(k.vkey, "+", "++", 1): "malformed",
		name + "+" + hash + "+" + data + "=":  "malformed",
		"x" + k.vkey:                          "invalid verifier hash",
		"":                                    "malformed",
	} {
		_, err := ParseVerifierKey(vkey)
		wantError(t, err, reason)
	}
}

func TestCompareCheckpoints(t *testing.T) {
	k := logKey(t)
	c := testCheckpoint(testEntries(3))
	forked := c
	forked.Root[31] ^= 1
	sign := func(c Checkpoint) []byte { return []byte(signRaw(t, c.Text(), k)) }
	a, b := sign(c), sign(forked)

	fork, err := CompareCheckpoints(a, b, k.Verifier)
	if err != nil || fork == nil || !bytes.Equal(fork.A, a) || !bytes.Equal(fork.B, b) {
		t.Fatalf("fork = %+v, %v", fork, err)
	}
	for _, same := range [][]byte{a, sign(testCheckpoint(testEntries(4)))} {
		if fork, err := CompareCheckpoints(a, same, k.Verifier); err != nil || fork != nil {
			t.Errorf("fork = %+v, %v", fork, err)
		}
	}
	stranger := []byte(signRaw(t, forked.Text(), newTestKey(t, testOrigin, "stranger")))
	fork, err = CompareCheckpoints(a, stranger, k.Verifier)
	wantError(t, err, "the second: opening a checkpoint: no signature by key")
	if fork != nil {
		t.Errorf("a forged note is evidence: %+v", fork)
	}
}
