package client_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
)

// Who looks at a ledger.
const (
	returning = "the resident, who looked before"
	newcomer  = "the resident, who looks for the first time"
	stranger  = "a stranger, who computes the index again"
	witness   = "a witness"
	auditor   = "an auditor, who is told whose every tag is"
)

// village is a small honest ledger: Ann and Ben have three events each.
func village(t testing.TB) *town {
	c := newTown(t)
	c.enrol(ann, ben)
	c.use(event{ben, 1})
	c.use(event{ann, 1})
	c.use(event{ann, 2}, event{ben, 2})
	c.use(event{ann, 3})
	c.publish()
	c.use(event{ben, 3})
	c.publish() // so that an older leaf can be shown
	return c
}

var ann = life{"ann", 1, 1}

// attack is one way to wrong Ann, with everybody who finds out.
type attack struct {
	name  string
	found []string
	// wrong does it, and returns the ledger as it is shown from now on. A witness
	// has cosigned whatever cosign was called on.
	wrong func(c *town, cosign func(*town)) *town
	index func(*town) client.Index // as it answers; nil is as it is
	card  life                     // of the newcomer; zero is ann
	lives []life                   // that the ledger tells the auditor of, beside ann and ben
}

func attacks() []attack {
	honest := func(c *town, _ func(*town)) *town { return c }
	nobody, again, second := life{"nobody", 1, 1}, life{"ann, as another", 1, 1}, life{"ann", 2, 1}
	return []attack{
		{name: "nothing", wrong: honest},
		{
			name: "an event is left out of the index", found: []string{returning, newcomer, stranger},
			wrong: func(c *town, _ func(*town)) *town {
				c.hide[ann.tag(2)] = true
				c.use(event{ben, 4})
				c.publish()
				return c
			},
		},
		{
			// Ann counts to the last that is shown. That there is one more only the
			// whole log tells, or the next event of hers.
			name: "the newest event is left out of the index", found: []string{stranger},
			wrong: func(c *town, _ func(*town)) *town {
				c.hide[ann.tag(4)] = true
				c.use(event{ann, 4})
				c.use(event{ben, 4})
				c.publish()
				return c
			},
		},
		{
			name: "an event is recorded under no trail", found: []string{auditor},
			wrong: func(c *town, _ func(*town)) *town {
				c.use(event{nobody, 1})
				c.publish()
				return c
			},
		},
		{
			// The one who can tell is Ben, whose trail has what is not his; an auditor
			// finds it by having such an entry opened.
			name: "an event is recorded under another's trail",
			wrong: func(c *town, _ func(*town)) *town {
				c.use(event{ben, 4})
				c.publish()
				return c
			},
		},
		{
			name: "an old root of the index is shown", found: []string{returning, witness},
			wrong: func(c *town, cosign func(*town)) *town {
				c.index.shown--
				return c
			},
		},
		{
			name: "an old root of the index is shown, behind which is an event of hers", found: []string{returning, newcomer, witness},
			wrong: func(c *town, cosign func(*town)) *town {
				c.use(event{ann, 4})
				c.publish()
				cosign(c)
				c.index.shown--
				return c
			},
		},
		{
			name: "a number is skipped", found: []string{returning, newcomer, auditor},
			wrong: func(c *town, _ func(*town)) *town {
				c.use(event{ann, 5})
				c.publish()
				return c
			},
		},
		{
			name: "a second trail is opened", found: []string{returning, newcomer, auditor}, lives: []life{second},
			wrong: func(c *town, _ func(*town)) *town {
				c.enrol(second)
				c.use(event{second, 1})
				c.publish()
				return c
			},
		},
		{
			// It looks like somebody else's to everybody whom no entry of it is opened.
			name: "a second trail is opened as if for another", lives: []life{again},
			wrong: func(c *town, _ func(*town)) *town {
				c.enrol(again)
				c.use(event{again, 1})
				c.publish()
				return c
			},
		},
		{
			name: "another ledger is shown to others", found: []string{returning, witness},
			wrong: func(c *town, _ func(*town)) *town { return c.without(2) },
		},
		{
			name: "absence is answered for what is there", found: []string{returning, newcomer},
			wrong: honest, index: func(c *town) client.Index { return denying{c, ann.tag(2)} },
		},
		{
			// The index has the new enrolment in the place of the old. To who has only
			// the new card all is well.
			name: "a label is used again after an erasure", found: []string{returning, stranger, auditor},
			card: life{"ann, erased", 1, 1}, lives: []life{{"ann, erased", 1, 1}},
			wrong: func(c *town, _ func(*town)) *town {
				subjects := events.Nested(object("mode", "single", "persons", persons(1)))
				c.say("key.shredded", events.Facts{}, object("what", "person", "subjects", subjects), nil, []event{{ann, 4}}, nil)
				c.reuse(ann, life{"ann, erased", 1, 1})
				return c
			},
		},
		{
			name: "the index is of another ledger", found: []string{returning, newcomer, stranger},
			wrong: func(c *town, _ func(*town)) *town {
				c.use(event{ben, 4})
				c.publish()
				l := &c.leaves[len(c.leaves)-1]
				l.Root[0] ^= 1
				c.index.drop()
				c.index.add([]byte(l.Text()))
				return c
			},
		},
	}
}

