package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/daybook-ledger/daybook/events"
)

// Item is one object of a register as the published ledger knows it.
type Item struct {
	Register     string
	ID           string
	Organization string        // that registered it last
	Source       string        // through which it did
	Ended        string        // day it ended, "" while it lasts
	Fields       events.Object // as last said, by their paths in entries
	Latest       Change
	History      []Change // oldest first
}

// Change is one entry about an item.
type Change struct {
	Position   events.Index `json:"position"`
	Kind       string       `json:"kind"`
	OccurredAt string       `json:"occurredAt"`
}

// Item is the object id of a register, as system. One never registered is
// fs.ErrNotExist.
func (c *Client) Item(ctx context.Context, register, id string) (Item, error) {
	var answer struct {
		Organization string          `json:"organization"`
		Source       string          `json:"source"`
		Ended        string          `json:"ended"`
		Fields       json.RawMessage `json:"fields"`
		Latest       Change          `json:"latest"`
		History      []Change        `json:"history"`
	}
	// A slash in the id is escaped too, so that no id is read as "..".
	path := "v1/register/" + url.PathEscape(register) + "/" + url.PathEscape(id)
	if err := c.json(ctx, path, nil, &answer); err != nil {
		return Item{}, fmt.Errorf("reading %s %s: %w", register, id, err)
	}
	fields, err := events.ParseValue(answer.Fields)
	if err != nil {
		return Item{}, fmt.Errorf("reading %s %s: %w", register, id, err)
	}
	return Item{
		register, id, answer.Organization, answer.Source, answer.Ended,
		fields.Object(), answer.Latest, answer.History,
	}, nil
}
