package ledger

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// plain shows a directory as a web server does that knows nothing of logs.
type plain string

func (dir plain) Read(_ context.Context, path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(dir), filepath.FromSlash(path)))
}

// shownLog is a log that grows, as somebody shows it.
type shownLog struct {
	t       testing.TB
	entries [][]byte
	dir     string
	reads   atomic.Int64
	change  func(path string, b []byte) ([]byte, error)
}

func (s *shownLog) Read(ctx context.Context, path string) ([]byte, error) {
	s.reads.Add(1)
	b, err := (&Public{dir: s.dir}).Read(ctx, path)
	if err == nil && s.change != nil {
		return s.change(path, b)
	}
	return b, err
}

// at makes it show the first n entries, and returns the checkpoint.
func (s *shownLog) at(n int) []byte {
	s.t.Helper()
	s.dir = forge(s.t, s.entries[:n])
	return must[[]byte](s.t)(s.Read(s.t.Context(), checkpointPath))
}

func openTestCopy(t *testing.T, dir string, from Source, s step) (*Copy, error) {
	t.Helper()
	c, err := openCopy(t.Context(), CopyConfig{Dir: dir, Key: logKey(t).Verifier, From: from}, s)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// auditCopy says that a stranger's audit accepts the copy, and finds as many entries.
func auditCopy(t *testing.T, dir string, size int) {
	t.Helper()
	for _, source := range []Source{plain(dir), must[*Public](t)(OpenPublic(dir))} {
		report, err := Audit(t.Context(), source, logKey(t).Verifier, AuditOptions{})
		if size == 0 && errors.Is(err, ErrNothingChecked) {
			continue
		}
		if err != nil || report.Size != events.Size(size) {
			t.Fatalf("the copy is %+v, %v, want size %d", report, err, size)
		}
	}
}

// wantCopy says that a plain web server shows the copy to any client, with as many
// entries, and that all its files are those of the log.
func wantCopy(t *testing.T, dir string, entries [][]byte) {
	t.Helper()
	auditCopy(t, dir, len(entries))
	c := must[proof.Checkpoint](t)(proof.OpenCheckpoint(must[[]byte](t)(plain(dir).Read(t.Context(), "checkpoint")), logKey(t).Verifier))
	hashes := proof.SignedHashes(c, func(tile proof.Tile) ([]byte, error) { return plain(dir).Read(t.Context(), tile.Path()) })
	for _, i := range []int{0, len(entries) / 2, len(entries) - 1} {
		path, err := tlog.ProveRecord(int64(c.Size), int64(i), hashes)
		if err != nil || proof.CheckInclusion(entries[i], events.Index(i), path, c) != nil {
			t.Fatalf("entry %d of the copy: %v", i, err)
		}
	}
	origin := &Public{dir: forge(t, entries)}
	for path, b := range files(t, dir) {
		if strings.HasSuffix(path, ".new") || strings.HasPrefix(path, "index/") {
			continue
		}
		want, err := origin.Read(t.Context(), path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // beyond the checkpoint
		}
		if err != nil || !bytes.Equal(want, []byte(b)) {
			t.Errorf("%s is not that of the log: %v", path, err)
		}
	}
}

func TestCopyFollows(t *testing.T) {
	log := &shownLog{t: t, entries: testEntries(t, 1300)}
	dir := filepath.Join(t.TempDir(), "copy")
	c := must[*Copy](t)(openTestCopy(t, dir, log, nil))
	for _, size := range []int{1, 2, 255, 256, 257, 300, 300, 512, 700, 1300} {
		if err := c.Extend(t.Context(), log.at(size)); err != nil {
			t.Fatal(err)
		}
		wantCopy(t, dir, log.entries[:size])
		if size == 300 {
			for _, before := range []string{"tile/0/001.p/1", "tile/0/001.p/44", "tile/entries/001.p/1", "tile/1/000.p/1"} {
				if _, err := os.Stat(filepath.Join(dir, before)); err != nil {
					t.Errorf("for who has the checkpoint before: %v", err)
				}
			}
		}
		if size == 512 { // reopened where all is full
			c.Close()
			c = must[*Copy](t)(openTestCopy(t, dir, log, nil))
		}
	}
	for _, full := range []string{"tile/0/000.p", "tile/0/001.p", "tile/entries/002.p"} {
		if _, err := os.Stat(filepath.Join(dir, full)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", full, err)
		}
	}
	if _, err := openTestCopy(t, dir, log, nil); !errors.Is(err, ErrLocked) {
		t.Errorf("a second copy in one directory: %v", err)
	}
	p := must[proof.Proof](t)(c.Prove(t.Context(), 700))
	if _, err := p.Verify(logKey(t).Verifier); err != nil {
		t.Error(err)
	}
}

// TestCopyTakesUpAPublicDirectory begins with what an operator wrote, copied by hand.
func TestCopyTakesUpAPublicDirectory(t *testing.T) {
	log := &shownLog{t: t, entries: testEntries(t, 700)}
	log.at(300)
	dir := log.dir
	c := must[*Copy](t)(openTestCopy(t, dir, log, nil))
	wantCopy(t, dir, log.entries[:300])
	if err := c.Extend(t.Context(), log.at(700)); err != nil {
		t.Fatal(err)
	}
	wantCopy(t, dir, log.entries)
}

// TestCopySurvivesFaults ends the process at every write, and goes on after it.
func TestCopySurvivesFaults(t *testing.T) {
	log := &shownLog{t: t, entries: testEntries(t, 520)}
	sizes := []int{3, 300, 520}
	notes := make([][]byte, len(sizes))
	dirs := make([]string, len(sizes))
	for i, n := range sizes {
		notes[i] = log.at(n)
		dirs[i] = log.dir
	}
	crashed := errors.New("crashed")
	run := func(dir string, s step) error {
		c, err := openTestCopy(t, dir, log, s)
		if err != nil {
			return err
		}
		defer c.Close()
		for i := range sizes {
			log.dir = dirs[i]
			if at, _ := c.Checkpoint(); int(at.Size) >= sizes[i] {
				continue
			}
			if err := c.Extend(t.Context(), notes[i]); err != nil && !errors.Is(err, ErrRollback) {
				return err
			}
		}
		return nil
	}
	for _, persisted := range []bool{false, true} {
		for at := 0; ; at++ {
			dir := filepath.Join(t.TempDir(), "copy")
			n, where := 0, ""
			err := run(dir, func(name string, do func() error) error {
				if n++; n-1 < at {
					return do()
				}
				if n-1 == at {
					if where = name; persisted {
						return errors.Join(do(), crashed)
					}
					if path, ok := strings.CutPrefix(name, "write tile"); ok { // torn
						_ = os.WriteFile(filepath.Join(dir, "tile"+path+".new"), []byte("to"), 0o644)
					}
				}
				return crashed
			})
			if err == nil && n <= at {
				break
			}
			if !errors.Is(err, crashed) {
				t.Fatalf("at step %d, %s: %v", at, where, err)
			}
			size := 0
			if c, err := proof.OpenCheckpoint(orNone(os.ReadFile(filepath.Join(dir, "checkpoint"))), logKey(t).Verifier); err == nil {
				size = int(c.Size)
			}
			auditCopy(t, dir, size)
			if err := run(dir, nil); err != nil {
				t.Fatalf("after step %d, %s: %v", at, where, err)
			}
			auditCopy(t, dir, len(log.entries))
			if at%10 == 0 {
				wantCopy(t, dir, log.entries)
			}
		}
	}
}

func orNone(b []byte, _ error) []byte { return b }

// TestCopyResumes does not fetch again what it has, and does not believe it either.
func TestCopyResumes(t *testing.T) {
	log := &shownLog{t: t, entries: testEntries(t, 5000)}
	msg := log.at(5000)
	dir := filepath.Join(t.TempDir(), "copy")
	stopped := errors.New("no answer")
	for n := 0; ; n++ {
		if n == 100 {
			t.Fatal("it does not come to an end")
		}
		left := 4 + rand.IntN(12)
		var bundles atomic.Int64
		log.change = func(path string, b []byte) ([]byte, error) {
			if strings.HasPrefix(path, "tile/entries/") && bundles.Add(1) > int64(left) {
				return nil, stopped
			}
			return b, nil
		}
		c := must[*Copy](t)(openTestCopy(t, dir, log, nil))
		err := c.Extend(t.Context(), msg)
		c.Close()
		if err == nil {
			break
		}
		if !errors.Is(err, stopped) || !errors.Is(err, ErrIncomplete) {
			t.Fatal(err)
		}
		if n == 1 { // the disk lost some of it
			flip(t, filepath.Join(dir, "tile/entries/001"))
			flip(t, filepath.Join(dir, "tile/0/000"))
		}
	}
	wantCopy(t, dir, log.entries)
}

func flip(t *testing.T, path string) {
	t.Helper()
	b := must[[]byte](t)(os.ReadFile(path))
	b[len(b)/2] ^= 1
	write(t, path, b)
}

func TestCopyKeepsEvidence(t *testing.T) {
	entries, other := testEntries(t, 700), forked(t, 900, 100)
	signer := logKey(t).Signer
	for name, test := range map[string]struct {
		dir  string
		now  []byte
		kind string
	}{
		"another root":      {"", signedAt(t, other, 300, signer), proof.EvidenceFork},
		"another beginning": {forge(t, other), signedAt(t, other, 900, signer), proof.EvidenceInconsistent},
		"smaller":           {"", signedAt(t, other, 200, signer), proof.EvidenceInconsistent},
	} {
		t.Run(name, func(t *testing.T) {
			log := &shownLog{t: t, entries: entries}
			dir := filepath.Join(t.TempDir(), "copy")
			c := must[*Copy](t)(openTestCopy(t, dir, log, nil))
			if err := c.Extend(t.Context(), log.at(300)); err != nil {
				t.Fatal(err)
			}
			if test.dir != "" {
				log.dir = test.dir
			}
			var found *Misbehaviour
			if err := c.Extend(t.Context(), test.now); !errors.As(err, &found) || found.Evidence.Kind != test.kind {
				t.Fatalf("found %v", err)
			}
			wantCopy(t, dir, entries[:300])
			if err := c.Extend(t.Context(), log.at(500)); err != nil {
				t.Fatalf("the log that was copied goes on: %v", err)
			}
			wantCopy(t, dir, entries[:500])
		})
	}
}

// TestCopyRemembersWhatItNeverShowed: the log is signed anew while it is fetched.
func TestCopyRemembersWhatItNeverShowed(t *testing.T) {
	entries, other := testEntries(t, 700), forked(t, 900, 400)
	log := &shownLog{t: t, entries: entries}
	dir := filepath.Join(t.TempDir(), "copy")
	c := must[*Copy](t)(openTestCopy(t, dir, log, nil))
	if err := c.Extend(t.Context(), log.at(300)); err != nil {
		t.Fatal(err)
	}
	msg := log.at(700)
	log.change = func(path string, b []byte) ([]byte, error) {
		if strings.HasPrefix(path, "tile/entries/001") {
			return nil, errors.New("no answer")
		}
		return b, nil
	}
	if err := c.Extend(t.Context(), msg); !errors.Is(err, ErrIncomplete) {
		t.Fatal(err)
	}
	c.Close()
	c = must[*Copy](t)(openTestCopy(t, dir, log, nil))
	log.entries, log.change = other, nil
	var found *Misbehaviour
	if err := c.Extend(t.Context(), log.at(900)); !errors.As(err, &found) || found.Evidence.Kind != proof.EvidenceInconsistent {
		t.Fatalf("found %v", err)
	}
	wantCopy(t, dir, entries[:300])
}

func TestCopyRefuses(t *testing.T) {
	entries := testEntries(t, 700)
	lie := func(at string) func(path string, b []byte) ([]byte, error) {
		return func(path string, b []byte) ([]byte, error) {
			if strings.HasPrefix(path, at) {
				b[len(b)-1] ^= 1
			}
			return b, nil
		}
	}
	for _, at := range []string{"tile/entries/001", "tile/0/001", "tile/1/", "tile/0/002"} {
		log := &shownLog{t: t, entries: entries}
		dir := filepath.Join(t.TempDir(), "copy")
		c := must[*Copy](t)(openTestCopy(t, dir, log, nil))
		if err := c.Extend(t.Context(), log.at(200)); err != nil {
			t.Fatal(err)
		}
		msg := log.at(700)
		log.change = lie(at)
		var wrong *AuditError
		if err := c.Extend(t.Context(), msg); !errors.As(err, &wrong) || errors.Is(err, ErrIncomplete) {
			t.Errorf("with another %s: %v", at, err)
		}
		wantCopy(t, dir, entries[:200])
		if log.change = nil; c.Extend(t.Context(), msg) != nil {
			t.Error("it does not go on")
		}
		wantCopy(t, dir, entries)
		if err := c.Extend(t.Context(), log.at(300)); !errors.Is(err, ErrRollback) || errors.Is(err, ErrIncomplete) {
			t.Errorf("smaller: %v", err)
		}
	}
	stranger := &shownLog{t: t, entries: append([][]byte{openedEntry(t, testOrigin, newKey(t, testOrigin, "stranger").vkey)}, entries[1:]...)}
	c := must[*Copy](t)(openTestCopy(t, filepath.Join(t.TempDir(), "copy"), stranger, nil))
	var wrong *AuditError
	if err := c.Extend(t.Context(), stranger.at(5)); !errors.As(err, &wrong) || wrong.Place != "tile/entries/000 entry 0" {
		t.Errorf("a log that names another key: %v", err)
	}
	dir := forge(t, entries[:300])
	flip(t, filepath.Join(dir, "tile/0/001"))
	var damage *DamageError
	if _, err := openTestCopy(t, dir, stranger, nil); !errors.As(err, &damage) {
		t.Errorf("a damaged directory: %v", err)
	}
}

// TestCopyShowsTheNewestCosignatures: of one size, the note given last.
func TestCopyShowsTheNewestCosignatures(t *testing.T) {
	log := &shownLog{t: t, entries: testEntries(t, 20)}
	dir := filepath.Join(t.TempDir(), "copy")
	c := must[*Copy](t)(openTestCopy(t, dir, log, nil))
	msg := log.at(20)
	more := append(bytes.Clone(msg), "— witness.example/w AAAAAAAA\n"...)
	for _, note := range [][]byte{msg, more} {
		if err := c.Extend(t.Context(), note); err != nil {
			t.Fatal(err)
		}
		if _, shown := c.Checkpoint(); !bytes.Equal(shown, note) || !bytes.Equal(must[[]byte](t)(plain(dir).Read(t.Context(), "checkpoint")), note) {
			t.Errorf("it shows %s", shown)
		}
	}
}

// TestCopyIsGentle: it asks for each bundle once, and for little else.
func TestCopyIsGentle(t *testing.T) {
	log := &shownLog{t: t, entries: testEntries(t, 3000)}
	c := must[*Copy](t)(openTestCopy(t, filepath.Join(t.TempDir(), "copy"), log, nil))
	msg := log.at(3000)
	log.reads.Store(0)
	if err := c.Extend(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
	if n := log.reads.Load(); n > 12+12+2*4 { // bundles, their tiles, and the edge for as many as are fetched at once
		t.Errorf("it asked %d times", n)
	}
	log.reads.Store(0)
	if err := c.Extend(t.Context(), msg); err != nil || log.reads.Load() > 0 {
		t.Errorf("when nothing is new it asked %d times, %v", log.reads.Load(), err)
	}
}

func indexLeafEntry(t testing.TB, entries [][]byte, n int) []byte {
	t.Helper()
	log := &memLog{}
	if _, _, err := log.Append(t.Context(), 0, entries[:n]); err != nil {
		t.Fatal(err)
	}
	_, root, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return []byte(proof.IndexLeaf{Size: events.Size(n), Root: root, Tags: proof.Hash{byte(n)}}.Text())
}

// forgeIndex writes the log of an index below a ledger's.
func forgeIndex(t testing.TB, dir string, leaves [][]byte) []byte {
	t.Helper()
	w := newWriter(filepath.Join(dir, IndexPath), nil)
	if err := errors.Join(w.write(w.add(leaves)), w.sync()); err != nil {
		t.Fatal(err)
	}
	key := newKey(t, testOrigin+"/index", "index")
	msg := must[[]byte](t)(proof.SignCheckpoint(proof.Checkpoint{Origin: key.Signer.Name(), Size: w.tree.size, Root: w.tree.root()}, key.Signer))
	if err := w.replace(msg); err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestCopyOfTheIndex(t *testing.T) {
	log := &shownLog{t: t, entries: testEntries(t, 700)}
	dir := filepath.Join(t.TempDir(), "copy")
	c := must[*Copy](t)(openTestCopy(t, dir, log, nil))
	if _, err := c.OpenIndex(t.Context()); !errors.Is(err, ErrNotPublished) {
		t.Fatalf("before there is an entry: %v", err)
	}
	if err := c.Extend(t.Context(), log.at(500)); err != nil {
		t.Fatal(err)
	}
	index := must[*Copy](t)(c.OpenIndex(t.Context()))
	defer index.Close()
	var leaves [][]byte
	for i, size := range []int{1, 4, 256, 300, 500, 600} {
		leaves = append(leaves, indexLeafEntry(t, log.entries, size))
		err := index.Extend(t.Context(), forgeIndex(t, log.dir, leaves))
		if size == 600 {
			if !errors.Is(err, ErrNotPublished) {
				t.Fatalf("a leaf that is ahead: %v", err)
			}
			log.at(700)
			msg := forgeIndex(t, log.dir, leaves)
			if err := c.Extend(t.Context(), must[[]byte](t)(log.Read(t.Context(), "checkpoint"))); err != nil {
				t.Fatal(err)
			}
			err = index.Extend(t.Context(), msg)
		}
		if err != nil {
			t.Fatal(err)
		}
		report, err := Audit(t.Context(), plain(filepath.Join(dir, "index")), newKey(t, testOrigin+"/index", "index").Verifier, AuditOptions{
			Leaves: &Leaves{Check: isLeaf},
		})
		if err != nil || int(report.Size) != i+1 {
			t.Fatalf("%+v, %v", report, err)
		}
		if i == 2 {
			index.Close()
			index = must[*Copy](t)(c.OpenIndex(t.Context()))
		}
	}
	for name, leaf := range map[string][]byte{
		"another root": indexLeafEntry(t, forked(t, 700, 100), 650),
		"going back":   indexLeafEntry(t, log.entries, 550),
	} {
		var found *Misbehaviour
		if err := index.Extend(t.Context(), forgeIndex(t, log.dir, append(leaves[:len(leaves):len(leaves)], leaf))); !errors.As(err, &found) {
			t.Errorf("%s: %v", name, err)
		}
		os.RemoveAll(filepath.Join(log.dir, IndexPath))
		index.Close()
		os.Remove(filepath.Join(dir, "..", "copy.index.seen"))
		index = must[*Copy](t)(c.OpenIndex(t.Context()))
	}
	if at, _ := index.Checkpoint(); int(at.Size) != len(leaves) {
		t.Errorf("it shows %d leaves", at.Size)
	}
}