// TestAttacks lets everybody look at every attack: each finds what it can, and what
// it cannot is said too.
func TestAttacks(t *testing.T) {
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			c := village(t)
			held, _ := c.collect(c.card(ann), nil)
			w := &cosigner{}
			w.cosign(c)
			shown := a.wrong(c, w.cosign)
			var index client.Index = shown
			if a.index != nil {
				index = a.index(shown)
			}
			card := c.card(ann)
			if a.card.who != "" {
				card = c.cardOf(ann, a.card)
			}
			found := map[string]error{
				returning: shown.look(c.card(ann), index, &held), newcomer: shown.look(card, index, nil), stranger: shown.compute(),
				witness: w.check(shown), auditor: shown.close(append([]life{ann, ben}, a.lives...)),
			}
			for who, err := range found {
				if (err != nil) != slices.Contains(a.found, who) {
					t.Errorf("%s finds %v", who, err)
				}
			}
		})
	}
}

// look follows a card. That there is a later one counts as found, and that she finds
// by herself what the index does not cover.
func (c *town) look(card proof.Card, index client.Index, held *proof.Bundle) error {
	follow := c.trail(card, held)
	follow.Index = index
	out, err := follow.Collect(c.Context())
	var bad *client.Misbehaviour
	if err != nil && !errors.As(err, &bad) {
		c.Errorf("the resident's program fails: %v", err)
	}
	switch {
	case err == nil && out.Proven.Replaced != nil:
		err = errors.New("there is another trail")
	case len(out.Tail.Hers) > 0:
		err = errors.New("the index stays behind what is hers")
	}
	return err
}

// Read gives the files of the ledger, and those of its index below index/.
func (c *town) Read(ctx context.Context, path string) ([]byte, error) {
	if below, ok := strings.CutPrefix(path, ledger.IndexPath+"/"); ok {
		return c.index.Read(ctx, below)
	}
	return c.log.Read(ctx, path)
}

// compute is a stranger with the public files and the log's key.
func (c *town) compute() error {
	v, err := proof.ParseVerifierKey(c.log.vkey)
	check(c, err)
	_, err = trail.Audit(c.Context(), c, v, trail.AuditOptions{Dir: c.TempDir()})
	var bad *trail.Violation
	if err != nil && !errors.As(err, &bad) {
		c.Errorf("the stranger's program fails: %v", err)
	}
	return err
}

// close is an auditor, whom the ledger tells what its keys say of these lives.
func (c *town) close(lives []life) error {
	v, err := proof.ParseVerifierKey(c.log.vkey)
	check(c, err)
	closure := proof.NewClosure(c.log.checkpoint().Size)
	for i := range c.log.entries {
		if line, ok := c.tell(i, lives); ok {
			closure.Take(line)
		}
	}
	if _, err := ledger.Audit(c.Context(), c, v, ledger.AuditOptions{Each: closure.See}); err != nil {
		return err
	}
	if got := closure.Finish(); len(got.Faults) > 0 {
		return errors.New(got.Faults[0].Says)
	}
	return nil
}

