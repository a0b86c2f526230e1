package proof

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// testBook is a ledger with its index, which says whatever a test wants.
type testBook struct {
	testing.TB
	entries [][]byte
	leaves  [][]byte
}

// newBook has entry 0.
func newBook(t testing.TB) *testBook {
	e, err := events.Opened{
		Name: events.EventName(testSalt("opened")), RecordedAt: time.Date(2026, 6, 24, 0, 0, 0, 0, time.UTC), Origin: testOrigin,
		Log: logKey(t).vkey, Receipt: receiptKey(t).vkey, Index: indexKey(t).vkey, VRF: make([]byte, 32), Policy: "quorum none\n",
		Formats: []string{events.EntryFormat},
	}.Entry()
	if err != nil {
		t.Fatal(err)
	}
	return &testBook{TB: t, entries: [][]byte{e.Append(nil)}}
}

// use records event i of a person; other tells two entries about it apart.
func (b *testBook) use(who string, i uint64, other ...string) *testBook {
	words := fmt.Sprint(who, i, other)
	e, _ := testUseOf(b, words, [][32]byte{testEventKey(who, i)}, who)
	b.entries = append(b.entries, e)
	return b
}

func testLabel(who string) (out [64]byte) {
	for i := range 2 {
		sum := sha256.Sum256([]byte("public test data: label of " + who + string('0'+rune(i))))
		copy(out[32*i:], sum[:])
	}
	return out
}

func (b *testBook) enrol(words string, who ...string) *testBook {
	var pairs []events.Pair
	for _, w := range who {
		pairs = append(pairs, events.Pair{Label: testLabel(w), Commitment: events.Commitment(testLabel(w), testRoot(w))})
	}
	e, err := events.Enrolled(events.EventName(testSalt(words)), time.Date(2026, 6, 24, 0, 0, 0, 0, time.UTC), pairs)
	if err != nil {
		b.Fatal(err)
	}
	b.entries = append(b.entries, e.Append(nil))
	return b
}

// checkpoint is the signed one over the first n entries.
func (b *testBook) checkpoint(n int) []byte {
	return []byte(signRaw(b, testCheckpoint(b.entries[:n]).Text(), logKey(b)))
}

// proof is of entry i, at the size there is.
func (b *testBook) proof(i int) Proof {
	return Proof{Extra: b.entries[i], Index: events.Index(i), Path: inclusionPath(i, b.entries), Note: b.checkpoint(len(b.entries))}
}

// trees are those over the first n entries, without what hide names.
func (b *testBook) trees(n int, hide ...Hash) (tags, labels *Node) {
	var lists [2][]IndexItem
	for i, entry := range b.entries[:n] {
		e, err := events.ParseEntry(entry)
		if err != nil {
			b.Fatal(err)
		}
		for k, of := range []func(*events.Entry) ([]Hash, error){tagLabels, personLabels} {
			found, err := of(e)
			if err != nil {
				b.Fatal(err)
			}
			for _, l := range found {
				if !slices.Contains(hide, l) {
					lists[k] = append(lists[k], IndexItem{l, IndexValue(events.Index(i), LeafHash(entry))})
				}
			}
		}
	}
	var roots [2]*Node
	for k, list := range lists {
		slices.SortFunc(list, func(a, b IndexItem) int { return bytes.Compare(a.Label[:], b.Label[:]) })
		var err error
		if roots[k], err = BuildTree(list); err != nil {
			b.Fatal(err)
		}
	}
	return roots[0], roots[1]
}

// state appends a leaf over the first n entries with these trees.
func (b *testBook) state(n int, tags, labels *Node) *testBook {
	l := IndexLeaf{Size: events.Size(n), Root: treeRoot(b.entries[:n]), Tags: tags.Hash(), Labels: labels.Hash()}
	return b.stateLeaf(l)
}

func (b *testBook) stateLeaf(l IndexLeaf) *testBook {
	b.leaves = append(b.leaves, []byte(l.Text()))
	return b
}

