package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/adapt"
	"github.com/daybook-ledger/daybook/events/emit"
	"github.com/daybook-ledger/daybook/events/intake"
	exampleday "github.com/daybook-ledger/daybook/testdata/example-day"
	"github.com/daybook-ledger/daybook/testdata/records"
)

// sample is a slice of real records that a map reads, and whose they are.
type sample struct {
	mapping      string
	organization string // "" where each record's source names it, as <organization>/<map>
	files        []string
}

func samples() []sample {
	return []sample{
		{"xroad", "", []string{"xroad/raw_messages_batch_1.json", "xroad/raw_messages_batch_3.json"}},
		{"cloudtrail", "invictus-sample", []string{"cloudtrail/events.ndjson"}},
		{"k8s-audit", "falco-sample", []string{"k8s-audit/events.ndjson"}},
		{"fhir-audit-event", "hl7-sample", []string{"fhir/AuditEvent-*.json"}},
		{"openlineage", "openlineage-sample", []string{"openlineage/integration_spark_app_integrations_sparksql_2.json"}},
	}
}

// The later register of the Array of Things says no day of its own; it cannot be
// earlier than the latest start it gives.
const (
	laterNodes = "array-of-things/AoT_Chicago/nodes.csv"
	laterDay   = "2019-06-25"
)

// seeder posts the records that come with the program, over HTTP like any
// service, with tokens that end with this process.
type seeder struct {
	tokens *intake.Tokens
	url    string
	sent   int
	last   events.Index // the latest position answered
}

// seed posts everything and returns how many events that are. Posting them
// again adds nothing.
func seed(ctx context.Context, tokens *intake.Tokens, url string) (int, error) {
	s := &seeder{tokens: tokens, url: url}
	for _, step := range []func(context.Context) error{s.registers, s.searches, s.files, s.samples, s.day, s.edition} {
		if err := step(ctx); err != nil {
			return s.sent, err
		}
	}
	return s.sent, nil
}

// registrar speaks for every register of the records.
func registrar() intake.Grant {
	return intake.Grant{Role: events.Registrar, Sources: []string{
		"array-of-things/register", "eugene-police/register", "example/register", "samples/register",
	}}
}

// registers posts the earlier register of the Array of Things and what the
// searches in Eugene name.
func (s *seeder) registers(ctx context.Context) error {
	nodes, err := adapt.ArrayOfThings(records.Files)
	if err != nil {
		return err
	}
	eugene, err := adapt.EugeneRegister(records.Files)
	if err != nil {
		return err
	}
	return s.post(ctx, registrar(), slices.Concat(adapt.ExampleOrganization(), nodes, eugene))
}

func (s *seeder) searches(ctx context.Context) error {
	searches, err := adapt.EugeneSearches(records.Files)
	if err != nil {
		return err
	}
	return s.post(ctx, emitter("eugene-police", "eugene-police/flock-search"), searches)
}

func emitter(organization string, sources ...string) intake.Grant {
	return intake.Grant{Role: events.Emitter, Organization: organization, Sources: sources}
}

// files applies the register files.
func (s *seeder) files(ctx context.Context) error {
	var all []*wanted
	for _, from := range []fs.FS{records.Files, exampleday.Files} {
		text, err := fs.ReadFile(from, "register.yaml")
		if err != nil {
			return err
		}
		list, err := readRegister(text)
		if err != nil {
			return err
		}
		all = append(all, list...)
	}
	return s.apply(ctx, all, "")
}

// apply makes the register say all, as daybook register apply does.
func (s *seeder) apply(ctx context.Context, all []*wanted, day string) error {
	token, err := s.tokens.MintInMemory(registrar())
	if err != nil {
		return err
	}
	a := applying{path: "the seed", day: day, out: io.Discard, talk: io.Discard}
	if err := a.connect(&emit.Sender{URL: s.url, Token: token}); err != nil {
		return err
	}
	for ok := false; !ok; { // it must be compared with all that was posted
		if ok, err = shown(ctx, a.reader, s.last); err != nil {
			return err
		}
	}
	err = a.apply(ctx, all)
	s.sent += a.sent.events
	return err
}

