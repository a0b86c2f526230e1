package proof

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
)

const (
	evidenceFormat = "daybook/evidence@1"

	// maxEvidence is the most bytes a piece of evidence can have: the largest proofs
	// of two entries and of the first, as JSON.
	maxEvidence = 1 << 20
)

// The kinds of evidence. What each holds, and what of it contradicts itself, is in
// the documentation of the package.
const (
	EvidenceFork           = "fork"
	EvidenceInconsistent   = "inconsistent"
	EvidenceTwoEntries     = "two-entries"
	EvidenceDuplicateEvent = "duplicate-event"
	EvidenceDuplicateTag   = "duplicate-tag"
	EvidenceDuplicateLabel = "duplicate-label"
	EvidenceReceipt        = "receipt-broken"
	EvidenceReceiptLate    = "receipt-late"
	EvidenceIndexRoot      = "index-root"
	EvidenceIndexBack      = "index-back"
	EvidenceIndexTag       = "index-tag"
	EvidenceIndexLabel     = "index-label"
	EvidenceGap            = "gap"
	EvidenceOrder          = "order"
	EvidenceNotEnrolled    = "not-enrolled"
)

// Evidence are statements a ledger signed that cannot all be true, or that it may
// not make. Who holds it needs nobody's word, and no server.
type Evidence struct {
	Kind    string
	Opened  *Proof   // entry 0, which names the other keys; nil where they are not needed
	Notes   [][]byte // signed checkpoints or receipts
	Proofs  []Proof  // of entries of the ledger
	Leaves  []Proof  // of leaves of the index log
	Tags    *Node    // root of the pruned tree over tags that the last leaf states
	Labels  *Node    // over enrolments, likewise
	Placed  *Placed  // an entry below the ledger root that the last leaf states
	Root    [32]byte // root key of a trail: it opens every event of that generation
	Numbers []uint64 // of events of that trail
	// Of a log that has another root at a smaller size than was signed: that root, and
	// the path that leads from it to the larger size.
	Beginning Hash
	Path      []Hash
}

// Placed is an entry with its inclusion path to a root that is known otherwise.
type Placed struct {
	Entry []byte
	Index events.Index
	Path  []Hash
}

// holds says how much of each the evidence of a kind has.
type holds struct {
	notes, proofs, leaves, numbers int
	tags, labels, placed, root     bool
	beginning                      bool // with its path
}

// held is false for a kind there is none of.
func held(kind string) (h holds, ok bool) {
	switch kind {
	case EvidenceFork:
		return holds{notes: 2}, true
	case EvidenceInconsistent:
		return holds{notes: 2, beginning: true}, true
	case EvidenceTwoEntries, EvidenceDuplicateEvent, EvidenceDuplicateTag, EvidenceDuplicateLabel:
		return holds{proofs: 2}, true
	case EvidenceReceipt:
		return holds{notes: 1, proofs: 1}, true
	case EvidenceReceiptLate:
		return holds{notes: 2, proofs: 1}, true
	case EvidenceIndexRoot:
		return holds{notes: 1, leaves: 1}, true
	case EvidenceIndexBack:
		return holds{leaves: 2}, true
	case EvidenceIndexTag:
		return holds{leaves: 1, tags: true, placed: true}, true
	case EvidenceIndexLabel:
		return holds{leaves: 1, labels: true, placed: true}, true
	case EvidenceGap:
		return holds{leaves: 1, numbers: 3, tags: true, root: true}, true
	case EvidenceOrder:
		return holds{proofs: 2, numbers: 2, root: true}, true
	case EvidenceNotEnrolled:
		return holds{proofs: 2, numbers: 1, root: true}, true
	}
	return holds{}, false
}

// Evidence is f as a file.
func (f *Fork) Evidence() Evidence {
	return Evidence{Kind: EvidenceFork, Notes: [][]byte{f.A, f.B}}
}

