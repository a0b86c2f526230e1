package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// residentsCommand is "residents N FILE": it writes N persons, a plate a line.
func residentsCommand(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "plate:P %d\n", i+1)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text.String()), 0o644))
}

// shownCommand is "shown SCHEME:VALUE": with the ledger stopped it prints what the
// person's own boxes hold, and fails when a key of hers opens anything else.
func shownCommand(ts *testscript.TestScript, neg bool, args []string) {
	scheme, value, _ := strings.Cut(args[0], ":")
	text, err := shownTo(filepath.Join(ts.Value("story").(*story).dir), events.Person{Scheme: scheme, Value: value})
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), text)
}

// showing is one walk through a history with the keys of one person.
type showing struct {
	*system
	her   intake.Subject
	heads map[string]events.Message
	out   strings.Builder
}

func shownTo(dir string, who events.Person) (_ string, err error) {
	s, err := open(context.Background(), config{dir: dir})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	x := showing{system: s, heads: map[string]events.Message{}}
	if x.her, err = s.keys.Find(who); err != nil || x.her == nil {
		return "", errors.Join(err, fmt.Errorf("nobody is known as %s:%s", who.Scheme, who.Value))
	}
	for m, err := range s.history.Replay(context.Background(), 1, s.history.Last()) {
		if err == nil {
			err = x.message(m)
		}
		if err != nil {
			return "", fmt.Errorf("message %d: %w", m.Seq, err)
		}
	}
	return x.out.String(), nil
}

func (x *showing) message(stored events.Stored) error {
	m, err := events.ParseMessage(stored.Data)
	if err != nil {
		return err
	}
	e, err := events.ParseEntry(m.Entry)
	if err != nil {
		return err
	}
	if _, part := e.Value("subjects.part"); e.Text("subjects.mode") == "bulk" && !part {
		x.heads[e.Text("event")] = m
	}
	fold, err := intake.FoldOpener(x.keys.FoldKey())(m)
	if err != nil {
		return err
	}
	for i, p := range fold.Persons {
		if p.Handle != x.her.Handle() || p.Counter == 0 {
			continue
		}
		if err := x.tell(m, e, i, p); err != nil {
			return err
		}
	}
	return nil
}

// tell prints what her slot, the i-th, of a message holds; every other box has to
// stay closed to her.
func (x *showing) tell(m events.Message, e *events.Entry, i int, p events.FoldPerson) error {
	key, ad := x.her.EventKey(p.Counter), events.HashEntry(m.Entry)
	if e.Texts("subjects.tags")[i] != x.her.Tag(p.Counter).String() {
		return errors.New("her tag is not at her place")
	}
	var plain []byte
	nth := -1
	for _, box := range m.Boxes {
		if box.Kind == events.BoxPerson {
			nth++
		}
		opened, err := events.OpenBox(events.BoxKey(box.Kind.String(), key[:]), ad[:], box.Data)
		hers := box.Kind == events.BoxPerson && nth == i
		if hers != (err == nil) {
			return fmt.Errorf("her key and the %s box %d: %v", box.Kind, nth, err)
		}
		if hers {
			plain = opened
		}
	}
	fmt.Fprintf(&x.out, "%s as %s, one of %d:", e.Kind.Name, p.Relation, len(e.Texts("subjects.tags")))
	of := e.Text("subjects.partOf")
	if of == "" {
		slip, err := events.ParseSlip(plain)
		return errors.Join(err, x.list(e, slip))
	}
	slip, detail, err := events.ParsePartSlip(plain)
	if err := errors.Join(err, x.list(e, slip)); err != nil {
		return err
	}
	head, err := events.ParseEntry(x.heads[of].Entry)
	if err != nil {
		return err
	}
	said, err := events.OpenDetail(x.heads[of], detail)
	fmt.Fprintf(&x.out, "of its head:")
	return errors.Join(err, x.list(head, said))
}

// list prints disclosures, to each of which the entry has to commit.
func (x *showing) list(e *events.Entry, slip events.Slip) error {
	digests := strings.Join(e.Texts("_sd"), " ")
	for _, d := range slip {
		if !strings.Contains(digests, d.Digest().String()) {
			return fmt.Errorf("the entry does not commit to %s", d.Name)
		}
		fmt.Fprintf(&x.out, " %s=%s", d.Name, d.Value.Append(nil))
	}
	x.out.WriteByte('\n')
	return nil
}
