package keyring

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
)

// Lookup finds the person of an identifier in any spelling. It never mints;
// an identifier that [Identifier.Normalize] refuses is nobody's.
func (k *Keyring) Lookup(id Identifier) (*Person, bool, error) {
	id, err := id.Normalize()
	if err != nil {
		return nil, false, nil
	}
	p := k.find(k.lookupOf(id))
	return p, p != nil, nil
}

// ByHandle finds the person whose boxes carry h.
func (k *Keyring) ByHandle(h Handle) (*Person, bool, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	p, ok := k.byHandle[h]
	return p, ok, nil
}

// Prepare finds or mints the persons of ids, in the same order; equal
// identifiers give the same person. Everybody new is on disk as pending when
// it returns, with one fsync for up to 4,096 of them. Who is pending already
// is returned as she is, with the key she had.
//
// An identifier that cannot be normalized fails the whole call, with
// [ErrScheme] or [ErrIdentifier] and its place in ids, and mints nobody.
func (k *Keyring) Prepare(ids []Identifier, taken func([64]byte) (bool, error)) ([]*Person, error) {
	normal := make([]Identifier, len(ids))
	for i, id := range ids {
		var err error
		if normal[i], err = id.Normalize(); err != nil {
			return nil, fmt.Errorf("preparing person %d: %w", i, err)
		}
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.closed {
		return nil, fmt.Errorf("preparing persons: %w", ErrClosed)
	}
	people, fresh, err := k.findOrMint(normal, taken)
	if err != nil {
		return nil, fmt.Errorf("preparing persons: %w", err)
	}
	for chunk := range slices.Chunk(fresh, maxRecords) {
		if err := k.appendPeople(chunk); err != nil {
			return nil, fmt.Errorf("preparing persons: %w", err)
		}
	}
	return people, nil
}

// Enrolled notes that the history has acknowledged the enrolment of handles.
// Noting it again is harmless. A handle that is not of this keyring is an
// error, and then none is noted.
func (k *Keyring) Enrolled(handles []Handle) error {
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.closed {
		return fmt.Errorf("noting an enrolment: %w", ErrClosed)
	}
	people := make([]*Person, len(handles))
	for i, h := range handles {
		p, ok, _ := k.ByHandle(h)
		if !ok {
			return fmt.Errorf("noting an enrolment: the keyring has no handle %x", h[:])
		}
		people[i] = p
	}
	for _, p := range people {
		if p.enrolled.CompareAndSwap(false, true) {
			k.marks = append(k.marks, p.handle)
		}
	}
	return nil
}

func (k *Keyring) lookupOf(id Identifier) [32]byte {
	return mac(k.keys.lookup[:], encodeIdentifier(id))
}

func (k *Keyring) find(lookup [32]byte) *Person {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.byLookup[lookup]
}

// findOrMint returns the persons of normalized identifiers, and those of them
// that are not on disk yet and that nobody else may see before they are.
func (k *Keyring) findOrMint(ids []Identifier, taken func([64]byte) (bool, error)) (people []*Person, fresh []record, err error) {
	people = make([]*Person, len(ids))
	minted := make(map[[32]byte]*Person)
	var names []Identifier
	for i, id := range ids {
		lookup := k.lookupOf(id)
		if people[i] = k.find(lookup); people[i] != nil {
			continue
		}
		if people[i] = minted[lookup]; people[i] != nil {
			continue
		}
		if people[i], err = k.mint(); err != nil {
			return nil, nil, err
		}
		minted[lookup] = people[i]
		fresh = append(fresh, record{lookup, people[i]})
		names = append(names, id)
	}
	k.label(fresh, names)
	for i := range fresh {
		for taken != nil {
			ok, err := taken(fresh[i].person.label)
			if err != nil {
				return nil, nil, err
			}
			if !ok {
				break
			}
			fresh[i].person.generation++
			k.label(fresh[i:i+1], names[i:i+1])
		}
	}
	return people, fresh, nil
}

func (k *Keyring) mint() (*Person, error) {
	p := &Person{generation: 1, root: new(secret)}
	if _, err := io.ReadFull(k.random, p.handle[:]); err != nil {
		return nil, fmt.Errorf("drawing a handle: %w", err)
	}
	if _, err := io.ReadFull(k.random, p.root[:]); err != nil {
		return nil, fmt.Errorf("drawing a root key: %w", err)
	}
	return p, nil
}

// label computes the VRF outputs of people, by far the dearest part of minting,
// on every processor.
func (k *Keyring) label(people []record, names []Identifier) {
	workers := min(runtime.GOMAXPROCS(0), len(people))
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(people); i += workers {
				p := people[i].person
				p.label = [64]byte(k.keys.vrf.Prove(LabelInput(names[i], p.generation)).Hash())
			}
		})
	}
	wg.Wait()
}

// appendPeople writes one frame, of people and of the marks that wait, and
// only then lets people be found.
func (k *Keyring) appendPeople(people []record) error {
	marks := k.marks[:min(len(k.marks), maxRecords)]
	if k.repeatsHandle(people) {
		return errors.New("a handle was drawn twice: the random source repeats itself")
	}
	if err := k.persons.append(frame{marks, people}); err != nil {
		return err
	}
	k.marks = k.marks[len(marks):]
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range people {
		k.byLookup[r.lookup] = r.person
		k.byHandle[r.person.handle] = r.person
	}
	return nil
}

// repeatsHandle catches a broken random source before it writes what could not
// be read again.
func (k *Keyring) repeatsHandle(people []record) bool {
	seen := make(map[Handle]bool, len(people))
	for _, r := range people {
		h := r.person.handle
		if _, used, _ := k.ByHandle(h); used || seen[h] {
			return true
		}
		seen[h] = true
	}
	return false
}

// learn takes in a frame read from disk, refusing what appendPeople would not
// have written.
func (k *Keyring) learn(f frame) error {
	for _, h := range f.marks {
		p, ok := k.byHandle[h]
		if !ok || !p.enrolled.CompareAndSwap(false, true) {
			return errors.New("a mark of enrolment for nobody, or twice")
		}
	}
	for _, r := range f.people {
		if r.person.generation != 1 || k.byLookup[r.lookup] != nil || k.byHandle[r.person.handle] != nil {
			return errors.New("a person stands there twice, or in an unknown generation")
		}
		k.byLookup[r.lookup] = r.person
		k.byHandle[r.person.handle] = r.person
	}
	return nil
}
