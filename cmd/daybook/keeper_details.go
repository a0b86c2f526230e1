package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/projections"
)

// keeping is for how long officers can open details, as ISO 8601 periods after
// the end of the month in which something was recorded. "" is for ever.
type keeping struct {
	flags []string // as given: P3Y for all, city=P1Y for one
	all   string
	of    map[string]string // by organization
}

// check reads the flags.
func (k *keeping) check() error {
	k.all, k.of = "", map[string]string{}
	for _, flag := range k.flags {
		organization, period, one := strings.Cut(flag, "=")
		if !one {
			organization, period = "", flag
		}
		_, ok := projections.Later(time.Unix(0, 0), period)
		switch {
		case !ok || !strings.ContainsAny(period, "0123456789"):
			return exitWith(exitUsage, "--keep-details %s: %q is no ISO 8601 period as P3Y or P18M", flag, period)
		case !one && k.all == "":
			k.all = period
		case one && events.IsReference(organization) && k.of[organization] == "":
			k.of[organization] = period
		default:
			return exitWith(exitUsage, "--keep-details %s: give one period for all, as P3Y, and one for each organization, as city=P1Y", flag)
		}
	}
	return nil
}

func (k keeping) period(organization string) string {
	if p, ok := k.of[organization]; ok {
		return p
	}
	return k.all
}

// isOver says that a month, as 2026-03, ended so long ago that its details are not
// to be opened any more.
func (k keeping) isOver(organization, month string, now time.Time) bool {
	begin, err := time.Parse("2006-01", month)
	period := k.period(organization)
	if err != nil || period == "" {
		return false
	}
	// No sooner than a day after the month, so that a clock stepping back does not
	// find the key of its month gone.
	end, ok := projections.Later(begin.AddDate(0, 1, 0), period)
	return ok && !end.After(now) && !begin.AddDate(0, 1, 1).After(now)
}

// expired says which months' keys are due to be destroyed. The entry is the order:
// the writer destroys the key once it is durable.
func (k *keeper) expired(r projections.Reader, tokens []intake.Named, c projections.Coverage, now time.Time) ([]intake.Own, error) {
	if k.details.all == "" && len(k.details.of) == 0 {
		return nil, nil
	}
	organizations, err := recording(r, tokens, c)
	if err != nil {
		return nil, err
	}
	var out []intake.Own
	for _, organization := range organizations {
		months, err := k.keys.Months(organization)
		if err != nil {
			return nil, fmt.Errorf("reading which months %s has keys of: %w", organization, err)
		}
		for _, month := range months {
			if !k.details.isOver(organization, month, now) {
				continue
			}
			own, err := k.shredMonth(organization, month, now)
			if err != nil {
				return nil, err
			}
			out = append(out, own)
		}
	}
	return out, nil
}

func (k *keeper) shredMonth(organization, month string, now time.Time) (intake.Own, error) {
	until, err := k.keys.BackupsUntil(now)
	if err != nil {
		return intake.Own{}, fmt.Errorf("asking for copies of the keys: %w", err)
	}
	if until.Before(now) {
		until = now
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{"daybook/keeper@1", "key.shredded", organization, month}, "\n")))
	return intake.Own{Kind: "key.shredded", ID: hex.EncodeToString(sum[:16]), Organization: organization, Time: now, Data: events.Object{
		{Name: "backupsUntil", Value: events.String(until.UTC().Format(time.DateOnly))},
		{Name: "month", Value: events.String(month)},
		{Name: "subjects", Value: events.Nested(events.Object{{Name: "mode", Value: events.String("none")}})},
		{Name: "what", Value: events.String("month")},
	}}, nil
}

// recording are all organizations that may have recorded something: registered
// ones, those of sources, and those of tokens.
func recording(r projections.Reader, tokens []intake.Named, c projections.Coverage) ([]string, error) {
	names := map[string]bool{}
	for after := ""; ; {
		items, next, err := r.Items("organization", "", after, projections.MaxLimit)
		if err != nil && !errors.Is(err, projections.ErrNotFound) {
			return nil, err
		}
		for _, i := range items {
			names[i.ID] = true
		}
		if after = next; next == "" {
			break
		}
	}
	for _, s := range c.Sources {
		names[s.Organization] = true
	}
	for _, t := range tokens {
		names[t.Grant.Organization] = true
	}
	delete(names, "")
	return slices.Sorted(maps.Keys(names)), nil
}
