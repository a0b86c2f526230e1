package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// cardCommandInStory is "card FILE": it prints what a trail card opens, an event a
// line, once the slot of each has opened: its number and kind. It makes tags and keys
// of the card alone. The ledger must be stopped.
func cardCommandInStory(ts *testscript.TestScript, neg bool, args []string) {
	st := ts.Value("story").(*story)
	path := ts.MkAbs(args[0])
	info, err := os.Stat(path)
	ts.Check(err)
	if info.Mode().Perm() != 0o600 {
		ts.Fatalf("%s can be read by others: %v", args[0], info.Mode())
	}
	card, err := proof.ParseCard([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	s, err := open(context.Background(), config{dir: st.dir})
	ts.Check(err)
	defer func() { ts.Check(s.close()) }()
	byTag := map[string]events.Index{}
	read := func(i events.Index) (events.Message, *events.Entry) {
		data, err := s.history.Read(context.Background(), i.Seq())
		ts.Check(err)
		msg, err := events.ParseMessage(data)
		ts.Check(err)
		e, err := events.ParseEntry(msg.Entry)
		ts.Check(err)
		return msg, e
	}
	for i := range events.Index(s.history.Last()) {
		_, e := read(i)
		for _, tag := range e.Texts("subjects.tags") {
			byTag[tag] = i
		}
	}
	for missed, i := 0, uint64(1); missed <= proof.LookAhead; i++ {
		missed++
		trail, ok := card.At(i)
		if !ok {
			continue
		}
		key := trail.EventKey(i)
		tag := events.TagOf(key)
		at, found := byTag[base64.RawURLEncoding.EncodeToString(tag[:])]
		if !found {
			continue
		}
		missed = 0
		msg, e := read(at)
		_, err := openSlot(msg, key[:])
		ts.Check(err)
		fmt.Fprintf(ts.Stdout(), "%d %s\n", i, e.Kind.Name)
	}
}
