package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/emit"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// promises are receipts, and the log that they are held against.
type promises struct {
	file             string
	url, mirror, out string
}

func (p *promises) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.file, "receipt", "", "hold these receipts against the log: a file of them, or the directory of an outbox")
	c.Flags().StringVar(&p.url, "url", "", "with --receipt: the ledger")
	c.Flags().StringVar(&p.mirror, "mirror", "", "with --receipt: a copy of the public log instead, a directory or an address")
	c.Flags().StringVar(&p.out, "evidence", "", "with --receipt: write what convicts the ledger to this new file; the default is beside the receipts")
}

func (p *promises) elsewhere() bool { return p.url != "" || p.mirror != "" || p.out != "" }

// promised is what became of promises.
type promised struct {
	log      *client.Published
	key      note.Verifier
	receipts note.Verifier
	opened   proof.Proof
	now      time.Time

	kept, pending, overdue, unreadable int
	until                              time.Time // when the last of those pending is due
	late                               []byte    // the receipt of which a promise is overdue for longest
	lateAt                             time.Time
	broken                             *proof.Evidence
	few                                error // the verdict when nothing is broken: too few cosigned
}

// verify holds receipts against the log.
func (p *promises) verify(c *cobra.Command, t trust) error {
	source, err := p.source(t)
	if err != nil {
		return err
	}
	var few error // a ledger that shows too few cosignatures does not get out of its promises by that
	if t.known != nil {
		if _, few = t.known.meet(c.Context()); few != nil && !incomplete(few) {
			return few
		}
	}
	x, err := p.open(c.Context(), t, source)
	if err != nil {
		return err
	}
	x.few = cmp.Or(few, x.few)
	if x.unreadable, err = eachReceipt(p.file, func(receipt []byte) error { return x.hold(c.Context(), receipt) }); err != nil {
		return judged(err)
	}
	if x.broken == nil && x.late != nil {
		if err := x.convictLate(c.Context(), source); err != nil {
			return judged(err)
		}
	}
	return p.verdict(t, x)
}

// judged gives an exit code to what has none.
func judged(err error) error {
	var e *exit
	if errors.As(err, &e) {
		return err
	}
	return exitWith(exitUnchecked, "%w", err)
}

func (p *promises) source(t trust) (ledger.Source, error) {
	switch {
	case p.url != "" && p.mirror != "":
		return nil, exitWith(exitUsage, "give --url or --mirror")
	case p.mirror != "":
		s, err := auditSource(p.mirror)
		if err != nil {
			return nil, exitWith(exitUnchecked, "%w", err)
		}
		return s, nil
	case p.url == "" && t.known != nil:
		return t.known.server, nil
	case p.url == "" && t.card != nil:
		p.url = t.card.URL
	case p.url == "":
		return nil, exitWith(exitUsage, "say where the log is, with --url, --mirror or --context: a receipt alone proves nothing")
	}
	return client.New(p.url, &http.Client{Timeout: contextTimeout})
}

// open reads the log's checkpoint and entry 0, which names the receipt key.
func (p *promises) open(ctx context.Context, t trust, source ledger.Source) (*promised, error) {
	log, err := client.OpenPublished(ctx, source, t.key, proof.NoPolicy())
	if err != nil {
		return nil, exitWith(exitUnchecked, "%w", err)
	}
	x := &promised{log: log, key: t.key, now: time.Now()}
	if _, _, err := t.policy.Check(log.Note, t.key); err != nil {
		if x.few = unwitnessed(err, t.policy); !incomplete(x.few) {
			return nil, x.few
		}
	}
	if clock, ok := ctx.Value(clockKey{}).(func() time.Time); ok {
		x.now = clock()
	}
	if x.opened, err = log.Prove(ctx, 0); err != nil {
		return nil, exitWith(exitUnchecked, "%w", err)
	}
	first, err := events.ParseEntry(x.opened.Extra)
	if err == nil {
		x.receipts, err = proof.ParseVerifierKey(first.Text("keys.receipt"))
	}
	if err != nil {
		return nil, refuse(err)
	}
	return x, nil
}

