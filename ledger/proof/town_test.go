package proof

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
	"time"

	vrf "filippo.io/mostly-harmless/vrf-r255"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
)

func indexKey(t testing.TB) testKey {
	return newTestKey(t, IndexKeyName(testOrigin), "index")
}

// town is a ledger of invented people, made of public words, with its index.
type town struct {
	testing.TB
	vrf     *vrf.PrivateKey
	entries [][]byte
	open    map[int][]events.Disclosure // what the persons concerned may see
	said    int
	placed  events.EventName // the seal.placed
}

// life is one generation of somebody's trail.
type life struct {
	who        string
	generation uint32
	first      uint64
}

func (l life) root() [32]byte { return testRoot(fmt.Sprint(l.who, l.generation)) }

func (l life) tag(i uint64) events.Tag { return TagOf(events.EventKey(l.root(), i)) }

func newTown(t testing.TB) *town {
	secret := sha256.Sum256([]byte("public test data: vrf"))
	secret[31] &= 0x0f // a canonical scalar
	key, err := vrf.NewPrivateKey(secret[:])
	if err != nil {
		t.Fatal(err)
	}
	c := &town{TB: t, vrf: key, open: map[int][]events.Disclosure{}}
	c.put(events.Opened{
		Name: testSalt("opened"), RecordedAt: c.time(), Origin: testOrigin, Log: logKey(t).vkey, Receipt: receiptKey(t).vkey,
		Index: indexKey(t).vkey, VRF: key.PublicKey().Bytes(), Policy: "quorum none\n", Formats: []string{events.EntryFormat},
	}.Entry())
	return c
}

func (c *town) time() time.Time { return time.Date(2026, 6, 24, 8, 30, 0, 0, time.UTC) }

func (c *town) put(e *events.Entry, err error) int {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
	c.entries = append(c.entries, e.Append(nil))
	return len(c.entries) - 1
}

func (c *town) label(l life) (p LabelProof) {
	copy(p[:], c.vrf.Prove(events.LabelInput("email", l.who, l.generation)).Bytes())
	return p
}

func (c *town) pair(l life) events.Pair {
	label, err := c.label(l).Label()
	if err != nil {
		c.Fatal(err)
	}
	return events.Pair{Label: label, Commitment: events.Commitment(label, l.root())}
}

func (c *town) enrol(list ...life) int {
	var pairs []events.Pair
	for _, l := range list {
		pairs = append(pairs, c.pair(l))
	}
	c.said++
	return c.put(events.Enrolled(testSalt(fmt.Sprint("enrolled", c.said)), c.time(), pairs))
}

// say records an event of a kind with tags, and with disclosures of what is open.
func (c *town) say(kind string, facts events.Facts, data events.Object, open ...events.Member) int {
	c.Helper()
	c.said++
	e, err := events.CheckEvent(events.Nested(events.Object{
		{Name: "data", Value: events.Nested(data)},
		{Name: "id", Value: events.String("1")},
		{Name: "source", Value: events.String("city/app")},
		{Name: "specversion", Value: events.String("1.0")},
		{Name: "time", Value: events.String(events.FormatInstant(c.time()))},
		{Name: "type", Value: events.String(events.TypePrefix + kind + events.TypeSuffix)},
	}))
	if err != nil {
		c.Fatal(err)
	}
	facts.Name = testSalt(fmt.Sprint("event", c.said))
	facts.Organization, facts.OccurredOn, facts.RecordedOn = "city", "2026-06-24", "2026-06-24"
	if e.Kind.Seals {
		facts.OccurredOn, facts.RecordedOn = "2026-Q2", "2026-Q2"
	}
	slices.SortFunc(facts.Tags, func(a, b events.Tag) int { return cmp.Compare(a.String(), b.String()) })
	var list []events.Disclosure
	for _, m := range open {
		list = append(list, events.Disclosure{Salt: testSalt(fmt.Sprint(c.said, m.Name)), Name: m.Name, Value: m.Value})
	}
	for _, d := range list {
		facts.Digests = append(facts.Digests, d.Digest())
	}
	for i := len(list); i < e.Kind.Slots()+len(facts.Tags); i++ {
		facts.Digests = append(facts.Digests, sha256.Sum256(fmt.Append(nil, c.said, i)))
	}
	at := c.put(e.Entry(facts))
	c.open[at] = list
	return at
}

