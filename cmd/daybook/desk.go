package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// readers shows the tokens to the API, which asks only who may read.
type readers struct{ tokens *intake.Tokens }

func (r readers) Find(token string) (v1.Officer, bool, error) {
	g, ok, err := r.tokens.Find(token)
	if err != nil || !ok {
		return v1.Officer{}, false, err
	}
	return v1.Officer{Role: g.Role, Organization: g.Organization, Name: intake.TokenName(token)}, true, nil
}

// desk shows the desk to the API.
type desk struct{ *intake.Desk }

func (s *system) desk() desk {
	return desk{&intake.Desk{Writer: s.writer, Archive: s.history, Keys: s.keys, Fold: intake.FoldOpener(s.keys.FoldKey()), Now: s.now}}
}

func reader(o v1.Officer) intake.Reader {
	return intake.Reader{Grant: intake.Grant{Role: o.Role, Organization: o.Organization}, Name: o.Name}
}

func (d desk) Record(ctx context.Context, o v1.Officer, organization, filter string, positions []events.Index) (events.Index, error) {
	i, err := d.Desk.Record(ctx, reader(o), organization, filter, positions)
	return i, deskError(err)
}

func (d desk) Open(ctx context.Context, o v1.Officer, i events.Index) (v1.Opened, error) {
	opened, err := d.Desk.Open(ctx, reader(o), i)
	return v1.Opened(opened), deskError(err)
}

// deskError is err as the API tells refusals apart.
func deskError(err error) error {
	switch {
	case errors.Is(err, intake.ErrMayNotRead):
		return fmt.Errorf("%w: %w", v1.ErrMayNotRead, err)
	case errors.Is(err, intake.ErrNotRecorded):
		return fmt.Errorf("%w: %w", v1.ErrNotRecorded, err)
	}
	return err
}
