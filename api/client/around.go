package client

import (
	"context"
	"fmt"
)

// Source is what a ledger says of one of its sources, by its own count.
type Source struct {
	Organization string `json:"organization"`
	Source       string `json:"source"`
	Since        string `json:"since"`   // the day it was connected, or ""
	Events       uint64 `json:"events"`  // uses of data that it recorded
	Unnamed      uint64 `json:"unnamed"` // of them those that name nobody
}

// Sources are all sources, those of the invented organization last.
func (c *Client) Sources(ctx context.Context) ([]Source, error) {
	type covered struct {
		Sources []Source `json:"sources"`
	}
	var in struct {
		Real    covered `json:"real"`
		Example covered `json:"example"`
	}
	if err := c.json(ctx, "v1/coverage", nil, &in); err != nil {
		return nil, fmt.Errorf("asking what is covered: %w", err)
	}
	return append(in.Real.Sources, in.Example.Sources...), nil
}

// StandingSeals is how many seals of real organizations stand, by the ledger's own
// count.
func (c *Client) StandingSeals(ctx context.Context) (n int, err error) {
	var in struct {
		Real []struct {
			Standing int `json:"standing"`
		} `json:"real"`
	}
	if err := c.json(ctx, "v1/seals", nil, &in); err != nil {
		return 0, fmt.Errorf("asking how many seals stand: %w", err)
	}
	for _, x := range in.Real {
		n += x.Standing
	}
	return n, nil
}
