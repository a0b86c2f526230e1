package intake

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// ErrMayNotRead says that a token does not let its bearer read this.
var ErrMayNotRead = errors.New("reading sealed details: the token does not allow it")

// ErrNotRecorded says that a reading could not be recorded, so nothing was
// opened.
var ErrNotRecorded = errors.New("recording the reading: the ledger did not take it")

// Reader is who asks for what the public is not shown.
type Reader struct {
	Grant Grant
	Name  string // of the token, which officers see: TokenName
}

// MayRead says whether what organization recorded is this grant's to read: an
// officer's own, and everything to an auditor who is bound to none.
func (g Grant) MayRead(organization string) bool { return g.Role.MayRead(g.Organization, organization) }

// Opening finds keys and never makes one.
type Opening interface {
	// FindMonth is the organization's month key for t; an error when it is not
	// kept, or no more.
	FindMonth(organization string, t time.Time) ([]byte, error)
	// EventKey is the key of the i-th event of a person's trail; false when her
	// keys are not here.
	EventKey(h events.Handle, i uint64) ([32]byte, bool)
}

// Archive gives the message of one sequence.
type Archive interface {
	Read(ctx context.Context, seq events.Seq) ([]byte, error)
}

// Desk is where officers and auditors read what is sealed. Every request is
// first recorded as ledger.read, with the next tag of the person concerned, and
// nothing is handed out before that is durable. A crash in between leaves a
// reading recorded that nobody saw; the other way round cannot be.
type Desk struct {
	Writer  *Writer
	Archive Archive
	Keys    Opening
	Fold    OpenFold
	Now     func() time.Time // default time.Now
}

// Opened are the details of one entry.
type Opened struct {
	Entry   *events.Entry
	Details []events.Disclosure // in the order they were sealed; those of the person last
	Sealed  string              // why there are no details, "" when there are
	Reading events.Index        // of the ledger.read
}

// Record says that r reads count records of organization, which the views hold
// and no person's box. Filter and positions are sealed.
func (d *Desk) Record(ctx context.Context, r Reader, organization, filter string, positions []events.Index) (events.Index, error) {
	return d.record(ctx, r, organization, filter, positions, nil)
}

// Open records the reading of the entry at i and then opens its details, each of
// which the entry commits to.
func (d *Desk) Open(ctx context.Context, r Reader, i events.Index) (Opened, error) {
	data, err := d.Archive.Read(ctx, i.Seq())
	if err != nil {
		return Opened{}, fmt.Errorf("reading entry %d: %w", i, err)
	}
	msg, err := events.ParseMessage(data)
	if err != nil {
		return Opened{}, fmt.Errorf("reading entry %d: %w", i, err)
	}
	entry, err := events.ParseEntry(msg.Entry)
	if err != nil {
		return Opened{}, fmt.Errorf("reading entry %d: %w", i, err)
	}
	organization := entry.Text("organization")
	if !r.Grant.MayRead(organization) {
		return Opened{}, ErrMayNotRead
	}
	out := Opened{Entry: entry}
	out.Details, out.Sealed, err = d.open(msg, entry)
	if err != nil {
		return Opened{}, fmt.Errorf("opening entry %d: %w", i, err)
	}
	out.Reading, err = d.record(ctx, r, organization, "", []events.Index{i}, concerned(out.Details))
	if err != nil {
		return Opened{}, err
	}
	return out, nil
}

// concerned is the person that details name, as subjects.persons lists her.
func concerned(details []events.Disclosure) events.Object {
	for _, x := range details {
		if x.Name == "subject" {
			return x.Value.Object()
		}
	}
	return nil
}

func (d *Desk) record(ctx context.Context, r Reader, organization, filter string, positions []events.Index, person events.Object) (events.Index, error) {
	if !r.Grant.MayRead(organization) {
		return 0, ErrMayNotRead
	}
	subjects := events.Object{{Name: "mode", Value: events.String("none")}}
	if person != nil {
		subjects = events.Object{{Name: "mode", Value: events.String("single")}, {Name: "persons", Value: events.List(events.Nested(person))}}
	}
	data := events.Object{
		{Name: "count", Value: events.Integer(int64(len(positions)))},
		{Name: "reader", Value: events.String(r.Name)},
		{Name: "role", Value: events.String(string(r.Grant.Role))},
		{Name: "subjects", Value: events.Nested(subjects)},
	}
	if filter != "" {
		data = data.With("filter", events.String(filter))
	}
	if list := positionList(positions); list != "" {
		data = data.With("positions", events.String(list))
	}
	now := time.Now
	if d.Now != nil {
		now = d.Now
	}
	outcomes, err := d.Writer.Say(ctx, Own{Kind: "ledger.read", ID: "read/" + rand.Text(), Organization: organization, Time: now().UTC(), Data: data})
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: %w", ErrNotRecorded, err)
	case outcomes[0].Problem != nil:
		return 0, fmt.Errorf("%w: %s", ErrNotRecorded, outcomes[0].Problem.Detail)
	}
	return outcomes[0].Position, nil
}

// positionList writes positions as ranges, as "3-5 9", up to what a detail
// holds; what is left out is counted in the entry all the same.
func positionList(positions []events.Index) string {
	var b strings.Builder
	for i := 0; i < len(positions) && b.Len() < 1900; {
		j := i
		for j+1 < len(positions) && positions[j+1] == positions[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.FormatUint(uint64(positions[i]), 10))
		if j > i {
			b.WriteString("-" + strconv.FormatUint(uint64(positions[j]), 10))
		}
		i = j + 1
	}
	return b.String()
}

// open opens the officers' box and the identifier's, or says why it cannot.
func (d *Desk) open(msg events.Message, entry *events.Entry) ([]events.Disclosure, string, error) {
	fold, err := d.Fold(msg)
	if err != nil {
		return nil, "", err
	}
	if len(entry.Texts("_sd")) == 0 {
		return nil, "nothing is sealed in it", nil
	}
	month, err := d.Keys.FindMonth(entry.Text("organization"), fold.RecordedAt)
	if err != nil {
		return nil, "the key of its month is not kept any more", nil
	}
	keys := [][]byte{month}
	for _, p := range fold.Persons {
		key, ok := d.Keys.EventKey(p.Handle, p.Counter)
		if !ok {
			return nil, "the keys of the person it concerns are destroyed", nil
		}
		keys = append(keys, key[:])
	}
	var out []events.Disclosure
	ad := events.HashEntry(msg.Entry)
	for _, box := range msg.Boxes {
		if box.Kind != events.BoxOfficers && box.Kind != events.BoxIdentifier {
			continue
		}
		plain, err := events.OpenBox(events.BoxKey(box.Kind.String(), keys...), ad[:], box.Data)
		if err != nil {
			return nil, "", fmt.Errorf("opening the %s box: %w", box.Kind, err)
		}
		details, err := committed(entry, plain)
		if err != nil {
			return nil, "", fmt.Errorf("reading the %s box: %w", box.Kind, err)
		}
		out = append(out, details...)
	}
	return out, "", nil
}

// committed reads a slip whose every disclosure the entry commits to.
func committed(entry *events.Entry, slip []byte) ([]events.Disclosure, error) {
	out, err := events.ParseSlip(slip)
	if err != nil {
		return nil, err
	}
	digests := map[string]bool{}
	for _, text := range entry.Texts("_sd") {
		digests[text] = true
	}
	for _, x := range out {
		if !digests[x.Digest().String()] {
			return nil, fmt.Errorf("the entry does not commit to %s", x.Name)
		}
	}
	return out, nil
}
