package main

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
)

// TestRegisterTemplates holds that every template is a file, as printed and with
// every field in it, and names every field of its kinds.
func TestRegisterTemplates(t *testing.T) {
	for _, s := range sections() {
		text := s.template()
		if _, err := readRegister([]byte(text)); err != nil {
			t.Errorf("the template of %s: %v\n%s", s.name, err, text)
		}
		whole := regexp.MustCompile(`(?m)^( *(?:- )?)#([a-zA-Z])`).ReplaceAllString(text, "$1$2")
		all, err := readRegister([]byte(whole))
		if err != nil || len(all) != 1 {
			t.Errorf("the whole template of %s: %v\n%s", s.name, err, whole)
			continue
		}
		for _, f := range s.fields() {
			if _, ok := all[0].said.At(f.Path); !ok {
				t.Errorf("the template of %s has no %s", s.name, f.Path)
			}
		}
	}
}

// TestRegisterSections holds that sections name kinds of the table that are open.
func TestRegisterSections(t *testing.T) {
	for _, s := range sections() {
		of := s.register
		if s.noted() {
			of = ""
		}
		for _, name := range []string{s.first, s.next, s.moved, s.draft, s.pausing, s.closing} {
			if k, ok := events.FindKind(name); name != "" && (!ok || !k.Open || k.Object != of) {
				t.Errorf("%s: %s is no open kind about a %s", s.name, name, s.register)
			}
		}
	}
}

const oneCamera = `source: city/register
systems: [{system: city/cam, name: New, kind: camera, starts: %, place: {address: B}, ended: 2026-08-01}]`

// TestRegisterIDs holds that an event keeps its id while other events of its run
// become visible one after the other, and gets another once it could mean
// something else.
func TestRegisterIDs(t *testing.T) {
	all, err := readRegister([]byte(strings.Replace(oneCamera, "%", "2026-07-01", 1)))
	if err != nil {
		t.Fatal(err)
	}
	o := object{"system", "city/cam"}
	item := client.Item{
		Fields: events.Object{}.With("name", events.String("Old")).With("starts", events.String("2026-01-01")).
			With("systemKind", events.String("camera")).With("place.address", events.String("A")),
		History: []client.Change{{Position: 3, Kind: "system.registered"}},
	}
	ids := func() (out []string) {
		changes, err := differences(all, today{o: &item})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			out = append(out, c.id())
		}
		return out
	}
	before := ids()
	if len(before) != 3 {
		t.Fatalf("want moved, changed and decommissioned, got %q", before)
	}
	item.Fields = item.Fields.With("place.address", events.String("B"))
	item.History = append(item.History, client.Change{Position: 4, Kind: "system.moved"})
	if got := ids(); strings.Join(got, "\n") != strings.Join(before[1:], "\n") {
		t.Errorf("behind the move the ids are\n%q, want\n%q", got, before[1:])
	}
	item.Fields = item.Fields.With("name", events.String("Other"))
	item.History = append(item.History, client.Change{Position: 9, Kind: "system.changed"})
	if got := ids(); got[0] == before[1] || got[1] != before[2] {
		t.Errorf("behind another change the ids are\n%q, which should differ in the first from\n%q", got, before[1:])
	}
}

// FuzzRegisterRead holds that no file makes the reader fail otherwise than with
// a line, and that what it accepts has a source and an id.
func FuzzRegisterRead(f *testing.F) {
	for _, s := range sections() {
		f.Add(s.template())
	}
	for _, text := range []string{
		oneCamera, "", "---\n---\n", "a: &a [*a]", "source: !!binary eA==\nsystems: []", "systems: {}", "source: a\nsystems: [[]]",
		"source: a\nretention: [{dataset: ~, period: P1D}]", "source: a\nsystems: [{place.lat: 1}]", "{? [a] : b}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := readRegister([]byte(text))
		var at *lineError
		if err != nil && (!errors.As(err, &at) || at.line < 1) {
			t.Errorf("no line in %v", err)
		}
		for _, w := range all {
			if err == nil && (w.id == "" || w.source == "") {
				t.Errorf("%s without id or source", w.of.name)
			}
		}
	})
}
