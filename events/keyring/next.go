package keyring

import (
	"errors"
	"fmt"
	"io"
)

// PrepareNext finds or mints the generation that follows a person's generation
// after, under the handle she has. It is durable when it returns. A later one that
// is here already is returned as it is, with the key it had: the history may or may
// not have it, and a person never has two keys for one generation. Otherwise it is
// the first whose label is not taken; see [Keyring.Prepare].
//
// It is an error when she has no keys here, or none of generation after.
func (k *Keyring) PrepareNext(id Identifier, after uint32, taken Taken) (*Person, error) {
	id, err := id.Normalize()
	if err != nil {
		return nil, fmt.Errorf("preparing a generation: %w", err)
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.closed.Load() {
		return nil, fmt.Errorf("preparing a generation: %w", ErrClosed)
	}
	p, err := k.nextOf(id, after, taken)
	if err != nil {
		return nil, fmt.Errorf("preparing a generation: %w", err)
	}
	return p, nil
}

func (k *Keyring) nextOf(id Identifier, after uint32, taken Taken) (*Person, error) {
	if err := k.makePlace(); err != nil {
		return nil, err
	}
	lookup := k.lookupOf(id)
	her, err := k.byLookup(lookup)
	if err != nil || her == nil || her.At(after) == nil {
		return nil, errors.Join(errors.New("she has no keys here that it could follow"), err)
	}
	// All of hers wait together, so that who looks among those that wait finds
	// her whole; the files may have a record twice.
	var records []record
	for _, p := range her.line.all() {
		if p.generation > after {
			return p, nil
		}
		records = append(records, record{lookup, p})
	}
	next := &Person{handle: her.handle, of: her.of, generation: after + 1, root: new(secret)}
	if _, err := io.ReadFull(k.random, next.root[:]); err != nil {
		return nil, fmt.Errorf("drawing a root key: %w", err)
	}
	if err := k.label([]minted{{record{lookup, next}, id}}, taken); err != nil {
		return nil, err
	}
	return next, k.appendPending(append(records, record{lookup, next}))
}

// ProveLabel is the proof, as C2SP vrf-r255 has it, that the label of a generation
// of a person is what it is, whether or not there ever is such a generation: its
// output is the label. It tells whoever has it nothing of the identifier but what a
// guess can be held against.
func (k *Keyring) ProveLabel(id Identifier, generation uint32) ([80]byte, error) {
	id, err := id.Normalize()
	if err != nil {
		return [80]byte{}, fmt.Errorf("proving a label: %w", err)
	}
	return [80]byte(k.keys.vrf.Prove(LabelInput(id, generation)).Bytes()), nil
}
