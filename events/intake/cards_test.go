package intake_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// counter is a desk that issues cards, and takes requests.
func (h *house) counter() *intake.Desk {
	d := h.office(0)
	d.Cards = h.ring
	return d
}

// opens are the numbers of the events that a card opens, of all in the history:
// those with a tag that it makes.
func (h *house) opens(t *testing.T, c proof.Card) (numbers []uint64) {
	t.Helper()
	public := map[string]bool{}
	for i := range events.Index(h.history.Last()) {
		_, e := h.message(t, i)
		for _, tag := range e.Texts("subjects.tags") {
			public[tag] = true
		}
	}
	for i := uint64(1); i < 200; i++ {
		trail, ok := c.At(i)
		if ok && public[events.Tag(events.TagOf(trail.EventKey(i))).String()] {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// TestCard issues a card, loses it, and issues another: each opens what it should,
// and nothing of it can be guessed from the entries.
func TestCard(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, registered("r"), accessed("1", "plate", "ABC 123"), accessed("2", "plate", "XYZ 9"), accessed("3", "plate", "ABC 123"))
	d := h.counter()
	lost := must[intake.Issued](t)(d.IssueCard(t.Context(), officer, anna2))
	if c := lost.Card; c.Scheme != "plate" || len(c.Trails) != 1 || c.Trails[0].First != 1 || c.Trails[0].Key != h.person(t, "plate", "ABC123").Root() || lost.Rotated != nil {
		t.Errorf("the card has %v", c.Trails)
	}
	if got := h.opens(t, lost.Card); !slices.Equal(got, []uint64{1, 2, 3}) {
		t.Errorf("it opens %v", got)
	}
	_, e := h.message(t, lost.Position)
	if e.Kind.Name != "trail.issued" || e.Text("organization") != "city" || e.Text("subjects.mode") != "single" {
		t.Errorf("the public sees %s", e.Append(nil))
	}
	if names := slices.Sorted(maps.Keys(told(e))); !slices.Equal(names, []string{"$", "_sd", "event", "kind", "occurredAt", "organization", "recordedAt", "source", "subjects"}) {
		t.Errorf("the public sees %v", names)
	}
	if got := h.readOf(t, lost.Position); got["officer"] != `"0123456789abcdef"` || got["subject"] == "" {
		t.Errorf("officers see %v", got)
	}
	h.submit(t, accessed("4", "plate", "ABC 123"))
	anew := must[intake.Issued](t)(d.RotateTrail(t.Context(), officer, anna2))
	// Her first event and the reading of the issue stand between.
	if n := *anew.Rotated; anew.Position != n+2 || h.history.Last().Index() != n+2 {
		t.Errorf("rotated at %d, issued at %d of %d", n, anew.Position, h.history.Last())
	}
	if _, e := h.message(t, *anew.Rotated); e.Kind.Name != "trail.rotated" {
		t.Errorf("rotated by %s", e.Append(nil))
	}
	if _, e := h.message(t, *anew.Rotated+1); e.Kind.Name != "subject.enrolled" {
		t.Errorf("behind it is %s", e.Append(nil))
	}
	h.submit(t, accessed("5", "plate", "ABC 123"), accessed("1", "plate", "ABC 123"))
	h = h.reopen(t, plan{now: recorded})
	h.submit(t, accessed("6", "plate", "ABC 123"))
	if got := h.opens(t, lost.Card); !slices.Equal(got, []uint64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("the lost card opens %v", got)
	}
	if got := h.opens(t, anew.Card); !slices.Equal(got, []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9}) {
		t.Errorf("the new card opens %v", got)
	}
	if c := anew.Card; len(c.Trails) != 2 || c.Trails[1].First != 7 || c.Trails[0] != lost.Card.Trails[0] || c.Trails[1].Proof != lost.Card.Next {
		t.Errorf("the new card has %v", c.Trails)
	}
	if counts := h.walk(t); counts[h.person(t, "plate", "ABC123").Handle()] != 9 {
		t.Errorf("counts %v", counts)
	}
}

// TestCardLabels holds a card's proofs against the pairs of the entries.
func TestCardLabels(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, accessed("1", "plate", "ABC 123"))
	d := h.counter()
	must[intake.Issued](t)(d.RotateTrail(t.Context(), officer, anna2))
	c := must[intake.Issued](t)(d.RotateTrail(t.Context(), officer, anna2)).Card
	pairs := h.pairs(t)
	for _, trail := range c.Trails {
		label := must[[64]byte](t)(trail.Proof.Label())
		if pairs[label] != events.Commitment(label, trail.Key) {
			t.Errorf("%v is not what was enrolled", trail)
		}
	}
	if next := must[[64]byte](t)(c.Next.Label()); len(c.Trails) != 3 || len(pairs) != 3 || pairs[next] != [32]byte{} {
		t.Errorf("%d trails, %d pairs", len(c.Trails), len(pairs))
	}
	c.VRF = [32]byte(h.ring.VRFKey())
	if err := c.CheckIdentifier("plate", "ABC123"); err != nil {
		t.Error(err)
	}
}