// hold holds one receipt against the log. When one is broken the others are left.
func (x *promised) hold(ctx context.Context, receipt []byte) error {
	if x.broken != nil {
		return nil
	}
	r, err := proof.OpenReceipt(receipt, x.receipts)
	if err != nil {
		return exitWith(exitInvalid, "NOT VALID: a receipt is not signed by the receipt key that entry 0 of the log names: %w", err)
	}
	due := r.Time.Add(proof.MergeDelay)
	for _, line := range r.Lines {
		if uint64(line.Index) >= uint64(x.log.Checkpoint.Size) {
			x.missing(receipt, due)
			continue
		}
		entry, err := x.log.Entry(ctx, line.Index)
		if err != nil {
			return err
		}
		if events.HashEntry(entry) == line.EntryHash {
			x.kept++
			continue
		}
		file, err := x.log.Prove(ctx, line.Index)
		if err != nil {
			return err
		}
		return x.convict(proof.Evidence{Kind: proof.EvidenceReceipt, Opened: &x.opened, Notes: [][]byte{receipt}, Proofs: []proof.Proof{file}})
	}
	return nil
}

// missing counts a promise of what the checkpoint does not cover.
func (x *promised) missing(receipt []byte, due time.Time) {
	if x.now.After(due) {
		x.overdue++
		if x.late == nil || due.Before(x.lateAt) {
			x.late, x.lateAt = receipt, due
		}
		return
	}
	x.pending++
	if due.After(x.until) {
		x.until = due
	}
}

// convict takes evidence when it convicts before a stranger too.
func (x *promised) convict(e proof.Evidence) error {
	again, err := proof.ParseEvidence(e.Format())
	if err == nil {
		_, err = again.Verify(x.key)
	}
	if err != nil {
		return err
	}
	x.broken = &again
	return nil
}

// convictLate asks whether the checkpoint, which is too small, was cosigned after the
// promise was due by so many of the ledger's own witnesses that it has no other: those
// of the policy in the last entry that changes a witness.
func (x *promised) convictLate(ctx context.Context, source ledger.Source) error {
	positions, err := witnessChanges(ctx, source, x.key)
	if err != nil {
		return err
	}
	positions = slices.DeleteFunc(positions, func(i events.Index) bool { return uint64(i) >= uint64(x.log.Checkpoint.Size) })
	if len(positions) == 0 {
		return nil
	}
	file, err := x.log.Prove(ctx, slices.Max(positions))
	if err != nil {
		return err
	}
	// What does not convict, of witnesses that did not cosign or not late enough, shows nothing.
	_ = x.convict(proof.Evidence{Kind: proof.EvidenceReceiptLate, Opened: &x.opened, Notes: [][]byte{x.late, x.log.Note}, Proofs: []proof.Proof{file}})
	return nil
}

// maxWitnessChanges bounds what a ledger says of its witnesses, which is not proved yet:
// who has more of a kind has no reason to.
const maxWitnessChanges = 1000