func concerning(mode string, n int) events.Member {
	var persons []events.Value
	for i := range n {
		persons = append(persons, events.Nested(events.Object{{Name: "scheme", Value: events.String("email")}, {Name: "value", Value: events.String(fmt.Sprint("p", i))}}))
	}
	return events.Member{Name: "subjects", Value: events.Nested(events.Object{{Name: "mode", Value: events.String(mode)}, {Name: "persons", Value: events.List(persons...)}})}
}

func used(subjects events.Member) events.Object {
	return events.Object{
		{Name: "activity", Value: events.String("city/benefits/eligibility-check@3")},
		{Name: "operation", Value: events.String("Query")},
		{Name: "outcome", Value: events.String("success")},
		{Name: "processor", Value: events.String("city/shared-services/registers")},
		subjects,
		{Name: "system", Value: events.String("city/search")},
	}
}

// use records that somebody, or several, were looked up.
func (c *town) use(tags ...events.Tag) int {
	mode := []string{"single", "several"}[min(len(tags)-1, 1)]
	return c.say("data.accessed", events.Facts{Tags: tags}, used(concerning(mode, len(tags))),
		events.Member{Name: "occurredAt", Value: events.String("2026-06-24T08:30:00.123Z")},
		events.Member{Name: "recordedAt", Value: events.String("2026-06-24T08:30:01.456Z")},
		events.Member{Name: "actor.role", Value: events.String("case-worker")},
		events.Member{Name: "actor.unit", Value: events.String("city/youth-services")},
		events.Member{Name: "dataset", Value: events.String("city/register/residents")},
		events.Member{Name: "subject", Value: events.Nested(events.Object{
			{Name: "relation", Value: events.String("principal")}, {Name: "scheme", Value: events.String("email")}, {Name: "value", Value: events.String("ann@example.org")},
		})})
}

// seal records that one was placed, as the first event of a hidden trail.
func (c *town) seal(tag events.Tag) int {
	at := c.say("seal.placed", events.Facts{Tags: []events.Tag{tag}}, events.Object{
		{Name: "group", Value: events.String("justice")}, {Name: "reviewIn", Value: events.String("2026-Q4")}, concerning("single", 1),
	})
	c.placed = testSalt(fmt.Sprint("event", c.said))
	return at
}

// bulk records a head and one part.
func (c *town) bulk(tags ...events.Tag) (head, part int) {
	subjects := func(more ...events.Member) events.Member {
		o := events.Object{{Name: "mode", Value: events.String("bulk")}}
		return events.Member{Name: "subjects", Value: events.Nested(append(o, more...))}
	}
	parts := events.Member{Name: "parts", Value: events.Integer(1)}
	head = c.say("data.accessed", events.Facts{}, used(subjects(parts)), events.Member{Name: "occurredAt", Value: events.String("2026-06-24T08:30:00Z")})
	persons := concerning("", len(tags)).Value.Object()[1]
	name := testSalt(fmt.Sprint("event", c.said))
	part = c.say("data.accessed", events.Facts{Tags: tags, PartOf: name}, used(subjects(
		events.Member{Name: "part", Value: events.Integer(1)}, events.Member{Name: "partOf", Value: events.String("1")}, parts, persons)))
	return head, part
}

// items are both trees of the index over the first size entries.
func (c *town) items(size int) (tags, labels []IndexItem) {
	for i, b := range c.entries[:size] {
		e, err := events.ParseEntry(b)
		if err != nil {
			c.Fatal(err)
		}
		value := IndexValue(events.Index(i), LeafHash(b))
		for _, s := range e.Texts("subjects.tags") {
			tag, _ := events.ParseTag(s)
			tags = append(tags, IndexItem{TagLabel(tag), value})
		}
		pairs, _ := e.Value("pairs")
		for _, p := range pairs.Items() {
			label, _ := p.Object().Get("label")
			var output [64]byte
			if err := readInto(output[:])(label.Text()); err != nil {
				c.Fatal(err)
			}
			labels = append(labels, IndexItem{PersonLabel(output), value})
		}
	}
	for _, list := range [][]IndexItem{tags, labels} {
		slices.SortFunc(list, func(a, b IndexItem) int { return bytes.Compare(a.Label[:], b.Label[:]) })
	}
	return tags, labels
}