func (b *testBook) leaf(i int) Proof {
	c := Checkpoint{Origin: IndexKeyName(testOrigin), Size: events.Size(len(b.leaves)), Root: treeRoot(b.leaves)}
	return Proof{Extra: b.leaves[i], Index: events.Index(i), Path: inclusionPath(i, b.leaves), Note: []byte(signRaw(b, c.Text(), indexKey(b)))}
}

func (b *testBook) opened() *Proof { p := b.proof(0); return &p }

// accept opens evidence as a stranger would, with the log's key.
func (b *testBook) convict(e Evidence) Conviction {
	b.Helper()
	read, err := ParseEvidence(e.Format())
	if err != nil {
		b.Fatal(err)
	}
	got, err := read.Verify(logKey(b).Verifier)
	if err != nil {
		b.Fatal(err)
	}
	return got
}

// crime is evidence of one kind with the words its verdict must have.
type crime struct {
	name, says string
	evidence   Evidence
	honest     Evidence // the same of a ledger that did nothing wrong
	indexAlone bool     // the index key is enough
}

// crimes are one of every kind.
func crimes(t testing.TB) (out []crime) {
	add := func(name, says string, indexAlone bool, evidence, honest Evidence) {
		out = append(out, crime{name, says, evidence, honest, indexAlone})
	}
	a := newBook(t).enrol("1", "ann", "ben").use("ann", 1).use("ann", 2).use("ben", 1).use("ann", 3)
	b := newBook(t).enrol("1", "ann", "ben").use("ann", 1).use("ben", 7).use("ben", 1).use("ann", 3)
	notes := func(n ...[]byte) Evidence { return Evidence{Kind: EvidenceFork, Notes: n} }
	proofs := func(kind string, p ...Proof) Evidence { return Evidence{Kind: kind, Proofs: p} }
	add("fork", "two different logs of 5 entries", false, notes(a.checkpoint(5), b.checkpoint(5)), notes(a.checkpoint(5), a.checkpoint(5)))
	longer := *b
	longer.use("cid", 1)
	add("two-entries", "another entry at position 3", false, proofs(EvidenceTwoEntries, a.proof(3), longer.proof(3)), proofs(EvidenceTwoEntries, a.proof(2), longer.proof(2)))

	twice := newBook(t).enrol("1", "ann").use("ann", 1).use("ann", 1, "again").use("ann", 2).enrol("2", "ann", "ben")
	add("duplicate-tag", "at position 2 and again at position 3", false, proofs(EvidenceDuplicateTag, twice.proof(3), twice.proof(2)), proofs(EvidenceDuplicateTag, twice.proof(3), twice.proof(4)))
	add("duplicate-label", "at position 1 and again at position 5", false, proofs(EvidenceDuplicateLabel, twice.proof(1), twice.proof(5)), proofs(EvidenceDuplicateLabel, a.proof(1), a.proof(1)))
	twice.use("ann", 3).entries = append(twice.entries, twice.entries[2])
	add("duplicate-event", "at position 2 and again at position 7", false, proofs(EvidenceDuplicateEvent, twice.proof(2), twice.proof(7)), proofs(EvidenceDuplicateEvent, twice.proof(2), twice.proof(3)))

	promise := func(hash [32]byte) Evidence {
		r := Receipt{Origin: testOrigin, Time: time.Date(2026, 6, 24, 8, 30, 0, 0, time.UTC), Lines: []ReceiptLine{{3, hash}}}
		return Evidence{Kind: EvidenceReceipt, Opened: a.opened(), Notes: [][]byte{[]byte(signRaw(t, r.Text(), receiptKey(t)))}, Proofs: []Proof{a.proof(3)}}
	}
	add("receipt-broken", "promised position 3 on 2026-06-24T08:30:00.000Z", false, promise(events.HashEntry(b.entries[3])), promise(events.HashEntry(a.entries[3])))
	for _, c := range []crime{inconsistency(t, a, &longer), lateness(t)} {
		add(c.name, c.says, false, c.evidence, c.honest)
	}
	return append(out, indexCrimes(t, a)...)
}

