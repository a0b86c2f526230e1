package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/broker"
	"github.com/daybook-ledger/daybook/events/keyring"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// nowhereCommand is "nowhere DIR FILE": none of the lines of the file stands in
// anything below the directory of a stopped ledger, in any spelling: neither in the
// bytes of any file nor in what the history and the databases hold unpacked.
func nowhereCommand(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.MkAbs(args[0])
	var markers []marker
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		if line = strings.TrimSpace(line); line != "" {
			markers = append(markers, marker{name: line, spellings: []string{line}})
		}
	}
	s, looked, found := newSearch(markers), 0, []string{}
	look := func(name string, body []byte) {
		looked++
		for _, h := range s.in(surface{"file", name, body}) {
			found = append(found, h.String())
		}
	}
	ts.Check(lookBelow(dir, look))
	if looked < 3 {
		ts.Fatalf("only %d files below %s", looked, dir)
	}
	fmt.Fprintf(ts.Stdout(), "%d files, messages and rows; %d finds\n", looked, len(found))
	if (len(found) > 0) != neg {
		ts.Fatalf("found: %s", strings.Join(found, "\n"))
	}
}

// lookBelow looks at every file of a stopped ledger, and at what its history and its
// databases hold unpacked.
func lookBelow(dir string, look func(string, []byte)) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		look(path, b)
		return err
	})
	if err != nil || !isDir(filepath.Join(dir, "history")) {
		return err
	}
	for m, err := range broker.ReadFiles(filepath.Join(dir, "history"), historyStream, historySubject) {
		if err != nil {
			return err
		}
		look(fmt.Sprintf("message %d", m.Seq), m.Data)
	}
	for _, name := range []string{"book", "views", "log", "index/trees", "index/log"} {
		if !isDir(filepath.Join(dir, name)) {
			continue
		}
		if err := lookIn(filepath.Join(dir, name), look); err != nil {
			return err
		}
	}
	return nil
}

// lookIn looks at every key and value of a database, which files hold packed.
func lookIn(dir string, look func(string, []byte)) error {
	db, err := pebble.Open(dir, &pebble.Options{ReadOnly: true, Logger: quiet{}})
	if err != nil {
		return err
	}
	defer db.Close()
	it, err := db.NewIter(nil)
	if err != nil {
		return err
	}
	for it.First(); it.Valid(); it.Next() {
		look(dir, append(append([]byte{}, it.Key()...), it.Value()...))
	}
	return it.Close()
}

type quiet struct{}

func (quiet) Infof(string, ...any)              {}
func (quiet) Errorf(string, ...any)             {}
func (quiet) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// opensCommand is "opens KEYS POSITION BOXES [MASTER]": with the keyring in KEYS, and
// its master key in a file, beside the data directory unless it is given, just these boxes open of the message at a position of the stopped
// ledger in data. BOXES is as "fold,person,officers,identifier".
func opensCommand(ts *testscript.TestScript, neg bool, args []string) {
	m := new(master)
	if len(args) > 3 {
		m.spec = "file:" + ts.MkAbs(args[3])
	}
	ring, err := m.openKeyring(filepath.Dir(ts.MkAbs(args[0])), "")
	ts.Check(err)
	defer ring.Close()
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	for m, err := range broker.ReadFiles(ts.MkAbs("data/history"), historyStream, historySubject) {
		ts.Check(err)
		if m.Seq.Index() != events.Index(at) {
			continue
		}
		if got := strings.Join(opened(ts, ring, m.Data), ","); got != args[2] {
			ts.Fatalf("at %d there opens %q, want %q", at, got, args[2])
		}
		return
	}
	ts.Fatalf("there is no message at %d", at)
}

// opened are the boxes of a message that any key in the keyring opens.
func opened(ts *testscript.TestScript, ring *keyring.Keyring, data []byte) (out []string) {
	boxes, err := openBoxes(ring, data)
	ts.Check(err)
	for _, box := range boxes {
		if box.text != nil {
			out = append(out, box.kind)
		}
	}
	return out
}

// rootKeyCommand is "root SCHEME VALUE FILE": it writes a person's root key, which is
// hers to keep, from the keyring of the stopped ledger.
func rootKeyCommand(ts *testscript.TestScript, neg bool, args []string) {
	ring, err := new(master).openKeyring(ts.MkAbs("data"), "")
	ts.Check(err)
	defer ring.Close()
	who, ok, err := ring.Lookup(keyring.Identifier{Scheme: args[0], Value: args[1]})
	ts.Check(err)
	if ok == neg {
		ts.Fatalf("%s is here: %v", args[0], ok)
	}
	if !ok {
		return
	}
	root := who.Root()
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(hex.EncodeToString(root[:])), 0o600))
}

// tagsCommand is "tags FILE": by the root key in the file and the
// public log alone it prints the tags of a trail, one a line, with its position
// and kind, and that the next is nowhere.
func tagsCommand(ts *testscript.TestScript, neg bool, args []string) {
	st := ts.Value("story").(*story)
	root, err := hex.DecodeString(ts.ReadFile(args[0]))
	ts.Check(err)
	source, err := ledger.OpenPublic(ts.MkAbs("data/public"))
	ts.Check(err)
	key, err := proof.ParseVerifierKey(st.key)
	ts.Check(err)
	var mu sync.Mutex
	found := map[string]string{}
	_, err = ledger.Audit(context.Background(), source, key, ledger.AuditOptions{Each: func(i events.Index, e *events.Entry) {
		mu.Lock()
		defer mu.Unlock()
		for _, tag := range e.Texts("subjects.tags") {
			found[tag] = fmt.Sprintf("entry %d %s", i, e.Kind.Name)
		}
	}})
	ts.Check(err)
	for i := uint64(1); ; i++ {
		k := mac(root, binary.BigEndian.AppendUint64([]byte("daybook/event"), i))
		tag := base64.RawURLEncoding.EncodeToString(mac(k, []byte("tag"))[:16])
		at, ok := found[tag]
		if !ok {
			fmt.Fprintf(ts.Stdout(), "tag %d is nowhere\n", i)
			return
		}
		fmt.Fprintf(ts.Stdout(), "tag %d %s\n", i, at)
	}
}

// fillCommand is "fill FILE": the variables that the file names are filled in.
func fillCommand(ts *testscript.TestScript, neg bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}