// LeafProof is the leaf of p as evidence holds it. It verifies nothing.
func (p IndexProof) LeafProof() (Proof, error) {
	text, err := splitNote(p.Note)
	if err != nil {
		return Proof{}, fmt.Errorf("reading an index proof: %w", err)
	}
	c, err := ParseCheckpoint(text)
	if err == nil && c.Size == 0 {
		err = errors.New("the index log is empty")
	}
	if err != nil {
		return Proof{}, fmt.Errorf("reading an index proof: %w", err)
	}
	return Proof{Extra: []byte(p.Leaf.Text()), Index: events.Index(c.Size - 1), Path: p.Path, Note: p.Note}, nil
}

// Format writes e as a file. It does not check e: [ParseEvidence] refuses the file
// of what is not well-formed.
func (e Evidence) Format() []byte {
	w := evidenceWriter{}
	h, _ := held(e.Kind)
	w.text("$", evidenceFormat)
	if h.beginning {
		w.binary("beginning", e.Beginning[:])
	}
	if e.Placed != nil {
		w.binary("entry", e.Placed.Entry)
	}
	w.text("kind", e.Kind)
	if e.Labels != nil {
		w.binary("labels", AppendTree(nil, e.Labels))
	}
	w.proofs("leaves", e.Leaves)
	if len(e.Notes) > 0 {
		w.list("notes", len(e.Notes), func(i int) events.Value { return events.String(string(e.Notes[i])) })
	}
	if len(e.Numbers) > 0 {
		w.list("numbers", len(e.Numbers), func(i int) events.Value { return events.Integer(int64(e.Numbers[i])) })
	}
	if e.Opened != nil {
		w.text("opened", string(e.Opened.Format()))
	}
	if h.beginning {
		w.path(e.Path)
	}
	if e.Placed != nil {
		w.path(e.Placed.Path)
		w.add("position", events.Integer(int64(e.Placed.Index)))
	}
	w.proofs("proofs", e.Proofs)
	if h.root {
		w.binary("root", e.Root[:])
	}
	if e.Tags != nil {
		w.binary("tags", AppendTree(nil, e.Tags))
	}
	return w.out.Append(nil)
}

// evidenceWriter appends members in the order they are told, which is that of
// their names.
type evidenceWriter struct{ out events.Object }

func (w *evidenceWriter) add(name string, v events.Value) {
	w.out = append(w.out, events.Member{Name: name, Value: v})
}

func (w *evidenceWriter) text(name, s string) { w.add(name, events.String(s)) }

func (w *evidenceWriter) binary(name string, b []byte) {
	w.text(name, base64.RawURLEncoding.EncodeToString(b))
}

func (w *evidenceWriter) list(name string, n int, item func(int) events.Value) {
	out := make([]events.Value, n)
	for i := range out {
		out[i] = item(i)
	}
	w.add(name, events.List(out...))
}

func (w *evidenceWriter) path(list []Hash) {
	w.list("path", len(list), func(i int) events.Value {
		return events.String(base64.RawURLEncoding.EncodeToString(list[i][:]))
	})
}

func (w *evidenceWriter) proofs(name string, list []Proof) {
	if len(list) > 0 {
		w.list(name, len(list), func(i int) events.Value { return events.String(string(list[i].Format())) })
	}
}

// IsEvidence says that b begins as evidence does, of whatever version.
func IsEvidence(b []byte) bool { return bytes.HasPrefix(b, []byte(`{"$":"daybook/evidence@`)) }

// ParseEvidence reads what Format writes and nothing else. It checks the form of
// everything in it, and verifies nothing.
func ParseEvidence(b []byte) (Evidence, error) {
	e, err := parseEvidence(b)
	if err == nil && !bytes.Equal(e.Format(), b) {
		err = errors.New("not in its canonical form")
	}
	if err != nil {
		return Evidence{}, fmt.Errorf("reading evidence: %w", err)
	}
	return e, nil
}