func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	return must[[]byte](t)(base64.RawURLEncoding.DecodeString(s))
}

// pairs are the commitments that the history has enrolled, by label.
func (h *house) pairs(t *testing.T) map[[64]byte][32]byte {
	t.Helper()
	out := map[[64]byte][32]byte{}
	for i := range events.Index(h.history.Last()) {
		_, e := h.message(t, i)
		list, _ := e.Value("pairs")
		for _, p := range list.Items() {
			label, _ := p.Object().Get("label")
			commitment, _ := p.Object().Get("commitment")
			if _, twice := out[[64]byte(unbase64(t, label.Text()))]; twice {
				t.Fatal("a label is enrolled twice")
			}
			out[[64]byte(unbase64(t, label.Text()))] = [32]byte(unbase64(t, commitment.Text()))
		}
	}
	return out
}

func TestCardRefused(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, accessed("1", "plate", "ABC 123"))
	// Somebody has keys, and no event yet.
	must[[]intake.Subject](t)(h.ring.Prepare([]events.Person{{Scheme: "plate", Value: "NEW"}}, nil))
	d := h.counter()
	last := h.history.Last()
	noOffice := officer
	noOffice.Grant.Organization = ""
	auditor := intake.Reader{Grant: intake.Grant{Role: events.Auditor, Organization: "city"}}
	for _, c := range []struct {
		name   string
		by     intake.Reader
		person events.Person
		want   string
	}{
		{"unknown", officer, events.Person{Scheme: "plate", Value: "NOBODY"}, "not-found"},
		{"not enrolled", officer, events.Person{Scheme: "plate", Value: "NEW"}, "not-found"},
		{"an auditor", auditor, anna2, "may-not"},
		{"of no organization", noOffice, anna2, "may-not"},
	} {
		for what, ask := range map[string]func() (intake.Issued, error){
			"issue":  func() (intake.Issued, error) { return d.IssueCard(t.Context(), c.by, c.person) },
			"rotate": func() (intake.Issued, error) { return d.RotateTrail(t.Context(), c.by, c.person) },
		} {
			if _, err := ask(); refusal(t, err) != c.want {
				t.Errorf("%s, %s: %v", c.name, what, err)
			}
		}
	}
	for _, scheme := range []string{"seal", "passport"} {
		if _, err := d.IssueCard(t.Context(), officer, events.Person{Scheme: scheme, Value: "x"}); !errors.Is(err, intake.ErrIdentifier) {
			t.Errorf("scheme %s: %v", scheme, err)
		}
	}
	// What the ledger says of a trail, it says of one person's own.
	say := func(kind string, persons string, trails ...events.Handle) string {
		out := must[[]intake.Outcome](t)(h.writer.Say(t.Context(), intake.Own{
			Kind: kind, ID: "x", Organization: "city", Time: recorded, Trails: trails,
			Data: events.Object{{Name: "subjects", Value: must[events.Value](t)(events.ParseValue([]byte(persons)))}},
		}))
		return fmt.Sprint(out[0].Status)
	}
	her := h.person(t, "plate", "ABC123").Handle()
	for _, kind := range []string{"trail.issued", "trail.rotated"} {
		if got := say(kind, `{"mode":"none"}`); got != "409" {
			t.Errorf("%s of nobody: %s", kind, got)
		}
		if got := say(kind, anna); got != "409" {
			t.Errorf("%s on no trail: %s", kind, got)
		}
	}
	if got := say("trail.rotated", anna, her); got != "409" {
		t.Errorf("rotated without keys: %s", got)
	}
	if h.history.Last() != last {
		t.Errorf("%d entries came of it", h.history.Last()-last)
	}
}