// inconsistency is that of b, which goes on otherwise than a from entry 3 on.
func inconsistency(t testing.TB, a, b *testBook) crime {
	shown := func(b *testBook, old int, note []byte) Evidence {
		return Evidence{
			Kind: EvidenceInconsistent, Notes: [][]byte{note, b.checkpoint(len(b.entries))},
			Beginning: treeRoot(b.entries[:old]), Path: consistencyPath(old, b.entries, true),
		}
	}
	return crime{EvidenceInconsistent, "signed a log of 5 entries, and one of 7 that begins otherwise", shown(b, 5, a.checkpoint(5)), shown(a, 5, a.checkpoint(5)), false}
}

// lateness is that of a log of four entries a day after it promised a fifth.
func lateness(t testing.TB) crime {
	return crime{
		EvidenceReceiptLate, "promised position 4 on 2026-06-24T08:30:00.000Z, and no quorum of its witnesses knew more than 4 entries on 2026-06-25T08:30:01Z",
		latenessUnder(t, "witness.added", 1, 1, 0), latenessUnder(t, "witness.added", 1, 0, 0), false,
	}
}

// latenessUnder is what the library and the newspaper say of that log so many seconds
// after the day, nothing with -1, when it recorded a policy that needs one or both of
// them in an entry of a kind.
func latenessUnder(t testing.TB, kind string, need, library, newspaper int) Evidence {
	t.Helper()
	b := newBook(t).enrol("1", "ann").use("ann", 1)
	w, n := testLibrary(t), testNewspaper(t)
	policy := Policy{Witnesses: []Witness{{Name: "library", Key: w.Cosigner}}, Quorum: "library"}
	if newspaper != 0 {
		policy.Witnesses = append(policy.Witnesses, Witness{Name: "newspaper", Key: n.Cosigner})
		policy.Groups, policy.Quorum = []Group{{Name: "some", Need: need, Members: []string{"library", "newspaper"}}}, "some"
	}
	e, err := events.ParseEntry(fmt.Appendf(nil, `{"$":"daybook/entry@1","event":"AQAAAAAAAAAAAAAAAAAAAA","key":"%s","kind":"%s","occurredAt":"2026-06-24T08:30:00Z",`+
		`"policy":%q,"recordedAt":"2026-06-24T08:30:00Z","source":"daybook","witness":"library"}`, w.Cosigner, kind, policy.Text()))
	if err != nil {
		t.Fatal(err)
	}
	b.entries = append(b.entries, e.Append(nil))
	msg, text := b.checkpoint(4), testCheckpoint(b.entries).Text()
	day := int(MergeDelay / time.Second)
	if library >= 0 {
		msg = must(AddCosignatures(msg, w.line(t, text, day+library)))
	}
	if newspaper > 0 {
		msg = must(AddCosignatures(msg, n.line(t, text, day+newspaper)))
	}
	r := Receipt{Origin: testOrigin, Time: cosignedAt, Lines: []ReceiptLine{{2, [32]byte{}}, {4, [32]byte{}}}}
	return Evidence{Kind: EvidenceReceiptLate, Opened: b.opened(), Notes: [][]byte{[]byte(signRaw(t, r.Text(), receiptKey(t))), msg}, Proofs: []Proof{b.proof(3)}}
}