// samples posts what the maps say of other systems' records. What they tell
// nothing of, or reject, is left out.
func (s *seeder) samples(ctx context.Context) error {
	for _, part := range samples() {
		m, err := adapt.Load(part.mapping)
		if err != nil {
			return err
		}
		of := map[string][]adapt.Event{} // by source
		for _, pattern := range part.files {
			names, err := fs.Glob(records.Files, pattern)
			if err != nil {
				return err
			}
			for _, name := range names {
				if err := read(ctx, m, name, of); err != nil {
					return err
				}
			}
		}
		for source, list := range of {
			organization := part.organization
			if organization == "" {
				organization = strings.TrimSuffix(source, "/"+part.mapping)
			}
			if err := s.post(ctx, emitter(organization, source), list); err != nil {
				return err
			}
		}
	}
	return nil
}

// read adds the events of one file to those of their sources.
func read(ctx context.Context, m *adapt.Map, name string, of map[string][]adapt.Event) error {
	f, err := records.Files.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for row, err := range adapt.Rows(f, m.Format) {
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if row.Problem != nil {
			continue
		}
		told, err := m.Apply(ctx, row.Value)
		if err != nil {
			continue // rejected, as in any import
		}
		for _, e := range told {
			of[e.Source] = append(of[e.Source], e)
		}
	}
	return nil
}

// day posts the invented day.
func (s *seeder) day(ctx context.Context) error {
	text, err := fs.ReadFile(exampleday.Files, "events.ndjson")
	if err != nil {
		return err
	}
	var said, used [][]byte
	sources := []string{}
	for line := range bytes.Lines(text) {
		e, err := events.ParseEvent(line)
		if err != nil {
			return fmt.Errorf("reading the example day: %w", err)
		}
		if e.Kind.By == events.Registrar {
			said = append(said, bytes.TrimSpace(line))
			continue
		}
		used = append(used, bytes.TrimSpace(line))
		if !slices.Contains(sources, e.Source) {
			sources = append(sources, e.Source)
		}
	}
	if err := s.send(ctx, registrar(), said); err != nil {
		return err
	}
	return s.send(ctx, emitter("example", sources...), used)
}

// edition applies the later register of the Array of Things over the earlier
// one: what has changed since is what happened.
func (s *seeder) edition(ctx context.Context) error {
	m, err := adapt.Load("array-of-things")
	if err != nil {
		return err
	}
	f, err := records.Files.Open(laterNodes)
	if err != nil {
		return err
	}
	defer f.Close()
	e := edition{mapping: m}
	all, err := e.read(ctx, f)
	if err != nil {
		return err
	}
	return s.apply(ctx, all, laterDay)
}

func (s *seeder) post(ctx context.Context, grant intake.Grant, list []adapt.Event) error {
	lines := make([][]byte, len(list))
	for i, e := range list {
		var err error
		if lines[i], err = json.Marshal(e); err != nil {
			return err
		}
	}
	return s.send(ctx, grant, lines)
}

func (s *seeder) send(ctx context.Context, grant intake.Grant, lines [][]byte) error {
	token, err := s.tokens.MintInMemory(grant)
	if err != nil {
		return err
	}
	sender := emit.Sender{URL: s.url, Token: token}
	for _, batch := range emit.Batches(lines) {
		answer, err := sender.Send(ctx, batch)
		if err != nil {
			return err
		}
		for _, r := range answer.Results {
			if _, ok := accepted(r); !ok {
				return fmt.Errorf("a record was refused: %s", r.Problem)
			}
			if r.Position != nil {
				s.last = max(s.last, events.Index(*r.Position))
			}
		}
		s.sent += len(batch)
	}
	return nil
}
