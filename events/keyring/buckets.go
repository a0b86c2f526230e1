package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
)

// shelf is what is in memory of the records: those pending, always, and as many
// buckets as there is room for.
type shelf struct {
	mu      sync.RWMutex
	pending *roster
	loaded  [buckets]*bucket
	held    int // records in loaded
	room    int // how many those may be; one bucket is kept whatever it holds

	clock   atomic.Uint64
	reading [buckets]sync.Mutex // held while the file of a bucket is read or changed; before mu
}

// bucket is one bucket in memory. Its roster belongs to shelf.mu, its roll to
// shelf.reading.
type bucket struct {
	*roster
	roll *roll // nil while there is no file
	used atomic.Uint64
}

// look asks what is in memory. certain is false when her bucket is not.
func (s *shelf) look(n rollNumber, in func(*roster) *Person) (p *Person, certain bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p := in(s.pending); p != nil {
		return p, true
	}
	b := s.loaded[n]
	if b == nil {
		return nil, false
	}
	b.used.Store(s.clock.Add(1))
	return in(b.roster), true
}

// install puts a bucket that was just read on the shelf.
func (s *shelf) install(n rollNumber, b *bucket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.used.Store(s.clock.Add(1))
	s.loaded[n] = b
	s.held += len(b.byLookup)
	s.makeRoom(n)
}

// makeRoom takes buckets that hold something off the shelf, those that were not
// asked for the longest first, but for the one to be kept.
func (s *shelf) makeRoom(kept rollNumber) {
	for s.held > s.room {
		var oldest rollNumber = -1
		for i, b := range s.loaded {
			if b == nil || len(b.byLookup) == 0 || rollNumber(i) == kept {
				continue
			}
			if oldest < 0 || b.used.Load() < s.loaded[oldest].used.Load() {
				oldest = rollNumber(i)
			}
		}
		if oldest < 0 {
			return
		}
		s.held -= len(s.loaded[oldest].byLookup)
		s.loaded[oldest] = nil
	}
}

// moved takes records from the pending ones into the buckets on the shelf,
// after their files have them.
func (s *shelf) moved(records []record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		b := s.loaded[bucketOf(r.person.handle)]
		if b == nil {
			continue
		}
		s.held -= len(b.byLookup)
		err := b.add(r)
		s.held += len(b.byLookup)
		if err != nil {
			return err
		}
	}
	s.pending = newRoster()
	s.makeRoom(-1)
	return nil
}

// rewritten drops records from a bucket on the shelf, whose file is another now.
func (s *shelf) rewritten(b *bucket, to *roll, gone []record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := len(b.byLookup)
	for _, r := range gone {
		delete(b.byLookup, r.lookup)
		delete(b.byHandle, r.person.handle)
	}
	if s.loaded[to.number] == b {
		s.held -= held - len(b.byLookup)
	}
	b.roll = to
}

// find looks for a person in the pending ones and in bucket n, reading it when
// it is not in memory.
func (k *Keyring) find(n rollNumber, in func(*roster) *Person) (*Person, error) {
	if p, certain := k.look(n, in); certain {
		return p, nil
	}
	k.reading[n].Lock()
	defer k.reading[n].Unlock()
	if p, certain := k.look(n, in); certain {
		return p, nil
	}
	b, err := k.readBucket(n)
	if err != nil {
		return nil, err
	}
	k.install(n, b)
	k.mu.RLock()
	defer k.mu.RUnlock()
	return in(b.roster), nil
}

// bucketNow is bucket n, from memory or read without keeping it. It is used
// under reading[n].
func (k *Keyring) bucketNow(n rollNumber) (*bucket, error) {
	k.mu.RLock()
	b := k.loaded[n]
	k.mu.RUnlock()
	if b != nil {
		return b, nil
	}
	return k.readBucket(n)
}

func (k *Keyring) readBucket(n rollNumber) (*bucket, error) {
	if k.closed.Load() {
		return nil, ErrClosed
	}
	k.turning.RLock()
	defer k.turning.RUnlock()
	b := &bucket{roster: newRoster()}
	data, err := k.files.read(n.name())
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading a bucket: %w", err)
	}
	b.roll, err = k.files.vault.readRoll(n, data, b.add)
	return b, err
}

