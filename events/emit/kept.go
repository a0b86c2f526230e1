package emit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// keptWindow is how far from its end a file of answers is read when it is
// opened: beyond what one request can add to it.
const keptWindow = 16 << 20

// promise is a line of the receipts file: every event up to number Through is
// answered. Receipt is the signed note for those since the line before, empty
// when none was accepted.
type promise struct {
	Through uint64 `json:"through"`
	Receipt string `json:"receipt,omitempty"`
}

// Refused is an event the ledger will not take, with the reason: a line of the
// file refused.
type Refused struct {
	Number  uint64          `json:"number"` // in the outbox
	Status  int             `json:"status"`
	Problem json.RawMessage `json:"problem,omitempty"` // RFC 9457
	Event   json.RawMessage `json:"event"`
}

// maxProblem is the most bytes of a problem that is kept.
const maxProblem = 4 << 10

// EachReceipt gives fn every receipt that an outbox keeps in its directory, as signed
// notes, oldest first, also while the outbox is open. Damaged is how many lines are no
// longer readable.
func EachReceipt(dir string, fn func(receipt []byte) error) (damaged int, err error) {
	f, err := os.Open(filepath.Join(dir, "receipts"))
	if err != nil {
		return 0, fmt.Errorf("reading receipts: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("reading receipts: %w", err)
	}
	for in := readLines(f, 0, info.Size()); ; {
		payload, err := in.next()
		var kept promise
		switch {
		case errors.Is(err, io.EOF):
			return damaged, nil
		case errors.Is(err, errDamaged) || err == nil && json.Unmarshal(payload, &kept) != nil:
			damaged++
		case err != nil:
			return damaged, fmt.Errorf("reading receipts: %w", err)
		case kept.Receipt != "":
			if err := fn([]byte(kept.Receipt)); err != nil {
				return damaged, err
			}
		}
	}
}

// recent calls each with the last lines of f, and where they begin and end.
// Damaged lines are passed over: what was durable once and is not readable now
// is not made worse.
func (f *file) recent(each func(payload []byte, begin, end int64) error) error {
	from := max(0, f.size-keptWindow)
	in := readLines(f.File, from, f.size)
	for {
		begin := in.at
		payload, err := in.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errDamaged):
			continue
		case err != nil:
			return err
		}
		if err := each(payload, begin, in.at); err != nil {
			return err
		}
	}
}

// openReceipts opens the receipts of dir, cuts off a tail that was never
// durable, and finds how far the events were answered.
func openReceipts(path string, step stepFunc) (f *file, through uint64, err error) {
	if f, err = openFile(path, 0, step); err != nil {
		return nil, 0, err
	}
	whole := max(0, f.size-keptWindow)
	err = f.recent(func(payload []byte, _, end int64) error {
		var p promise
		if err := json.Unmarshal(payload, &p); err != nil {
			return fmt.Errorf("%s before byte %d: %w", path, end, err)
		}
		through, whole = max(through, p.Through), end
		return nil
	})
	if err == nil && whole < f.size {
		err = f.cut(whole)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, through, nil
}

// openRefused opens the refused events, and cuts off those whose answer was not
// recorded: they are sent again, and refused again.
func openRefused(path string, through uint64, step stepFunc) (*file, error) {
	f, err := openFile(path, 0, step)
	if err != nil {
		return nil, err
	}
	whole := max(0, f.size-keptWindow)
	err = f.recent(func(payload []byte, _, end int64) error {
		var r Refused
		if err := json.Unmarshal(payload, &r); err != nil {
			return fmt.Errorf("%s before byte %d: %w", path, end, err)
		}
		if r.Number <= through {
			whole = end
		}
		return nil
	})
	if err == nil && whole < f.size {
		err = f.cut(whole)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
