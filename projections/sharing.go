package projections

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
)

// Share is one data.shared. What it does not say is "".
type Share struct {
	Position        events.Index
	Name            events.EventName
	Organization    string // that shared
	Recipient       string // "?" when no register knew it
	Dataset         string // "" also when one person is concerned
	DisclosureClass string
	LegalStandard   string
	Agreement       string
	Day             string
	ReceivedBy      *events.Index // the recipient's first data.received that names it
}

// Receipt is one data.received of what nobody here shared with its receiver.
type Receipt struct {
	Position     events.Index
	Counterpart  events.EventName // of the share it speaks of
	Organization string           // that received
	Dataset      string
	Day          string
}

// ShareFilter chooses shares. What is "" chooses nothing; the others must all hold.
type ShareFilter struct {
	Organization    string
	Recipient       string
	Dataset         string
	DisclosureClass string
	LegalStandard   string
	Agreement       string
	From, To        string        // months, as 2026-06, both included
	After           *events.Index // only shares behind this position
	Limit           int           // as in Filter
}

// ShareTotal is how many shares of one month agree in all that is public of them.
type ShareTotal struct {
	Month                                             string // 2026-06, of the day
	Organization, Recipient, Dataset, DisclosureClass string
	LegalStandard, Agreement                          string
	Count                                             uint64
}

// Sharing answers a ShareFilter: one page of shares, and the totals of all.
type Sharing struct {
	Shares  []Share       // by ascending position
	Next    *events.Index // the After of the next page, nil when nothing follows
	Totals  []ShareTotal  // sorted
	Real    uint64        // shares of real organizations
	Example uint64        // of ExampleOrganization
}

const (
	sharePrefix      = "ss" // rows
	shareIndexPrefix = "si"
	shareCount       = "sc"
	sharedName       = "sm" // by event name: the share
	receivedName     = "sq" // by event name and receiver: the first receipt
	receiptPrefix    = "sr" // rows
	openShare        = "su" // shares nobody has received yet
	openReceipt      = "sv" // receipts of what nobody has shared yet
)

func foldSharing(b *batch, m *message) error {
	if isPart(m.entry) {
		return nil
	}
	switch m.entry.Kind.Name {
	case "data.shared":
		return foldShare(b, m)
	case "data.received":
		return foldReceipt(b, m)
	}
	return nil
}

// shareFields are the fields of a share that are counted and indexed, with the
// letter of the index.
var shareFields = []struct {
	letter byte
	name   string
}{
	{'o', "organization"}, {'r', "recipient"}, {'d', "dataset"}, {'c', "disclosureClass"}, {'l', "legalStandard"}, {'a', "agreement"},
}

func foldShare(b *batch, m *message) error {
	e := m.entry
	name := e.Name()
	row := texts("agreement", e.Text("agreement"), "dataset", e.Text("dataset"), "day", dayOf(e), "disclosureClass", e.Text("disclosureClass"),
		"legalStandard", e.Text("legalStandard"), "name", name.String(), "organization", e.Text("organization"), "recipient", e.Text("recipient"))
	at := number(nil, m.position)
	b.put(append([]byte(sharePrefix), at...), row.Append(nil))
	count := part(shareCount, month(dayOf(e)))
	for _, f := range shareFields {
		value := e.Text(f.name)
		count = append(append(count, value...), 0)
		if value != "" {
			b.index(shareIndexPrefix, f.letter, value, m.position)
		}
	}
	b.count(count)
	b.put(append([]byte(sharedName), name[:]...), at)
	receipt, err := b.get(receivedKey(name, e.Text("recipient")))
	if err != nil {
		return err
	}
	if receipt != nil {
		b.remove(append([]byte(openReceipt), receipt...))
	} else {
		b.put(append([]byte(openShare), at...), nil)
	}
	return nil
}

func month(day string) string { return day[:min(len(day), len("2006-01"))] }

// receivedKey is where the first receipt of a share by its recipient is found.
// Of a share whose recipient no register knew it is the first by anybody.
func receivedKey(name events.EventName, recipient string) []byte {
	if recipient == events.Unknown {
		recipient = ""
	}
	return append(append(append([]byte(receivedName), name[:]...), recipient...), 0)
}

// foldReceipt keeps the first receipt of a share by each receiver. Only the
// share's own recipient closes it: what somebody else says to have received
// stays open, as a receipt of what nobody shared with him.
func foldReceipt(b *batch, m *message) error {
	e := m.entry
	of, ok := events.ParseEventName(e.Text("counterpart"))
	if !ok {
		return fmt.Errorf("reading a counterpart: it is no event name")
	}
	receiver := e.Text("organization")
	at := number(nil, m.position)
	row := texts("counterpart", of.String(), "dataset", e.Text("dataset"), "day", dayOf(e), "organization", receiver)
	b.set(append([]byte(receiptPrefix), at...), row.Append(nil))
	first, err := b.get(receivedKey(of, receiver))
	if err != nil || first != nil {
		return err
	}
	b.put(receivedKey(of, receiver), at)
	anybodys, err := b.get(receivedKey(of, ""))
	if err != nil {
		return err
	}
	if anybodys == nil {
		b.put(receivedKey(of, ""), at)
	}
	share, recipient, err := shareOf(b, of)
	switch {
	case err != nil:
		return err
	case recipient == receiver || recipient == events.Unknown && anybodys == nil:
		b.remove(append([]byte(openShare), share...))
	default:
		b.put(append([]byte(openReceipt), at...), nil)
	}
	return nil
}

