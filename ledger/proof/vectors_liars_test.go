package proof

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

// trailVector is a bundle with the card that it is held against: what a ledger that
// lies gives to a person, signed with all its keys and cosigned.
type trailVector struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict"` // accept or reject
	Reason  string `json:"reason"`
	Card    string `json:"card"`
	File    string `json:"file"`

	want string // that the error says
}

func trailVectors(t *testing.T) (out []trailVector) {
	add := func(name, want, reason string, card Card, b Bundle) {
		verdict := "accept"
		if want != "" {
			verdict = "reject"
		}
		out = append(out, trailVector{name, verdict, reason, string(card.Text()), string(b.Format()), want})
	}
	one, two, secret, made := life{"ann", 1, 1}, life{"ann", 2, 1}, life{"ann's seal", 1, 1}, life{"made up", 1, 1}

	c := newTown(t)
	at := []int{0, c.enrol(one)}
	c.use(one.tag(1))
	card := c.card(life{"ann", 1, 0}, two)
	at = append(at, c.enrol(two), c.use(two.tag(1)))
	add("generation-gone", "", "the keys of the first generation are destroyed", card, c.bundle(card, 5, 5, 1, nil, at...))
	add("generation-gone-kept", "is not about her", "a bundle has nothing of a generation that is gone", card, c.bundle(card, 5, 5, 1, nil, append(at, 2)...))

	c, _, _ = annsTown(t)
	card = c.card(one)
	add("card-replaced", "", "the card from before a rotation; the bundle says that there is a later generation", card,
		c.bundle(card, len(c.entries), len(c.entries), 4, nil, 0, 3, 4, 5, 8, 9, 11, 12))

	for _, lie := range []struct {
		name, want, reason string
		do                 func(c *town)
	}{
		{"enrolled-with-another-key", "another key than the card's", "the commitment is not to the key on the card", func(c *town) {
			c.enrolAs(one, made)
			c.use(one.tag(1))
			c.use(one.tag(2))
		}},
		{"events-back", "event 2 stands before event 1", "her events stand in another order", func(c *town) { c.enrol(one); c.use(one.tag(2)); c.use(one.tag(1)) }},
		{"enrolled-late", "has an event before it is enrolled", "her first event stands before her enrolment", func(c *town) { c.use(one.tag(1)); c.enrol(one); c.use(one.tag(2)) }},
	} {
		c := newTown(t)
		lie.do(c)
		card := c.card(one)
		add(lie.name, lie.want, lie.reason, card, c.bundle(card, 4, 4, 2, nil, 0, 1, 2, 3))
	}

	c = newTown(t)
	at = []int{0, c.enrol(one), c.use(one.tag(1)), c.use(one.tag(2))}
	card = c.card(one)
	add("last-event-left-out", "event 2: the index has it, and the bundle does not", "her last event is left out", card, c.bundle(card, 4, 4, 2, nil, at[:3]...))
	others := card
	others.VRF[0]++
	add("another-vrf-key", "name different ledgers", "entry 0 has another VRF key than the card", others, c.bundle(card, 4, 4, 2, nil, at...))

	c = newTown(t)
	at = []int{0, c.enrol(one), c.use(one.tag(1)), c.seal(secret.tag(1))}
	left := c.use(secret.tag(2))
	at = append(at, c.disclosedTo(one.tag(2), secret, 1))
	card = c.card(one)
	add("sealed-event-left-out", "event 2: the index has it, and the bundle does not", "a seal hid two events, and one is disclosed", card,
		c.bundle(card, len(c.entries), len(c.entries), 2, map[life]uint64{secret: 1}, at...))
	add("sealed-event-not-counted", "1 events were disclosed, 2 are here", "a seal hid two events, of which one is counted", card,
		c.bundle(card, len(c.entries), len(c.entries), 2, map[life]uint64{secret: 2}, append(at, left)...))

	_, card, b := annsTownGiven(t, made, 0)
	add("seal-made-up-empty", "not the seal.placed", "the key of the lifted seal opens no event", card, b)
	_, card, b = annsTownGiven(t, made, 1)
	add("seal-made-up", "1 events were disclosed, 0 are here", "nor the one that it should", card, b)
	_, card, b = annsTownGiven(t, secret, 1)
	add("seal-count", "1 events were disclosed, 2 are here", "a seal hid more than was disclosed", card, b)

	c = newTown(t)
	at = []int{0, c.enrol(one), c.use(one.tag(1))}
	c.seal(secret.tag(1))
	at = append(at, c.use(made.tag(1)), c.disclosedTo(one.tag(2), made, 1))
	card = c.card(one)
	add("seal-of-something-else", "not the seal.placed", "the key is of a trail that no seal begins", card,
		c.bundle(card, len(c.entries), len(c.entries), 2, map[life]uint64{made: 1}, at...))

	c = newTown(t)
	at = []int{0, c.enrol(one), c.seal(secret.tag(1))}
	at = append(at, c.use(one.tag(1), secret.tag(2)), c.disclosedTo(one.tag(2), secret, 2))
	card = c.card(one)
	add("entry-of-two-trails", "is of two trails", "one entry is an event of her trail and of the seal's", card,
		c.bundle(card, len(c.entries), len(c.entries), 2, map[life]uint64{secret: 2}, at...))
	return out
}

// enrolAs enrols a life with the key of another.
func (c *town) enrolAs(l, other life) int {
	pair := c.pair(l)
	pair.Commitment = events.Commitment(pair.Label, other.root())
	return c.put(events.Enrolled(testSalt("enrolled"), c.time(), []events.Pair{pair}))
}

// TestTrailVectors writes trails.json, and finds each lie.
func TestTrailVectors(t *testing.T) {
	made := struct {
		Vectors []trailVector `json:"vectors"`
	}{trailVectors(t)}
	for _, v := range made.Vectors {
		card, err := ParseCard([]byte(v.Card))
		if err != nil {
			t.Fatal(err)
		}
		b, err := ParseBundle([]byte(v.File))
		if err == nil {
			_, err = b.Verify(card)
		}
		if v.want != "" {
			wantError(t, err, v.want)
		} else if err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(made); err != nil {
		t.Fatal(err)
	}
	if *update {
		writeFile(t, "trails.json", want.String())
	}
	if got, err := os.ReadFile(filepath.Join(vectorDir, "trails.json")); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("trails.json is not what -update writes: %v", err)
	}
}
