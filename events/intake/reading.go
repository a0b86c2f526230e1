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
	// ByHandle is nil when the keys of h are not here.
	ByHandle(h events.Handle) (Subject, error)
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

	// For requests alone, which are not taken without them.
	Mentions Mentions
	Ending   Ending

	Cards Cards // for trail cards alone, which are not issued without them
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
	return d.record(ctx, r, organization, filter, positions, concerned{})
}

// Open records the reading of the entry at i and then opens its details, each of
// which the entry commits to.
func (d *Desk) Open(ctx context.Context, r Reader, i events.Index) (Opened, error) {
	msg, entry, err := d.read(ctx, i)
	if err != nil {
		return Opened{}, err
	}
	organization := entry.Text("organization")
	if !r.Grant.MayRead(organization) {
		return Opened{}, ErrMayNotRead
	}
	out := Opened{Entry: entry}
	var of concerned
	out.Details, of, out.Sealed, err = d.open(msg, entry)
	if err != nil {
		return Opened{}, fmt.Errorf("opening entry %d: %w", i, err)
	}
	out.Reading, err = d.record(ctx, r, organization, "", []events.Index{i}, of)
	if err != nil {
		return Opened{}, err
	}
	return out, nil
}

// concerned are persons whose details are opened, and the trails that say so.
type concerned struct {
	persons []events.Person
	trails  []events.Handle
}

// subjects is c as events submit it.
func (c concerned) subjects() events.Value {
	list := make([]events.Value, len(c.persons))
	for i, p := range c.persons {
		list[i] = events.Nested(p.Object())
	}
	mode := []string{"none", "single", "several"}[min(len(list), 2)]
	out := events.Object{{Name: "mode", Value: events.String(mode)}}
	if len(list) > 0 {
		out = out.With("persons", events.List(list...))
	}
	return events.Nested(out)
}

func (d *Desk) record(ctx context.Context, r Reader, organization, filter string, positions []events.Index, of concerned) (events.Index, error) {
	if !r.Grant.MayRead(organization) {
		return 0, ErrMayNotRead
	}
	outcomes, err := d.Writer.Say(ctx, d.reading(r, organization, filter, positions, of))
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: %w", ErrNotRecorded, err)
	case outcomes[0].Problem != nil:
		return 0, fmt.Errorf("%w: %s", ErrNotRecorded, outcomes[0].Problem.Detail)
	}
	return outcomes[0].Position, nil
}

// reading is what says that r reads entries.
func (d *Desk) reading(r Reader, organization, filter string, positions []events.Index, of concerned) Own {
	data := events.Object{
		{Name: "count", Value: events.Integer(int64(len(positions)))},
		{Name: "reader", Value: events.String(r.Name)},
		{Name: "role", Value: events.String(string(r.Grant.Role))},
		{Name: "subjects", Value: of.subjects()},
	}
	if filter != "" {
		data = data.With("filter", events.String(filter))
	}
	if list := positionList(positions); list != "" {
		data = data.With("positions", events.String(list))
	}
	return Own{Kind: "ledger.read", ID: "read/" + rand.Text(), Organization: organization, Time: d.now(), Data: data, Trails: of.trails}
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

// open opens the officers' box and the identifiers', or says why it cannot. Those
// of a part of a bulk event name hundreds of persons, who are found one by one.
func (d *Desk) open(msg events.Message, entry *events.Entry) (_ []events.Disclosure, of concerned, sealed string, _ error) {
	fold, err := d.Fold(msg)
	if err != nil {
		return nil, of, "", err
	}
	if len(entry.Texts("_sd")) == 0 {
		return nil, of, "nothing is sealed in it", nil
	}
	month, err := d.Keys.FindMonth(entry.Text("organization"), fold.RecordedAt)
	if err != nil {
		return nil, of, "the key of its month is not kept any more", nil
	}
	shared, each := [][]byte{month}, [][]byte(nil)
	if _, bulk := entry.Value("subjects.part"); !bulk {
		for _, p := range fold.Persons {
			who, err := d.Keys.ByHandle(p.Handle)
			if err != nil || who == nil {
				return nil, of, "the keys of a person it concerns are destroyed", err
			}
			key, err := eventKey(who, p)
			if err != nil {
				return nil, of, "", err
			}
			shared, each = append(shared, key[:]), append(each, key[:])
			of.trails = append(of.trails, p.Handle)
		}
	}
	box := reader{msg: msg, entry: entry}
	details := box.read(events.BoxOfficers, 0, shared...)
	for i, key := range each {
		named := box.read(events.BoxIdentifier, i, month, key)
		details = append(details, named...)
		for _, x := range named {
			of.persons = append(of.persons, personOf(x.Value.Object()))
		}
	}
	return details, of, "", box.err
}

// personOf is the person that a disclosure named subject says.
func personOf(o events.Object) events.Person {
	text := func(name string) string { v, _ := o.Get(name); return v.Text() }
	return events.Person{Scheme: text("scheme"), Value: text("value"), Relation: text("relation")}
}

// reader opens boxes of one message and keeps the first error.
type reader struct {
	msg   events.Message
	entry *events.Entry
	err   error
}

// read opens the n-th box of a kind; every disclosure in it is one that the entry
// commits to.
func (r *reader) read(kind events.BoxKind, n int, keys ...[]byte) []events.Disclosure {
	if r.err != nil {
		return nil
	}
	plain, err := r.plain(kind, n, keys...)
	if err != nil || plain == nil {
		r.err = err
		return nil
	}
	out, err := committed(r.entry, plain)
	if err != nil {
		r.err = fmt.Errorf("reading the %s box: %w", kind, err)
	}
	return out
}

// plain is what the n-th box of a kind holds, nil when there are not so many.
func (r *reader) plain(kind events.BoxKind, n int, keys ...[]byte) ([]byte, error) {
	for _, box := range r.msg.Boxes {
		if box.Kind != kind {
			continue
		}
		if n--; n >= 0 {
			continue
		}
		ad := events.HashEntry(r.msg.Entry)
		plain, err := events.OpenBox(events.BoxKey(kind.String(), keys...), ad[:], box.Data)
		if err != nil {
			return nil, fmt.Errorf("opening the %s box: %w", kind, err)
		}
		return plain, nil
	}
	return nil, nil
}

// committed reads a slip whose every disclosure the entry commits to.
func committed(entry *events.Entry, slip []byte) ([]events.Disclosure, error) {
	out, err := events.ParseSlip(slip)
	if err != nil {
		return nil, err
	}
	return out, allCommitted(entry, out)
}

// committedPart is committed for the slip of a person in a part.
func committedPart(entry *events.Entry, slip []byte) ([]events.Disclosure, [32]byte, error) {
	out, detail, err := events.ParsePartSlip(slip)
	if err != nil {
		return nil, detail, err
	}
	return out, detail, allCommitted(entry, out)
}

func allCommitted(entry *events.Entry, out []events.Disclosure) error {
	digests := map[string]bool{}
	for _, text := range entry.Texts("_sd") {
		digests[text] = true
	}
	for _, x := range out {
		if !digests[x.Digest().String()] {
			return fmt.Errorf("the entry does not commit to %s", x.Name)
		}
	}
	return nil
}
