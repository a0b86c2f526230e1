package intake

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// DetailsDataset is what the ledger calls the sealed details that it holds itself,
// when it says that they were deleted. It is about one person, so that no entry
// shows it.
const DetailsDataset = "daybook/details"

// Ending is what has to be known of keys that are destroyed.
type Ending interface {
	// ShredName is what the public is shown instead of the handle.
	ShredName(h events.Handle) [16]byte
	// BackupsUntil is the day by which no copy of the keys is left that the ledger
	// made; zero when it made none.
	BackupsUntil(now time.Time) (time.Time, error)
}

// Mention is one entry that concerns a person.
type Mention struct {
	Position     events.Index
	Organization string
	Kind         string
}

// Mentions finds what concerns a person.
type Mentions interface {
	// Mentions are the entries of her own trail and of those that seals hid, all
	// that the history has when it is called, by ascending position.
	Mentions(ctx context.Context, h events.Handle) ([]Mention, error)
}

// Erased is what an erasure destroyed, and who has to be told.
type Erased struct {
	Deleted, Shredded Said
	BackupsUntil      string // the day by which no copy of her keys is left
	Entries           int    // whose details nobody opens any more
	Tell              []Recipient
}

// Recipient is whom her data was shared with.
type Recipient struct {
	Organization string // that shared
	Recipient    string // "?" where nobody here can say
	Dataset      string // "" where nobody here can say
	Position     events.Index
}

// codeGrown says that something was recorded about her while her erasure was made.
const codeGrown = "trail-grew"

// erase grants r: decided, data.deleted and key.shredded go into the history in
// one batch, the last being the last of her trail, and the writer destroys her
// keys before it answers. A crash in between leaves the order in the history,
// which is carried out before the doors open again.
func (d *Desk) erase(ctx context.Context, by Reader, r asked, decided Own, joined []Reader) (Decided, error) {
	for try := 1; ; try++ {
		out, err := d.tryErase(ctx, by, r, decided, joined)
		var p *events.Problem
		if try == 5 || !errors.As(err, &p) || p.Code != codeGrown {
			return out, err
		}
	}
}

func (d *Desk) tryErase(ctx context.Context, by Reader, r asked, decided Own, joined []Reader) (Decided, error) {
	switch list, err := d.Writer.cfg.Book.sealsOver(r.handle); {
	case err != nil:
		return Decided{}, err
	case len(list) > 0:
		return Decided{}, postponed()
	}
	at, _, err := d.Writer.cfg.Book.tags(r.handle)
	if err != nil {
		return Decided{}, err
	}
	mentions, err := d.Mentions.Mentions(ctx, r.handle)
	if err != nil {
		return Decided{}, fmt.Errorf("finding what concerns her: %w", err)
	}
	if err := allAgree(mentions, append([]Reader{by}, joined...)); err != nil {
		return Decided{}, err
	}
	told, readings, err := d.recipients(ctx, r, mentions, append([]Reader{by}, joined...))
	if err != nil {
		return Decided{}, err
	}
	until, err := d.backupsUntil(by.Grant.Organization)
	if err != nil {
		return Decided{}, err
	}
	said, err := d.sayTogether(ctx, d.mayEnd(r.handle, at.tags+readings), d.ending(r, joinedBy(decided, joined), until)...)
	if err != nil {
		return Decided{}, err
	}
	return Decided{said[0], r.id("decision"), &Erased{said[1], said[2], until, len(mentions), told}}, nil
}

// postponed says neither whose seal it is nor why it stands.
func postponed() *events.Problem {
	return &events.Problem{Status: 409, Code: "postponed", Detail: "her keys cannot be destroyed now; decide the request later, or extend it"}
}

// mayEnd allows the end of a trail: with so many tags, and with nothing hidden.
func (d *Desk) mayEnd(h events.Handle, tags uint64) func(*plan) (*events.Problem, error) {
	w := d.Writer
	return func(p *plan) (*events.Problem, error) {
		who, err := w.cfg.People.ByHandle(h)
		if err != nil {
			return nil, err
		}
		grown := &events.Problem{Status: 409, Code: codeGrown, Detail: "more is being recorded about her; send it again"}
		if who == nil {
			return grown, nil
		}
		// What was lifted and not disclosed yet is still hidden.
		before, err := w.cfg.Book.sealsOver(h)
		now := p.seals[h]
		if len(before)+len(now) > 0 || err != nil {
			return postponed(), err
		}
		if _, next, _, err := w.next(p, who); next != tags+1 || err != nil {
			return grown, err
		}
		return nil, nil
	}
}

// erasedBefore is what is left to say of an erasure that was granted before.
func (d *Desk) erasedBefore(ctx context.Context, r asked) (*Erased, error) {
	out := &Erased{}
	for what, said := range map[string]*Said{"deleted": &out.Deleted, "shredded": &out.Shredded} {
		name := d.Writer.cfg.Keys.EventName(LedgerSource, r.id(what))
		old, found, err := d.Writer.cfg.Book.event(name)
		if err != nil || !found {
			return nil, err
		}
		_, e, err := d.read(ctx, old.seq.Index())
		if err != nil {
			return nil, err
		}
		*said, out.BackupsUntil = Said{name, old.seq.Index()}, e.Text("backupsUntil")
	}
	return out, nil
}