// witnessChanges are the positions of the entries that change a witness, as a ledger
// says, or as all entries of a copy show.
func witnessChanges(ctx context.Context, source ledger.Source, v note.Verifier) (out []events.Index, err error) {
	kinds := []string{"witness.added", "witness.removed"}
	server, ok := source.(*client.Client)
	if !ok {
		var mu sync.Mutex
		take := func(i events.Index, e *events.Entry) {
			if slices.Contains(kinds, e.Kind.Name) {
				mu.Lock()
				defer mu.Unlock()
				out = append(out, i)
			}
		}
		_, err = ledger.Audit(ctx, source, v, ledger.AuditOptions{Each: take})
		return out, err
	}
	for _, kind := range kinds {
		list, err := entriesOf(ctx, server, kind)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// entriesOf are the positions of the entries of a kind, as a ledger says.
func entriesOf(ctx context.Context, server *client.Client, kind string) (out []events.Index, err error) {
	for f := (client.Filter{Kind: kind}); ; {
		list, next, err := server.Entries(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			out = append(out, e.Position)
		}
		if next == nil || f.After != nil && *next <= *f.After || len(list) == 0 || len(out) >= maxWitnessChanges {
			return out, nil
		}
		f.After = next
	}
}

// verdict says what became of the promises.
func (p *promises) verdict(t trust, x *promised) error {
	size := x.log.Checkpoint.Size
	switch {
	case x.broken != nil:
		return p.accuse(x)
	case x.few != nil:
		return x.few
	case x.overdue > 0:
		return exitWith(exitIncomplete, "OVERDUE: %s should be in the log since %s, and %d entries are published. That convicts nobody yet: "+
			"it takes a checkpoint that is too small and that witnesses, whom the ledger itself recorded and without whom it has no quorum, cosigned after that time; ask again, or a mirror with --mirror",
			counted(uint64(x.overdue), "entry", "entries"), x.lateAt.Format("2006-01-02 15:04:05 UTC"), size)
	case x.pending > 0:
		return exitWith(exitIncomplete, "not yet: of %d promised entries %d are in the log, which has %d; the others must be by %s",
			x.kept+x.pending, x.kept, size, x.until.Format("2006-01-02 15:04:05 UTC"))
	case x.unreadable > 0:
		return exitWith(exitIncomplete, "%d promises are kept, and %d receipts are damaged here", x.kept, x.unreadable)
	case x.kept == 0:
		return exitWith(exitIncomplete, "there is no receipt in %s: nothing was checked", p.file)
	}
	said := &claims{}
	said.check("each receipt is signed by the key that entry 0 of the log names")
	said.check("the log at size %d, signed by %s, has the promised entry at each position", size, t.whose())
	if err := t.attested(said, x.log.Note, t.key); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "VALID: %s\n", counted(uint64(x.kept), "promised entry is in the log now", "promised entries are in the log now"))
	said.print(t.out)
	return nil
}

// accuse writes the evidence.
func (p *promises) accuse(x *promised) error {
	shown, err := x.broken.Verify(x.key)
	if err != nil {
		return err
	}
	path, err := writeEvidence(cmp.Or(p.out, strings.TrimRight(p.file, string(os.PathSeparator))+".evidence"), x.broken)
	if err != nil {
		return exitWith(exitInvalid, "NOT VALID: %s; %w", shown.Says, err)
	}
	return exitWith(exitInvalid, "NOT VALID: %s; the evidence is in %s, and anyone can check it with daybook verify and the log's key", shown.Says, path)
}

// maxReceiptsFile is above any file of receipts that is read as a whole.
const maxReceiptsFile = 64 << 20

// eachReceipt gives fn the receipts of an outbox, or those in a file:
//
//	file = *(note *LF) / *(answer LF)
//
// with an answer as the ledger gives it to a request, a JSON object with a receipt. In
// the directory of a bulk event such a file is named as an outbox names its own.
func eachReceipt(path string, fn func([]byte) error) (damaged int, err error) {
	if isDir(path) {
		kept := filepath.Join(path, "receipts")
		const note = "daybook/receipt@" // a line of an outbox begins with its checksum
		if b, err := readLimited(kept, int64(len(note))); err == nil && string(b) != note {
			return emit.EachReceipt(path, fn)
		}
		path = kept
	}
	b, err := readLimited(path, maxReceiptsFile)
	if err != nil {
		return 0, err
	}
	if len(b) == maxReceiptsFile {
		return 0, fmt.Errorf("%s has more than %d bytes: divide it", path, maxReceiptsFile-1)
	}
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		return 0, eachAnswer(b, fn)
	}
	for b = bytes.TrimLeft(b, "\n"); len(b) > 0; b = bytes.TrimLeft(b, "\n") {
		end := noteEnd(b)
		if end == 0 {
			return 0, exitWith(exitInvalid, "NOT VALID: %s does not end with a signed receipt", path)
		}
		if err := fn(b[:end]); err != nil {
			return 0, err
		}
		b = b[end:]
	}
	return 0, nil
}

func eachAnswer(b []byte, fn func([]byte) error) error {
	for in := json.NewDecoder(bytes.NewReader(b)); in.More(); {
		var answer struct{ Receipt string }
		if err := in.Decode(&answer); err != nil {
			return exitWith(exitInvalid, "NOT VALID: reading receipts: %w", err)
		}
		if answer.Receipt == "" {
			continue
		}
		if err := fn([]byte(answer.Receipt)); err != nil {
			return err
		}
	}
	return nil
}
