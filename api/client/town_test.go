package client_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"slices"
	"testing"
	"time"

	vrf "filippo.io/mostly-harmless/vrf-r255"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

const origin = "town.example/log"

// town is a ledger in memory, with its index and what is sealed, made of public
// words. It can lie in the ways that its fields say.
type town struct {
	testing.TB
	vrf    *vrf.PrivateKey
	log    logFiles
	index  logFiles
	slots  map[events.Tag]*client.Slot
	leaves []leaf

	hide     map[events.Tag]bool // from the index
	answered int                 // questions
	asked    []events.Tag        // by name
	ranges   []proof.Prefix
	mute     bool   // gives no slots
	head     []byte // the box of the head that was sealed last
	placed   int    // where the seal.placed stands
}

// leaf is what the index had at one leaf.
type leaf struct {
	proof.IndexLeaf
	tags, labels *proof.Node
	at           map[proof.Hash]events.Index // by value
}

// logFiles are the files of a log, all of them or the first so many.
type logFiles struct {
	testing.TB
	signer  note.Signer
	vkey    string
	entries [][]byte
	hashes  []tlog.Hash
	shown   int // how many entries the checkpoint is over
}

func newLog(t testing.TB, name string) logFiles {
	seed := sha256.Sum256([]byte("public test data, protects nothing: " + name))
	vkey, err := note.NewEd25519VerifierKey(name, ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))
	check(t, err)
	v, err := proof.ParseVerifierKey(vkey)
	check(t, err)
	s, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, v.KeyHash(), base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...))))
	check(t, err)
	return logFiles{TB: t, signer: s, vkey: vkey}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (l *logFiles) ReadHashes(at []int64) (out []tlog.Hash, _ error) {
	for _, i := range at {
		out = append(out, l.hashes[i])
	}
	return out, nil
}

func (l *logFiles) add(entry []byte) int {
	list, err := tlog.StoredHashes(int64(len(l.entries)), entry, l)
	check(l, err)
	l.hashes = append(l.hashes, list...)
	l.entries = append(l.entries, entry)
	l.shown = len(l.entries)
	return len(l.entries) - 1
}

func (l *logFiles) checkpoint() proof.Checkpoint {
	root, err := tlog.TreeHash(int64(l.shown), l)
	check(l, err)
	return proof.Checkpoint{Origin: l.signer.Name(), Size: events.Size(l.shown), Root: root}
}

func (l *logFiles) note() []byte {
	msg, err := proof.SignCheckpoint(l.checkpoint(), l.signer)
	check(l, err)
	return msg
}

