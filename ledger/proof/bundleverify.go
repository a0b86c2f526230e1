package proof

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
)

// Proven is what a bundle has shown to who has the card.
type Proven struct {
	Checkpoint Checkpoint    // of the ledger
	Leaf       IndexLeaf     // up to Leaf.Size nothing of the trail is missing
	Index      Checkpoint    // of the index log, of which Leaf is the last
	Events     []ProvenEvent // all of her trail and of the hidden ones she was given; positions ascend
	Own        uint64        // how many of them are of her own trail
	Gone       int           // generations whose keys are destroyed: nobody can say what they had
	Seals      []ProvenSeal  // whose hidden trails she was given
	Unopened   int           // of event.disclosed, whose slot was not opened: their trails are not in Events
	// Replaced is the enrolment of the generation behind the card's last, nil for
	// none: what was recorded since is found with another card.
	Replaced *ProvenEvent
	// Cosigned are the witnesses of the card's policy that cosigned the ledger's
	// checkpoint, and IndexCosigned those of the index's.
	Cosigned, IndexCosigned Cosigned
}

// At is when a quorum of the witnesses knew nothing newer of ledger and index; zero
// when the policy needs none.
func (p Proven) At() time.Time {
	if p.IndexCosigned.At.Before(p.Cosigned.At) {
		return p.IndexCosigned.At
	}
	return p.Cosigned.At
}

// ProvenSeal is a hidden trail that was disclosed to her.
type ProvenSeal struct {
	Seal   string // public name of the seal.placed
	Events uint64
}

// ProvenEvent is an entry that is proved to be in the ledger, with what of it she
// has opened.
type ProvenEvent struct {
	Position   events.Index
	Entry      *events.Entry
	Open       []events.Disclosure
	Counter    uint64 // which of its trail's it is, from 1
	Generation uint32 // of her trail; 0 in a hidden one
	Seal       string // whose hidden trail has it, "" for her own
	Head       *ProvenEvent
}

// Field is the value that was opened under a name, of the event or of its head.
func (e ProvenEvent) Field(name string) (events.Value, bool) {
	for _, d := range e.Open {
		if d.Name == name {
			return d.Value, true
		}
	}
	if e.Head != nil {
		return e.Head.Field(name)
	}
	return events.Value{}, false
}

// Verify returns what b shows: that both checkpoints are signed by the keys of the
// card and cosigned as its policy needs, every entry is the ledger's, each tag of her trail from the first on is in
// one of them and none lies behind the last, the generations of the card are
// enrolled with its keys, and each disclosure is of its entry. Nothing in b may be
// in it for another reason.
func (b Bundle) Verify(card Card) (Proven, error) {
	v := verification{bundle: b, card: card, tags: map[events.Tag]int{}}
	if err := v.verify(); err != nil {
		return Proven{}, fmt.Errorf("verifying a bundle: %w", err)
	}
	return v.out, nil
}

type verification struct {
	bundle  Bundle
	card    Card
	entries []*events.Entry
	leaves  []Hash
	tags    map[events.Tag]int // which entry has it
	pairs   map[string]enrolment
	heads   map[string]int // which entry is the head of that name
	used    []bool
	taken   []bool // by a trail
	out     Proven
}

// enrolment is where a label stands, and with which commitment.
type enrolment struct {
	at         int
	commitment string
}

