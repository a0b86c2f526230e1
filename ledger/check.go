package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Part says which part of a ledger a [Difference] is in.
type Part string

// The parts, and what is wrong with them.
const (
	PartHistory    Part = "history"         // a message is damaged, missing, or none
	PartEnd        Part = "history's end"   // it ends before what was signed
	PartSigned     Part = "signed history"  // its messages are whole and not those that were signed
	PartFiles      Part = "public files"    // a tile or bundle; the history and the journal agree
	PartJournal    Part = "journal"         // a line is damaged
	PartBehind     Part = "journal's end"   // it ends before what was published
	PartCheckpoint Part = "checkpoint"      // damaged, or not the journalled one
	PartSeen       Part = "what others saw" // it is not a beginning of this history
	PartLog        Part = "verifiable log"  // the log beside us holds another tree
	PartIndex      Part = "index"           // the completeness index; the ledger itself is whole
)

// Difference is the first place at which a ledger is not what its history
// leads to.
type Difference struct {
	Part   Part
	Place  string // "message 12", "journal line 3", a path of the public log
	Reason error
}

func (d *Difference) Error() string { return fmt.Sprintf("%s (%s): %v", d.Place, d.Part, d.Reason) }

// Unwrap is the reason.
func (d *Difference) Unwrap() error { return d.Reason }

// CheckConfig says what Check compares.
type CheckConfig struct {
	// Dir is the public directory, and Journal the file beside or elsewhere.
	Dir, Journal string
	// History yields all messages, from the first on.
	History iter.Seq2[events.Stored, error]
	// Log, if set, is the log computed beside ours. It is given the entries it
	// says it has, which changes nothing in a log that has them.
	Log Log
	// Heads, if set, is what others hold of this log.
	Heads Heads
	// Leaves, if set, says that the log is of other things than events.
	Leaves *Leaves
	// IgnoreFiles leaves tiles and bundles out: what the history and the journal
	// say of each other decides whether they can be made again.
	IgnoreFiles bool
}

// CheckReport is what a check without a difference has compared.
type CheckReport struct {
	Origin    string
	Messages  events.Seq  // of the history
	Signed    events.Size // the journal's last
	Root      proof.Hash
	Published events.Size
	Lines     uint64 // of the journal
	Tiles     uint64
	LogSize   events.Size
	// Notes are what a crash may leave and the next start puts right.
	Notes []string
}

// Check computes everything again from the history and compares it with the
// public files, every line of the journal, the checkpoint and the log. It
// changes nothing and needs no key: that boxes can be opened is not checked,
// only that there are as many as the entry says. The first difference is a
// *Difference; the report then says how far it came.
func Check(ctx context.Context, cfg CheckConfig) (*CheckReport, error) {
	c := &check{cfg: cfg, public: &Public{dir: cfg.Dir}, seen: newSeen(), report: &CheckReport{}}
	if cfg.Leaves != nil {
		c.key = cfg.Leaves.Key
		c.report.Origin = c.key.Name()
	}
	err := c.run(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return c.report, err
}

// check is one run. Its tree is that of the history.
type check struct {
	cfg    CheckConfig
	public *Public
	report *CheckReport

	signed  published   // the journal's last whole line
	shown   published   // the checkpoint file's; note nil if there is none
	covered events.Size // how far the files must go
	badLine error       // the journal's first damaged line
	ahead   error       // a head that is beyond the journal
	heads   []seenHead  // by size, those not compared yet
	listed  bool        // the checkpoint file is a line of the journal

	key     note.Verifier
	tree    tree
	entries [][]byte       // of the unfinished bundle
	hashes  [][]proof.Hash // by level: of the unfinished tile
	seen    *seen
	log     logCheck
}

func (c *check) run(ctx context.Context) error {
	if err := c.survey(ctx); err != nil {
		return err
	}
	next, stop := iter.Pull2(journalLines(c.cfg.Journal))
	defer stop()
	line, lineErr, more := next()
	for m, err := range c.cfg.History {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = c.message(ctx, m)
		} else {
			err = c.damaged(err)
		}
		if err == nil {
			err = c.compareHeads()
		}
		for err == nil && more && lineErr == nil && line.Size == c.tree.size {
			err = c.compareLine(line)
			line, lineErr, more = next()
		}
		if err != nil {
			return err
		}
	}
	return c.finish(ctx)
}

// damaged names the message at which the history could not be read on.
func (c *check) damaged(err error) error {
	return &Difference{PartHistory, fmt.Sprintf("message %d", c.report.Messages+1), err}
}

// survey reads how far journal, checkpoint and log go.
func (c *check) survey(ctx context.Context) error {
	for p, err := range journalLines(c.cfg.Journal) {
		if err != nil {
			var torn *tornError
			if c.badLine = err; errors.As(err, &torn) {
				c.badLine = nil
				c.remark("the journal %v: it was never published, the next start cuts it off", err)
			}
			break
		}
		c.signed = p
		c.report.Lines++
	}
	c.report.Signed, c.report.Root = c.signed.Size, c.signed.Root
	msg, err := readFile(filepath.Join(c.cfg.Dir, checkpointPath), maxNote)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		c.shown.note = msg
		if c.shown.Checkpoint, err = stated(msg); err == nil {
			c.report.Published = c.shown.Size
		}
	}
	// A checkpoint that cannot be read, or that no journal vouches for, is a
	// difference of its own and says nothing of the files.
	c.covered = c.signed.Size
	if c.signed.Size == 0 {
		c.covered = c.shown.Size
	}
	if err := c.surveyHeads(ctx); err != nil {
		return err
	}
	return c.log.begin(ctx, c.cfg.Log)
}