// Read gives the files as c2sp.org/tlog-tiles has them.
func (l *logFiles) Read(_ context.Context, path string) (out []byte, err error) {
	if path == "checkpoint" {
		return l.note(), nil
	}
	t, err := proof.ParseTilePath(path)
	if err != nil {
		return nil, err
	}
	if n := uint64(l.shown) >> (8 * max(t.Level, 0)); t.N*proof.TileWidth+uint64(t.Width) > n {
		return nil, fs.ErrNotExist
	}
	if t.Level == proof.EntriesLevel {
		for _, e := range l.entries[t.N*proof.TileWidth:][:t.Width] {
			if out, err = proof.AppendBundle(out, e); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	if t.Level > 1 {
		return nil, fs.ErrNotExist
	}
	for i := range t.Width {
		at := (int64(t.N)*proof.TileWidth + int64(i))
		h := l.hashes[tlog.StoredHashIndex(8*t.Level, at)]
		out = append(out, h[:]...)
	}
	return out, nil
}

func newTown(t testing.TB) *town {
	secret := sha256.Sum256([]byte("public test data: vrf"))
	secret[31] &= 0x0f // a canonical scalar
	key, err := vrf.NewPrivateKey(secret[:])
	check(t, err)
	c := &town{TB: t, vrf: key, log: newLog(t, origin), index: newLog(t, origin+"/index"), slots: map[events.Tag]*client.Slot{}, hide: map[events.Tag]bool{}}
	receipts := newLog(t, origin+"/receipt")
	c.put(events.Opened{
		Name: name("opened"), RecordedAt: noon, Origin: origin, Log: c.log.vkey, Receipt: receipts.vkey, Index: c.index.vkey,
		VRF: key.PublicKey().Bytes(), Policy: "quorum none\n", Formats: []string{events.EntryFormat},
	}.Entry())
	return c
}

var noon = time.Date(2026, 6, 24, 12, 0, 0, 0, time.UTC)

func name(words ...any) events.EventName {
	sum := sha256.Sum256([]byte(fmt.Sprint(words...)))
	return events.EventName(sum[:16])
}

func (c *town) put(e *events.Entry, err error) int {
	c.Helper()
	check(c, err)
	return c.log.add(e.Append(nil))
}

// life is one generation of somebody's trail.
type life struct {
	who        string
	generation uint32
	first      uint64
}

func (l life) root() [32]byte {
	return sha256.Sum256([]byte(fmt.Sprint("root of ", l.who, l.generation)))
}
func (l life) key(i uint64) [32]byte   { return events.EventKey(l.root(), i) }
func (l life) tag(i uint64) events.Tag { return events.TagOf(l.key(i)) }

func (c *town) label(l life) (p proof.LabelProof) {
	copy(p[:], c.vrf.Prove(events.LabelInput("email", l.who, l.generation)).Bytes())
	return p
}

func (c *town) enrol(list ...life) int {
	var pairs []events.Pair
	for _, l := range list {
		label, err := c.label(l).Label()
		check(c, err)
		pairs = append(pairs, events.Pair{Label: label, Commitment: events.Commitment(label, l.root())})
	}
	return c.put(events.Enrolled(name("enrolled", len(c.log.entries)), noon, pairs))
}

func (c *town) card(lives ...life) proof.Card {
	card := proof.Card{Log: c.log.vkey, Index: c.index.vkey, VRF: [32]byte(c.vrf.PublicKey().Bytes()), URL: "https://ledger.example", Scheme: "email", Policy: "quorum none\n"}
	for _, l := range lives {
		card.Trails = append(card.Trails, proof.CardTrail{Generation: l.generation, First: l.first, Key: l.root(), Proof: c.label(l)})
	}
	last := lives[len(lives)-1]
	card.Next = c.label(life{who: last.who, generation: last.generation + 1})
	return card
}

// event is number i of a trail.
type event struct {
	life
	i uint64
}

func object(pairs ...any) (o events.Object) {
	for i := 0; i < len(pairs); i += 2 {
		v, ok := pairs[i+1].(events.Value)
		if !ok {
			v = events.String(pairs[i+1].(string))
		}
		o = o.With(pairs[i].(string), v)
	}
	return o
}

func persons(n int) events.Value {
	var list []events.Value
	for i := range n {
		list = append(list, events.Nested(object("scheme", "email", "value", fmt.Sprint("p", i))))
	}
	return events.List(list...)
}

// use records that some were looked up, and seals for each what she may see.
func (c *town) use(list ...event) int {
	c.Helper()
	mode := []string{"single", "several"}[min(len(list)-1, 1)]
	subjects := events.Nested(object("mode", mode, "persons", persons(len(list))))
	return c.say("data.accessed", events.Facts{}, object("operation", "Query", "outcome", "success", "subjects", subjects, "system", "city/search"), nil, list,
		object("occurredAt", "2026-06-24T12:00:00Z", "actor.role", "clerk"))
}

// place records a seal, as the first event of a hidden trail.
func (c *town) place(hidden life) int {
	c.placed = c.say("seal.placed", events.Facts{}, object("group", "justice", "reviewIn", "2026-Q4", "subjects",
		events.Nested(object("mode", "single", "persons", persons(1)))), nil, []event{{hidden, 1}}, nil)
	return c.placed
}

// disclose gives somebody the trail of a seal.
func (c *town) disclose(to event, hidden life, n int64) int {
	root := hidden.root()
	given := object("events", events.Integer(n), "key", base64.RawURLEncoding.EncodeToString(root[:]), "seal", name("event", c.placed).String())
	data := slices.Clone(given).With("subjects", events.Nested(object("mode", "single", "persons", persons(1))))
	return c.say("event.disclosed", events.Facts{}, data, nil, []event{to}, given)
}

// bulk records a head and one part.
func (c *town) bulk(list ...event) (head, part int) {
	mode, one := events.String("bulk"), events.Integer(1)
	detail := sha256.Sum256([]byte("detail"))
	subjects := events.Nested(object("mode", mode, "parts", one))
	head = c.say("data.accessed", events.Facts{}, object("operation", "Query", "outcome", "success", "subjects", subjects, "system", "city/search"), &detail, nil,
		object("occurredAt", "2026-06-24T12:00:00Z", "actor.role", "clerk"))
	subjects = events.Nested(object("mode", mode, "part", one, "parts", one, "partOf", "1", "persons", persons(len(list))))
	part = c.say("data.accessed", events.Facts{PartOf: name("event", head)}, object("operation", "Query", "outcome", "success", "subjects", subjects, "system", "city/search"), &detail, list, nil)
	boxes := [][]byte{c.head}
	for _, e := range list {
		at := events.Index(head)
		c.slots[e.tag(e.i)].HeadAt, c.slots[e.tag(e.i)].Heads = &at, boxes
	}
	return head, part
}

// say records an event of a kind about some, sealed for each. Of a bulk event the
// key to the head's box is given.
func (c *town) say(kind string, facts events.Facts, data events.Object, detail *[32]byte, list []event, open events.Object) int {
	c.Helper()
	at := len(c.log.entries)
	e, err := events.CheckEvent(events.Nested(object("data", events.Nested(data), "id", "1", "source", "city/app", "specversion", "1.0",
		"time", events.FormatInstant(noon), "type", events.TypePrefix+kind+events.TypeSuffix)))
	check(c, err)
	facts.Name, facts.Organization, facts.OccurredOn, facts.RecordedOn = name("event", at), "city", "2026-06-24", "2026-06-24"
	if e.Kind.Seals {
		facts.OccurredOn, facts.RecordedOn = "2026-Q2", "2026-Q2"
	}
	var slip events.Slip
	for _, m := range open {
		slip = append(slip, events.Disclosure{Salt: [16]byte(name(at, m.Name)), Name: m.Name, Value: m.Value})
	}
	for _, d := range slip {
		facts.Digests = append(facts.Digests, d.Digest())
	}
	for i := len(slip); i < e.Kind.Slots()+len(list); i++ {
		facts.Digests = append(facts.Digests, sha256.Sum256(fmt.Append(nil, at, i)))
	}
	for _, x := range list {
		facts.Tags = append(facts.Tags, x.tag(x.i))
	}
	slices.SortFunc(facts.Tags, func(a, b events.Tag) int { return cmp.Compare(a.String(), b.String()) })
	c.put(e.Entry(facts))
	c.seal(at, slip, detail, list)
	return at
}

// seal makes the boxes of an entry.
func (c *town) seal(at int, slip events.Slip, detail *[32]byte, list []event) {
	ad := events.HashEntry(c.log.entries[at])
	box := func(key [32]byte, plain []byte) []byte {
		b, err := events.SealBox(events.BoxKey("person", key[:]), nil, ad[:], plain)
		check(c, err)
		return b
	}
	plain := slip.Format()
	if detail != nil && list == nil {
		c.head = box(*detail, plain)
		return
	}
	if detail != nil {
		plain = events.FormatPartSlip(nil, *detail)
	}
	for _, x := range list {
		c.slots[x.tag(x.i)] = &client.Slot{Position: events.Index(at), Box: box(x.key(x.i), plain)}
	}
}

// publish makes a leaf of the index over all entries.
func (c *town) publish() {
	l := leaf{at: map[proof.Hash]events.Index{}}
	l.tags, l.labels = c.trees(l.at)
	ledger := c.log.checkpoint()
	l.IndexLeaf = proof.IndexLeaf{Size: ledger.Size, Root: ledger.Root, Tags: l.tags.Hash(), Labels: l.labels.Hash()}
	c.leaves = append(c.leaves, l)
	c.index.add([]byte(l.Text()))
}

func (c *town) trees(at map[proof.Hash]events.Index) (tags, labels *proof.Node) {
	var tagItems, labelItems []proof.IndexItem
	for i, b := range c.log.entries {
		e, err := events.ParseEntry(b)
		check(c, err)
		value := proof.IndexValue(events.Index(i), proof.LeafHash(b))
		at[value] = events.Index(i)
		for _, text := range e.Texts("subjects.tags") {
			if tag, _ := events.ParseTag(text); !c.hide[tag] {
				tagItems = append(tagItems, proof.IndexItem{Label: proof.TagLabel(tag), Value: value})
			}
		}
		pairs, _ := e.Value("pairs")
		for _, p := range pairs.Items() {
			text, _ := p.Object().Get("label")
			label, err := base64.RawURLEncoding.DecodeString(text.Text())
			check(c, err)
			labelItems = append(labelItems, proof.IndexItem{Label: proof.PersonLabel([64]byte(label)), Value: value})
		}
	}
	build := func(items []proof.IndexItem) *proof.Node {
		slices.SortFunc(items, func(a, b proof.IndexItem) int { return bytes.Compare(a.Label[:], b.Label[:]) })
		root, err := proof.BuildTree(items)
		check(c, err)
		return root
	}
	return build(tagItems), build(labelItems)
}

// Prove answers as a server does.
func (c *town) Prove(_ context.Context, q client.Question) (out client.Answer, _ error) {
	c.answered++
	c.asked, c.ranges = append(c.asked, q.Tags...), append(c.ranges, q.Ranges...)
	l := c.leaves[c.index.shown-1]
	var asked []proof.Hash
	for _, t := range q.Tags {
		asked = append(asked, proof.TagLabel(t))
	}
	slices.SortFunc(asked, func(a, b proof.Hash) int { return bytes.Compare(a[:], b[:]) })
	p := proof.IndexProof{Leaf: l.IndexLeaf, Note: c.index.note()}
	path, err := tlog.ProveRecord(int64(c.index.shown), int64(c.index.shown)-1, &c.index)
	check(c, err)
	p.Path = path
	if len(q.Tags)+len(q.Ranges) > 0 {
		p.Tags = l.tags.Show(asked, q.Ranges)
	}
	if len(q.LabelRanges) > 0 {
		p.Labels = l.labels.Show(nil, q.LabelRanges)
	}
	out = client.Answer{Proof: p, Positions: map[proof.Hash]events.Index{}}
	for _, tree := range []*proof.Node{p.Tags, p.Labels} {
		for _, it := range tree.Items() {
			out.Positions[it.Label] = l.at[it.Value]
		}
	}
	return out, nil
}

// Slots gives what is sealed, for the tickets of the tests' trails.
func (c *town) Slots(_ context.Context, claims []client.Claim) ([]*client.Slot, error) {
	out := make([]*client.Slot, len(claims))
	for i, x := range claims {
		if s, ok := c.slots[x.Tag]; ok && !c.mute && x.Ticket != ([16]byte{}) {
			out[i] = s
		}
	}
	return out, nil
}