func (v *verification) verify() error {
	for _, step := range []func() error{v.signatures, v.parse, v.inclusion, v.opened, v.generations, v.trails, v.nothingElse} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (v *verification) signatures() error {
	key := func(vkey string) note.Verifier { k, _ := ParseVerifierKey(vkey); return k }
	if len(v.card.Trails) == 0 || key(v.card.Log) == nil || key(v.card.Index) == nil {
		return errors.New("the card is not well-formed")
	}
	policy, err := ParsePolicy([]byte(v.card.Policy))
	if err != nil {
		return err
	}
	if v.out.Checkpoint, v.out.Cosigned, err = policy.Check(v.bundle.Note, key(v.card.Log)); err != nil {
		return err
	}
	if v.out.Index, err = v.bundle.Index.Verify(key(v.card.Index)); err != nil {
		return err
	}
	if _, v.out.IndexCosigned, err = policy.Check(v.bundle.Index.Note, key(v.card.Index)); err != nil {
		return fmt.Errorf("the index: %w", err)
	}
	v.out.Leaf = v.bundle.Index.Leaf
	return nil
}

// parse reads the entries, and says which has a tag, a label or a name.
func (v *verification) parse() error {
	v.pairs, v.heads = map[string]enrolment{}, map[string]int{}
	for i, h := range v.bundle.Entries {
		e, err := events.ParseEntry(h.Entry)
		if err != nil {
			return err
		}
		v.entries, v.leaves = append(v.entries, e), append(v.leaves, LeafHash(h.Entry))
		for _, text := range e.Texts("subjects.tags") {
			tag, _ := events.ParseTag(text)
			if _, twice := v.tags[tag]; twice {
				return fmt.Errorf("the tag %s is in two entries", tag)
			}
			v.tags[tag] = i
		}
		if e.Text("subjects.mode") == "bulk" && e.Text("subjects.partOf") == "" {
			v.heads[e.Text("event")] = i
		}
		pairs, _ := e.Value("pairs")
		for _, p := range pairs.Items() {
			label, _ := p.Object().Get("label")
			commitment, _ := p.Object().Get("commitment")
			v.pairs[label.Text()] = enrolment{i, commitment.Text()}
		}
		if err := committed(e, h.Open); err != nil {
			return fmt.Errorf("entry %d: %w", h.Position, err)
		}
	}
	v.used, v.taken = make([]bool, len(v.entries)), make([]bool, len(v.entries))
	return nil
}

// committed says whether e commits to each disclosure.
func committed(e *events.Entry, open []events.Disclosure) error {
	if len(open) == 0 {
		return nil
	}
	digests := e.Texts("_sd")
	for _, d := range open {
		if !slices.Contains(digests, d.Digest().String()) {
			return fmt.Errorf("the entry does not commit to %s", d.Name)
		}
	}
	return nil
}

func (v *verification) inclusion() error {
	positions := make([]events.Index, len(v.bundle.Entries))
	for i, h := range v.bundle.Entries {
		positions[i] = h.Position
	}
	old := Checkpoint{Origin: v.out.Checkpoint.Origin, Size: v.out.Leaf.Size, Root: v.out.Leaf.Root}
	return CheckEntries(positions, v.leaves, v.bundle.Nodes, old, v.out.Checkpoint)
}

// opened holds entry 0 against the card.
func (v *verification) opened() error {
	if len(v.entries) == 0 || v.bundle.Entries[0].Position != 0 {
		return errors.New("entry 0 is missing")
	}
	e := v.entries[0]
	v.used[0] = true
	for _, field := range [][2]string{
		{"origin", v.card.Origin()},
		{"keys.log", v.card.Log},
		{"keys.index", v.card.Index},
		{"vrf", base64.RawURLEncoding.EncodeToString(v.card.VRF[:])},
	} {
		if e.Text(field[0]) != field[1] {
			return fmt.Errorf("entry 0 and the card name different ledgers: %s", field[0])
		}
	}
	return nil
}

// generations checks that those of the card are enrolled, and whether there is a
// later one.
func (v *verification) generations() error {
	for _, t := range v.card.Trails {
		e, err := v.enrolled(t.Proof)
		switch {
		case err != nil:
			return fmt.Errorf("generation %d: %w", t.Generation, err)
		case e == nil:
			return fmt.Errorf("generation %d is not enrolled", t.Generation)
		case t.Gone:
			v.out.Gone++
			continue
		}
		label, _ := t.Proof.Label()
		commitment := events.Commitment(label, t.Key)
		if e.commitment != base64.RawURLEncoding.EncodeToString(commitment[:]) {
			return fmt.Errorf("generation %d is enrolled with another key than the card's", t.Generation)
		}
	}
	e, err := v.enrolled(v.card.Next)
	if err != nil {
		return fmt.Errorf("the next generation: %w", err)
	}
	if e != nil {
		v.out.Replaced = &ProvenEvent{Position: v.bundle.Entries[e.at].Position, Entry: v.entries[e.at]}
	}
	return nil
}

// enrolled is where the label of p stands, nil if the index says that it does not.
func (v *verification) enrolled(p LabelProof) (*enrolment, error) {
	label, err := p.Label()
	if err != nil {
		return nil, err
	}
	value, present, err := look(v.bundle.Index.Labels, PersonLabel(label))
	if err != nil || !present {
		return nil, err
	}
	e, ok := v.pairs[events.Pair{Label: label}.LabelText()]
	if !ok {
		return nil, errors.New("its enrolment is missing")
	}
	v.used[e.at] = true
	return &e, v.stands(e.at, value)
}

// look finds a label in a pruned tree, which must show enough.
func look(root *Node, label Hash) (value Hash, present bool, err error) {
	if root == nil {
		return value, false, errors.New("the index was not asked")
	}
	value, present, known := root.Find(label)
	if !known {
		err = errors.New("the index does not answer for it")
	}
	return value, present, err
}

// stands checks what the index says of an entry.
func (v *verification) stands(at int, value Hash) error {
	if p := v.bundle.Entries[at].Position; value != IndexValue(p, v.leaves[at]) {
		return fmt.Errorf("the index has it elsewhere than in entry %d", p)
	}
	return nil
}

// nothingElse refuses what is in the bundle and was not needed.
func (v *verification) nothingElse() error {
	slices.SortFunc(v.out.Events, func(a, b ProvenEvent) int { return cmp.Compare(a.Position, b.Position) })
	if i := slices.Index(v.used, false); i >= 0 {
		return fmt.Errorf("entry %d is not about her", v.bundle.Entries[i].Position)
	}
	return nil
}