func (c *check) remark(format string, args ...any) {
	c.report.Notes = append(c.report.Notes, fmt.Sprintf(format, args...))
}

// message takes the next message of the history in.
func (c *check) message(ctx context.Context, m events.Stored) error {
	want := c.report.Messages + 1
	wrong := func(err error) error {
		return &Difference{PartHistory, fmt.Sprintf("message %d", want), err}
	}
	if m.Seq != want {
		return wrong(fmt.Errorf("it is missing, message %d follows", m.Seq))
	}
	entry, err := c.entryOf(want.Index(), m.Data)
	if err != nil {
		return wrong(err)
	}
	c.report.Messages = want
	return c.grow(ctx, bytes.Clone(entry))
}

// entryOf is the entry that a message holds, checked by itself.
func (c *check) entryOf(i events.Index, data []byte) ([]byte, error) {
	if c.cfg.Leaves != nil {
		return data, c.cfg.Leaves.Check(i, data)
	}
	msg, err := events.ParseMessage(data)
	if err != nil {
		return nil, err
	}
	return msg.Entry, c.parse(i, msg)
}

// parse checks what a message says by itself: its entry, its place, that no
// name, tag or label stood before, and that each person has her box.
func (c *check) parse(i events.Index, msg events.Message) error {
	e, err := events.ParseEntry(msg.Entry)
	if err != nil {
		return err
	}
	if i == 0 {
		if c.key, err = proof.ParseVerifierKey(e.Text("keys.log")); err != nil {
			return err
		}
		c.report.Origin = c.key.Name()
	}
	if err := checkPlace(i, e, c.key.Name(), c.key.KeyHash()); err != nil {
		return err
	}
	f, err := FactsOf(e)
	if err != nil {
		return err
	}
	slips := 0
	for _, b := range msg.Boxes {
		if b.Kind == events.BoxPerson {
			slips++
		}
	}
	if slips != personBoxes(e, len(f.Tags)) {
		return fmt.Errorf("it has %d boxes for persons and %d tags", slips, len(f.Tags))
	}
	return c.seen.add(f)
}

// headBoxes is how many boxes for persons the head of a bulk event has: one for each way
// to stand to the matter.
const headBoxes = 3

// personBoxes is how many boxes for persons the message of an entry has: one for
// each tag, and those of a head.
func personBoxes(e *events.Entry, tags int) int {
	_, bulk := e.Value("subjects.parts")
	_, part := e.Value("subjects.part")
	if bulk && !part {
		return headBoxes
	}
	return tags
}

// grow adds an entry to the tree, and compares the files that it completes.
func (c *check) grow(ctx context.Context, entry []byte) error {
	full := -1 // the highest level whose tile is finished
	c.tree.add(proof.LeafHash(entry), func(level int, h proof.Hash) {
		if level == len(c.hashes) {
			c.hashes = append(c.hashes, nil)
		}
		c.hashes[level] = append(c.hashes[level], h)
		if len(c.hashes[level]) == proof.TileWidth {
			full = level
		}
	})
	c.entries = append(c.entries, entry)
	if err := c.log.add(ctx, entry, &c.tree); err != nil {
		return err
	}
	if c.tree.size == c.covered {
		full = len(c.hashes) - 1 // unfinished ones, too
	}
	for level := 0; level <= full; level++ {
		if err := c.compareTile(ctx, level); err != nil {
			return err
		}
		if len(c.hashes[level]) == proof.TileWidth {
			c.hashes[level] = c.hashes[level][:0]
		}
	}
	if len(c.entries) == proof.TileWidth {
		c.entries = c.entries[:0]
	}
	return nil
}

// compareTile holds the tile that the last hashes of a level are in against
// them; at level 0 the bundle, too.
func (c *check) compareTile(ctx context.Context, level int) error {
	ours := c.hashes[level]
	if c.tree.size > c.covered || c.cfg.IgnoreFiles || len(ours) == 0 {
		return nil
	}
	t := proof.Tile{Level: level, N: (hashesAt(c.tree.size, level) - 1) / proof.TileWidth, Width: len(ours)}
	wrong := func(err error) error { return &Difference{PartFiles, placeOf(t), err} }
	b, err := c.public.readTile(t, c.covered)
	if err == nil && len(b) != len(ours)*tlog.HashSize {
		err = fmt.Errorf("it has %d bytes instead of %d", len(b), len(ours)*tlog.HashSize)
	}
	if err != nil {
		return wrong(err)
	}
	theirs := splitHashes(b)
	if level == 0 {
		if err := c.compareBundle(ctx, t.N, theirs); err != nil {
			return err
		}
	}
	for i := range ours {
		if ours[i] != theirs[i] {
			return wrong(fmt.Errorf("hash %d is not the one that the history leads to", i))
		}
	}
	c.report.Tiles++
	return nil
}

// compareBundle holds bundle n against the history. Where they differ the
// tile's hashes say which of them was published.
func (c *check) compareBundle(ctx context.Context, n uint64, tile []proof.Hash) error {
	t := proof.Tile{Level: proof.EntriesLevel, N: n, Width: len(c.entries)}
	theirs, err := c.public.entries(ctx, n, len(c.entries), c.covered)
	if err != nil {
		return &Difference{PartFiles, placeOf(t), err}
	}
	for i, ours := range c.entries {
		if bytes.Equal(ours, theirs[i]) {
			continue
		}
		at := events.Index(n*proof.TileWidth) + events.Index(i)
		if proof.LeafHash(theirs[i]) == tile[i] {
			return &Difference{PartSigned, fmt.Sprintf("message %d", at+1), fmt.Errorf("it is not entry %d as it was published", at)}
		}
		return &Difference{PartFiles, entryPlace(at), errors.New("it is not the entry of the history")}
	}
	return nil
}
