package keyring

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
)

// Taken tells which labels the history has enrolled already. A keyring put back
// from an older copy does not know by itself whom it lost.
type Taken func(label [64]byte) (bool, error)

// Lookup finds the person of an identifier in any spelling. It never mints;
// an identifier that [Identifier.Normalize] refuses is nobody's. The error is
// about the disk.
func (k *Keyring) Lookup(id Identifier) (*Person, bool, error) {
	id, err := id.Normalize()
	if err != nil {
		return nil, false, nil //nolint: it is nobody's
	}
	p, err := k.byLookup(k.lookupOf(id))
	if err != nil {
		return nil, false, fmt.Errorf("looking for a person: %w", err)
	}
	return p, p != nil, nil
}

// ByHandle finds the person, or the hidden trail, whose boxes carry h. The
// error is about the disk.
func (k *Keyring) ByHandle(h Handle) (*Person, bool, error) {
	p, err := k.find(bucketOf(h), func(s *roster) *Person { return s.byHandle[h].first() })
	if err != nil {
		return nil, false, fmt.Errorf("looking for a person: %w", err)
	}
	return p, p != nil, nil
}

// Prepare finds or mints the persons of ids, in the same order; equal
// identifiers give the same person. Everybody new is on disk when it returns,
// with one sync for up to 4,096 of them. Who is there already is returned as
// she is, enrolled or not, with the key she had.
//
// Who is new gets the first generation whose label is not taken; nil takes none
// for taken. It is asked while the keyring is held, and must not use it. More
// than 1,000 generations are an error.
//
// An identifier that cannot be normalized fails the whole call, with
// [ErrScheme] or [ErrIdentifier] and its place in ids, and mints nobody.
func (k *Keyring) Prepare(ids []Identifier, taken Taken) ([]*Person, error) {
	normal := make([]Identifier, len(ids))
	for i, id := range ids {
		var err error
		if normal[i], err = id.Normalize(); err != nil {
			return nil, fmt.Errorf("preparing person %d: %w", i, err)
		}
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.closed.Load() {
		return nil, fmt.Errorf("preparing persons: %w", ErrClosed)
	}
	people, fresh, err := k.findOrMint(normal)
	if err == nil {
		err = k.keep(fresh, taken)
	}
	if err != nil {
		return nil, fmt.Errorf("preparing persons: %w", err)
	}
	return people, nil
}

// PrepareSeal finds or mints the hidden trail that the seal opens for a person:
// of, which is the person of id. It is durable when it returns, and bound to
// her: what destroys her keys destroys it. A seal is named by 1 to 255 bytes.
// The generation is the first from hers on whose label is not taken.
func (k *Keyring) PrepareSeal(of *Person, id Identifier, seal string, taken Taken) (*Person, error) {
	id, err := id.Normalize()
	if err != nil {
		return nil, fmt.Errorf("preparing a hidden trail: %w", err)
	}
	hidden, err := sealed(id, seal)
	if err != nil {
		return nil, fmt.Errorf("preparing a hidden trail: %w", err)
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.closed.Load() {
		return nil, fmt.Errorf("preparing a hidden trail: %w", ErrClosed)
	}
	p, err := k.hiddenOf(of, id, hidden, taken)
	if err != nil {
		return nil, fmt.Errorf("preparing a hidden trail: %w", err)
	}
	return p, nil
}

func (k *Keyring) hiddenOf(of *Person, id, hidden Identifier, taken Taken) (*Person, error) {
	if her, err := k.byLookup(k.lookupOf(id)); err != nil || her == nil || her.handle != of.handle {
		return nil, errors.Join(errors.New("the identifier is not hers, or her keys were destroyed"), err)
	}
	lookup := k.lookupOf(hidden)
	p, err := k.find(bucketOf(of.handle), func(s *roster) *Person { return s.byLookup[lookup].first() })
	if err != nil || p != nil {
		return p, err
	}
	if p, err = k.mint(of.handle, of.generation); err != nil {
		return nil, err
	}
	p.of = of.handle
	return p, k.keep([]minted{{record{lookup, p}, hidden}}, taken)
}

// Hidden lists the hidden trails of the person whose handle is h, by handle.
func (k *Keyring) Hidden(h Handle) ([]*Person, error) {
	n := bucketOf(h)
	k.reading[n].Lock()
	defer k.reading[n].Unlock()
	b, err := k.bucketNow(n)
	if err != nil {
		return nil, fmt.Errorf("looking for hidden trails: %w", err)
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	var out []*Person
	for _, s := range []*roster{b.roster, k.pending} {
		for handle, l := range s.byHandle {
			if p := l.first(); p.of == h && (s == b.roster || b.byHandle[handle] == nil) {
				out = append(out, p)
			}
		}
	}
	slices.SortFunc(out, func(a, b *Person) int { return slices.Compare(a.handle[:], b.handle[:]) })
	return out, nil
}

func (k *Keyring) lookupOf(id Identifier) [32]byte {
	return mac(k.keys.lookup[:], encodeIdentifier(id))
}

// byLookup finds a person's own trail.
func (k *Keyring) byLookup(lookup [32]byte) (*Person, error) {
	return k.find(bucketOf(Handle(lookup[:16])), func(s *roster) *Person { return s.byLookup[lookup].first() })
}

// minted is somebody new, and what her label is computed over.
type minted struct {
	record
	id Identifier
}

// findOrMint returns the persons of normalized identifiers, and those of them
// that are not on disk yet and that nobody else may see before they are.
func (k *Keyring) findOrMint(ids []Identifier) (people []*Person, fresh []minted, err error) {
	people = make([]*Person, len(ids))
	seen := make(map[[32]byte]*Person)
	for i, id := range ids {
		lookup := k.lookupOf(id)
		if people[i], err = k.byLookup(lookup); err != nil {
			return nil, nil, err
		}
		if people[i] != nil {
			continue
		}
		if people[i] = seen[lookup]; people[i] != nil {
			continue
		}
		if people[i], err = k.mint(Handle(lookup[:16]), 1); err != nil {
			return nil, nil, err
		}
		seen[lookup] = people[i]
		fresh = append(fresh, minted{record{lookup, people[i]}, id})
	}
	return people, fresh, nil
}

// mint draws the keys of somebody whose handle begins with the bits of home.
func (k *Keyring) mint(home Handle, generation uint32) (*Person, error) {
	p := &Person{generation: generation, root: new(secret)}
	if _, err := io.ReadFull(k.random, p.handle[:]); err != nil {
		return nil, fmt.Errorf("drawing a handle: %w", err)
	}
	p.handle[0] = home[0]
	p.handle[1] = home[1]&0xf0 | p.handle[1]&0x0f
	if _, err := io.ReadFull(k.random, p.root[:]); err != nil {
		return nil, fmt.Errorf("drawing a root key: %w", err)
	}
	return p, nil
}

// keep labels people and makes them durable.
func (k *Keyring) keep(people []minted, taken Taken) error {
	if len(people) == 0 {
		return nil
	}
	if err := k.label(people, taken); err != nil {
		return err
	}
	if err := k.checkHandles(people); err != nil {
		return err
	}
	for chunk := range slices.Chunk(people, maxRecords) {
		if err := k.makePlace(); err != nil {
			return err
		}
		records := make([]record, len(chunk))
		for i, m := range chunk {
			records[i] = m.record
		}
		if err := k.appendPending(records); err != nil {
			return err
		}
	}
	return nil
}

// makePlace moves the pending records when enough of them wait.
func (k *Keyring) makePlace() error {
	if len(k.pending.byLookup) < k.mayWait {
		return nil
	}
	return k.move(false)
}

// label gives everybody the first label from her generation on that is not
// taken.
func (k *Keyring) label(people []minted, taken Taken) error {
	for len(people) > 0 {
		if err := k.prove(people); err != nil {
			return err
		}
		if taken == nil {
			return nil
		}
		var again []minted
		for _, m := range people {
			used, err := taken(m.person.label)
			if err != nil {
				return fmt.Errorf("asking whether a label is taken: %w", err)
			}
			if !used {
				continue
			}
			if m.person.generation++; m.person.generation > maxGeneration {
				return fmt.Errorf("a person has had %d generations", maxGeneration)
			}
			again = append(again, m)
		}
		people = again
	}
	return nil
}

// prove computes the VRF outputs of people, by far the dearest part of minting,
// on every processor.
func (k *Keyring) prove(people []minted) error {
	workers := min(runtime.GOMAXPROCS(0), len(people))
	var wg sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(people) && errs[w] == nil; i += workers {
				p := people[i].person
				p.label, errs[w] = k.keys.labeling.label(LabelInput(people[i].id, p.generation))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// checkHandles catches a broken random source before it writes what could not
// be read again.
func (k *Keyring) checkHandles(people []minted) error {
	seen := make(map[Handle]bool, len(people))
	for _, m := range people {
		h := m.person.handle
		_, used, err := k.ByHandle(h)
		if err != nil {
			return err
		}
		if used || seen[h] {
			return errors.New("a handle was drawn twice: the random source repeats itself")
		}
		seen[h] = true
	}
	return nil
}