// shareOf is the position of the share of that name and its recipient, "" when
// there is none.
func shareOf(b *batch, name events.EventName) (at []byte, recipient string, err error) {
	at, err = b.get(append([]byte(sharedName), name[:]...))
	if err != nil || at == nil {
		return nil, "", err
	}
	row, err := b.get(append([]byte(sharePrefix), at...))
	if err != nil {
		return nil, "", err
	}
	v, err := stored(row)
	return at, v.text("recipient"), err
}

func (f ShareFilter) values() []string {
	return []string{f.Organization, f.Recipient, f.Dataset, f.DisclosureClass, f.LegalStandard, f.Agreement}
}

func (f ShareFilter) prefixes() [][]byte {
	var out [][]byte
	for i, value := range f.values() {
		if value != "" {
			out = append(out, part(shareIndexPrefix+string(shareFields[i].letter), value))
		}
	}
	if out == nil {
		out = append(out, []byte(sharePrefix))
	}
	return out
}

// in says that a month is in the filter's period.
func (f ShareFilter) in(month string) bool { return month >= f.From && (f.To == "" || month <= f.To) }

// Sharing is what f chooses. A page may hold less than the limit and still have a
// next. The totals leave After and Limit out; their cost grows with the entries
// behind the reader's size.
func (r Reader) Sharing(f ShareFilter) (Sharing, error) {
	done, err := r.v.use()
	if err != nil {
		return Sharing{}, err
	}
	defer done()
	if !clean(f.values()...) {
		return Sharing{}, nil
	}
	out := Sharing{}
	if from, ok := r.behind(f.After); ok {
		limit := limited(f.Limit)
		out.Next, err = r.walk(f.prefixes(), from, func(p events.Index) (bool, error) {
			if len(out.Shares) == limit {
				return false, nil
			}
			s, err := r.share(p)
			if err == nil && f.in(month(s.Day)) {
				out.Shares = append(out.Shares, s)
			}
			return err == nil, err
		})
	}
	if err == nil {
		snapshot := r.v.db.NewSnapshot()
		err = errors.Join(r.countShares(snapshot, f, &out), snapshot.Close())
	}
	if err != nil {
		return Sharing{}, fmt.Errorf("reading what was shared: %w", err)
	}
	return out, nil
}

// share is the share at p with its receipt.
func (r Reader) share(p events.Index) (Share, error) {
	value, err := r.get(number([]byte(sharePrefix), p))
	if err != nil {
		return Share{}, fmt.Errorf("share %d: %w", p, err)
	}
	v, err := stored(value)
	if err != nil {
		return Share{}, err
	}
	s := Share{
		Position: p, Organization: v.text("organization"), Recipient: v.text("recipient"), Dataset: v.text("dataset"),
		DisclosureClass: v.text("disclosureClass"), LegalStandard: v.text("legalStandard"), Agreement: v.text("agreement"), Day: v.text("day"),
	}
	s.Name, _ = events.ParseEventName(v.text("name"))
	s.ReceivedBy, err = r.placeOf(receivedKey(s.Name, s.Recipient))
	return s, err
}

// placeOf is where a share, or the first receipt of it, is, nil where the reader
// has none.
func (r Reader) placeOf(key []byte) (*events.Index, error) {
	value, err := r.get(key)
	if err == ErrNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p, ok := positionAfter(value, 0)
	if !ok {
		return nil, fmt.Errorf("the position at %q has %d bytes", key, len(value))
	}
	if p >= events.Index(r.size) {
		return nil, nil
	}
	return &p, nil
}

// countShares adds up what was counted while folding and takes away what lies
// behind the reader's size.
func (r Reader) countShares(db pebble.Reader, f ShareFilter, out *Sharing) error {
	behind := map[string]uint64{}
	err := r.rows(db, []byte(sharePrefix), events.Index(r.size), false, func(_ events.Index, value []byte) error {
		v, err := stored(value)
		key := part("", month(v.text("day")))
		for _, f := range shareFields {
			key = append(append(key, v.text(f.name)...), 0)
		}
		behind[string(key)]++
		return err
	})
	if err != nil {
		return err
	}
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte(shareCount), UpperBound: after(shareCount)})
	if err != nil {
		return err
	}
	for it.First(); it.Valid() && err == nil; it.Next() {
		key := string(it.Key()[len(shareCount):])
		var n uint64
		if n, err = strconv.ParseUint(string(it.Value()), 10, 64); n > behind[key] {
			out.add(f, strings.Split(key, "\x00"), n-behind[key])
		}
	}
	if closeErr := it.Close(); err == nil {
		err = closeErr
	}
	return err
}

// add takes the count of one month and its values, in the order of shareFields.
func (s *Sharing) add(f ShareFilter, of []string, n uint64) {
	for i, want := range f.values() {
		if want != "" && want != of[i+1] {
			return
		}
	}
	if !f.in(of[0]) {
		return
	}
	s.Totals = append(s.Totals, ShareTotal{of[0], of[1], of[2], of[3], of[4], of[5], of[6], n})
	if IsExample(of[1]) {
		s.Example += n
	} else {
		s.Real += n
	}
}

// rows visits the rows of prefix from a position on; bounded, those the reader has.
func (r Reader) rows(db pebble.Reader, prefix []byte, from events.Index, bounded bool, visit func(events.Index, []byte) error) error {
	o := &pebble.IterOptions{LowerBound: number(append([]byte{}, prefix...), from), UpperBound: after(prefix)}
	if bounded {
		o.UpperBound = number(append([]byte{}, prefix...), events.Index(r.size))
	}
	it, err := db.NewIter(o)
	if err != nil {
		return fmt.Errorf("reading the views: %w", err)
	}
	for it.First(); it.Valid() && err == nil; it.Next() {
		if p, ok := positionAfter(it.Key(), len(prefix)); ok {
			err = visit(p, it.Value())
		}
	}
	if closeErr := it.Close(); err == nil {
		err = closeErr
	}
	return err
}
