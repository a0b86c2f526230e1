package projections

import (
	"errors"
	"fmt"
	"slices"

	"github.com/daybook-ledger/daybook/events"
)

// Unmatched are the shares that no data.received of their recipient names, and
// the receipts of what nobody here says to have shared with the receiver, each by
// ascending position. A share and its receipt meet by the share's event name.
func (r Reader) Unmatched() (shares []Share, receipts []Receipt, err error) {
	done, err := r.v.use()
	if err != nil {
		return nil, nil, err
	}
	defer done()
	if shares, receipts, err = r.unmatched(); err != nil {
		return nil, nil, fmt.Errorf("matching shares and receipts: %w", err)
	}
	return shares, receipts, nil
}

func (r Reader) unmatched() (shares []Share, receipts []Receipt, err error) {
	if shares, err = r.openShares(); err == nil {
		receipts, err = r.openReceipts()
	}
	return shares, receipts, err
}

// openShares are those open now, and those that only a receipt behind the
// reader's size has closed.
func (r Reader) openShares() ([]Share, error) {
	at, err := r.open(openShare, receiptPrefix, func(receipt values) []byte {
		name, _ := events.ParseEventName(receipt.text("counterpart"))
		return append([]byte(sharedName), name[:]...)
	})
	if err != nil {
		return nil, err
	}
	var out []Share
	for _, p := range at {
		s, err := r.share(p)
		if err != nil {
			return nil, err
		}
		if s.ReceivedBy == nil {
			out = append(out, s)
		}
	}
	return out, nil
}

// openReceipts are likewise those open now, and those whose share comes behind
// the reader's size.
func (r Reader) openReceipts() ([]Receipt, error) {
	at, err := r.open(openReceipt, sharePrefix, func(share values) []byte {
		name, _ := events.ParseEventName(share.text("name"))
		return receivedKey(name, share.text("recipient"))
	})
	if err != nil {
		return nil, err
	}
	var out []Receipt
	for _, p := range at {
		receipt, err := r.receipt(p)
		if err != nil {
			return nil, err
		}
		ofNotice, err := r.isDecision(receipt.Counterpart)
		if err != nil {
			return nil, err
		}
		if !ofNotice {
			out = append(out, receipt)
		}
	}
	return out, nil
}

// isDecision says that a name is that of a request.decided: who confirms to have
// been told of an erasure received no data.
func (r Reader) isDecision(name events.EventName) (bool, error) {
	at, err := r.get(append([]byte(namePrefix), name[:]...))
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	entry, err := r.get(append([]byte(entryPrefix), at...))
	if err != nil {
		return false, err
	}
	v, err := stored(entry)
	return v.text("kind") == "request.decided", err
}

// open are the positions marked as open, and those of the other sides of rows
// behind the reader's size, each once and ascending. Side is where the position
// of a row's other side is kept.
func (r Reader) open(marked, rows string, side func(row values) []byte) ([]events.Index, error) {
	at, err := r.positionsOf(marked)
	if err != nil {
		return nil, err
	}
	err = r.rows(r.v.db, []byte(rows), events.Index(r.size), false, func(_ events.Index, value []byte) error {
		row, err := stored(value)
		if err != nil {
			return err
		}
		p, err := r.placeOf(side(row))
		if p != nil {
			at = append(at, *p)
		}
		return err
	})
	slices.Sort(at)
	return slices.Compact(at), err
}

func (r Reader) positionsOf(prefix string) (out []events.Index, err error) {
	err = r.rows(r.v.db, []byte(prefix), 0, true, func(p events.Index, _ []byte) error {
		out = append(out, p)
		return nil
	})
	return out, err
}

func (r Reader) receipt(p events.Index) (Receipt, error) {
	value, err := r.get(number([]byte(receiptPrefix), p))
	if err != nil {
		return Receipt{}, fmt.Errorf("receipt %d: %w", p, err)
	}
	v, err := stored(value)
	if err != nil {
		return Receipt{}, err
	}
	of, _ := events.ParseEventName(v.text("counterpart"))
	return Receipt{p, of, v.text("organization"), v.text("dataset"), v.text("day")}, nil
}
