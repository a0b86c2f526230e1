package ledger

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

var errKilled = errors.New("killed here")

// fault stops at the n-th thing done to the disk: before it, after it, or after
// it with everything that was not synced yet spoiled, as by a power cut.
type fault struct {
	n, seen int
	done    bool
	name    string
}

func (f *fault) step(name string, do func() error) error {
	if f.seen++; f.seen != f.n {
		return do()
	}
	f.name = name
	if f.done {
		return errors.Join(do(), errKilled)
	}
	return errKilled
}

// spoil garbles what lies beyond the journalled size, which nothing synced for
// sure: the unfinished files grow by noise, and later files appear.
func spoil(t *testing.T, dir string) {
	t.Helper()
	j, err := openJournal(filepath.Join(dir, "journal"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	size := j.last.Size
	for level := proof.EntriesLevel; level < 2; level++ {
		count := hashesAt(size, max(level, 0))
		path := filepath.Join(dir, "public", fileOf(proof.Tile{Level: level, N: count / proof.TileWidth}))
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		keep := int(count%proof.TileWidth) * 32
		if level == proof.EntriesLevel {
			keep = len(bundlePrefix(b, int(count%proof.TileWidth)))
		}
		next := filepath.Join(filepath.Dir(path), "009")
		b = append(b[:keep], make([]byte, 77)...)
		if err := errors.Join(os.WriteFile(path, b, 0o644), os.WriteFile(next, []byte("noise"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.OpenFile(filepath.Join(dir, "journal"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("99 torn")
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// witness remembers every checkpoint that was ever signed or shown.
type witness struct {
	notes   map[events.Size]string
	last    events.Size
	entries [][]byte // of the history that grows
	looks   int
}

func (w *witness) look(t *testing.T, dir string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitAfterSeq(string(b), "\n") {
		if p, err := parseLine([]byte(line)); err == nil {
			w.note(t, p)
		}
	}
	msg, err := os.ReadFile(filepath.Join(dir, "public", checkpointPath))
	if errors.Is(err, os.ErrNotExist) && w.last == 0 {
		return
	}
	p := published{note: msg}
	if p.Checkpoint, err = stated(msg); err != nil {
		t.Fatal(err)
	}
	if p.note = bare(msg); !strings.Contains(string(b), p.line()) {
		t.Fatalf("the checkpoint of size %d is published and not journalled", p.Size)
	}
	if w.note(t, p); p.Size < w.last {
		t.Fatalf("the published size went from %d to %d", w.last, p.Size)
	}
	w.last = p.Size
	src := &Public{dir: filepath.Join(dir, "public")}
	if r, err := Audit(t.Context(), src, logKey(t).Verifier, AuditOptions{HashesOnly: true}); err != nil || r.Size != p.Size {
		t.Fatalf("auditing size %d: %v", p.Size, err)
	}
	// What a crash leaves is no difference: a check must not cry over it. One
	// look in four is enough to come by every step in some mode.
	if w.looks++; w.looks%4 > 0 {
		return
	}
	if r, err := Check(t.Context(), CheckConfig{Dir: src.dir, Journal: filepath.Join(dir, "journal"), History: boxed(w.entries...)}); err != nil {
		t.Fatalf("checking size %d: %v, %+v", p.Size, err, r)
	}
}

func (w *witness) note(t *testing.T, p published) {
	t.Helper()
	if old, ok := w.notes[p.Size]; ok && old != string(p.note) {
		t.Fatalf("two notes of size %d", p.Size)
	}
	w.notes[p.Size] = string(p.note)
}

// TestFaults kills the anchor at every thing it does to the disk, and again at
// every thing it does when it comes back.
func TestFaults(t *testing.T) {
	entries := testEntries(t, 259)
	sizes := []int{3, 250, 259}
	want := files(t, forge(t, entries))
	names := map[string]bool{}
	for _, mode := range []string{"failed", "persisted", "spoiled"} {
		for n := 1; ; n++ {
			if testing.Short() && n%3 > 0 {
				continue
			}
			f := &fault{n: n, done: mode != "failed"}
			dir, w := t.TempDir(), &witness{notes: map[events.Size]string{}, entries: entries, looks: n}
			l := &memLog{}
			for _, size := range sizes {
				cfg := testConfig(t, dir, newHistory(entries[:size]...), l)
				cfg.step = f.step
				err := anchorTo(t, cfg, events.Size(size))
				w.look(t, dir)
				if err != nil && !errors.Is(err, errKilled) {
					t.Fatalf("%s %d: %v", mode, n, err)
				}
				if err == nil {
					continue
				}
				if mode == "spoiled" {
					spoil(t, dir)
				}
				killAgain(t, dir, cfg, events.Size(size), n, w)
			}
			if f.seen < n {
				break
			}
			names[f.name] = true
			got := files(t, filepath.Join(dir, "public"))
			maps.DeleteFunc(got, func(name, _ string) bool { return strings.HasSuffix(name, "/009") })
			delete(got, "checkpoint.new")
			if !maps.Equal(got, want) {
				t.Fatalf("%s at %q: the public directory differs", mode, f.name)
			}
		}
	}
	for _, name := range []string{"write tile/0/001", "sync tiles", "write journal", "sync journal", "write checkpoint", "rename checkpoint", "sync checkpoint"} {
		if !names[name] && !testing.Short() {
			t.Errorf("never killed at %q", name)
		}
	}
}

// killAgain opens after a kill, is killed once more, and then gets through.
func killAgain(t *testing.T, dir string, cfg Config, size events.Size, n int, w *witness) {
	t.Helper()
	again := &fault{n: 1 + n%5, done: n%2 == 0}
	cfg.step = again.step
	if err := anchorTo(t, cfg, size); err != nil && !errors.Is(err, errKilled) {
		t.Fatalf("killed again at %q: %v", again.name, err)
	}
	w.look(t, dir)
	cfg.step = nil
	if err := anchorTo(t, cfg, size); err != nil {
		t.Fatalf("after %q: %v", again.name, err)
	}
	w.look(t, dir)
}

// TestOpenFinishes: what was signed and not shown is shown by Open alone, and
// what was written and not signed is gone.
func TestOpenFinishes(t *testing.T) {
	entries := testEntries(t, 900)
	dir := t.TempDir()
	cfg := testConfig(t, dir, newHistory(entries[:270]...), &memLog{})
	cfg.step = func(name string, do func() error) error {
		if name == "write checkpoint" {
			return errKilled
		}
		return do()
	}
	if err := anchorTo(t, cfg, 270); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	cfg.step = nil
	a, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := a.Checkpoint(); c.Size != 270 {
		t.Fatalf("Open published size %d", c.Size)
	}
	if err := errors.Join(a.files.write(a.files.add(entries[270:])), a.Close(), anchorTo(t, cfg, 270)); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(files(t, cfg.Dir), files(t, forge(t, entries[:270]))) {
		t.Fatal("files beyond the checkpoint are left")
	}
	// A later file that survived when those before it did not.
	if err := os.WriteFile(filepath.Join(cfg.Dir, "tile/0/003"), make([]byte, 9999), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg.History = newHistory(entries...)
	if err := anchorTo(t, cfg, 900); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(files(t, cfg.Dir), files(t, forge(t, entries))) {
		t.Fatal("a file left by a crash was not cut")
	}
}

// TestJournalTail: what a crash can leave at the end is cut off, and nothing
// else is.
func TestJournalTail(t *testing.T) {
	dir := t.TempDir()
	entries := testEntries(t, 9)
	for _, n := range []int{4, 9} {
		if err := anchorTo(t, testConfig(t, dir, newHistory(entries[:n]...), &memLog{}), events.Size(n)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "journal")
	whole := must[[]byte](t)(os.ReadFile(path))
	for name, test := range map[string]struct {
		content []byte
		size    events.Size
		refused string
	}{
		"whole":       {whole, 9, ""},
		"torn":        {whole[:len(whole)-1], 4, ""},
		"torn more":   {whole[:len(whole)-200], 4, ""},
		"only torn":   {whole[:20], 0, ""},
		"zeros":       {append(bytes.Clone(whole), make([]byte, 50)...), 9, ""},
		"zeros, line": {append(append(bytes.Clone(whole), make([]byte, 50)...), "abc\n"...), 9, ""},
		"noise":       {append(bytes.Clone(whole), "noise\n"...), 0, "last line: it is not"},
		"other size":  {append(append(bytes.Clone(whole), '1'), whole[bytes.IndexByte(whole, '\n')+1:]...), 0, "not those of the note"},
		"no line":     {bytes.Repeat([]byte("x"), 2*journalTail), 0, "no line ends"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal")
			if err := os.WriteFile(path, test.content, 0o644); err != nil {
				t.Fatal(err)
			}
			j, err := openJournal(path, nil)
			if test.refused != "" {
				wantError(t, err, test.refused)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer j.close()
			if _, err := openJournal(path, nil); !errors.Is(err, ErrLocked) {
				t.Fatalf("opened twice: %v", err)
			}
			if j.last.Size != test.size || j.end != int64(len(must[[]byte](t)(os.ReadFile(path)))) {
				t.Fatalf("the journal is at %d and ends at %d", j.last.Size, j.end)
			}
		})
	}
}

// TestJournalSwap: a checkpoint goes in only after the one its writer knows,
// and only if it is larger.
func TestJournalSwap(t *testing.T) {
	j, err := openJournal(filepath.Join(t.TempDir(), "journal"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	at := func(size events.Size, root byte) published {
		c := proof.Checkpoint{Origin: testOrigin, Size: size, Root: proof.Hash{root}}
		return published{c, must[[]byte](t)(proof.SignCheckpoint(c, logKey(t).Signer))}
	}
	for _, test := range []struct {
		after events.Size
		p     published
		want  string
	}{
		{3, at(5, 0), "the journal is at 0"},
		{0, at(5, 0), ""},
		{0, at(5, 0), ""},
		{5, at(5, 0), ""},
		{5, at(5, 1), "the journal is at 5"},
		{0, at(7, 1), "the journal is at 5"},
		{5, at(4, 1), "the journal is at 5"},
		{5, at(7, 1), ""},
	} {
		if err := j.append(t.Context(), test.after, test.p); test.want != "" {
			wantError(t, err, test.want)
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzJournalLine(f *testing.F) {
	c := proof.Checkpoint{Origin: testOrigin, Size: 5}
	msg, err := proof.SignCheckpoint(c, logKey(f).Signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(published{c, msg}.line()))
	f.Add([]byte("5 AAAA AAAA\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := parseLine(b); err == nil && p.line() != string(b) {
			t.Fatalf("%q parses and is written as %q", b, p.line())
		}
		line, end := lastLine(b)
		if end > len(b) || end < len(line) || bytes.IndexByte(line, 0) >= 0 {
			t.Fatalf("last line %q ends at %d", line, end)
		}
	})
}
