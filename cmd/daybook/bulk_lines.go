package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/keyring"
)

// maxPersonLine is far above any person's line.
const maxPersonLine = 64 << 10

// eachPart reads persons, one a line, and hands them on as many as a part names.
// What it reads goes through sum.
func eachPart(in io.Reader, sum io.Writer, each func(n int, list []events.Person) error) error {
	part := personPart{lines: map[keyring.Identifier]int{}}
	n, line := 0, 0
	scanner := bufio.NewScanner(io.TeeReader(in, sum))
	scanner.Buffer(make([]byte, 64<<10), maxPersonLine)
	for scanner.Scan() {
		line++
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		if err := part.add(line, text); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		if len(part.list) < events.MaxPart {
			continue
		}
		n++
		if err := each(n, part.take()); err != nil {
			return err
		}
	}
	if err := scanner.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("longer than any person: %w", err)
		}
		return fmt.Errorf("line %d: %w", line+1, err)
	}
	if len(part.list) == 0 {
		return nil
	}
	return each(n+1, part.take())
}

// personPart are the persons of one part, and on which line each stands.
type personPart struct {
	list  []events.Person
	lines map[keyring.Identifier]int
}

func (p *personPart) add(line int, text []byte) error {
	who, err := personFrom(text)
	if err != nil {
		return err
	}
	id, err := (keyring.Identifier{Scheme: who.Scheme, Value: who.Value}).Normalize()
	if err != nil {
		return err
	}
	if first, again := p.lines[id]; again {
		return fmt.Errorf("the person of line %d again; a part names each once", first)
	}
	p.lines[id] = line
	p.list = append(p.list, who)
	return nil
}

func (p *personPart) take() []events.Person {
	list := p.list
	p.list = nil
	clear(p.lines)
	return list
}

// personFrom reads SCHEME:VALUE, or a JSON object of scheme, value and perhaps
// relation.
func personFrom(text []byte) (events.Person, error) {
	who := events.Person{Relation: "principal"}
	if text[0] != '{' {
		scheme, value, ok := strings.Cut(string(text), ":")
		if !ok || scheme == "" || value == "" {
			return who, errors.New(`a person is SCHEME:VALUE or {"scheme":…,"value":…,"relation":…}`)
		}
		who.Scheme, who.Value = scheme, strings.TrimSpace(value)
		return who, nil
	}
	v, err := events.ParseValue(text)
	if err != nil {
		return who, errors.New("not a JSON object on one line")
	}
	given := map[string]string{"relation": who.Relation}
	for _, m := range v.Object() {
		if given[m.Name] = m.Value.Text(); given[m.Name] == "" || !slices.Contains([]string{"scheme", "value", "relation"}, m.Name) {
			return who, errors.New("a person has scheme, value and perhaps relation, all of them text")
		}
	}
	if given["scheme"] == "" || given["value"] == "" {
		return who, errors.New("a person needs scheme and value")
	}
	who.Scheme, who.Value, who.Relation = given["scheme"], given["value"], given["relation"]
	if !events.CodeRelation.Has(who.Relation) {
		return who, fmt.Errorf("the relation must be one of %s", strings.Join(events.CodeRelation.Terms(), ", "))
	}
	return who, nil
}
