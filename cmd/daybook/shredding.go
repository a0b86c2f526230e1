package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// errOldKeys says that a keyring and a history do not belong to one moment.
var errOldKeys = errors.New("the keys directory is older than the history: it has no keys of somebody whom the history enrolled later, " +
	"so that what was recorded about her would be lost and a second trail begun; put back the newest keys, or the newest escrow with daybook escrow --restore")

// carryOut destroys what the history ordered to be destroyed, before any door is
// open: a crash came in between, or keys were put back from an earlier copy. Keys
// that know more of the history than there is are held against all of it.
func (s *system) carryOut(book *intake.Book) error {
	done, err := s.keys.Replayed()
	if err != nil {
		return fmt.Errorf("reading which keys were destroyed: %w", err)
	}
	if done > book.Cursor() {
		done = 0
	}
	upTo, err := book.Shred(done, s.keys)
	if err == nil {
		err = s.keys.SetReplayed(upTo)
	}
	if err != nil {
		return fmt.Errorf("destroying keys as the history orders: %w", err)
	}
	lacks, err := book.Lacks(s.keys)
	if err == nil && lacks {
		err = errOldKeys
	}
	return err
}

// ordered is what key.shredded entries of a public copy order to be destroyed.
type ordered struct {
	mu     sync.Mutex
	people map[[16]byte]bool
	months [][2]string // organization and month
}

func (o *ordered) note(_ events.Index, e *events.Entry) {
	if e.Kind.Name != "key.shredded" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if e.Text("what") == "month" {
		o.months = append(o.months, [2]string{e.Text("organization"), e.Text("month")})
		return
	}
	if name, err := base64.RawURLEncoding.DecodeString(e.Text("shred")); err == nil && len(name) == 16 {
		o.people[[16]byte(name)] = true
	}
}

// recoverShredded destroys the keys that a public copy of the log orders to be,
// which a history put back from an earlier copy knows nothing of. The copy is
// checked first: only what the ledger itself signed destroys a key.
func (s *stopped) recoverShredded(ctx context.Context, out io.Writer, where string) error {
	if !isDir(keysOf(s.dir)) {
		return fmt.Errorf("there are no keys in %s", s.dir)
	}
	ring, err := s.master.openKeyring(s.dir, "")
	if err != nil {
		return fmt.Errorf("opening the keyring: %w", err)
	}
	defer ring.Close()
	key, err := proof.ParseVerifierKey(ring.LogKey())
	if err != nil {
		return err
	}
	source, err := auditSource(where)
	if err == nil {
		err = reachable(ctx, source)
	}
	if err != nil {
		return exitWith(exitUnchecked, "%w", err)
	}
	o := &ordered{people: map[[16]byte]bool{}}
	report, err := ledger.Audit(ctx, source, key, ledger.AuditOptions{Each: o.note})
	if err != nil {
		return auditError(err)
	}
	found, err := ring.EraseNamed(o.people)
	if err != nil {
		return fmt.Errorf("destroying keys: %w", err)
	}
	for _, m := range o.months {
		if err := ring.DestroyMonth(m[0], m[1]); err != nil {
			return fmt.Errorf("destroying keys: %w", err)
		}
	}
	if err := ring.Close(); err != nil {
		return err
	}
	fmt.Fprintf(out, "The copy has %d entries, all checked. It orders the keys of %d persons and %d months to be destroyed;\n"+
		"keys of %d of these persons were still in %s, and are destroyed. What was recorded about them does not open here any more.\n",
		report.Size, len(o.people), len(o.months), found, keysOf(s.dir))
	return nil
}