// ending are the last three events of her trail.
func (d *Desk) ending(r asked, decided Own, until string) []Own {
	name := d.Ending.ShredName(r.handle)
	about := func(kind, what string, data events.Object) Own {
		own := decided
		own.Kind, own.ID = kind, r.id(what)
		subjects, _ := decided.Data.Get("subjects")
		own.Data = data.With("backupsUntil", events.String(until)).With("subjects", subjects)
		return own
	}
	return []Own{
		decided,
		about("data.deleted", "deleted", events.Object{
			{Name: "dataset", Value: events.String(DetailsDataset)},
			{Name: "method", Value: events.String("CryptographicErasure")},
			{Name: "trigger", Value: events.String("person-request")},
		}),
		about("key.shredded", "shredded", events.Object{
			{Name: "shred", Value: events.String(base64.RawURLEncoding.EncodeToString(name[:]))},
			{Name: "what", Value: events.String("person")},
		}),
	}
}

// joinedBy adds to who decided those who joined.
func joinedBy(own Own, joined []Reader) Own {
	officer, _ := own.Data.Get("officer")
	names := []string{officer.Text()}
	for _, j := range joined {
		names = append(names, j.Name)
	}
	own.Data = own.Data.With("officer", events.String(strings.Join(names, " ")))
	return own
}

// allAgree refuses to end what an organization recorded none of whose officers is
// among readers.
func allAgree(mentions []Mention, readers []Reader) error {
	var missing []string
	for _, m := range mentions {
		agrees := slices.ContainsFunc(readers, func(r Reader) bool { return r.maySpeak(m.Organization) == nil })
		if m.Organization != "" && !agrees && !slices.Contains(missing, m.Organization) {
			missing = append(missing, m.Organization)
		}
	}
	if missing == nil {
		return nil
	}
	slices.Sort(missing)
	return &events.Problem{
		Status: 409, Code: "other-organizations",
		Detail: "others recorded something about her, and an officer of each has to join: " + strings.Join(missing, ", "),
	}
}

// recipients are whom her data was shared with. Which data it was stands in her
// details, so that reading them is recorded first, for each organization once;
// how often is returned too.
func (d *Desk) recipients(ctx context.Context, r asked, mentions []Mention, readers []Reader) (out []Recipient, readings uint64, _ error) {
	opened := map[string][]events.Index{}
	for _, m := range mentions {
		if m.Kind != "data.shared" {
			continue
		}
		told, sealed, err := d.recipient(ctx, m)
		if err != nil {
			return nil, 0, err
		}
		out = append(out, told)
		if sealed {
			opened[m.Organization] = append(opened[m.Organization], m.Position)
		}
	}
	for _, reader := range readers {
		positions := opened[reader.Grant.Organization]
		if positions == nil {
			continue
		}
		delete(opened, reader.Grant.Organization)
		of := concerned{[]events.Person{r.person}, []events.Handle{r.handle}}
		if _, err := d.record(ctx, reader, reader.Grant.Organization, "recipients", positions, of); err != nil {
			return nil, 0, err
		}
		readings++
	}
	return out, readings, nil
}

// recipient is whom one share went to, and whether details were opened to say so.
func (d *Desk) recipient(ctx context.Context, m Mention) (Recipient, bool, error) {
	msg, e, err := d.read(ctx, m.Position)
	if err != nil {
		return Recipient{}, false, err
	}
	out := Recipient{m.Organization, e.Text("recipient"), e.Text("dataset"), m.Position}
	if e.Text("subjects.mode") != "single" {
		return out, false, nil
	}
	details, _, sealed, err := d.open(msg, e)
	if err != nil {
		return out, false, fmt.Errorf("opening entry %d: %w", m.Position, err)
	}
	for _, x := range details {
		switch x.Name {
		case "dataset":
			out.Dataset = x.Value.Text()
		case "unresolved":
			if v, ok := x.Value.Object().Get("recipient"); ok {
				out.Recipient = v.Text()
			}
		}
	}
	return out, sealed == "", nil
}

// backupsUntil is the day by which no copy of keys destroyed now is left, in the
// organization's zone.
func (d *Desk) backupsUntil(organization string) (string, error) {
	now := d.now()
	until, err := d.Ending.BackupsUntil(now)
	if err != nil {
		return "", fmt.Errorf("asking for copies of the keys: %w", err)
	}
	if until.Before(now) {
		until = now
	}
	zone, err := d.Writer.cfg.Book.zone(organization)
	if err != nil {
		return "", err
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return "", fmt.Errorf("loading the time zone of %s: %w", organization, err)
	}
	return until.In(location).Format(time.DateOnly), nil
}