// TestLateNeedsWhomTheQuorumNeeds: witnesses without whom there is a quorum may just
// not have been reached, so what they knew convicts nobody.
func TestLateNeedsWhomTheQuorumNeeds(t *testing.T) {
	for _, test := range []struct {
		kind                     string
		need, library, newspaper int
		late                     string
	}{
		{"witness.added", 2, 1, -1, "2026-06-25T08:30:01Z"},
		{"witness.removed", 2, -1, 7, "2026-06-25T08:30:07Z"},
		{"witness.added", 2, 0, 7, "2026-06-25T08:30:07Z"},
		{"witness.removed", 1, 9, 7, "2026-06-25T08:30:07Z"},
		{"witness.added", 1, 9, -1, ""},
		{"witness.added", 1, 0, 7, ""},
		{"witness.added", 2, 0, -1, ""},
	} {
		got, err := latenessUnder(t, test.kind, test.need, test.library, test.newspaper).Verify(logKey(t).Verifier)
		if test.late == "" {
			wantError(t, err, "it shows nothing")
		} else if err != nil || !strings.HasSuffix(got.Says, "no quorum of its witnesses knew more than 4 entries on "+test.late) {
			t.Errorf("%+v: %q, %v", test, got.Says, err)
		}
	}
}

// indexCrimes are those of an index over the honest ledger a, and of trails.
func indexCrimes(t testing.TB, a *testBook) (out []crime) {
	add := func(name, says string, indexAlone bool, evidence, honest Evidence) {
		out = append(out, crime{name, says, evidence, honest, indexAlone})
	}
	hidden := TagLabel(TagOf(testEventKey("ann", 2)))
	ben := PersonLabel(testLabel("ben"))
	tags, labels := a.trees(6)
	without, unborn := a.trees(6, hidden, ben)
	good, bad, back := *a, *a, *a
	good.state(6, tags, labels)
	bad.state(6, without, unborn)
	back.state(6, tags, labels).state(5, tags, labels)
	grown := good
	grown.leaves = [][]byte{[]byte(IndexLeaf{Size: 5, Root: treeRoot(a.entries[:5])}.Text()), good.leaves[0]}
	leaf := func(kind string, b *testBook, e Evidence) Evidence {
		e.Kind, e.Opened = kind, b.opened()
		for i := range b.leaves {
			e.Leaves = append(e.Leaves, b.leaf(i))
		}
		return e
	}
	placed := func(i int) *Placed { return &Placed{a.entries[i], events.Index(i), inclusionPath(i, a.entries)} }
	other := *a
	other.stateLeaf(IndexLeaf{Size: 6, Root: treeRoot(a.entries[:5])})
	signed := Evidence{Notes: [][]byte{a.checkpoint(6)}}
	add("index-root", "states the root of another", false, leaf(EvidenceIndexRoot, &other, signed), leaf(EvidenceIndexRoot, &good, signed))
	add("index-back", "covers 6 entries, and the later leaf 1 only 5", true, leaf(EvidenceIndexBack, &back, Evidence{}), leaf(EvidenceIndexBack, &grown, Evidence{}))
	add("index-tag", "does not have the tag of entry 3", true,
		leaf(EvidenceIndexTag, &bad, Evidence{Placed: placed(3), Tags: without.Show([]Hash{hidden}, nil)}),
		leaf(EvidenceIndexTag, &good, Evidence{Placed: placed(3), Tags: tags.Show([]Hash{hidden}, nil)}))
	add("index-label", "does not have the enrolment of entry 1", true,
		leaf(EvidenceIndexLabel, &bad, Evidence{Placed: placed(1), Labels: unborn.Show([]Hash{ben}, nil)}),
		leaf(EvidenceIndexLabel, &good, Evidence{Placed: placed(1), Labels: labels.Show([]Hash{ben}, nil)}))
	three := []uint64{1, 2, 3}
	add("gap", "has events 1 and 3 of a trail and not event 2", true,
		leaf(EvidenceGap, &bad, Evidence{Numbers: three, Root: testRoot("ann"), Tags: without}),
		leaf(EvidenceGap, &good, Evidence{Numbers: three, Root: testRoot("ann"), Tags: tags}))
	late := newBook(t).use("ann", 2).use("ann", 1).enrol("1", "ann").use("ann", 3)
	trail := func(kind string, p, q int, numbers ...uint64) Evidence {
		return Evidence{Kind: kind, Proofs: []Proof{late.proof(p), late.proof(q)}, Root: testRoot("ann"), Numbers: numbers}
	}
	add("order", "the later event 2 not behind it, at 1", false, trail(EvidenceOrder, 2, 1, 1, 2), trail(EvidenceOrder, 2, 4, 1, 3))
	add("not-enrolled", "enrolled the trail only behind it, at 3", false, trail(EvidenceNotEnrolled, 1, 3, 2), trail(EvidenceNotEnrolled, 4, 3, 3))
	return out
}