func (c *town) checkpoint(size int) Checkpoint { return testCheckpoint(c.entries[:size]) }

// prove is what the index of the first size entries answers.
func (c *town) prove(size int, tags, labels []Hash) IndexProof {
	tagItems, labelItems := c.items(size)
	p := IndexProof{Tags: c.tree(tagItems).Show(sorted(tags), nil), Labels: c.tree(labelItems).Show(sorted(labels), nil)}
	p.Leaf = IndexLeaf{Size: events.Size(size), Root: c.checkpoint(size).Root, Tags: p.Tags.Hash(), Labels: p.Labels.Hash()}
	return c.signed(p)
}

// signed puts the leaf of p behind two others into an index log.
func (c *town) signed(p IndexProof) IndexProof {
	leaves := append(testEntries(2), []byte(p.Leaf.Text()))
	var err error
	p.Path = inclusionPath(2, leaves)
	p.Note, err = SignCheckpoint(Checkpoint{IndexKeyName(testOrigin), 3, treeRoot(leaves)}, indexKey(c).Signer)
	if err != nil {
		c.Fatal(err)
	}
	p.Note = witnessed(c, p.Note)
	return p
}

func (c *town) tree(items []IndexItem) *Node {
	root, err := BuildTree(items)
	if err != nil {
		c.Fatal(err)
	}
	return root
}

func sorted(list []Hash) []Hash {
	return slices.SortedFunc(slices.Values(list), func(a, b Hash) int { return bytes.Compare(a[:], b[:]) })
}

// townPolicy needs both of two witnesses.
func townPolicy(t testing.TB) Policy {
	return Policy{
		Witnesses: []Witness{{Name: "library", Key: testLibrary(t).Cosigner}, {Name: "newspaper", Key: testNewspaper(t).Cosigner}},
		Groups:    []Group{{Name: "both", Need: 2, Members: []string{"library", "newspaper"}}},
		Quorum:    "both",
	}
}

// witnessed is a note with the cosignatures of both, the newspaper's a minute later.
func witnessed(t testing.TB, msg []byte) []byte {
	t.Helper()
	text := must(splitNote(msg))
	return must(AddCosignatures(msg, testLibrary(t).line(t, text, 0), testNewspaper(t).line(t, text, 60)))
}

// card is that of somebody with these generations; one with first 0 is gone.
func (c *town) card(lives ...life) Card {
	card := Card{Log: logKey(c).vkey, Index: indexKey(c).vkey, VRF: [32]byte(c.vrf.PublicKey().Bytes()), URL: "https://ledger.example", Scheme: "email", Policy: townPolicy(c).Text()}
	for _, l := range lives {
		t := CardTrail{Generation: l.generation, Gone: l.first == 0, First: l.first, Proof: c.label(l)}
		if !t.Gone {
			t.Key = l.root()
		}
		card.Trails = append(card.Trails, t)
	}
	last := lives[len(lives)-1]
	card.Next = c.label(life{who: last.who, generation: last.generation + 1})
	return card
}

// asked are the labels to ask for when n tags are of the trail of a card, and of
// hidden trails with so many.
func asked(card Card, n uint64, hidden map[life]uint64) (tags, labels []Hash) {
	for i := range n + LookAhead {
		if t, ok := card.At(i + 1); ok {
			tags = append(tags, TagLabel(TagOf(t.EventKey(i+1))))
		}
	}
	for g, t := range card.Trails {
		if g > 0 && !t.Gone && !card.Trails[g-1].Gone {
			for i := range uint64(LookAhead) {
				tags = append(tags, TagLabel(TagOf(card.Trails[g-1].EventKey(t.First+i))))
			}
		}
		labels = append(labels, labelOf(t.Proof))
	}
	for l, n := range hidden {
		for i := range n + LookAhead {
			tags = append(tags, TagLabel(l.tag(i+1)))
		}
	}
	return tags, append(labels, labelOf(card.Next))
}

