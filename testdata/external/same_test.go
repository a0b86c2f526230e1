package external

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/keyring"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/locallog"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// testSameHistory makes one history of 20,000 events with the program and has
// it anchored beside a log in this process, beside Trillian, and by the
// program with Trillian. What they publish is the same, byte for byte.
func (d *deployment) testSameHistory(t *testing.T) {
	bin := filepath.Join(d.dir, "daybook")
	run(t, "../..", "go", "build", "-o", bin, "./cmd/daybook")
	made := filepath.Join(t.TempDir(), "made")
	p := serve(t, bin, made)
	p.post(t, 20000, "try")
	p.stop(t)
	all := messages(t, made)
	if len(all) < 20000 {
		t.Fatalf("the history has %d messages", len(all))
	}
	t.Run("anchored by both", func(t *testing.T) { d.testBoth(t, made, all) })
	t.Run("served with Trillian", func(t *testing.T) { d.testServed(t, bin, made) })
}

// testBoth anchors the history with both logs and compares at many sizes.
func (d *deployment) testBoth(t *testing.T, made string, all []events.Stored) {
	ring, err := keyring.Open(keyring.Config{Dir: filepath.Join(made, "keys"), Master: keyring.FileMaster(keyring.DefaultMaster(made))})
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Close()
	local, err := locallog.Open(t.Context(), locallog.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	here := newAnchored(t, ring, local, all)
	there := newAnchored(t, ring, open(t, d.config(t, ring.Origin())), all)
	for _, n := range []int{1, 2, 255, 256, 257, 511, 513, 1000, 4096, 4097, 10000, 20000, len(all)} {
		size := events.Size(n)
		for _, a := range []*anchored{here, there} {
			a.history.raise(events.Seq(n))
		}
		for _, a := range []*anchored{here, there} {
			a.await(t, size)
		}
		same(t, here.dir, there.dir)
	}
	for _, a := range []*anchored{here, there} {
		a.stop(t)
		checkPublic(t, a.dir, ring.LogKey(), events.Size(len(all)))
	}
}

// anchored is one history on its way into one public directory.
type anchored struct {
	dir     string
	history *prefix
	anchor  *ledger.Anchor
	cancel  context.CancelFunc
	done    chan error
}

func newAnchored(t *testing.T, ring *keyring.Keyring, log ledger.Log, all []events.Stored) *anchored {
	t.Helper()
	a := &anchored{dir: filepath.Join(t.TempDir(), "public"), history: newPrefix(all), done: make(chan error, 1)}
	var err error
	a.anchor, err = ledger.Open(t.Context(), ledger.Config{
		Dir: a.dir, Signer: ring.LogSigner(), Receipts: ring.ReceiptSigner(), PublishEvery: time.Millisecond,
		Log: log, History: a.history,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	go func() { a.done <- a.anchor.Run(ctx) }()
	t.Cleanup(cancel)
	return a
}

func (a *anchored) await(t *testing.T, size events.Size) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := a.anchor.WaitFor(ctx, size); err != nil {
		t.Fatal(err)
	}
}

func (a *anchored) stop(t *testing.T) {
	t.Helper()
	a.cancel()
	if err := <-a.done; err != nil {
		t.Error(err)
	}
	if err := a.anchor.Close(); err != nil {
		t.Error(err)
	}
}

// files are the contents of all files below dir, by path.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, dir+string(filepath.Separator))] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// same compares the checkpoints with their signatures, and every tile and
// bundle.
func same(t *testing.T, here, there string) {
	t.Helper()
	a, b := files(t, here), files(t, there)
	if len(a) < 3 || !slices.Equal(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))) {
		t.Fatalf("%d files in %s, %d in %s", len(a), here, len(b), there)
	}
	for path, content := range a {
		if b[path] != content {
			t.Fatalf("%s differs in %s and %s", path, here, there)
		}
	}
}

// checkPublic audits a public directory as anyone with a copy would.
func checkPublic(t *testing.T, dir, key string, size events.Size) {
	t.Helper()
	v, err := proof.ParseVerifierKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ledger.OpenPublic(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ledger.Audit(t.Context(), public, v, ledger.AuditOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Size < size {
		t.Fatalf("the audit covers %d entries of %d", r.Size, size)
	}
}

// testServed has the program anchor the history with Trillian, killed on the
// way, then add to it, and then go on with the log in its own process.
func (d *deployment) testServed(t *testing.T, bin, made string) {
	dir := filepath.Join(t.TempDir(), "served")
	run(t, ".", "cp", "-a", made, dir)
	run(t, ".", "cp", "-a", keyring.DefaultMaster(made), keyring.DefaultMaster(dir))
	for _, name := range []string{"public", "log", "index", "journal", "journal.index", "journal.leaves"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	before, note := (&daybook{dir: made}).published(t)
	flags := []string{"--trillian", d.addr, "--trillian-ca", d.ca}
	p := serve(t, bin, dir, flags...)
	p.kill()
	killedAt, _ := p.published(t)
	t.Logf("killed at a checkpoint of size %d of %d", killedAt.Size, before.Size)
	p = serve(t, bin, dir, flags...)
	reached := func() bool { c, _ := p.published(t); return c.Size >= before.Size }
	eventually(t, "the whole history is published", 5*time.Minute, reached)
	if c, again := p.published(t); c.Size == before.Size && string(again) != string(note) {
		t.Fatalf("the checkpoint of size %d is another one", c.Size)
	}
	p.post(t, 700, "elsewhere")
	p.stop(t)
	if _, err := os.Stat(filepath.Join(dir, "log")); err == nil {
		t.Error("the program opened a log of its own as well")
	}
	elsewhere, _ := p.published(t)
	p = serve(t, bin, dir) // without Trillian
	p.post(t, 10, "here")
	p.stop(t)
	if c, _ := p.published(t); elsewhere.Size < before.Size+700 || c.Size < elsewhere.Size+10 {
		t.Errorf("sizes %d, %d, %d", before.Size, elsewhere.Size, c.Size)
	}
	beginsWith(t, dir, made)
	ring, err := keyring.Open(keyring.Config{Dir: filepath.Join(dir, "keys"), Master: keyring.FileMaster(keyring.DefaultMaster(dir))})
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Close()
	checkPublic(t, filepath.Join(dir, "public"), ring.LogKey(), elsewhere.Size+10)
}

// beginsWith holds that the tiles and bundles of a data directory begin with
// those of an earlier one.
func beginsWith(t *testing.T, dir, earlier string) {
	t.Helper()
	now := files(t, filepath.Join(dir, "public", "tile"))
	for path, content := range files(t, filepath.Join(earlier, "public", "tile")) {
		if !strings.HasPrefix(now[path], content) {
			t.Errorf("%s is another one", path)
		}
	}
}
