package main

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// trailFlags are what a person says beside her card.
type trailFlags struct {
	url, mirror, state, person, output string
	policy                             string
	padded, closed                     bool
	wait                               time.Duration
}

func ownTrailCommand() *cobra.Command {
	var f trailFlags
	c := &cobra.Command{
		Use:   "trail CARD",
		Short: "Show and check everything that was recorded about the holder of a card",
		Long: "Follow a trail card, which is a file, its link, or - for stdin; others on this computer can\n" +
			"see a link that is typed here. What was found is kept beside the card and compared the next\n" +
			"time. The card is not sent anywhere. The ledger learns: by default, how the tags asked for\n" +
			"begin, at least 256 having each beginning, which blocks of entries are read, and from the\n" +
			"details asked for which entries are of one person; with --no-details not that; from a copy\n" +
			"of the log, given with --mirror, nothing.\n\n" +
			"Exit codes: 0 all of it is shown, and proved; 2 misused; 3 not valid, or the ledger is convicted;\n" +
			"4 not checked; 5 incomplete: the index is behind, the card was replaced, or fewer witnesses signed\n" +
			"than the card asks for.",
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains([]string{"table", "json"}, f.output) {
				return exitWith(exitUsage, "-o is one of table, json")
			}
			card, err := readCard(c.InOrStdin(), args[0])
			if err != nil {
				return exitWith(exitUnchecked, "%w", err)
			}
			if card, err = underPolicy(card, f.policy); err != nil {
				return err
			}
			if f.state == "" {
				if f.state, err = statePath(args[0], card); err != nil {
					return exitWith(exitUnchecked, "%w; say where to keep what is found, with --state", err)
				}
			}
			return f.run(c, card)
		},
	}
	c.Flags().StringVar(&f.url, "url", "", "where the ledger answers; the default is the address on the card")
	c.Flags().StringVar(&f.mirror, "mirror", "", "ask nobody: read this copy of the whole public log, a directory or an address")
	c.Flags().StringVar(&f.state, "state", "", "where to keep what is found; the default is a file beside the card")
	c.Flags().StringVar(&f.policy, "policy", "", "ask for the witnesses of this tlog-policy file, and not for those on the card")
	c.Flags().StringVar(&f.person, "person", "", "check that the card is of this identifier, SCHEME:VALUE or the value alone")
	c.Flags().StringVarP(&f.output, "output", "o", "table", "table or json")
	c.Flags().BoolVar(&f.padded, "padded", false, "ask for tags among those of others, with fewer bytes than for ranges")
	c.Flags().BoolVar(&f.closed, "no-details", false, "do not ask for what is sealed, which tells the ledger which entries are yours")
	c.Flags().DurationVar(&f.wait, "wait", 0, "how long to wait until the index covers what is published now")
	return c
}

// run finds, checks, keeps and prints.
func (f *trailFlags) run(c *cobra.Command, card proof.Card) error {
	held, err := readState(f.state)
	if err != nil {
		return err
	}
	t, around, err := f.sources(c.Context(), card)
	if err != nil {
		return f.failed(err, card)
	}
	t.Card, t.Held, t.Padded = card, held, f.padded
	found, err := f.collect(c.Context(), t)
	if _, few := asQuorum(err); few && held != nil {
		err = convictedAnyway(c.Context(), t, err)
	}
	if err != nil {
		return f.failed(err, card)
	}
	if err := writeState(f.state, found.Bundle); err != nil {
		return err
	}
	s := newShownTrail(card, found.Proven, found.Tail)
	if err := s.whose(card, f.person); err != nil {
		return err
	}
	around.tell(c.Context(), s)
	if err := s.print(c.OutOrStdout(), f.output); err != nil {
		return err
	}
	if err := replaced(found.Proven); err != nil {
		return err
	}
	return withheld(found.Tail)
}

// convictedAnyway is the misbehaviour that what is held shows of a ledger whose checkpoint
// has too few cosignatures, or else few.
func convictedAnyway(ctx context.Context, t client.Trail, few error) error {
	t.Card.Policy = proof.NoPolicy().Text()
	_, err := t.Collect(ctx)
	if bad := new(client.Misbehaviour); errors.As(err, &bad) {
		return err
	}
	return few
}