// TestCardUnderSeal holds that a card says nothing of a seal, and does not open it.
func TestCardUnderSeal(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, registered("r"), accessed("1", "plate", "ABC 123"))
	d := h.counter()
	o := ordered()
	o.Person, o.Systems, o.Case = anna2, nil, ""
	h.place(t, o)
	h.submit(t, accessed("2", "plate", "ABC 123"), accessed("3", "plate", "ABC 123"))
	issued := must[intake.Issued](t)(d.IssueCard(t.Context(), officer, anna2))
	if got := h.opens(t, issued.Card); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("it opens %v", got)
	}
	anew := must[intake.Issued](t)(d.RotateTrail(t.Context(), officer, anna2))
	h.submit(t, accessed("4", "plate", "ABC 123"))
	if got := h.opens(t, anew.Card); !slices.Equal(got, []uint64{1, 2, 3, 4}) {
		t.Errorf("the next opens %v", got)
	}
	h.walk(t)
}

// TestRotationNotStored lets the history refuse a rotation: nothing is rotated, and
// the keys that were made for it are those of the next.
func TestRotationNotStored(t *testing.T) {
	x := &tap{}
	h := openHouse(t, plan{now: recorded, tap: x})
	h.submit(t, accessed("1", "plate", "ABC 123"))
	x.set(once(fmt.Errorf("the disk is away: %w", events.ErrNotStored)), nil)
	last := h.history.Last()
	if _, err := h.counter().RotateTrail(t.Context(), officer, anna2); refusal(t, err) != "unavailable" || h.history.Last() != last {
		t.Fatalf("rotated: %v", err)
	}
	made := h.person(t, "plate", "ABC123").At(2)
	if made == nil {
		t.Fatal("no keys were made")
	}
	h.submit(t, accessed("2", "plate", "ABC 123"))
	h = h.reopen(t, plan{now: recorded})
	h.submit(t, accessed("3", "plate", "ABC 123"))
	issued := must[intake.Issued](t)(h.counter().IssueCard(t.Context(), officer, anna2))
	if len(issued.Card.Trails) != 1 || !slices.Equal(h.opens(t, issued.Card), []uint64{1, 2, 3, 4}) {
		t.Errorf("the card has keys that nothing uses: %v", issued.Card.Trails)
	}
	anew := must[intake.Issued](t)(h.counter().RotateTrail(t.Context(), officer, anna2))
	if anew.Card.Trails[1].Key != made.Root() {
		t.Error("a pending key was replaced")
	}
	h.walk(t)
}

