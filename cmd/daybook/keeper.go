package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/projections"
)

const (
	keepEvery = time.Minute            // between two looks at what is due
	keepPoll  = 500 * time.Millisecond // between two looks at the tokens
	keepRetry = 5 * time.Second        // after a fault

	// dayGrace is how long after its midnight in UTC a day is counted. It is over
	// everywhere by then: a count is for good, and an organization can move to a
	// zone where a day that was over goes on. What was accepted before is in the
	// history some minutes later.
	dayGrace = 12*time.Hour + 5*time.Minute
	// maxDays bounds the days of one source counted in one go, after a long
	// standstill; the next go counts on.
	maxDays = 31
)

// keeper says what is due: that a service reports or does so no more, how much it
// recorded on a day, that it is silent, that numbers are missing, that a seal has
// ended. What it says is named by the rule, the object and when it was due, so that saying it again adds
// nothing, after a crash anywhere or from a standby. It judges by what is
// published and remembers nothing that matters.
type keeper struct {
	*system
	missing map[string]uint64 // by source, when last looked at
	sealsLook
}

func newKeeper(s *system) *keeper {
	return &keeper{system: s, missing: map[string]uint64{}}
}

// run looks at once, when tokens change and every minute, until ctx ends. A fault
// is told and tried again: the ledger goes on without its keeper. What is due waits
// for a checkpoint, and the end of a seal does not: a witness who is away must not
// keep from a person what she is owed.
func (k *keeper) run(ctx context.Context) error {
	var both sync.WaitGroup
	both.Go(func() { again(ctx, k.lapse) })
	var seen []intake.Named
	next := time.Time{} // of this process, so never k.now
	again(ctx, func(ctx context.Context) error {
		tokens, err := k.tokens.List()
		if err != nil || slices.EqualFunc(tokens, seen, sameToken) && time.Now().Before(next) {
			return err
		}
		said, err := k.keep(ctx, tokens)
		if err == nil {
			seen, next = tokens, time.Now().Add(keepEvery)
		}
		if said > 0 {
			next = time.Time{} // there may be more
		}
		return err
	})
	both.Wait()
	return nil
}

