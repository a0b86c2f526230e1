package proof

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"golang.org/x/mod/sumdb/note"
)

const (
	receiptHeader = "daybook/receipt@1"

	// receiptTime fixes the digits, so that one moment has one spelling.
	receiptTime = "2006-01-02T15:04:05.000Z"
)

// Receipt is the log's promise, given when a request is answered, of the
// positions its entries have.
type Receipt struct {
	Origin string        // the log's origin; the key is named Origin + "/receipt"
	Time   time.Time     // when it was given, in whole milliseconds
	Lines  []ReceiptLine // at least one, positions ascending strictly
}

// ReceiptLine promises one position.
type ReceiptLine struct {
	Index     events.Index
	EntryHash [32]byte // SHA-256 of the entry's bytes, which is not its leaf hash
}

// ReceiptKeyName is the name of the key that signs the receipts of a log.
func ReceiptKeyName(origin string) string { return origin + "/receipt" }

// Text is the receipt as note text. The time is written in UTC; digits below
// the millisecond are dropped.
func (r Receipt) Text() string {
	b := make([]byte, 0, 128+len(r.Origin)+64*len(r.Lines))
	b = fmt.Appendf(b, "%s\norigin %s\ntime ", receiptHeader, r.Origin)
	b = r.Time.UTC().AppendFormat(b, receiptTime)
	b = append(b, '\n')
	for _, l := range r.Lines {
		b = strconv.AppendUint(b, uint64(l.Index), 10)
		b = append(b, ' ')
		b = base64.RawURLEncoding.AppendEncode(b, l.EntryHash[:])
		b = append(b, '\n')
	}
	return string(b)
}

// ParseReceipt reads the text of a receipt, without signatures. It accepts
// only what [Receipt.Text] writes for a well-formed receipt. The time is UTC.
func ParseReceipt(text string) (Receipt, error) {
	r, err := parseReceipt(text)
	if err != nil {
		return Receipt{}, fmt.Errorf("reading a receipt: %w", err)
	}
	return r, nil
}

func parseReceipt(text string) (r Receipt, err error) {
	if len(text) > maxNote {
		return r, fmt.Errorf("%d bytes, more than %d", len(text), maxNote)
	}
	lines, err := splitLines(text)
	if err != nil {
		return r, err
	}
	if lines[0] != receiptHeader {
		return r, fmt.Errorf("the first line is not %q", receiptHeader)
	}
	if len(lines) < 4 {
		return r, errors.New("no position is promised")
	}
	origin, ok := strings.CutPrefix(lines[1], "origin ")
	if !ok {
		return r, errors.New("no origin line")
	}
	if err := checkOrigin(origin); err != nil {
		return r, err
	}
	r.Origin = origin
	if r.Time, err = parseReceiptTime(lines[2]); err != nil {
		return r, err
	}
	r.Lines, err = parseReceiptLines(lines[3:])
	return r, err
}

func parseReceiptTime(line string) (time.Time, error) {
	s, ok := strings.CutPrefix(line, "time ")
	if !ok {
		return time.Time{}, errors.New("no time line")
	}
	t, err := time.Parse(receiptTime, s)
	if err != nil || t.Format(receiptTime) != s {
		return time.Time{}, fmt.Errorf("time: %.40q is not like %s", s, receiptTime)
	}
	return t, nil
}

func parseReceiptLines(lines []string) ([]ReceiptLine, error) {
	out := make([]ReceiptLine, 0, len(lines))
	for n, line := range lines {
		position, hash, ok := strings.Cut(line, " ")
		if !ok {
			return nil, fmt.Errorf("promise %d: %.60q is not a position and a hash", n+1, line)
		}
		i, err := parseIndex(position)
		if err != nil {
			return nil, fmt.Errorf("promise %d: %w", n+1, err)
		}
		if n > 0 && i <= out[n-1].Index {
			return nil, fmt.Errorf("promise %d: position %d does not ascend", n+1, i)
		}
		h, err := decodeHash(base64.RawURLEncoding, hash)
		if err != nil {
			return nil, fmt.Errorf("promise %d: %w", n+1, err)
		}
		out = append(out, ReceiptLine{Index: i, EntryHash: h})
	}
	return out, nil
}

// SignReceipt returns r as a note signed by s, whose name must be
// [ReceiptKeyName] of the origin.
func SignReceipt(r Receipt, s note.Signer) ([]byte, error) {
	text := r.Text()
	if _, err := parseReceipt(text); err != nil {
		return nil, fmt.Errorf("signing a receipt: %w", err)
	}
	if s.Name() != ReceiptKeyName(r.Origin) {
		return nil, fmt.Errorf("signing a receipt: %q is not the receipt key of %q", s.Name(), r.Origin)
	}
	msg, err := signNote(text, s)
	if err != nil {
		return nil, fmt.Errorf("signing a receipt: %w", err)
	}
	return msg, nil
}

// OpenReceipt returns the receipt in a note that v, the receipt key of its
// origin, signed once.
func OpenReceipt(msg []byte, v note.Verifier) (Receipt, error) {
	text, err := openNote(msg, v)
	if err != nil {
		return Receipt{}, fmt.Errorf("opening a receipt: %w", err)
	}
	r, err := parseReceipt(text)
	if err != nil {
		return Receipt{}, fmt.Errorf("opening a receipt: %w", err)
	}
	if v.Name() != ReceiptKeyName(r.Origin) {
		return Receipt{}, fmt.Errorf("opening a receipt: %q is not the receipt key of %q", v.Name(), r.Origin)
	}
	return r, nil
}