// tell is what the keys of these lives say of an entry.
func (c *town) tell(i int, lives []life) (proof.ClosureLine, bool) {
	line := proof.ClosureLine{At: events.Index(i)}
	e, err := events.ParseEntry(c.log.entries[i])
	check(c, err)
	pairs, _ := e.Value("pairs")
	for _, p := range pairs.Items() {
		label, _ := p.Object().Get("label")
		commitment, _ := p.Object().Get("commitment")
		output, err := base64.RawURLEncoding.DecodeString(label.Text())
		check(c, err)
		for _, l := range lives {
			sum := events.Commitment([64]byte(output), l.root())
			if base64.RawURLEncoding.EncodeToString(sum[:]) == commitment.Text() {
				line.Enrols = append(line.Enrols, proof.ClosureTrail{Label: (*[64]byte)(output), Trail: l.trail(), Generation: l.generation})
			}
		}
	}
	for _, text := range e.Texts("subjects.tags") {
		for _, l := range lives {
			for n := uint64(1); n < 10; n++ {
				if l.tag(n).String() == text {
					line.Tags = append(line.Tags, proof.ClosureTag{Trail: l.trail(), Counter: n})
				}
			}
		}
	}
	if proof.Marks(e) && len(line.Tags) == 1 {
		line.Mark = &proof.ClosureMark{Kind: e.Kind.Name, Trail: line.Tags[0].Trail}
	}
	return line, len(line.Enrols)+len(line.Tags) > 0
}

func (l life) trail() proof.TrailName { return proof.TrailName(name("trail", l.who, l.generation)) }

// cosigner is a witness as c2sp.org/tlog-witness has it: it remembers one checkpoint
// of each log, and cosigns none that does not extend it.
type cosigner struct{ log, index proof.Checkpoint }

func (w *cosigner) cosign(c *town) { w.log, w.index = c.log.checkpoint(), c.index.checkpoint() }

func (w *cosigner) check(c *town) error {
	return errors.Join(extends(w.log, &c.log), extends(w.index, &c.index))
}

func extends(old proof.Checkpoint, l *logFiles) error {
	now := l.checkpoint()
	var path []proof.Hash
	if old.Size < now.Size {
		var err error
		path, err = tlog.ProveTree(int64(now.Size), int64(old.Size), l)
		check(l, err)
	}
	return proof.CheckConsistency(old, now, path)
}

// denying answers that a tag is not there.
type denying struct {
	*town
	tag events.Tag
}

func (d denying) Prove(ctx context.Context, q client.Question) (client.Answer, error) {
	a, err := d.town.Prove(ctx, q)
	if err != nil || a.Proof.Tags == nil {
		return a, err
	}
	label := proof.TagLabel(d.tag)
	items := slices.DeleteFunc(d.leaves[d.index.shown-1].tags.Items(), func(it proof.IndexItem) bool { return it.Label == label })
	root, err := proof.BuildTree(items)
	check(d, err)
	var asked []proof.Hash
	for _, tag := range q.Tags {
		asked = append(asked, proof.TagLabel(tag))
	}
	slices.SortFunc(asked, func(a, b proof.Hash) int { return bytes.Compare(a[:], b[:]) })
	a.Proof.Tags = root.Show(asked, q.Ranges)
	return a, nil
}

// without is the ledger as it would be if entry i had been another.
func (c *town) without(i int) *town {
	out := *c
	out.log.entries, out.log.hashes = nil, nil
	for n, b := range c.log.entries {
		if n == i {
			e, err := events.ParseEntry(c.log.entries[i])
			check(c, err)
			b = bytes.Replace(b, []byte(e.Text("event")), []byte(name("other").String()), 1)
		}
		out.log.add(b)
	}
	out.leaves, out.index.entries, out.index.hashes = nil, nil, nil
	out.publish()
	return &out
}