func TestEvidenceConvicts(t *testing.T) {
	kinds := map[string]bool{}
	for _, c := range crimes(t) {
		b := &testBook{TB: t}
		got := b.convict(c.evidence)
		if got.Kind != c.name || !strings.Contains(got.Says, c.says) || strings.HasSuffix(got.Says, ".") || got.Signer != testOrigin {
			t.Errorf("%s says %+v", c.name, got)
		}
		if want := c.name == EvidenceGap || c.name == EvidenceOrder || c.name == EvidenceNotEnrolled; got.Secret != want {
			t.Errorf("%s holds a root key: %v", c.name, got.Secret)
		}
		_, err := c.honest.Verify(logKey(t).Verifier)
		wantError(t, err, "it shows nothing")
		_, err = c.evidence.Verify(newTestKey(t, testOrigin, "another log").Verifier)
		wantError(t, err, "")
		c.evidence.Opened = nil
		if _, err := c.evidence.Verify(indexKey(t).Verifier); (err == nil) != c.indexAlone {
			t.Errorf("%s with the index key alone: %v", c.name, err)
		}
		kinds[c.name] = true
	}
	if len(kinds) != 15 {
		t.Errorf("%d kinds are tried", len(kinds))
	}
}

// TestForkOfTheIndex is evidence that either key opens.
func TestForkOfTheIndex(t *testing.T) {
	b := newBook(t)
	b.stateLeaf(IndexLeaf{})
	one := b.leaf(0).Note
	b.leaves = nil
	b.stateLeaf(IndexLeaf{Size: 1})
	e := (&Fork{one, b.leaf(0).Note}).Evidence()
	if _, err := e.Verify(indexKey(t).Verifier); err != nil {
		t.Error(err)
	}
	_, err := e.Verify(logKey(t).Verifier)
	wantError(t, err, "the entry that names the other is missing")
	e.Opened = b.opened()
	if got := b.convict(e); !strings.Contains(got.Says, testOrigin+"/index signed two different logs of 1 entries") {
		t.Error(got.Says)
	}
}

// TestIndexRootIsOfTheLedger: an honest index has a size and a root of its own, and
// its leaves state those of the ledger. The index key alone convicts nobody of that.
func TestIndexRootIsOfTheLedger(t *testing.T) {
	b := newBook(t).enrol("1", "ann").use("ann", 1)
	for n := 1; n <= 3; n++ {
		tags, labels := b.trees(n)
		b.state(n, tags, labels)
	}
	e := Evidence{Kind: EvidenceIndexRoot, Opened: b.opened(), Notes: [][]byte{b.leaf(0).Note}, Leaves: []Proof{b.leaf(2)}}
	for _, v := range []testKey{indexKey(t), logKey(t)} {
		got, err := e.Verify(v.Verifier)
		if err == nil {
			t.Errorf("an honest ledger is convicted by %s: %s", v.vkey, got.Says)
		}
	}
}

func TestLeafOfAnIndexProof(t *testing.T) {
	b := newBook(t).enrol("1", "ann").use("ann", 1)
	tags, labels := b.trees(3)
	b.state(2, labels, labels).state(3, tags, labels)
	want := b.leaf(1)
	l, err := ParseIndexLeaf(string(want.Extra))
	if err != nil {
		t.Fatal(err)
	}
	got, err := IndexProof{Leaf: l, Path: want.Path, Note: want.Note}.LeafProof()
	if err != nil || !bytes.Equal(got.Format(), want.Format()) {
		t.Errorf("%s, %v, want %s", got.Format(), err, want.Format())
	}
}

