package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
)

const monitorHelp = `Keep a verified copy of a ledger, compute its index again, print its new entries as NDJSON on stdout
{"position","event","kind","entry"}, and alert, once for each of these until it is over:

  fork, inconsistent       it signed two histories                           evidence, ends with 3
  duplicate-event, duplicate-tag, duplicate-label
                           an entry has what an earlier one has              evidence, ends with 3
  index-…, index           the index is not what follows from the entries    evidence if any, ends with 3
  entry                    an entry is none                                  ends with 3
  damaged, signature       what it shows is not what it signed
  cosignatures             a checkpoint lacks the quorum of --policy
  stale, index-stale       a quorum last cosigned it longer than --stale ago
  index-behind             the index has not followed for longer than --stale
  rollback                 it is shown smaller than before
  unreachable, incomplete  for longer than --stale, or now with --once

Each is a line on stderr, and with --webhook a POST of {"ledger","alert","says","evidence","at"}, which
is tried again until it is taken; and another with "over":true when it is over. Evidence is a file in
the directory, which daybook verify opens for anyone, and is there before the alert. The first time all
entries of the ledger are new.

Exit codes: 0 stopped; 1 this machine failed; 2 misused; 3 it is convicted; 4 the file of --policy cannot
be read. With --once 0 all is well, 3 misbehaviour, 4 it cannot be reached, 5 stale or incomplete, as
when too few witnesses of the policy signed.`

// monitorFlags are what a monitor is told.
type monitorFlags struct {
	key, policy, dir, webhook string
	stale, every              time.Duration
	once                      bool
	chosen                    chosen
}

func monitorCommand() *cobra.Command {
	var f monitorFlags
	c := &cobra.Command{
		Use:   "monitor URL --key VKEY [--policy FILE] [--webhook URL]",
		Short: "Watch a ledger: keep a verified copy, alert when it misbehaves, and print its new entries",
		Long:  monitorHelp,
		Args:  arguments(1, "URL"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			from, err := copyFrom(args[0], f.key, f.policy)
			if err == nil {
				err = f.patience(from.policy)
			}
			if err != nil {
				return err
			}
			m, err := openMonitoring(c.Context(), from, f, c.OutOrStdout(), c.ErrOrStderr())
			if err != nil {
				return err
			}
			return errors.Join(m.alerting(c.Context()), m.close())
		},
	}
	c.Flags().StringVar(&f.key, "key", "", "the log's verifier key")
	c.Flags().StringVar(&f.policy, "policy", "", "a policy file: whose cosignatures a checkpoint needs, and so also when it is stale")
	c.Flags().StringVar(&f.dir, "dir", "", "where the copy and what was found are kept; default a directory of this ledger in your configuration directory")
	c.Flags().StringVar(&f.webhook, "webhook", "", "post each alert to this address, as JSON")
	c.Flags().DurationVar(&f.stale, "stale", time.Hour, "alert when the ledger shows nothing newer for longer, cannot be reached for longer, or its index is behind for longer; with --policy at least 15m, as cosignatures are renewed every ten minutes")
	c.Flags().DurationVar(&f.every, "every", 30*time.Second, "how long to wait before looking again")
	c.Flags().BoolVar(&f.once, "once", false, "look once, and end")
	f.chosen.flags(c)
	return c
}

func (f *monitorFlags) check() error {
	if f.every <= 0 || f.stale <= 0 {
		return exitWith(exitUsage, "--every and --stale must be longer than nothing")
	}
	if u, err := url.Parse(f.webhook); f.webhook != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return exitWith(exitUsage, "--webhook %q is not an address as https://example.org/alerts", f.webhook)
	}
	return f.chosen.check()
}

// staleAtLeast is how long a ledger under a policy may show nothing newer while all is well:
// it has its checkpoint cosigned anew every ten minutes, and that takes some time.
const staleAtLeast = 15 * time.Minute

// patience refuses a --stale that alerts of what is as it should be.
func (f *monitorFlags) patience(p *proof.Policy) error {
	if p != nil && !p.Met() && f.stale < staleAtLeast {
		return exitWith(exitUsage, "--stale %v would alert of a ledger with which all is well: it asks its witnesses anew every ten minutes; give %v or longer", f.stale, staleAtLeast)
	}
	return nil
}

