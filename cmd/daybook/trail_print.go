package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/api/web"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/keyring"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// shownTrail is a trail as it is printed.
type shownTrail struct {
	Origin    string            `json:"origin"`
	Events    []shownTrailEvent `json:"events"`
	Proven    []string          `json:"proven"`
	NotProven []string          `json:"notProven"`

	proven proof.Proven
	titles web.Titles
}

// shownTrailEvent is one event of it, the newest last.
type shownTrailEvent struct {
	Position   events.Index    `json:"position"`
	Number     uint64          `json:"number"`         // which of its trail's
	Generation uint32          `json:"generation"`     // 0 in the trail of a seal
	Seal       string          `json:"seal,omitempty"` // that hid it until it was lifted
	Kind       string          `json:"kind"`
	Sentence   string          `json:"sentence"`
	Details    []web.Detail    `json:"details"`
	Entry      json.RawMessage `json:"entry"`
}

// newShownTrail says what was proved.
func newShownTrail(card proof.Card, p proof.Proven, tail client.Tail) *shownTrail {
	s := &shownTrail{Origin: card.Origin(), proven: p, titles: func(string, string) string { return "" }}
	s.prove("All events of your trail up to entry %s of the ledger: %s, and no other tag of yours is in its index.", ordinalOf(p.Leaf.Size), counted(p.Own, "event", "events"))
	s.prove("Each is in the ledger, in this order, under a checkpoint of %s that is signed with its key.", counted(uint64(p.Checkpoint.Size), "entry", "entries"))
	behind := counted(uint64(tail.Entries), "entry that the index does not cover yet", "entries that the index does not cover yet")
	switch {
	case tail.Entries == 0:
	case !tail.Read:
		s.doubt("What is newer: %s.", behind)
	case len(tail.Hers) == 0:
		s.prove("Nothing newer is about you. Looked through: %s.", behind)
	default:
		s.doubt("What %s says about you, which the index does not cover yet.", joinPositions(tail.Hers))
	}
	switch n := len(card.Trails) - p.Gone; {
	case n > 1:
		s.prove("Your trail has %d generations, each enrolled with the key on your card, and no later one is.", n)
	case p.Replaced == nil:
		s.prove("Your trail is enrolled with the key on your card, and no later one is.")
	}
	if p.Gone > 0 {
		s.doubt("What was recorded before your keys were destroyed: %s.", counted(uint64(p.Gone), "earlier generation", "earlier generations"))
	}
	for _, seal := range p.Seals {
		s.prove("A seal was lifted, and all %s that it hid are here.", counted(seal.Events, "event", "events"))
	}
	if p.Unopened > 0 {
		s.doubt("What %s hid: the key was not opened.", counted(uint64(p.Unopened), "lifted seal", "lifted seals"))
	}
	if closed := s.closed(); closed > 0 {
		s.doubt("The details of %s, which were not asked for, or not given, or whose keys are destroyed.", counted(uint64(closed), "event", "events"))
	}
	if p.Replaced != nil {
		s.doubt("What was recorded since your card was replaced on %s.", web.Day(p.Replaced.Entry.Text("recordedAt")))
	}
	return s
}

func (s *shownTrail) prove(format string, args ...any) {
	s.Proven = append(s.Proven, fmt.Sprintf(format, args...))
}

func (s *shownTrail) doubt(format string, args ...any) {
	s.NotProven = append(s.NotProven, fmt.Sprintf(format, args...))
}

// closed is how many events have no details.
func (s *shownTrail) closed() (n int) {
	for _, e := range s.proven.Events {
		if len(e.Open) == 0 && (e.Head == nil || len(e.Head.Open) == 0) {
			n++
		}
	}
	return n
}

// whose checks whose card it is, when somebody says.
func (s *shownTrail) whose(card proof.Card, person string) error {
	if person == "" {
		s.doubt("That this card is yours: give your identifier with --person, and it is checked.")
		return nil
	}
	scheme, value := card.Scheme, person
	if before, after, ok := strings.Cut(person, ":"); ok && before == card.Scheme {
		value = after
	}
	id, err := (keyring.Identifier{Scheme: scheme, Value: value}).Normalize()
	if err != nil {
		return exitWith(exitUsage, "--person: the card is of an identifier of the scheme %s: %w", card.Scheme, err)
	}
	if err := card.CheckIdentifier(id.Scheme, id.Value); err != nil {
		return exitWith(exitInvalid, "NOT VALID: %w: this is somebody else's card, or you were given a second trail; ask the office", err)
	}
	s.prove("The card is of the identifier you gave, in all its generations.")
	return nil
}