func parseEvidence(b []byte) (e Evidence, err error) {
	if len(b) > maxEvidence {
		return e, fmt.Errorf("%d bytes, more than %d", len(b), maxEvidence)
	}
	v, err := events.ParseValue(b)
	if err != nil {
		return e, err
	}
	r := evidenceReader{in: v.Object()}
	if s := r.value("$").Text(); s != evidenceFormat {
		return e, fmt.Errorf("%.40q is not %s", s, evidenceFormat)
	}
	e.Kind = r.value("kind").Text()
	h, ok := held(e.Kind)
	if !ok {
		return e, fmt.Errorf("there is no kind %.40q", e.Kind)
	}
	e.Leaves, e.Proofs = r.proofs("leaves", h.leaves), r.proofs("proofs", h.proofs)
	e.Notes, e.Numbers = r.notes(h.notes), r.numbers(h.numbers)
	e.Labels, e.Tags = r.tree("labels", h.labels), r.tree("tags", h.tags)
	if h.placed {
		e.Placed = r.placed()
	}
	if h.beginning {
		e.Beginning, e.Path = r.hash(r.value("beginning"), "beginning"), r.path()
	}
	if h.root {
		e.Root = r.hash(r.value("root"), "root")
	}
	if _, ok := r.in.Get("opened"); ok {
		e.Opened = r.proof(r.value("opened"), "opened")
	}
	return e, r.err
}

// evidenceReader keeps the first error.
type evidenceReader struct {
	in  events.Object
	err error
}

func (r *evidenceReader) value(name string) events.Value { v, _ := r.in.Get(name); return v }

func (r *evidenceReader) note(err error, name string) {
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s: %w", name, err)
	}
}

// items are the members of a list that has as many.
func (r *evidenceReader) items(name string, n int) []events.Value {
	list := r.value(name).Items()
	if len(list) != n {
		r.note(fmt.Errorf("there are %d, and this kind has %d", len(list), n), name)
		return nil
	}
	return list
}

func (r *evidenceReader) proof(v events.Value, name string) *Proof {
	p, err := ParseProof([]byte(v.Text()))
	if err == nil && len(p.Extra) == 0 {
		err = errors.New("it carries no entry (no extra line)")
	}
	r.note(err, name)
	return &p
}

func (r *evidenceReader) proofs(name string, n int) (out []Proof) {
	for _, v := range r.items(name, n) {
		out = append(out, *r.proof(v, name))
	}
	return out
}

func (r *evidenceReader) notes(n int) (out [][]byte) {
	for _, v := range r.items("notes", n) {
		_, err := splitNote([]byte(v.Text()))
		r.note(err, "notes")
		out = append(out, []byte(v.Text()))
	}
	return out
}

func (r *evidenceReader) numbers(n int) (out []uint64) {
	for _, v := range r.items("numbers", n) {
		out = append(out, uint64(max(v.Int(), 0)))
	}
	r.note(ascend(out), "numbers")
	return out
}

func (r *evidenceReader) tree(name string, wanted bool) *Node {
	if !wanted {
		return nil
	}
	b, err := decode(base64.RawURLEncoding, r.value(name).Text())
	r.note(err, name)
	n, err := ParseTree(b)
	r.note(err, name)
	return n
}

func (r *evidenceReader) hash(v events.Value, name string) Hash {
	h, err := decodeHash(base64.RawURLEncoding, v.Text())
	r.note(err, name)
	return h
}

func (r *evidenceReader) placed() *Placed {
	p := &Placed{}
	var err error
	p.Entry, err = decode(base64.RawURLEncoding, r.value("entry").Text())
	if err == nil && (len(p.Entry) == 0 || len(p.Entry) > MaxEntry) {
		err = fmt.Errorf("%d bytes instead of 1 to %d", len(p.Entry), MaxEntry)
	}
	r.note(err, "entry")
	p.Index = events.Index(max(r.value("position").Int(), 0))
	p.Path = r.path()
	return p
}

func (r *evidenceReader) path() (out []Hash) {
	list := r.value("path").Items()
	if len(list) > maxPath {
		r.note(fmt.Errorf("it has %d hashes, more than %d", len(list), maxPath), "path")
		return nil
	}
	for _, v := range list {
		out = append(out, r.hash(v, "path"))
	}
	return out
}