// The alerts beside those of a copy.
const (
	alertStale      = "stale"
	alertIndexStale = "index-stale"
	alertBehind     = "index-behind"
	alertEntry      = "entry" // an entry that no ledger may have
)

// monitoring is a copy of a ledger that is watched.
type monitoring struct {
	*copying
	flags  monitorFlags
	out    io.Writer
	now    func() time.Time
	alarms *alarms
	seen   *trail.Once   // whose size is how many entries were printed
	trees  *trail.Mirror // the index again, out of the entries that are here

	heard   time.Time // when the ledger last showed all it should
	waiting struct {  // an entry that the index should cover and does not
		at    events.Index
		since time.Time // zero: there is none
	}
}

// openMonitoring takes up the directory:
//
//	public/       the copy, as daybook mirror has it
//	once/         where each event name, tag and label stands
//	trees/        the prefix trees of the index, computed here
//	leaves/       the leaves that they were held against
//	evidence-*    what convicts the ledger
func openMonitoring(ctx context.Context, from copying, f monitorFlags, out, talk io.Writer) (m *monitoring, err error) {
	if f.dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, exitWith(exitUsage, "%w; say with --dir where the copy is to be kept", err)
		}
		f.dir = filepath.Join(config, "daybook", "monitor", dirName(from.key.Name()))
	}
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the directory of the monitor: %w", err)
	}
	m = &monitoring{copying: &from, flags: f, out: out, now: time.Now}
	if now, ok := ctx.Value(clockKey{}).(func() time.Time); ok {
		m.now = now
	}
	m.heard = m.now()
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close())
		}
	}()
	if m.copying, err = openCopying(ctx, from, filepath.Join(f.dir, "public"), talk); err != nil {
		m.copying = &from
		return nil, err
	}
	if m.seen, err = trail.OpenOnce(filepath.Join(f.dir, "once")); err != nil {
		return nil, err
	}
	m.trees, err = trail.OpenMirror(ctx, trail.MirrorConfig{
		Dir: filepath.Join(f.dir, "trees"), Public: filepath.Join(f.dir, "leaves"), Ledger: m.ledger, From: m.ledger.Public(),
	})
	if err != nil {
		return nil, err
	}
	m.alarms = newAlarms(m.key.Name(), f, talk, m.now)
	if m.policy == nil {
		fmt.Fprintln(talk, "without --policy nobody but the ledger says when a checkpoint was made: that one is stale cannot be told")
	}
	return m, m.awaitIndex(ctx)
}

// dirName is a name of a log as that of a directory, and none of another place.
func dirName(origin string) string {
	name := url.PathEscape(origin)
	if strings.Trim(name, ".") == "" {
		name = strings.ReplaceAll(name, ".", "%2E")
	}
	return name
}

func (m *monitoring) close() error {
	var err error
	if m.trees != nil {
		err = m.trees.Close()
	}
	if m.seen != nil {
		err = errors.Join(err, m.seen.Close())
	}
	return errors.Join(err, m.copying.close())
}

// alerting watches, with the webhook beside it, which is given some time at the end.
func (m *monitoring) alerting(ctx context.Context) error {
	stop := m.alarms.start(ctx)
	defer stop()
	if m.flags.once {
		return m.end(m.look(ctx))
	}
	for {
		found, err := m.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if worst := worstOf(found); err != nil || worst != nil && worst.final {
			return m.end(found, err)
		}
		m.alarms.update(m.patient(found))
		select {
		case <-time.After(m.flags.every):
		case <-ctx.Done():
			return nil
		}
	}
}

// end alerts of all that was found, and is what the program ends with.
func (m *monitoring) end(found []*trouble, err error) error {
	if err != nil {
		return err
	}
	m.alarms.update(found)
	worst := worstOf(found)
	if worst == nil {
		return nil
	}
	return exitWith(worst.code, "%s: %w", worst.verdict(), worst)
}

// worstOf is the trouble that says most: what is final, other misbehaviour, then what
// could not be reached.
func worstOf(found []*trouble) (worst *trouble) {
	for _, t := range found {
		if worst == nil || t.final && !worst.final || t.final == worst.final && t.code < worst.code {
			worst = t
		}
	}
	return worst
}

