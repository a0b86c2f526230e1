package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

var captureName = flag.String("capture", "", "make testdata/histories/NAME, which then stays as it is for ever")

// historyMaster is the variable with the master key of captured ledgers. Public words
// make it: what it seals protects nobody, and is of nobody.
const historyMaster = "DAYBOOK_HISTORY_MASTER"

func masterOf(words string) string {
	sum := sha256.Sum256([]byte(words))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// The master key was changed once in each captured ledger.
var firstMaster, secondMaster = masterOf("public test data: the first master key"), masterOf("public test data: the second master key")

// captured is a ledger as it was captured, in a directory of its own.
type captured struct {
	dir  string
	want frozen
}

func readCaptured(t *testing.T, dir string) captured {
	t.Helper()
	c := captured{dir: dir}
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err == nil {
		err = json.Unmarshal(b, &c.want)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c captured) unpack(t *testing.T) string {
	t.Helper()
	return unpack(t, filepath.Join(c.dir, "data.tar.gz"))
}

func (c captured) file(name string) string { return filepath.Join(c.dir, "resident", name) }

// TestHistories opens every ledger that was ever captured: it says what it said, byte
// for byte, and goes on.
func TestHistories(t *testing.T) {
	t.Setenv(historyMaster, secondMaster)
	at := filepath.Join(root, "testdata", "histories")
	if *captureName != "" {
		capture(t, filepath.Join(at, *captureName))
		list(t, at, *captureName)
	}
	names := released(t, at)
	if len(names) == 0 {
		at = t.TempDir()
		capture(t, filepath.Join(at, "new"))
		names = []string{"new"}
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			c := readCaptured(t, filepath.Join(at, name))
			t.Run("as it is", c.asItIs)
			t.Run("without public files", c.withoutPublic)
			t.Run("resident", c.resident)
		})
	}
}

// listing is a line of the README about one captured ledger.
var listing = regexp.MustCompile("(?m)^- `([a-z0-9.-]+)` ([0-9a-f]{64})")

// list adds a captured ledger to those of the README.
func list(t *testing.T, at, name string) {
	t.Helper()
	sum, err := sumOf(filepath.Join(at, name))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(at, "README.md")
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, fmt.Appendf(text, "- `%s` %s\n", name, sum), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// released are the names that the README lists, which are those that are there and as they
// were.
func released(t *testing.T, at string) (names []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(at, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range listing.FindAllStringSubmatch(string(text), -1) {
		if sum, err := sumOf(filepath.Join(at, m[1])); err != nil || sum != m[2] {
			t.Fatalf("the captured ledger %s was changed or is gone: %s %v", m[1], sum, err)
		}
		names = append(names, m[1])
	}
	dirs, err := os.ReadDir(at)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if d.Name() != "README.md" && !slices.Contains(names, d.Name()) {
			t.Errorf("%s is not listed", d.Name())
		}
	}
	return names
}

// sumOf is a SHA-256 over the names and contents of all files below a directory.
func sumOf(dir string) (string, error) {
	var text strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		fmt.Fprintf(&text, "%s %s\n", sha256Of(b), filepath.ToSlash(name))
		return err
	})
	return sha256Of([]byte(text.String())), err
}

// reopened is a captured ledger that was opened, and answers. Its keeper does not run:
// it would say what is due by now.
type reopened struct {
	*system
	url string
}