// finish adds what no card can prove.
func (s *shownTrail) finish() {
	s.doubt("That everything was recorded: a service that says nothing leaves nothing to prove.")
	s.others()
	for _, e := range s.proven.Events {
		s.Events = append(s.Events, shownTrailEvent{
			e.Position, e.Counter, e.Generation, e.Seal, e.Entry.Kind.Name, web.Sentence(e.Entry, s.titles), web.Details(openedOf(e)), e.Entry.Append(nil),
		})
	}
}

// others says who else has seen this state of the ledger and of its index.
func (s *shownTrail) others() {
	p := s.proven
	if p.At().IsZero() {
		s.doubt("That others are shown the same ledger: your card asks nobody beside it to sign. Compare its checkpoint with somebody's.")
		return
	}
	var names []string
	for _, c := range p.Cosigned.By {
		names = append(names, c.Witness)
	}
	s.prove("Others are shown the same ledger and the same index: signed by %s, who knew nothing newer on %s.", strings.Join(names, ", "), web.Moment(p.At()))
}

// openedOf is what of an event, and of its head, is shown: all that was opened but
// keys to more.
func openedOf(e proof.ProvenEvent) []events.Disclosure {
	out := slices.DeleteFunc(slices.Clone(e.Open), func(d events.Disclosure) bool { return d.Name == "key" })
	if e.Head != nil {
		out = append(out, e.Head.Open...)
	}
	return out
}

func (s *shownTrail) print(out io.Writer, format string) error {
	s.finish()
	if format == "json" {
		w := json.NewEncoder(out)
		w.SetEscapeHTML(false)
		return w.Encode(s)
	}
	fmt.Fprintf(out, "Your trail in %s: %s\n", s.Origin, counted(uint64(len(s.Events)), "event", "events"))
	for _, e := range s.Events {
		fmt.Fprintf(out, "\n  entry %-6d %s\n", e.Position, e.Sentence)
		if e.Seal != "" {
			fmt.Fprintf(out, "               A seal hid this from you until it was lifted.\n")
		}
		for _, d := range e.Details {
			fmt.Fprintf(out, "               %s: %s\n", d.Label, oneLine(strings.Join(d.Values, "; ")))
		}
	}
	for _, part := range []struct {
		name string
		list []string
	}{{"Proven", s.Proven}, {"Not proven", s.NotProven}} {
		fmt.Fprintf(out, "\n%s:\n", part.name)
		for _, line := range part.list {
			fmt.Fprintf(out, "  - %s\n", line)
		}
	}
	return nil
}

// ordinalOf is the position of the last entry of a log of that size.
func ordinalOf(size events.Size) string { return web.Number(uint64(size) - 1) }

func counted(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return web.Number(n) + " " + many
}

// asked is the ledger's own word on what is around a trail.
type asked struct {
	*client.Client
	titles bool // names are asked for too
}

func (a *asked) tell(ctx context.Context, s *shownTrail) {
	if a.titles {
		s.titles = a.title(ctx)
	}
	seals, err := a.StandingSeals(ctx)
	if err != nil {
		s.doubt("What seals hide that stand: the ledger does not say how many there are.")
	} else {
		s.sealed(seals, "the ledger's own count")
	}
	sources, err := a.Sources(ctx)
	if err != nil {
		s.doubt("What was recorded without naming anybody: the ledger does not say how much that is.")
		return
	}
	s.unnamed(sources, "the ledger's own count")
}

// title asks the register, each name once. What it does not say is shown as it is
// written.
func (a *asked) title(ctx context.Context) web.Titles {
	seen := map[[2]string]string{}
	return func(register, id string) string {
		key := [2]string{register, id}
		if name, ok := seen[key]; ok {
			return name
		}
		item, err := a.Item(ctx, register, id)
		if err == nil {
			seen[key] = titleOf(item.Fields)
		} else {
			seen[key] = ""
		}
		return seen[key]
	}
}

func titleOf(o events.Object) string {
	for _, name := range []string{"name", "title"} {
		if v, ok := o.Get(name); ok {
			return v.Text()
		}
	}
	return ""
}

// sealed says how many seals stand, over whomever.
func (s *shownTrail) sealed(n int, whose string) {
	s.doubt("What seals hide that stand: %s, over whomever (%s).", counted(uint64(n), "seal", "seals"), whose)
}

// unnamed says what the sources in her trail recorded about nobody in particular, and
// since when they say anything.
func (s *shownTrail) unnamed(all []client.Source, whose string) {
	mine := map[string]bool{}
	for _, e := range s.proven.Events {
		mine[e.Entry.Text("organization")+" "+e.Entry.Text("source")] = true
	}
	for _, x := range all {
		if !mine[x.Organization+" "+x.Source] {
			continue
		}
		since := "since the first of them; it was never announced"
		if x.Since != "" {
			since = "since " + web.Day(x.Since)
		}
		s.doubt("What %s recorded without naming anybody: %s of %s, %s (%s).", x.Source, web.Number(x.Unnamed), counted(x.Events, "use of data", "uses of data"), since, whose)
	}
}