// TestNoChangedByteConvicts changes bytes of each file: every seventh, of each kind
// others.
func TestNoChangedByteConvicts(t *testing.T) {
	for n, c := range crimes(t) {
		file := c.evidence.Format()
		for i := n % 7; i < len(file); i += 7 {
			changed := bytes.Clone(file)
			changed[i] ^= 1
			e, err := ParseEvidence(changed)
			if err != nil {
				continue
			}
			if got, err := e.Verify(logKey(t).Verifier); err == nil {
				t.Errorf("%s convicts with byte %d changed near %q: %s", c.name, i, changed[max(0, i-30):min(len(changed), i+10)], got.Says)
			}
		}
	}
}

// TestLateReceiptNeedsItsOwnWitness: who signs as a witness that no entry names, or
// whose entry adds none, convicts nobody; and a log that has the entry is not late.
func TestLateReceiptNeedsItsOwnWitness(t *testing.T) {
	good := lateness(t).evidence
	verify := func(change func(*Evidence)) error {
		e := good
		e.Notes = slices.Clone(e.Notes)
		change(&e)
		_, err := e.Verify(logKey(t).Verifier)
		return err
	}
	text := must(splitNote(good.Notes[1]))
	day := int(MergeDelay / time.Second)
	cosigned := func(by *CosignerSigner) []byte {
		return []byte(signRaw(t, text, logKey(t)) + by.line(t, text, day+1))
	}
	wantError(t, verify(func(e *Evidence) { e.Notes[1] = cosigned(testNewspaper(t)) }), "it shows nothing")
	wantError(t, verify(func(e *Evidence) { e.Proofs = []Proof{*e.Opened} }), "neither adds nor removes a witness")
	r := Receipt{Origin: testOrigin, Time: cosignedAt, Lines: []ReceiptLine{{3, [32]byte{}}}}
	wantError(t, verify(func(e *Evidence) { e.Notes[0] = []byte(signRaw(t, r.Text(), receiptKey(t))) }), "it shows nothing")
}

// TestConsistencyBeginning compares with the trees themselves, for all sizes.
func TestConsistencyBeginning(t *testing.T) {
	a, b := testEntries(20), testEntries(20)
	b[0] = []byte("another")
	for size := 2; size <= 20; size++ {
		for old := 1; old < size; old++ {
			path := consistencyPath(old, b[:size], true)
			got, known := ConsistencyBeginning(path, events.Size(old), testCheckpoint(b[:size]))
			if power := old&(old-1) == 0; known == power || known && (got != treeRoot(b[:old]) || got == treeRoot(a[:old])) {
				t.Fatalf("%d of %d: %v, %v", old, size, got, known)
			}
			if _, known := ConsistencyBeginning(path, events.Size(old), testCheckpoint(a[:size])); known {
				t.Fatalf("%d of %d: a path leads to another root", old, size)
			}
			if len(path) > 0 {
				if _, known := ConsistencyBeginning(path[1:], events.Size(old), testCheckpoint(b[:size])); known {
					t.Fatalf("%d of %d: a shorter path", old, size)
				}
			}
			if _, known := ConsistencyBeginning(append(path, Hash{}), events.Size(old), testCheckpoint(b[:size])); known {
				t.Fatalf("%d of %d: a longer path", old, size)
			}
		}
	}
}

// TestLateHasNoEnd: a witness may have any clock, and the latest second is late too.
func TestLateHasNoEnd(t *testing.T) {
	e := lateness(t).evidence
	text := must(splitNote(e.Notes[1]))
	e.Notes[1] = must(AddCosignatures(e.Notes[1], testLibrary(t).lineAt(text, math.MaxInt64)))
	if _, err := e.Verify(logKey(t).Verifier); err != nil {
		t.Error(err)
	}
}