func reopen(t *testing.T, dir string, clock time.Time) (*reopened, func()) {
	t.Helper()
	s, err := open(t.Context(), historyConfig(dir, func() time.Time { return clock }))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var parts errgroup.Group
	parts.Go(func() error { return s.anchor.Run(ctx) })
	parts.Go(func() error { return s.index.Run(ctx) })
	parts.Go(func() error { return s.views.Run(ctx, s.history) })
	server := httptest.NewServer(s.handler)
	stop := sync.OnceFunc(func() {
		server.Close()
		cancel()
		if err := parts.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return &reopened{s, server.URL}, stop
}

func historyConfig(dir string, now func() time.Time) config {
	return config{dir: dir, master: master{"env:" + historyMaster}, publishEvery: 10 * time.Millisecond, now: now}
}

// caughtUp waits until everything is published and in the views.
func (r *reopened) caughtUp(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := r.anchor.WaitFor(ctx, r.history.Last().Size())
	if err == nil {
		err = r.views.WaitFor(ctx, r.history.Last())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (c captured) holds(t *testing.T, r *reopened) frozen {
	t.Helper()
	r.caughtUp(t)
	if err := r.index.WaitFor(t.Context(), c.want.Index.Leaves); err != nil {
		t.Fatal(err)
	}
	found, err := r.measure(t.Context(), c.want)
	if err == nil {
		err = compare(c.want, found)
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// asItIs opens the ledger without what can be made again, asks it, checks it stopped,
// and lets it go on.
func (c captured) asItIs(t *testing.T) {
	dir := c.unpack(t)
	fsck(t, dir)
	r, stop := reopen(t, dir, c.want.Clock)
	found := c.holds(t, r)
	c.canFail(t, r, found)
	for _, name := range []string{"checkpoint", "index-checkpoint"} {
		shown, err := os.ReadFile(c.file(name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fetch(r.url + "/" + strings.Replace(name, "-", "/", 1)); err != nil || string(got) != string(shown) {
			t.Errorf("published is another %s: %v\n%s", name, err, got)
		}
	}
	c.cardOpens(t, r)
	stop()
	c.goesOn(t, dir)
	fsck(t, dir)
}

// fsck is daybook fsck.
func fsck(t *testing.T, dir string) {
	t.Helper()
	if code, out, stderr := runHere(t, "fsck", dir); code != 0 || !strings.HasPrefix(out, "WHOLE: ") {
		t.Fatalf("fsck ends with %d: %s%s", code, out, stderr)
	}
}

// canFail changes whatever is frozen, one thing at a time: each has to be noticed.
func (c captured) canFail(t *testing.T, r *reopened, found frozen) {
	t.Helper()
	for name, change := range map[string]func(*frozen){
		"root":       func(e *frozen) { e.Root[7] ^= 1 },
		"size":       func(e *frozen) { e.Size++ },
		"checkpoint": func(e *frozen) { e.Checkpoint += "\n" },
		"index":      func(e *frozen) { e.Index.Root[31] ^= 0x80 },
		"leaf":       func(e *frozen) { e.Index.Labels[0] ^= 1 },
		"key":        func(e *frozen) { e.Keys = map[string]string{"log": "x"} },
		"kinds":      func(e *frozen) { e.Kinds = map[string]uint64{"data.shared": 1000} },
		"file":       func(e *frozen) { e.Files = map[string]string{"tile/0/000": ""} },
		"text":       func(e *frozen) { e.Boxes.Text = strings.Repeat("0", 64) },
		"closed":     func(e *frozen) { e.Boxes.Closed = map[string]int{"person": 0} },
		"answer":     func(e *frozen) { e.Answers = map[string]any{"/v1/totals": map[string]any{"size": 0}} },
		"list":       func(e *frozen) { e.Answers = map[string]any{"/v1/sharing": map[string]any{"shares": []any{}}} },
	} {
		want := c.want
		change(&want)
		if compare(want, found) == nil {
			t.Errorf("another %s is not noticed", name)
		}
	}
	for _, want := range []frozen{{Here: c.want.Gone}, {Gone: c.want.Here}} {
		if r.whoIsHere(want) == nil {
			t.Error("nobody is gone, or nobody here")
		}
	}
}

// cardOpens finds the trail of the card anew: at least what was found then.
func (c captured) cardOpens(t *testing.T, r *reopened) {
	t.Helper()
	card, err := readCard(nil, c.file("anna.card"))
	if err != nil {
		t.Fatal(err)
	}
	held, err := readState(c.file("anna.bundle"))
	if err != nil || held == nil {
		t.Fatal(err)
	}
	before, err := held.Verify(card)
	if err != nil {
		t.Fatal(err)
	}
	server, err := client.New(r.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	collect := func(card proof.Card) proof.Proven {
		found, err := client.Trail{Card: card, Log: server, Index: server, IndexLog: below{server}, Slots: server}.Collect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return found.Proven
	}
	after := collect(card)
	if len(before.Events) < 10 || len(before.Seals) == 0 || len(after.Events) < len(before.Events) || before.Own > after.Own {
		t.Fatalf("the card opens %d events, once %d, and %d seals", len(after.Events), len(before.Events), len(before.Seals))
	}
	for i, e := range before.Events {
		now := after.Events[i]
		if now.Position != e.Position || now.Seal != e.Seal || !slices.Equal(digests(now), digests(e)) {
			t.Errorf("event %d is another: %d, once %d", i, now.Position, e.Position)
		}
	}
	lost, err := readCard(nil, c.file("lost.card"))
	if err != nil {
		t.Fatal(err)
	}
	if old := collect(lost); old.Replaced == nil || old.Own >= after.Own || len(old.Events) == 0 {
		t.Errorf("the lost card opens %d events, replaced by %v", len(old.Events), old.Replaced)
	}
}

// digests are those of what is opened of an event, which commit to each word of it.
func digests(e proof.ProvenEvent) (out []string) {
	for _, d := range openedOf(e) {
		out = append(out, d.Digest().String())
	}
	slices.Sort(out)
	return out
}

// withoutPublic makes the public files again from the history and the journals.
func (c captured) withoutPublic(t *testing.T) {
	dir := c.unpack(t)
	if err := os.RemoveAll(filepath.Join(dir, "public")); err != nil {
		t.Fatal(err)
	}
	r, stop := reopen(t, dir, c.want.Clock)
	c.holds(t, r)
	stop()
	fsck(t, dir)
}

// goesOn runs the whole ledger, its keeper included, and takes one more event about
// somebody known. What it signs then continues what it signed before.
func (c captured) goesOn(t *testing.T, dir string) {
	t.Helper()
	clock := c.want.Clock.Add(time.Hour)
	s, err := open(t.Context(), historyConfig(dir, func() time.Time { return clock }))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx, l) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	token, err := s.tokens.MintInMemory(intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}})
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	anchored(t, url, token, fmt.Sprintf(annaAgain, clock.Format(time.RFC3339)))
	report, err := auditURL(url, s.keys.LogKey())
	if err != nil {
		t.Fatal(err)
	}
	before := proof.Checkpoint{Origin: c.want.Origin, Size: c.want.Size, Root: c.want.Root}
	if err := continuesFrom(t.Context(), url, before, proof.Checkpoint{Origin: report.Origin, Size: report.Size, Root: report.Root}); err != nil {
		t.Error(err)
	}
}

const annaAgain = `{"specversion":"1.0","id":"after the capture","source":"city/app","type":"org.daybook.data.accessed.v1","time":%q,` +
	`"data":{"system":"city/app","operation":"Consult","outcome":"success","subjects":{"mode":"single","persons":[{"scheme":"example","value":"anna"}]}}}`

// continuesFrom proves from the tiles at an address that one checkpoint follows another.
func continuesFrom(ctx context.Context, url string, before, now proof.Checkpoint) error {
	source, err := client.New(url, nil)
	if err != nil {
		return err
	}
	if now.Size <= before.Size {
		return fmt.Errorf("size %d is not above %d", now.Size, before.Size)
	}
	read := func(tile proof.Tile) ([]byte, error) { return source.Read(ctx, tile.Path()) }
	path, err := tlog.ProveTree(int64(now.Size), int64(before.Size), proof.SignedHashes(now, read))
	if err != nil {
		return err
	}
	return proof.CheckConsistency(before, now, path)
}

// resident verifies offline what a person kept.
func (c captured) resident(t *testing.T) {
	log, index := c.want.Keys["log"], c.want.Keys["index"]
	for _, x := range []call{
		{[]string{"verify", c.file("anna.bundle"), "--card", c.file("anna.card")}, 0, "^VALID: [0-9]+ events checked", ""},
		{[]string{"verify", c.file("access.tlog-proof"), "--key", log}, 0, "^VALID: 1 entry checked", ""},
		{[]string{"verify", c.file("access.presentation"), "--key", log}, 0, "^VALID: ", ""},
		{[]string{"verify", c.file("fork.evidence"), "--key", log}, 0, "^EVIDENCE: ", ""},
	} {
		x.check(t)
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(c.file(name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	receiptKey, err := proof.ParseVerifierKey(c.want.Keys["receipt"])
	if err != nil {
		t.Fatal(err)
	}
	if r, err := proof.OpenReceipt(read("access.receipt"), receiptKey); err != nil || r.Origin != c.want.Origin || len(r.Lines) != 1 {
		t.Errorf("the receipt: %+v, %v", r, err)
	}
	asked, err := proof.ParsePolicy(read("policy"))
	if err != nil || asked.Quorum == "none" {
		t.Fatalf("the policy asks for nobody: %v", err)
	}
	for name, key := range map[string]string{"checkpoint": log, "index-checkpoint": index} {
		v, err := proof.ParseVerifierKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, who, err := asked.Check(read(name), v); err != nil || len(who.By) < 2 {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
	p, err := proof.ParseIndexProof(read("index.proof"))
	if err == nil {
		v, keyErr := proof.ParseVerifierKey(index)
		if keyErr != nil {
			t.Fatal(keyErr)
		}
		_, err = p.Verify(v)
	}
	if err != nil || p.Tags == nil || p.Labels == nil {
		t.Errorf("the proof of the index: %v", err)
	}
}
