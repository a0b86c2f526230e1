package keyring

import (
	"crypto/sha256"
	"fmt"
)

// ShredName is what the public entry about the destroyed keys of h names:
// SHA-256("daybook/shredded@1\n" ‖ h)[:16]. It says nothing to somebody who
// does not know the handle.
func ShredName(h Handle) [16]byte {
	sum := sha256.Sum256(append([]byte("daybook/shredded@1\n"), h[:]...))
	return [16]byte(sum[:16])
}

// Erase destroys the keys of all generations of the person whose handle is h and
// of all her hidden trails, or of the one hidden trail whose handle is h. On return no file here
// opens them, not with the master key either. A handle that is not here is no
// error, so that erasing again finishes what a crash cut short.
func (k *Keyring) Erase(h Handle) error {
	k.writing.Lock()
	defer k.writing.Unlock()
	if err := k.erase(h); err != nil {
		return fmt.Errorf("erasing a person: %w", err)
	}
	return nil
}

func (k *Keyring) erase(h Handle) error {
	if err := k.ready(); err != nil {
		return err
	}
	hers := func(p *Person) bool { return p.handle == h || p.of == h }
	if k.waits(hers) {
		if err := k.move(false); err != nil {
			return err
		}
	}
	_, err := k.rewriteWithout(bucketOf(h), hers)
	return err
}

// waits reports whether any such record is pending.
func (k *Keyring) waits(hers func(*Person) bool) bool {
	for _, l := range k.pending.byHandle {
		if hers(l.first()) {
			return true
		}
	}
	return false
}

// EraseNamed destroys, as [Keyring.Erase] does, the keys of everybody whose
// [ShredName] is in names, going through all buckets, and returns how many
// persons or hidden trails were named. It is how a keyring forgets again with
// nothing but the public entries at hand.
func (k *Keyring) EraseNamed(names map[[16]byte]bool) (int, error) {
	k.writing.Lock()
	defer k.writing.Unlock()
	erased, err := k.eraseNamed(names)
	if err != nil {
		return erased, fmt.Errorf("erasing persons by their public names: %w", err)
	}
	return erased, nil
}

func (k *Keyring) eraseNamed(names map[[16]byte]bool) (int, error) {
	if err := k.ready(); err != nil {
		return 0, err
	}
	if err := k.move(false); err != nil {
		return 0, err
	}
	erased := 0
	for n := range rollNumber(buckets) {
		named := 0
		_, err := k.rewriteWithout(n, func(p *Person) bool {
			own := names[ShredName(p.handle)]
			if own && p == p.line.first() {
				named++
			}
			return own || p.of != (Handle{}) && names[ShredName(p.of)]
		})
		if err != nil {
			return erased, err
		}
		erased += named
	}
	return erased, nil
}

// ready says why nothing can be changed, if nothing can.
func (k *Keyring) ready() error {
	if k.closed.Load() {
		return ErrClosed
	}
	return k.broken
}

// Count is how many persons' keys are here, hidden trails included. It reads
// every bucket.
func (k *Keyring) Count() (int, error) {
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.closed.Load() {
		return 0, fmt.Errorf("counting persons: %w", ErrClosed)
	}
	if err := k.move(false); err != nil {
		return 0, fmt.Errorf("counting persons: %w", err)
	}
	count := 0
	for n := range rollNumber(buckets) {
		k.reading[n].Lock()
		b, err := k.bucketNow(n)
		k.reading[n].Unlock()
		if err != nil {
			return 0, fmt.Errorf("counting persons: %w", err)
		}
		count += len(b.byHandle)
	}
	return count, nil
}
