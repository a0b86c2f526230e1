package emit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/note"
)

// mergeDelay is how long a ledger may take from a receipt to a checkpoint that
// covers it.
const mergeDelay = 24 * time.Hour

// Report is what became of the ledger's promises.
type Report struct {
	Size     events.Size // of the log that was checked against
	Kept     int         // promises the log keeps
	Pending  int         // of positions that are not published yet
	Overdue  int         // those among them older than a day, by this machine's clock
	Damaged  int         // receipts that are no longer readable here
	Unsigned []string    // receipts that the ledger's receipt key did not sign
	Broken   []Violation // promises the log breaks
}

// Violation convicts the ledger: it signed that a position holds one entry, and
// a checkpoint of a log that holds another one there.
type Violation struct {
	Receipt []byte            // the signed note
	Line    proof.ReceiptLine // the promise in it that is broken
	Proof   proof.Proof       // what the log holds there, and its signed checkpoint
}

// Verify returns nil if v convicts, given the log's key and the receipt key.
// Anyone who has the two keys can do this.
func (v Violation) Verify(log, receipt note.Verifier) error {
	r, err := proof.OpenReceipt(v.Receipt, receipt)
	if err != nil {
		return err
	}
	c, err := v.Proof.Verify(log)
	if err != nil {
		return err
	}
	if r.Origin != c.Origin {
		return fmt.Errorf("convicting a ledger: the receipt is by %s, the checkpoint by %s", r.Origin, c.Origin)
	}
	for _, line := range r.Lines {
		if line == v.Line && line.Index == v.Proof.Index && line.EntryHash != events.HashEntry(v.Proof.Extra) {
			return nil
		}
	}
	return errors.New("convicting a ledger: the log keeps the receipt")
}

// CheckReceipts holds every kept receipt against the ledger's public log, with
// the log's verifier key from a way you trust. The receipt key is the one the
// log's first entry names. An error says that it could not be checked; a broken
// promise is in the report.
func (e *Emitter) CheckReceipts(ctx context.Context, log note.Verifier) (*Report, error) {
	r, err := e.checkReceipts(ctx, log)
	if err != nil {
		return nil, fmt.Errorf("checking receipts: %w", err)
	}
	return r, nil
}

func (e *Emitter) checkReceipts(ctx context.Context, log note.Verifier) (*Report, error) {
	e.disk.Lock()
	size := e.receipts.size
	e.disk.Unlock()
	f, err := os.Open(e.path("receipts")) // e may be closed meanwhile
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := openPublic(ctx, e.cfg.URL, e.cfg.Client, log)
	if err != nil {
		return nil, err
	}
	key, err := p.receiptKey(ctx)
	if err != nil {
		return nil, err
	}
	report := &Report{Size: p.at.Size}
	for in := readLines(f, 0, size); ; {
		payload, err := in.next()
		switch {
		case errors.Is(err, io.EOF):
			return report, nil
		case errors.Is(err, errDamaged):
			report.Damaged++
			continue
		case err != nil:
			return nil, err
		}
		if err := report.add(ctx, p, key, payload); err != nil {
			return nil, err
		}
	}
}

// add judges the receipt in one line of the file.
func (r *Report) add(ctx context.Context, p *public, key note.Verifier, payload []byte) error {
	var kept promise
	if err := json.Unmarshal(payload, &kept); err != nil {
		r.Damaged++
		return nil
	}
	if kept.Receipt == "" {
		return nil
	}
	receipt, err := proof.OpenReceipt([]byte(kept.Receipt), key)
	if err != nil {
		r.Unsigned = append(r.Unsigned, kept.Receipt)
		return nil
	}
	for _, line := range receipt.Lines {
		if events.Size(line.Index) >= p.at.Size {
			r.Pending++
			if time.Since(receipt.Time) > mergeDelay {
				r.Overdue++
			}
			continue
		}
		entry, err := p.entry(ctx, line.Index)
		if err != nil {
			return err
		}
		if events.HashEntry(entry) == line.EntryHash {
			r.Kept++
			continue
		}
		found, err := p.prove(ctx, line.Index, entry)
		if err != nil {
			return err
		}
		r.Broken = append(r.Broken, Violation{[]byte(kept.Receipt), line, found})
	}
	return nil
}
