package keyring

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
)

// mayWait is how many records wait in one file before they are moved. Moving
// costs a sync for each bucket it touches, of 4,096 records two thirds of all.
const mayWait = 4096

// openPending reads the pending records but for a torn append, and moves them:
// after a crash some may be in their buckets already.
func (k *Keyring) openPending() error {
	data, err := k.files.read(pendingRoll.name())
	if err != nil {
		return fmt.Errorf("opening the pending records: %w", err)
	}
	if k.waiting, err = k.files.vault.readRoll(pendingRoll, data, k.pending.add); err != nil {
		return err
	}
	// The last frame may be whole and yet only in memory, when the process that
	// wrote it was killed before its sync; in its buckets it is on disk. A torn
	// one the next append cuts off.
	return k.move(true)
}

// appendPending writes records, at most maxRecords, as one frame and only then
// lets them be found.
func (k *Keyring) appendPending(records []record) error {
	if len(records) == 0 {
		return nil
	}
	if k.broken != nil {
		return k.broken
	}
	frame, err := k.waiting.frames(k.files.vault, records)
	if err != nil {
		return err
	}
	if err := k.files.appendAt(pendingRoll.name(), k.waiting.size, frame); err != nil {
		// What the disk holds after a failed sync nobody knows. The next Open
		// reads it anew.
		k.broken = fmt.Errorf("appending to the pending records: %w", err)
		return k.broken
	}
	k.waiting.size += int64(len(frame))
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range records {
		if err := k.pending.add(r); err != nil {
			return err
		}
	}
	return nil
}

// move brings the pending records into their buckets, each on disk, and then
// begins a new pending file under a new key. A crash in between leaves records
// in both, which are read as one.
func (k *Keyring) move(again bool) error {
	if k.broken != nil {
		return k.broken
	}
	if err := k.moveAll(again); err != nil {
		k.broken = fmt.Errorf("moving the pending records: %w", err)
		return k.broken
	}
	return nil
}

func (k *Keyring) moveAll(again bool) error {
	records := k.pending.records()
	if len(records) == 0 {
		return nil
	}
	byBucket := make(map[rollNumber][]record)
	for _, r := range records {
		n := bucketOf(r.person.handle)
		byBucket[n] = append(byBucket[n], r)
	}
	if err := k.appendBuckets(byBucket, again); err != nil {
		return err
	}
	if err := k.files.syncDir("buckets"); err != nil {
		return err
	}
	r, data, err := k.files.vault.writeRoll(pendingRoll, nil)
	if err != nil {
		return err
	}
	from, to := pendingRoll.wipe()
	if err := k.files.exchange(pendingRoll.name(), data, from, to); err != nil {
		return err
	}
	k.waiting = r
	return k.moved(records)
}

// appendBuckets appends to many buckets at once: what takes time is waiting for
// the disk, which takes their syncs together.
func (k *Keyring) appendBuckets(byBucket map[rollNumber][]record, again bool) error {
	workers := 8 * runtime.GOMAXPROCS(0)
	if k.files.step != nil {
		workers = 1 // steps have an order
	}
	todo := make(chan rollNumber, len(byBucket))
	for n := range byBucket {
		todo <- n
	}
	close(todo)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for n := range todo {
				if errs[w] = k.appendBucket(n, byBucket[n], again); errs[w] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
