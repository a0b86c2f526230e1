package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// keepCommand is "keep NAME [REGEXP]": it puts what was printed last into $NAME, or
// of it what the group in the expression matches.
func keepCommand(ts *testscript.TestScript, neg bool, args []string) {
	said := strings.TrimSpace(ts.ReadFile("stdout"))
	if len(args) > 1 {
		m := regexp.MustCompile(args[1]).FindStringSubmatch(said)
		if len(m) != 2 {
			ts.Fatalf("%s does not match %s", said, args[1])
		}
		said = m[1]
	}
	ts.Setenv(args[0], said)
}

// hers is a trail as its person walks it, with the root key and nothing else.
type hers struct {
	byTag map[string]events.Index
	read  func(events.Index) (events.Message, *events.Entry)
	out   func(format string, args ...any)
	story *story
}

// trailCommand is "trail SCHEME:VALUE": it prints the trail of a person, an event a
// line, as far as that person can walk it, and below an event.disclosed the trail
// that it gives the key to. The ledger must be stopped.
func trailCommand(ts *testscript.TestScript, neg bool, args []string) {
	st := ts.Value("story").(*story)
	s, err := open(context.Background(), config{dir: st.dir})
	ts.Check(err)
	defer func() { ts.Check(s.close()) }()
	scheme, value, _ := strings.Cut(args[0], ":")
	who, err := s.keys.Find(events.Person{Scheme: scheme, Value: value})
	ts.Check(err)
	if who == nil {
		ts.Fatalf("nobody is known as %s", args[0])
	}
	w := hers{byTag: map[string]events.Index{}, story: st}
	w.out = func(format string, args ...any) { fmt.Fprintf(ts.Stdout(), format, args...) }
	w.read = func(i events.Index) (events.Message, *events.Entry) {
		data, err := s.history.Read(context.Background(), i.Seq())
		ts.Check(err)
		msg, err := events.ParseMessage(data)
		ts.Check(err)
		e, err := events.ParseEntry(msg.Entry)
		ts.Check(err)
		return msg, e
	}
	for i := range events.Index(s.history.Last()) {
		_, e := w.read(i)
		for _, tag := range e.Texts("subjects.tags") {
			w.byTag[tag] = i
		}
	}
	st.walked = nil
	root := who.Root()
	ts.Check(w.walk(root[:], "", 0))
}

// walk prints the trail of a root key from its first tag to the first that no
// entry has.
func (w *hers) walk(root []byte, indent string, most int) error {
	for i := uint64(1); ; i++ {
		key := mac(root, binary.BigEndian.AppendUint64([]byte("daybook/event"), i))
		at, found := w.byTag[base64.RawURLEncoding.EncodeToString(mac(key, []byte("tag"))[:16])]
		if !found {
			if most > 0 && i != uint64(most)+1 {
				return fmt.Errorf("the hidden trail has %d events and not %d", i-1, most)
			}
			return nil
		}
		msg, e := w.read(at)
		details, err := openSlot(msg, key)
		if err != nil {
			return fmt.Errorf("entry %d: %w", at, err)
		}
		w.story.walked = append(w.story.walked, walked{at, msg.Entry, indent != ""})
		w.out("%s%s %d%s\n", indent, e.Kind.Name, i, plainly(indent, details))
		if e.Kind.Name != "event.disclosed" {
			continue
		}
		var hidden []byte
		var events int
		for _, d := range details {
			switch d.Name {
			case "key":
				hidden, _ = base64.RawURLEncoding.DecodeString(d.Value.Text())
			case "events":
				events = int(d.Value.Int())
			}
		}
		if err := w.walk(hidden, indent+"  ", events); err != nil {
			return err
		}
	}
}

// plainly are details in a line, without the times of recording; of her own trail
// none.
func plainly(indent string, details []events.Disclosure) (out string) {
	for _, d := range details {
		if indent != "" && d.Name != "recordedAt" {
			out += " " + d.Name + " " + string(d.Value.Append(nil))
		}
	}
	return out
}

// openSlot opens the slot of an entry that the key of one event opens, each of whose
// details the entry commits to.
func openSlot(msg events.Message, key []byte) ([]events.Disclosure, error) {
	ad := events.HashEntry(msg.Entry)
	e, err := events.ParseEntry(msg.Entry)
	if err != nil {
		return nil, err
	}
	for _, box := range msg.Boxes {
		if box.Kind != events.BoxPerson {
			continue
		}
		plain, err := events.OpenBox(events.BoxKey("person", key), ad[:], box.Data)
		if err != nil {
			continue // somebody else's
		}
		slip, err := events.ParseSlip(plain)
		for _, d := range slip {
			if !slices.Contains(e.Texts("_sd"), d.Digest().String()) {
				return nil, fmt.Errorf("the entry does not commit to %s", d.Name)
			}
		}
		return slip, err
	}
	return nil, fmt.Errorf("no slot opens with the key of the event")
}

func mac(key, message []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(message)
	return m.Sum(nil)
}

// walked is an entry of a trail that was walked.
type walked struct {
	at     events.Index
	entry  []byte
	hidden bool
}

// withinCommand is "within PROOF": the proof must be of a hidden entry of the trail
// walked last, under a checkpoint older than the event that gave its key.
func withinCommand(ts *testscript.TestScript, neg bool, args []string) {
	st := ts.Value("story").(*story)
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	p, err := proof.ParseProof(b)
	ts.Check(err)
	key, err := proof.ParseVerifierKey(st.key)
	ts.Check(err)
	c, err := p.Verify(key)
	ts.Check(err)
	i := slices.IndexFunc(st.walked, func(w walked) bool { return w.hidden && string(w.entry) == string(p.Extra) })
	if i < 0 {
		ts.Fatalf("the entry is not on her hidden trail")
	}
	for _, w := range st.walked {
		if e, err := events.ParseEntry(w.entry); err != nil || e.Kind.Name == "event.disclosed" && events.Size(w.at) < c.Size {
			ts.Fatalf("the checkpoint at %d is not older than the disclosure at %d (%v)", c.Size, w.at, err)
		}
	}
}

// soon is a day ahead that any seal may be looked at on.
func soon() string { return time.Now().AddDate(0, 3, 0).Format(time.DateOnly) }