func labelOf(p LabelProof) Hash {
	label, _ := p.Label()
	return PersonLabel(label)
}

// bundle puts together what the holder of a card keeps, with these entries.
func (c *town) bundle(card Card, size, leaf int, n uint64, hidden map[life]uint64, positions ...int) Bundle {
	slices.Sort(positions)
	tags, labels := asked(card, n, hidden)
	b := Bundle{Index: c.prove(leaf, tags, labels)}
	var at []events.Index
	for _, i := range positions {
		at = append(at, events.Index(i))
		b.Entries = append(b.Entries, Held{events.Index(i), c.entries[i], c.open[i]})
	}
	b.Nodes = c.nodes(at, leaf, size)
	var err error
	if b.Note, err = SignCheckpoint(c.checkpoint(size), logKey(c).Signer); err != nil {
		c.Fatal(err)
	}
	b.Note = witnessed(c, b.Note)
	return b
}

// nodes are the hashes that EntryNodes asks for.
func (c *town) nodes(at []events.Index, old, size int) (out []Hash) {
	stored := map[int64]Hash{}
	for i, e := range c.entries[:size] {
		list, err := tlog.StoredHashes(int64(i), e, tlog.HashReaderFunc(func(want []int64) (out []tlog.Hash, _ error) {
			for _, x := range want {
				out = append(out, stored[x])
			}
			return out, nil
		}))
		if err != nil {
			c.Fatal(err)
		}
		for j, h := range list {
			stored[tlog.StoredHashIndex(0, int64(i))+int64(j)] = h
		}
	}
	for _, x := range EntryNodes(at, events.Size(old), events.Size(size)) {
		if _, ok := stored[x]; !ok {
			c.Fatalf("no hash is stored at %d", x)
		}
		out = append(out, stored[x])
	}
	return out
}

// annsTown is a town in which ann has two generations, a hidden trail that was
// disclosed to her, an event among several and one in bulk; ben and cid live there
// too. own are the entries that her bundle has.
func annsTown(t testing.TB) (c *town, card Card, bundle Bundle) {
	return annsTownGiven(t, life{"ann's seal", 1, 1}, 2)
}

// annsTownGiven is annsTown where she is given that trail for the hidden one.
func annsTownGiven(t testing.TB, given life, n uint64) (c *town, card Card, bundle Bundle) {
	c = newTown(t)
	one, two, secret := life{"ann", 1, 1}, life{"ann", 2, 5}, life{"ann's seal", 1, 1}
	ben, cid := life{"ben", 1, 1}, life{"cid", 1, 1}
	at := []int{0}
	keep := func(list ...int) { at = append(at, list...) }
	c.enrol(ben)
	c.use(ben.tag(1))
	keep(c.enrol(one, cid), c.use(one.tag(1)), c.use(one.tag(2), cid.tag(1)))
	c.enrol(secret)
	hidden := []int{c.seal(secret.tag(1))}
	keep(c.bulk(ben.tag(2), one.tag(3)))
	hidden = append(hidden, c.use(secret.tag(2)))
	keep(c.use(one.tag(4)), c.enrol(two), c.use(two.tag(5)), c.disclosedTo(two.tag(6), given, int64(n)))
	if given == secret {
		keep(hidden...)
	}
	leaf := len(c.entries)
	for i := range uint64(5) {
		c.use(ben.tag(3 + i))
	}
	card = c.card(one, two)
	return c, card, c.bundle(card, len(c.entries), leaf, 6, map[life]uint64{given: n}, at...)
}

// disclosedTo is disclosed, with what the slot has.
func (c *town) disclosedTo(tag events.Tag, hidden life, n int64) int {
	root := hidden.root()
	o := events.Object{
		{Name: "events", Value: events.Integer(n)},
		{Name: "key", Value: events.String(base64.RawURLEncoding.EncodeToString(root[:]))},
		{Name: "seal", Value: events.String(c.placed.String())},
	}
	data := append(slices.Clone(o), concerning("single", 1))
	return c.say("event.disclosed", events.Facts{Tags: []events.Tag{tag}}, data, o...)
}
