package ledger

import (
	"context"
	"encoding/base64"
	"fmt"
	"iter"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// chunk is what an audit learns from one bundle and its tile.
type chunk struct {
	hashes  []proof.Hash // of the entries, computed
	facts   []Facts      // of the entries; empty where one was not read
	suspect *suspect
}

// Facts are what of an entry must be unique or is counted.
type Facts struct {
	Kind   string
	Name   events.EventName
	Tags   []events.Tag
	Labels [][64]byte // of the persons it enrols
	Leaf   []byte     // all of it, in a log of Leaves; the rest is then empty
}

// chunks yields the bundles in order.
func (a *audit) chunks(ctx context.Context) iter.Seq2[chunk, error] {
	return inOrder(ctx, 0, (uint64(a.checkpoint.Size)+proof.TileWidth-1)/proof.TileWidth, a.opts.Parallel, a.chunk)
}

// chunk fetches bundle n and its tile, and checks all that needs no other.
func (a *audit) chunk(ctx context.Context, n uint64) (chunk, error) {
	width := int(min(proof.TileWidth, uint64(a.checkpoint.Size)-n*proof.TileWidth))
	t := proof.Tile{Level: proof.EntriesLevel, N: n, Width: width}
	b, err := a.src.Read(ctx, t.Path())
	if err != nil {
		return chunk{}, a.unread(ctx, t.Path(), err)
	}
	entries, err := proof.ReadBundle(b, width)
	if err != nil {
		return chunk{}, &AuditError{Place: placeOf(t), Reason: err}
	}
	t.Level = 0
	tile, err := a.fetchTile(ctx, t)
	if err != nil {
		return chunk{}, err
	}
	c := chunk{hashes: make([]proof.Hash, width), facts: make([]Facts, width)}
	for i, e := range entries {
		at := events.Index(n*proof.TileWidth) + events.Index(i)
		c.hashes[i] = proof.LeafHash(e)
		if c.hashes[i] != tile[i] {
			if c.suspect == nil {
				c.suspect = &suspect{tile: placeOf(t), entry: entryPlace(at)}
			}
			continue // its hash says more than what it holds
		}
		if at == 0 || !a.opts.HashesOnly {
			if c.facts[i], err = a.read(at, e); err != nil {
				return chunk{}, &AuditError{Place: entryPlace(at), Reason: err}
			}
		}
	}
	return c, nil
}

// read parses the entry at position i and checks what it says by itself.
func (a *audit) read(i events.Index, b []byte) (Facts, error) {
	if a.opts.Leaves != nil {
		return Facts{Leaf: b}, a.opts.Leaves.Check(i, b)
	}
	e, err := events.ParseEntry(b)
	if err != nil {
		return Facts{}, err
	}
	if err := checkPlace(i, e, a.checkpoint.Origin, a.key.KeyHash()); err != nil {
		return Facts{}, err
	}
	if i == 0 {
		if err := a.checkKey(e); err != nil {
			return Facts{}, err
		}
	}
	if a.opts.Each != nil {
		a.opts.Each(i, e)
	}
	return FactsOf(e)
}

// FactsOf are the facts of an entry.
func FactsOf(e *events.Entry) (f Facts, err error) {
	f = Facts{Kind: e.Kind.Name, Name: e.Name()}
	for _, s := range e.Texts("subjects.tags") {
		tag, ok := events.ParseTag(s)
		if !ok {
			return Facts{}, fmt.Errorf("%q is not a tag", s)
		}
		f.Tags = append(f.Tags, tag)
	}
	if e.Kind.Name == "subject.enrolled" {
		f.Labels, err = labels(e)
	}
	return f, err
}

// checkKey opens the checkpoint with the key entry 0 names. A key hash has 32
// bits, which is too few to tell that the key is the auditor's.
func (a *audit) checkKey(opened *events.Entry) error {
	v, err := proof.ParseVerifierKey(opened.Text("keys.log"))
	if err != nil {
		return err
	}
	if _, err := proof.OpenCheckpoint(a.checkpoint.note, v); err != nil {
		return fmt.Errorf("entry 0 names another log key: %w", err)
	}
	return nil
}

func labels(e *events.Entry) ([][64]byte, error) {
	pairs, _ := e.Value("pairs")
	out := make([][64]byte, len(pairs.Items()))
	for i, p := range pairs.Items() {
		label, _ := p.Object().Get("label")
		b, err := base64.RawURLEncoding.DecodeString(label.Text())
		if err != nil || len(b) != len(out[i]) {
			return nil, fmt.Errorf("pair %d: the label is malformed", i)
		}
		copy(out[i][:], b)
	}
	return out, nil
}

// seen is what an audit remembers of all entries.
type seen struct {
	names  map[events.EventName]struct{}
	tags   map[events.Tag]struct{}
	labels map[[64]byte]struct{}
	kinds  map[string]uint64
}

func newSeen() *seen {
	return &seen{
		names:  make(map[events.EventName]struct{}),
		tags:   make(map[events.Tag]struct{}),
		labels: make(map[[64]byte]struct{}),
		kinds:  make(map[string]uint64),
	}
}

func (s *seen) add(f Facts) error {
	if f.Kind == "" {
		return nil
	}
	s.kinds[f.Kind]++
	if !fresh(s.names, f.Name) {
		return fmt.Errorf("the event name %s stands in an entry before", f.Name)
	}
	for _, t := range f.Tags {
		if !fresh(s.tags, t) {
			return fmt.Errorf("the tag %s stands in an entry before", t)
		}
	}
	for _, l := range f.Labels {
		if !fresh(s.labels, l) {
			return fmt.Errorf("a label stands in an entry before")
		}
	}
	return nil
}

// fresh adds k and reports whether it was new.
func fresh[K comparable](set map[K]struct{}, k K) bool {
	n := len(set)
	set[k] = struct{}{}
	return len(set) > n
}