// withheld says that the index is behind what is hers.
func withheld(t client.Tail) error {
	if len(t.Hers) == 0 {
		return nil
	}
	return exitWith(exitIncomplete, "%s about you is published, and the index does not cover it yet; it should within seconds. Try again, and if that stays so, the ledger keeps something from its index: tell somebody", joinPositions(t.Hers))
}

// replaced is what the holder of an old card has to do.
func replaced(p proof.Proven) error {
	if p.Replaced == nil {
		return nil
	}
	why := whyEnded(p)
	return exitWith(exitIncomplete, "%s", strings.ToLower(why[:1])+strings.TrimSuffix(why[1:], "."))
}

// surroundings say what is around a trail and not proved by it.
type surroundings interface {
	tell(ctx context.Context, s *shownTrail)
}

// sources are where everything is read.
func (f *trailFlags) sources(ctx context.Context, card proof.Card) (client.Trail, surroundings, error) {
	if f.mirror != "" {
		m, err := openCopy(ctx, f.mirror, card)
		if err != nil {
			return client.Trail{}, nil, err
		}
		return client.Trail{Log: m.log, Index: m, IndexLog: m.index}, m, nil
	}
	if f.url == "" {
		f.url = card.URL
	}
	server, err := client.New(f.url, nil)
	if err != nil {
		return client.Trail{}, nil, err
	}
	t := client.Trail{Log: server, Index: server, IndexLog: below{server}}
	if !f.closed {
		t.Slots = server
	}
	return t, &asked{Client: server, titles: !f.closed}, nil
}

// below are the files of the index log, within those of the ledger.
type below struct{ ledger.Source }

func (b below) Read(ctx context.Context, path string) ([]byte, error) {
	return b.Source.Read(ctx, ledger.IndexPath+"/"+path)
}

// patience is how long the index may need for what is published and hers.
const patience = 5 * time.Second

// collect tries until the index covers what was published when it began, as long as
// that may take, and what is hers. Of a copy nothing more comes.
func (f *trailFlags) collect(ctx context.Context, t client.Trail) (out client.Found, err error) {
	var goal events.Size
	began := time.Now()
	for first := true; ; first = false {
		out, err = t.Collect(ctx)
		if first && err == nil {
			goal = out.Proven.Checkpoint.Size
		}
		wait, done := f.wait, err != nil && !errors.Is(err, client.ErrNotYet)
		if err == nil {
			done = out.Proven.Leaf.Size >= goal || out.Tail.Read && len(out.Tail.Hers) == 0
		}
		if err == nil && len(out.Tail.Hers) > 0 {
			wait = max(wait, patience)
		}
		if done || f.mirror != "" || time.Since(began) > wait {
			return out, err
		}
		select {
		case <-ctx.Done():
			return out, err
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// failed gives what went wrong its exit code, and keeps what shows a misbehaviour.
func (f *trailFlags) failed(err error, card proof.Card) error {
	var bad *client.Misbehaviour
	var unreachable *url.Error
	var refused *client.Refusal
	var audited *ledger.AuditError
	var few *proof.QuorumError
	switch {
	case errors.As(err, &bad):
		return f.accuse(bad, card)
	case errors.As(err, &few) && f.policy != "":
		return exitWith(exitIncomplete, "INCOMPLETE: %w. %s asks for these witnesses", unmet(err, policyOf(card)), f.policy)
	case errors.As(err, &few):
		return exitWith(exitIncomplete, "INCOMPLETE: %w. Your card asks for these witnesses; daybook policy --url says whom the ledger asks now, and if you trust these, keep what it prints in a file and give it with --policy", unmet(err, policyOf(card)))
	case errors.Is(err, client.ErrHeld):
		return exitWith(exitInvalid, "NOT VALID: %w: it is in %s; if nobody changed it and the card is the same, keep both, and begin anew with another --state", err, f.state)
	case errors.Is(err, client.ErrNotYet):
		return exitWith(exitIncomplete, "%w; try again in a few seconds, or with --wait 10s", err)
	case errors.As(err, &audited), errors.Is(err, ledger.ErrIncomplete), errors.Is(err, ledger.ErrNothingChecked):
		return auditError(err)
	case errors.As(err, &unreachable), errors.As(err, &refused), errors.Is(err, fs.ErrNotExist):
		return exitWith(exitUnchecked, "%w; what you kept is checked offline with daybook verify %s --card CARD", err, f.state)
	}
	return exitWith(exitUnchecked, "%w", err)
}