// TestRotationUncertain loses the answer to a rotation that is stored: the next
// writer goes on in the next generation.
func TestRotationUncertain(t *testing.T) {
	x := &tap{}
	h := openHouse(t, plan{now: recorded, tap: x})
	h.submit(t, accessed("1", "plate", "ABC 123"))
	x.set(nil, once(errors.New("the line is cut")))
	if _, err := h.counter().RotateTrail(t.Context(), officer, anna2); refusal(t, err) != "unavailable" {
		t.Fatalf("rotated: %v", err)
	}
	<-h.ended
	h = h.reopen(t, plan{now: recorded})
	h.submit(t, accessed("2", "plate", "ABC 123"))
	issued := must[intake.Issued](t)(h.counter().IssueCard(t.Context(), officer, anna2))
	if len(issued.Card.Trails) != 2 || !slices.Equal(h.opens(t, issued.Card), []uint64{1, 2, 3, 4, 5}) {
		t.Errorf("the card has %v", issued.Card.Trails)
	}
	h.walk(t)
}

// TestRotationMeanwhile rotates a trail while events of hers and of others come in,
// by two officers at once: none is lost, and each is in one generation.
func TestRotationMeanwhile(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, accessed("0", "plate", "ABC 123"))
	var senders, officers sync.WaitGroup
	stop := make(chan struct{})
	sent := make([]int, 3)
	for s := range sent {
		senders.Go(func() {
			for more := true; more; sent[s]++ {
				list := submitted(t, accessed(fmt.Sprint(s, "/", sent[s]), "plate", "ABC 123"), accessed(fmt.Sprint(s, "/other/", sent[s]), "plate", fmt.Sprint("N", s, sent[s])))
				if out, err := h.writer.Submit(t.Context(), list); err != nil || statuses(out) != "201 201" {
					t.Errorf("%s: %v", statuses(out), err)
				}
				select {
				case <-stop:
					more = false
				default:
				}
			}
		})
	}
	rotated := make([]int, 2)
	for o := range rotated {
		officers.Go(func() {
			for range 6 {
				c, err := h.counter().RotateTrail(t.Context(), officer, anna2)
				switch {
				case err == nil:
					rotated[o]++
					if n := len(c.Card.Trails); n < 2 {
						t.Errorf("a card of %d generations", n)
					}
				case refusal(t, err) == "conflict": // the other came first
				default:
					t.Error(err)
				}
			}
		})
	}
	officers.Wait()
	close(stop)
	senders.Wait()
	rotations := rotated[0] + rotated[1]
	if rotations < 2 {
		t.Errorf("%d rotations", rotations)
	}
	want := uint64(1 + sent[0] + sent[1] + sent[2] + 2*rotations)
	if counts := h.walk(t); counts[h.person(t, "plate", "ABC123").Handle()] != want {
		t.Errorf("%d events of hers, want %d", counts[h.person(t, "plate", "ABC123").Handle()], want)
	}
}

// TestAnyOrderOfTrails plays events, cards, rotations, erasures and restarts in any
// order, with the book sometimes thrown away: what the keys make is always what the
// public sees, and no card opens what it should not.
func TestAnyOrderOfTrails(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 6))
			h := openHouse(t, plan{now: recorded})
			h.submit(t, registered("r"))
			roots := map[events.Handle]map[uint32][32]byte{}
			plates := []string{"AAA 1", "BBB 2", "CCC 3"}
			for i := range 60 {
				person := events.Person{Scheme: "plate", Value: plates[random.IntN(len(plates))]}
				switch d := h.counter(); random.IntN(8) {
				case 0:
					received := must[intake.Said](t)(d.Receive(t.Context(), officer, person, "erasure", recorded))
					h.remember(t, roots, person.Value)
					must[intake.Decided](t)(d.Decide(t.Context(), officer, intake.Decision{Request: received.Name, Decision: "granted"}))
				case 1:
					if _, err := d.RotateTrail(t.Context(), officer, person); err != nil && refusal(t, err) != "not-found" {
						t.Fatal(err)
					}
				case 2:
					c, err := d.IssueCard(t.Context(), officer, person)
					if err == nil && !slices.Equal(h.opens(t, c.Card), upTo(h.tags(t, person))) {
						t.Errorf("her card opens %v of %d", h.opens(t, c.Card), h.tags(t, person))
					}
				case 3:
					h = h.restart(t, random.IntN(2) == 0)
				default:
					h.submit(t, accessed(fmt.Sprint(i), person.Scheme, person.Value))
				}
				for _, plate := range plates {
					h.remember(t, roots, plate)
				}
			}
			h.checkTags(t, roots)
		})
	}
}

