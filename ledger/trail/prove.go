package trail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Question is what somebody asks of the index. That is all that the ledger learns:
// whoever asks for a range of tags does not say which of them are hers.
type Question struct {
	Tags   []events.Tag
	Labels [][64]byte // VRF outputs of persons
	// Ranges are of the tree over tags, LabelRanges of that over enrolments.
	Ranges, LabelRanges []proof.Prefix
}

// Answer is what the last published leaf says of it.
type Answer struct {
	Proof proof.IndexProof
	// Positions are where what is there stands in the ledger, by its label in the
	// tree. They are claims until the entries are seen: see proof.IndexValue.
	Positions map[proof.Hash]events.Index
}

// answers are given from the last published leaf.
type answers struct {
	mu   sync.RWMutex // held for reading while view is read
	view *view        // what answers speak of; nil before the first leaf
}

// view is the trees at a published leaf.
type view struct {
	snapshot *pebble.Snapshot
	proof    proof.IndexProof // without the trees
	newest   func() []byte    // note of the index log's checkpoint
}

// answer is the proof without the trees, with the newest cosignatures of its checkpoint.
func (v *view) answer() proof.IndexProof {
	p, newest := v.proof, v.newest()
	ours, _, _ := bytes.Cut(p.Note, []byte("\n\n"))
	if text, _, _ := bytes.Cut(newest, []byte("\n\n")); bytes.Equal(text, ours) {
		p.Note = newest
	}
	return p
}

// setView replaces the view. The caller holds mu.
func (x *answers) setView(v *view) (err error) {
	if x.view != nil {
		err = x.view.snapshot.Close()
	}
	x.view = v
	return err
}

// Prove answers a question. The error is a *TooMuchError when the answer would be
// too large, and ledger.ErrNotPublished before the first leaf.
func (x *answers) Prove(_ context.Context, q Question) (Answer, error) {
	a, err := x.prove(q)
	if err != nil {
		return Answer{}, fmt.Errorf("asking the index: %w", err)
	}
	return a, nil
}

func (x *answers) prove(q Question) (Answer, error) {
	if n := len(q.Tags) + len(q.Ranges) + len(q.Labels) + len(q.LabelRanges); n > MaxAsked {
		return Answer{}, &TooMuchError{Asked: n}
	}
	ofTags, ofLabels := asked{ranges: q.Ranges}, asked{ranges: q.LabelRanges}
	for _, p := range slices.Concat(q.Ranges, q.LabelRanges) {
		if p.Bits < 0 || p.Bits > 256 || proof.PrefixOf(p.Path, p.Bits) != p {
			return Answer{}, fmt.Errorf("a range has %d bits, or more than it says", p.Bits)
		}
	}
	for _, t := range q.Tags {
		ofTags.labels = append(ofTags.labels, proof.TagLabel(t))
	}
	for _, l := range q.Labels {
		ofLabels.labels = append(ofLabels.labels, proof.PersonLabel(l))
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.view == nil {
		return Answer{}, ledger.ErrNotPublished
	}
	out := Answer{Proof: x.view.answer(), Positions: map[proof.Hash]events.Index{}}
	var err error
	if !ofTags.nothing() {
		out.Proof.Tags, err = show(tags, x.view.snapshot, ofTags, out.Positions)
	}
	if err == nil && !ofLabels.nothing() {
		out.Proof.Labels, err = show(labels, x.view.snapshot, ofLabels, out.Positions)
	}
	return out, err
}

// Positions are where tags stand in the ledger, up to the last published leaf; those
// that are not there are left out. It proves nothing.
func (x *answers) Positions(_ context.Context, list []events.Tag) (map[events.Tag]events.Index, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := make(map[events.Tag]events.Index, len(list))
	if x.view == nil {
		return out, nil
	}
	for _, t := range list {
		label := proof.TagLabel(t)
		key := append([]byte{byte(tags)}, label[:]...)
		value, closer, err := x.view.snapshot.Get(key)
		if errors.Is(err, pebble.ErrNotFound) {
			continue
		}
		var it item
		if err == nil {
			it, err = decodeItem(key, value)
			err = errors.Join(err, closer.Close())
		}
		if err != nil {
			return nil, fmt.Errorf("looking for a tag: %w", err)
		}
		out[t] = it.at
	}
	return out, nil
}