// again looks until ctx ends, after a fault later.
func again(ctx context.Context, look func(context.Context) error) {
	for ctx.Err() == nil {
		if err := look(ctx); err != nil && ctx.Err() == nil {
			slog.Warn("what is due was not said; trying again", "error", err)
			sleep(ctx, keepRetry)
		}
		sleep(ctx, keepPoll)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func sameToken(a, b intake.Named) bool { return a.Name == b.Name && a.Revoked == b.Revoked }

// keep says whatever is due now, or a part of it, and returns how much it was.
func (k *keeper) keep(ctx context.Context, tokens []intake.Named) (int, error) {
	now := k.now()
	reader, err := k.published(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading what is due: %w", err)
	}
	coverage, err := reader.Coverage(now)
	if err != nil {
		return 0, fmt.Errorf("reading what is due: %w", err)
	}
	list := changes(tokens, coverage.Sources, now)
	for _, s := range coverage.Sources {
		if s.ConnectedBy == nil {
			continue
		}
		more, err := k.due(reader, s, now)
		if err != nil {
			return 0, fmt.Errorf("reading what is due for %s: %w", s.Name, err)
		}
		list = append(list, more...)
	}
	over, err := k.expired(reader, tokens, coverage, now)
	if err != nil {
		return 0, fmt.Errorf("reading what is due: %w", err)
	}
	list = append(list, over...)
	if err := k.say(ctx, list); err != nil {
		return 0, err
	}
	return len(list), errors.Join(k.sayRotated(ctx), k.sayCosigners(ctx, reader), k.sayVerifier(ctx, reader))
}

// sayRotated says that the master key was rotated while the ledger stood still. A
// crash before it is noted that this is said has it said again, which adds nothing.
func (k *keeper) sayRotated(ctx context.Context) error {
	at, found, err := k.keys.Rotated()
	if err != nil || !found {
		return err
	}
	own := intake.Own{
		Kind: "key.rotated", ID: "key.rotated/" + at.Format(time.RFC3339), Time: at,
		Data: events.Object{{Name: "what", Value: events.String("master")}},
	}
	if err := k.say(ctx, []intake.Own{own}); err != nil {
		return err
	}
	return k.keys.Said()
}

// published reads what is published, once that covers all that is recorded by
// now, the keeper's own words included.
func (k *keeper) published(ctx context.Context) (projections.Reader, error) {
	if err := k.anchor.WaitFor(ctx, k.history.Last().Size()); err != nil {
		return projections.Reader{}, err
	}
	c, _ := k.anchor.Checkpoint()
	return k.views.At(c.Size), k.views.WaitFor(ctx, events.Seq(c.Size))
}

// say says list. What was said before in other words, as of a time before a
// crash, counts as said.
func (k *keeper) say(ctx context.Context, list []intake.Own) error {
	for part := range slices.Chunk(list, 500) {
		outcomes, err := k.writer.Say(ctx, part...)
		if err != nil {
			return err
		}
		for i, o := range outcomes {
			if o.Status != 200 && o.Status != 201 && o.Status != 409 {
				err = errors.Join(err, fmt.Errorf("saying %s of %s: %s", part[i].Kind, part[i].Organization, o.Problem.Detail))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// speaking is what the tokens for one source allow.
type speaking struct {
	live   bool   // one of them; the others are revoked
	rhythm string // the shortest of those
}

// changes compares the tokens with the sources. A source that has neither a live
// token nor a revoked one is left alone: its token ended with a process.
func changes(tokens []intake.Named, sources []projections.Source, now time.Time) []intake.Own {
	states := map[[2]string]speaking{}
	for _, t := range tokens {
		for _, source := range t.Grant.Sources {
			if t.Grant.Role == events.Emitter {
				key := [2]string{t.Grant.Organization, source}
				states[key] = states[key].with(t)
			}
		}
	}
	known := map[[2]string]projections.Source{}
	for _, s := range sources {
		known[[2]string{s.Organization, s.Name}] = s
	}
	var out []intake.Own
	for key, t := range states {
		s := known[key]
		s.Organization, s.Name = key[0], key[1]
		connected := s.ConnectedBy != nil && s.Ended == ""
		switch {
		case t.live && (!connected || t.rhythm != s.Rhythm):
			o := about(s, "emitter.onboarded", now, turn(s))
			if t.rhythm != "" {
				o.Data = o.Data.With("rhythm", events.String(t.rhythm))
			}
			out = append(out, o)
		case !t.live && connected:
			out = append(out, about(s, "emitter.offboarded", now, turn(s)))
		}
	}
	slices.SortFunc(out, func(a, b intake.Own) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (t speaking) with(n intake.Named) speaking {
	if n.Revoked {
		return t
	}
	t.live = true
	if projections.ShorterRhythm(n.Grant.Rhythm, t.rhythm) {
		t.rhythm = n.Grant.Rhythm
	}
	return t
}

// turn names the place in a source's life: where it was connected or disconnected
// last.
func turn(s projections.Source) string {
	last := int64(-1)
	for _, at := range []*events.Index{s.ConnectedBy, s.EndedBy} {
		if at != nil {
			last = max(last, int64(*at))
		}
	}
	return strconv.FormatInt(last, 10)
}

// due is what is due for a source that was connected: the days to count, a
// silence, missing numbers.
func (k *keeper) due(r projections.Reader, s projections.Source, now time.Time) ([]intake.Own, error) {
	zone, err := r.Zone(s.Organization)
	if err != nil {
		return nil, err
	}
	missing, err := r.Missing(s.Organization, s.Name)
	if err != nil {
		return nil, err
	}
	out := counts(s, missing, now)
	if s.Status == projections.Silent && s.SilentBy == nil {
		o := about(s, "emitter.silent", now, s.Heard)
		o.Data = o.Data.With("since", events.String(s.Heard))
		out = append(out, o)
	}
	// A number that overtook another on its way is not missing: it is said on the
	// second look.
	name := s.Organization + " " + s.Name
	lasting := min(missing, k.missing[name])
	k.missing[name] = missing
	if lasting > s.Missing && s.Ended == "" {
		o := about(s, "emitter.gap", now, strconv.FormatUint(lasting, 10), now.In(zone).Format(time.DateOnly))
		o.Data = o.Data.With("missing", whole(lasting))
		out = append(out, o)
	}
	return out, nil
}

// counts are the past days of a source that nobody counted yet, the days without
// events included. The first is the day of its first use where that is earlier than
// the one on which it was connected: before the announcement, or in another zone.
func counts(s projections.Source, missing uint64, now time.Time) []intake.Own {
	recorded := map[string]projections.DayCount{}
	for _, d := range s.Days {
		recorded[d.Day] = d
	}
	from, to := s.Connected, yesterday(now.Add(-dayGrace).UTC())
	if s.Ended != "" {
		to = min(to, s.Ended)
	}
	if s.Counted.Day == "" && s.First != "" {
		from = min(from, s.First)
	}
	if s.Counted.Day >= from {
		from = tomorrow(s.Counted.Day)
	}
	var out []intake.Own
	for on := from; on <= to && len(out) < maxDays; on = tomorrow(on) {
		o := about(s, "emitter.counted", now, on)
		o.Data = o.Data.With("on", events.String(on)).With("count", whole(recorded[on].Events)).
			With("unnamed", whole(recorded[on].Unnamed)).With("missing", whole(missing))
		out = append(out, o)
	}
	return out
}

func yesterday(t time.Time) string { return t.AddDate(0, 0, -1).Format(time.DateOnly) }

// tomorrow is the day after a day as 2026-06-24.
func tomorrow(day string) string {
	t, _ := time.Parse(time.DateOnly, day) // a day of the views
	return t.AddDate(0, 0, 1).Format(time.DateOnly)
}

func whole(n uint64) events.Value { return events.Integer(int64(n)) }

// about begins what the ledger says of a source. Its id is a hash of the rule, the
// object and what made it due.
func about(s projections.Source, kind string, now time.Time, due ...string) intake.Own {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{"daybook/keeper@1", kind, s.Organization, s.Name}, due...), "\n")))
	return intake.Own{
		Kind: kind, ID: hex.EncodeToString(sum[:16]), Organization: s.Organization, Time: now,
		Data: events.Object{{Name: "emitter", Value: events.String(s.Name)}},
	}
}