func upTo(n uint64) (out []uint64) {
	for i := range n {
		out = append(out, i+1)
	}
	return out
}

// tags is how many a person has, by the history.
func (h *house) tags(t *testing.T, p events.Person) (n uint64) {
	t.Helper()
	her := h.person(t, p.Scheme, p.Value).Handle()
	for i := range events.Index(h.history.Last()) {
		m, e := h.message(t, i)
		for _, x := range foldOpener(h)(t, m).Persons {
			if x.Handle == her && len(e.Kind.Fields) > 0 {
				n++
			}
		}
	}
	return n
}

// restart reopens the house, without its book if that is lost.
func (h *house) restart(t *testing.T, lost bool) *house {
	t.Helper()
	h.close(t)
	if lost {
		if err := os.RemoveAll(filepath.Join(h.dir, "book")); err != nil {
			t.Fatal(err)
		}
	}
	return openHouse(t, plan{dir: h.dir, keys: h.keys, now: recorded})
}

// remember keeps the keys of somebody before they are destroyed.
func (h *house) remember(t *testing.T, roots map[events.Handle]map[uint32][32]byte, plate string) {
	t.Helper()
	who := must[intake.Subject](t)(h.ring.Find(events.Person{Scheme: "plate", Value: plate}))
	if who == nil {
		return
	}
	if roots[who.Handle()] == nil {
		roots[who.Handle()] = map[uint32][32]byte{}
	}
	for g := who.Generation(); who.At(g) != nil; g++ {
		if old, known := roots[who.Handle()][g]; known && old != who.At(g).Root() {
			t.Fatalf("generation %d has another key now", g)
		}
		roots[who.Handle()][g] = who.At(g).Root()
	}
}

// checkTags holds every public tag and pair against the keys remembered. Erasures
// are a moment between two of them, so that the last tags of a trail are made with
// keys that were remembered before.
func (h *house) checkTags(t *testing.T, roots map[events.Handle]map[uint32][32]byte) {
	t.Helper()
	pairs, counts, last := h.pairs(t), map[events.Handle]uint64{}, map[events.Handle]uint32{}
	committed := map[[32]byte]bool{}
	for label, commitment := range pairs {
		for _, of := range roots {
			for _, root := range of {
				committed[commitment] = committed[commitment] || events.Commitment(label, root) == commitment
			}
		}
		if !committed[commitment] {
			t.Error("a pair is of no keys that were")
		}
	}
	seen := map[string]bool{}
	for i := range events.Index(h.history.Last()) {
		m, e := h.message(t, i)
		fold := foldOpener(h)(t, m)
		if e.Kind.Name == "subject.enrolled" {
			for _, p := range fold.Persons {
				last[p.Handle] = p.Generation
			}
			continue
		}
		for j, tag := range e.Texts("subjects.tags") {
			p := fold.Persons[j]
			counts[p.Handle]++
			root := roots[p.Handle][p.Generation]
			if seen[tag] || p.Counter != counts[p.Handle] || p.Generation != last[p.Handle] || events.Tag(events.TagOf(events.EventKey(root, p.Counter))).String() != tag {
				t.Errorf("entry %d, %s: tag %d in generation %d is not hers", i, e.Kind.Name, p.Counter, p.Generation)
			}
			seen[tag] = true
		}
	}
	if len(seen) == 0 || len(pairs) < 5 {
		t.Errorf("%d tags and %d pairs only", len(seen), len(pairs))
	}
}
