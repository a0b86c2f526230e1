package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/adapt"
	"github.com/daybook-ledger/daybook/events/emit"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/testdata/records"
)

// seed posts the records that come with the program, over HTTP like any
// service, with tokens that end with this process. Posting them again adds
// nothing.
func seed(ctx context.Context, tokens *intake.Tokens, url string) (int, error) {
	registrar := intake.Grant{Role: events.Registrar, Sources: []string{"array-of-things/register", "eugene-police/register", "example/register"}}
	emitter := intake.Grant{Role: events.Emitter, Organization: "eugene-police", Sources: []string{"eugene-police/flock-search"}}
	nodes, err := adapt.ArrayOfThings(records.Files)
	if err != nil {
		return 0, err
	}
	eugene, err := adapt.EugeneRegister(records.Files)
	if err != nil {
		return 0, err
	}
	searches, err := adapt.EugeneSearches(records.Files)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, part := range []struct {
		grant  intake.Grant
		events []adapt.Event
	}{{registrar, adapt.ExampleOrganization()}, {registrar, nodes}, {registrar, eugene}, {emitter, searches}} {
		if err := post(ctx, tokens, url, part.grant, part.events); err != nil {
			return total, err
		}
		total += len(part.events)
	}
	return total, nil
}

func post(ctx context.Context, tokens *intake.Tokens, url string, grant intake.Grant, list []adapt.Event) error {
	token, err := tokens.MintInMemory(grant)
	if err != nil {
		return err
	}
	lines := make([][]byte, len(list))
	for i, e := range list {
		if lines[i], err = json.Marshal(e); err != nil {
			return err
		}
	}
	sender := emit.Sender{URL: url, Token: token}
	for _, batch := range emit.Batches(lines) {
		answer, err := sender.Send(ctx, batch)
		if err != nil {
			return err
		}
		for _, r := range answer.Results {
			if !r.Accepted() {
				return fmt.Errorf("a record was refused: %s", r.Problem)
			}
		}
	}
	return nil
}
