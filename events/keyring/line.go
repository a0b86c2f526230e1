package keyring

import (
	"cmp"
	"slices"
	"sync"
)

// line is one person: her generations, ascending. A nil line is nobody.
type line struct {
	mu          sync.RWMutex
	generations []*Person
}

// first is her earliest generation.
func (l *line) first() *Person {
	if l == nil {
		return nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.generations[0]
}

// at is nil when she has no such generation.
func (l *line) at(generation uint32) *Person {
	for _, p := range l.all() {
		if p.generation == generation {
			return p
		}
	}
	return nil
}

// all are her generations, for reading.
func (l *line) all() []*Person {
	if l == nil {
		return nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.generations
}

// join adds a generation that she did not have. One that is of another line, as it
// was read twice, stays of that: a copy of it joins this one.
func (l *line) join(p *Person) {
	if p.line != nil {
		p = parseRecord(record{person: p}.appendTo(nil)).person
	}
	p.line = l
	l.mu.Lock()
	defer l.mu.Unlock()
	l.generations = append(slices.Clip(l.generations), p)
	slices.SortFunc(l.generations, func(a, b *Person) int { return cmp.Compare(a.generation, b.generation) })
}