// drop takes the last entry away.
func (l *logFiles) drop() {
	rest := l.entries[:len(l.entries)-1]
	l.entries, l.hashes = nil, nil
	for _, e := range rest {
		l.add(e)
	}
}

// reuse enrols a new trail under the label of an old one, and has the index forget
// the old.
func (c *town) reuse(old, anew life) {
	label, err := c.label(old).Label()
	check(c, err)
	c.put(events.Enrolled(name("enrolled again"), noon, []events.Pair{{Label: label, Commitment: events.Commitment(label, anew.root())}}))
	c.use(event{anew, 1})
	entries := c.log.entries
	c.log.entries = slices.Clone(entries)
	c.log.entries[1] = c.enrolment(ben) // as if only he had been enrolled
	l := leaf{at: map[proof.Hash]events.Index{}}
	l.tags, l.labels = c.trees(l.at)
	c.log.entries = entries
	at := c.log.checkpoint()
	l.IndexLeaf = proof.IndexLeaf{Size: at.Size, Root: at.Root, Tags: l.tags.Hash(), Labels: l.labels.Hash()}
	c.leaves = append(c.leaves, l)
	c.index.add([]byte(l.Text()))
}

func (c *town) enrolment(l life) []byte {
	label, err := c.label(l).Label()
	check(c, err)
	e, err := events.Enrolled(name("enrolled", 1), noon, []events.Pair{{Label: label, Commitment: events.Commitment(label, l.root())}})
	check(c, err)
	return e.Append(nil)
}

// cardOf is a card for the label of one life with the key of another.
func (c *town) cardOf(label, key life) proof.Card {
	card := c.card(label)
	card.Trails[0].Key = key.root()
	return card
}

// faces answers from one index and then from another.
type faces []*town

func (f *faces) Prove(ctx context.Context, q client.Question) (client.Answer, error) {
	now := (*f)[0]
	if len(*f) > 1 {
		*f = (*f)[1:]
	}
	return now.Prove(ctx, q)
}

// TestTwoFaces: an index that changes between two questions has given what convicts
// it.
func TestTwoFaces(t *testing.T) {
	c, card := annsTown(t)
	other, _ := annsTown(t)
	other.index.entries, other.index.hashes, other.index.shown, other.leaves = nil, nil, 0, nil
	other.publish()
	trail := c.trail(card, nil)
	trail.Index, trail.Padded = &faces{c, other}, true
	_, err := trail.Collect(t.Context())
	var bad *client.Misbehaviour
	if !errors.As(err, &bad) || bad.Evidence == nil {
		t.Fatalf("%v, without evidence", err)
	}
	v, err := proof.ParseVerifierKey(card.Index)
	check(t, err)
	if got, err := bad.Evidence.Verify(v); err != nil || got.Kind != proof.EvidenceFork {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestTwoResidentsCompare: neither of two who are shown different ledgers finds out
// alone. Together they have what convicts it.
func TestTwoResidentsCompare(t *testing.T) {
	c := village(t)
	other := c.without(2)
	anns, _ := c.collect(c.card(ann), nil)
	bens, _ := c.collect(c.card(ben), nil)
	elsewhere, _ := other.collect(c.card(ann), nil)
	v, err := proof.ParseVerifierKey(c.log.vkey)
	check(t, err)
	if fork, err := proof.CompareCheckpoints(anns.Note, bens.Note, v); fork != nil || err != nil {
		t.Errorf("an honest ledger forks: %v", err)
	}
	fork, err := proof.CompareCheckpoints(anns.Note, elsewhere.Note, v)
	if err != nil || fork == nil {
		t.Fatalf("two ledgers are one: %v", err)
	}
	got, err := fork.Evidence().Verify(v)
	if err != nil || got.Kind != proof.EvidenceFork {
		t.Errorf("%+v, %v", got, err)
	}
}