// rollFor is what appending to bucket n needs: from memory, or from the header
// and the length of its file. It is used under reading[n].
func (k *Keyring) rollFor(n rollNumber) (*roll, error) {
	k.mu.RLock()
	b := k.loaded[n]
	k.mu.RUnlock()
	if b != nil {
		return b.roll, nil
	}
	f, err := os.Open(k.files.path(n.name()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	header := make([]byte, min(info.Size(), n.headerLen()))
	if _, err := f.ReadAt(header, 0); err != nil {
		return nil, fmt.Errorf("reading %s: %w", n.name(), err)
	}
	return k.files.vault.openRoll(n, header, info.Size())
}

// appendBucket makes records durable in bucket n, but for the name of a file
// that is new. After a crash some of them may be there already, or half there:
// then again is set, and only what is missing is added.
func (k *Keyring) appendBucket(n rollNumber, records []record, again bool) error {
	k.reading[n].Lock()
	defer k.reading[n].Unlock()
	var r *roll
	var err error
	if again {
		r, records, err = k.missing(n, records)
	} else {
		r, err = k.rollFor(n)
	}
	if err != nil {
		return err
	}
	if r == nil {
		return k.firstOf(n, records)
	}
	frames, err := r.frames(k.files.vault, records)
	if err != nil {
		return err
	}
	if err := k.files.appendAt(n.name(), r.size, frames); err != nil {
		return fmt.Errorf("appending to %s: %w", n.name(), err)
	}
	r.size += int64(len(frames))
	return nil
}

// missing reads bucket n to its last whole frame and leaves of records those
// that are not in it. A record that is there differently is damage.
func (k *Keyring) missing(n rollNumber, records []record) (*roll, []record, error) {
	b, err := k.bucketNow(n)
	if err != nil {
		return nil, nil, err
	}
	var out []record
	for _, rec := range records {
		if !b.holds(rec) {
			out = append(out, rec)
		}
	}
	// Adding one generation of a person brings all that are known of her.
	for _, rec := range records {
		if err := b.add(rec); err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", n.name(), err)
		}
	}
	return b.roll, out, nil
}

// firstOf makes the file of a bucket. Under its name it is whole.
func (k *Keyring) firstOf(n rollNumber, records []record) error {
	r, data, err := k.files.vault.writeRoll(n, records)
	if err != nil {
		return err
	}
	if err := k.files.writeAside(n.name(), data); err != nil {
		return fmt.Errorf("making %s: %w", n.name(), err)
	}
	if err := k.files.settleAside(n.name()); err != nil {
		return fmt.Errorf("making %s: %w", n.name(), err)
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	if b := k.loaded[n]; b != nil {
		b.roll = r
	}
	return nil
}

// rewriteWithout destroys the records of bucket n that drop names: the others
// go into a new file under a new key, and the key of the old one is zeroed. It
// returns how many it destroyed.
func (k *Keyring) rewriteWithout(n rollNumber, drop func(*Person) bool) (int, error) {
	k.reading[n].Lock()
	defer k.reading[n].Unlock()
	b, err := k.bucketNow(n)
	if err != nil {
		return 0, err
	}
	var keep, gone []record
	for _, r := range b.records() {
		if drop(r.person) {
			gone = append(gone, r)
		} else {
			keep = append(keep, r)
		}
	}
	if len(gone) == 0 {
		return 0, nil
	}
	r, data, err := k.files.vault.writeRoll(n, keep)
	if err != nil {
		return 0, err
	}
	from, to := n.wipe()
	if err := k.files.exchange(n.name(), data, from, to); err != nil {
		k.broken = fmt.Errorf("rewriting %s: %w", n.name(), err)
		return 0, k.broken
	}
	k.rewritten(b, r, gone)
	for _, rec := range gone {
		rec.person.forget()
	}
	return len(gone), nil
}