// patient leaves out what a busy network explains until it has lasted.
func (m *monitoring) patient(found []*trouble) (out []*trouble) {
	lasts := m.now().Sub(m.heard) > m.flags.stale
	for _, t := range found {
		if lasts || t.alert != alertUnreachable && t.alert != alertIncomplete {
			out = append(out, t)
		}
	}
	return out
}

// look takes what is new and returns all that is wrong now. The error is this machine's.
func (m *monitoring) look(ctx context.Context) (found []*trouble, err error) {
	add := func(err error) error {
		t := new(trouble)
		if !errors.As(err, &t) {
			return err
		}
		found = append(found, t)
		return nil
	}
	taken := m.stepInTime(ctx)
	if taken == nil {
		m.heard = m.now()
	}
	for _, err := range []error{
		taken, m.readNew(ctx), m.compareTrees(ctx),
		m.fresh(alertStale, m.ledger), m.fresh(alertIndexStale, m.index), m.indexFollows(ctx),
	} {
		if err := add(err); err != nil {
			return found, err
		}
	}
	return found, nil
}

// stepInTime is a step that takes no longer than a ledger may show nothing: one that
// gives each file in time, and never the last, is out of reach too. What was fetched
// stays, and the next step goes on behind it.
func (m *monitoring) stepInTime(ctx context.Context) error {
	timed, cancel := context.WithTimeout(ctx, m.flags.stale)
	defer cancel()
	err := m.step(timed)
	found := new(trouble)
	if errors.As(err, &found) && found.final { // it convicts, with what was fetched by then
		return err
	}
	if err != nil && timed.Err() != nil && ctx.Err() == nil {
		return &trouble{alert: alertIncomplete, code: exitIncomplete, err: fmt.Errorf("what its checkpoint covers was not fetched within %s: %w", m.flags.stale, err)}
	}
	return err
}

// compareTrees holds each new leaf against the trees over the entries here.
func (m *monitoring) compareTrees(ctx context.Context) error {
	err := m.trees.Extend(ctx)
	wrong := new(trail.Violation)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, ledger.ErrNotPublished):
		return nil
	case !errors.As(err, &wrong):
		return err
	}
	t := &trouble{alert: alertIndex, code: exitInvalid, final: true, err: wrong, evidence: wrong.Evidence}
	if t.evidence == nil {
		t.evidence = m.audited(ctx)
	}
	if t.evidence != nil {
		t.alert = t.evidence.Kind
	}
	return t
}

// fresh says whether a quorum knew what is here of one of the two logs a short while ago.
func (m *monitoring) fresh(alert string, log *ledger.Copy) error {
	if m.policy == nil || log == nil {
		return nil
	}
	of, msg := log.Checkpoint()
	at := m.cosignedAt(log, msg)
	if age := m.now().Sub(at); !at.IsZero() && age > m.flags.stale {
		return &trouble{alert: alert, code: exitIncomplete, err: fmt.Errorf("a quorum of witnesses last cosigned %s at %s, %s ago", of.Origin, at.UTC().Format(time.RFC3339), age.Round(time.Second))}
	}
	return nil
}

// covered is how many entries the last leaf here covers.
func (m *monitoring) covered(ctx context.Context) (events.Size, error) {
	if m.index == nil {
		return 0, nil
	}
	at, _ := m.index.Checkpoint()
	if at.Size == 0 {
		return 0, nil
	}
	b, err := m.index.Public().Entry(ctx, events.Seq(at.Size).Index())
	if err != nil {
		return 0, err
	}
	leaf, err := proof.ParseIndexLeaf(string(b))
	return leaf.Size, err
}

// indexFollows says whether the index came to cover what was there a while ago.
func (m *monitoring) indexFollows(ctx context.Context) error {
	if m.waiting.since.IsZero() {
		return nil
	}
	covered, err := m.covered(ctx)
	if err != nil {
		return fmt.Errorf("reading the last leaf of the index: %w", err)
	}
	if uint64(m.waiting.at) < uint64(covered) {
		m.waiting.since = time.Time{}
		return m.awaitIndex(ctx)
	}
	if age := m.now().Sub(m.waiting.since); age > m.flags.stale {
		return &trouble{alert: alertBehind, code: exitIncomplete, err: fmt.Errorf("the index covers %d entries, and entry %d is for it since %s", covered, m.waiting.at, age.Round(time.Second))}
	}
	return nil
}
