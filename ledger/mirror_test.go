package ledger

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// signedAt is the checkpoint of the first size entries, by another tree than ours.
func signedAt(t *testing.T, entries [][]byte, size int, signer note.Signer) []byte {
	t.Helper()
	log := &memLog{}
	if _, _, err := log.Append(t.Context(), 0, entries[:size]); err != nil {
		t.Fatal(err)
	}
	_, root, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return must[[]byte](t)(proof.SignCheckpoint(proof.Checkpoint{Origin: signer.Name(), Size: events.Size(size), Root: root}, signer))
}

func openMirror(t *testing.T, dir string, h History) *Mirror {
	t.Helper()
	m, err := OpenMirror(MirrorConfig{Dir: dir, Key: logKey(t).Verifier, History: h})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// shows says that the mirror shows a valid log of exactly this size.
func (m *Mirror) shows(t *testing.T, size int) {
	t.Helper()
	report, err := Audit(t.Context(), m.Public(), m.cfg.Key, AuditOptions{})
	if size == 0 {
		if !errors.Is(err, ErrNothingChecked) {
			t.Fatalf("an empty mirror: %v", err)
		}
		return
	}
	if err != nil || report.Size != events.Size(size) {
		t.Fatalf("the mirror shows %+v, %v, want size %d", report, err, size)
	}
	p, err := m.Prove(t.Context(), events.Index(size-1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Verify(m.cfg.Key); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Prove(t.Context(), events.Index(size)); !errors.Is(err, ErrNotPublished) {
		t.Fatalf("proving what no checkpoint covers: %v", err)
	}
	if _, err := m.Public().Entry(t.Context(), events.Index(size)); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("reading what no checkpoint covers: %v", err)
	}
}

func TestMirrorFollows(t *testing.T) {
	entries := testEntries(t, 700)
	signer := logKey(t).Signer
	dir := filepath.Join(t.TempDir(), "public")
	h := newHistory(entries...)
	m := openMirror(t, dir, h)
	m.shows(t, 0)
	for _, size := range []int{1, 2, 255, 256, 257, 512, 600, 300, 600} {
		if err := m.Extend(t.Context(), signedAt(t, entries, size, signer)); err != nil {
			t.Fatal(err)
		}
		if size != 300 { // an older one changes nothing
			m.shows(t, size)
		}
	}
	m.shows(t, 600)
	if _, err := OpenMirror(m.cfg); !errors.Is(err, ErrLocked) {
		t.Errorf("a second mirror in one directory: %v", err)
	}
	m.Close()
	m = openMirror(t, dir, h)
	m.shows(t, 600)
	if err := m.Extend(t.Context(), signedAt(t, entries, 700, signer)); err != nil {
		t.Fatal(err)
	}
	m.shows(t, 700)
}

// What the history holds is not what was signed: it is not shown.
func TestMirrorRefusesAnotherHistory(t *testing.T) {
	entries := testEntries(t, 20)
	other := testEntries(t, 20)
	other[14] = saidEntry(t, "dataset.registered", `{"dataset":"example/other","title":"Other"}`, nameOf(14))
	m := openMirror(t, filepath.Join(t.TempDir(), "public"), newHistory(other...))
	if err := m.Extend(t.Context(), signedAt(t, entries, 10, logKey(t).Signer)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // and for good
		var mismatch *MismatchError
		if err := m.Extend(t.Context(), signedAt(t, entries, 20, logKey(t).Signer)); !errors.As(err, &mismatch) {
			t.Fatalf("a signed root that the history has not: %v", err)
		}
		m.shows(t, 10)
	}
	m.Close()
	m = openMirror(t, m.cfg.Dir, newHistory(entries...))
	m.shows(t, 10)
	if err := m.Extend(t.Context(), signedAt(t, entries, 20, logKey(t).Signer)); err != nil {
		t.Fatal(err)
	}
	m.shows(t, 20)
}

func TestMirrorKeepsEvidence(t *testing.T) {
	entries := testEntries(t, 20)
	other := append(testEntries(t, 9), saidEntry(t, "dataset.registered", `{"dataset":"example/other","title":"Other"}`, nameOf(9)))
	m := openMirror(t, filepath.Join(t.TempDir(), "public"), newHistory(entries...))
	if err := m.Extend(t.Context(), signedAt(t, entries, 10, logKey(t).Signer)); err != nil {
		t.Fatal(err)
	}
	var split *SplitError
	if err := m.Extend(t.Context(), signedAt(t, other, 10, logKey(t).Signer)); !errors.As(err, &split) {
		t.Fatalf("a second root of one size: %v", err)
	}
	if found, err := proof.CompareCheckpoints(split.Fork.A, split.Fork.B, m.cfg.Key); err != nil || found == nil {
		t.Errorf("the evidence does not hold: %v, %v", found, err)
	}
	m.shows(t, 10)
}

// A history that fails on the way is asked again, by the same mirror or by the next.
func TestMirrorGoesOn(t *testing.T) {
	entries := testEntries(t, 5000)
	signer := logKey(t).Signer
	dir := filepath.Join(t.TempDir(), "public")
	for _, again := range []bool{false, true} {
		h := newHistory(entries...)
		m := openMirror(t, dir, h)
		if err := m.Extend(t.Context(), signedAt(t, entries, 3, signer)); err != nil {
			t.Fatal(err)
		}
		h.skip = 4900
		if err := m.Extend(t.Context(), signedAt(t, entries, 5000, signer)); err == nil {
			t.Fatal("followed a history with a hole")
		}
		m.shows(t, 3)
		h.skip = 0
		if again {
			m.Close()
			m = openMirror(t, dir, h)
			m.shows(t, 3)
		}
		if err := m.Extend(t.Context(), signedAt(t, entries, 5000, signer)); err != nil {
			t.Fatal(err)
		}
		m.shows(t, 5000)
		m.Close()
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMirrorRefusesAnotherKey(t *testing.T) {
	entries := testEntries(t, 5)
	dir := filepath.Join(t.TempDir(), "public")
	m := openMirror(t, dir, newHistory(entries...))
	stranger := newKey(t, testOrigin, "stranger")
	if err := m.Extend(t.Context(), signedAt(t, entries, 5, stranger.Signer)); err == nil {
		t.Error("followed another key")
	}
	if err := m.Extend(t.Context(), signedAt(t, entries, 5, logKey(t).Signer)); err != nil {
		t.Fatal(err)
	}
	m.Close()
	if _, err := OpenMirror(MirrorConfig{Dir: dir, Key: stranger.Verifier, History: newHistory(entries...)}); err == nil {
		t.Error("took up another key's directory")
	}
}

// Entries that are signed and not agreed to are not shown, and asked about again.
func TestMirrorAsksBeforeItShows(t *testing.T) {
	entries := testEntries(t, 700)
	signer := logKey(t).Signer
	refused := errors.New("not yet")
	var asked []events.Index
	limit := events.Index(400)
	cfg := MirrorConfig{
		Dir: filepath.Join(t.TempDir(), "public"), Lock: filepath.Join(t.TempDir(), "lock"), Key: logKey(t).Verifier, History: newHistory(entries...),
		Agree: func(_ context.Context, i events.Index, entry []byte) error {
			if !bytes.Equal(entry, entries[i]) {
				t.Errorf("asked about entry %d with another", i)
			}
			if asked = append(asked, i); i >= limit {
				return refused
			}
			return nil
		},
	}
	m := must[*Mirror](t)(OpenMirror(cfg))
	defer m.Close()
	for _, step := range []struct {
		size, shown int
		from, to    events.Index // asked about
		err         error
	}{{300, 300, 0, 299, nil}, {700, 300, 300, 400, refused}, {700, 300, 300, 400, refused}, {700, 700, 300, 699, nil}} {
		asked = nil
		if step.err == nil {
			limit += 300
		} else {
			limit = 400
		}
		if err := m.Extend(t.Context(), signedAt(t, entries, step.size, signer)); !errors.Is(err, step.err) {
			t.Fatalf("%+v: %v", step, err)
		}
		m.shows(t, step.shown)
		if len(asked) != int(step.to-step.from)+1 || asked[0] != step.from || asked[len(asked)-1] != step.to {
			t.Errorf("%+v: asked about %d entries, %d to %d", step, len(asked), asked[0], asked[len(asked)-1])
		}
	}
	if _, err := os.Stat(cfg.Dir + ".lock"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock is not where it was to be: %v", err)
	}
}

// TestMirrorRenews: at the same size it shows the cosignatures that are shown to it, also
// after a start.
func TestMirrorRenews(t *testing.T) {
	entries := testEntries(t, 10)
	dir := t.TempDir()
	m := openMirror(t, dir, newHistory(entries...))
	first := signedAt(t, entries, 10, logKey(t).Signer)
	second := cosignedNote(t, first)
	for _, msg := range [][]byte{first, second, signedAt(t, entries, 9, logKey(t).Signer)} {
		if err := m.Extend(t.Context(), msg); err != nil {
			t.Fatal(err)
		}
		m.shows(t, 10)
	}
	if _, msg := m.Checkpoint(); !bytes.Equal(msg, second) {
		t.Fatalf("it shows %q", msg)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if _, msg := openMirror(t, dir, newHistory(entries...)).Checkpoint(); !bytes.Equal(msg, second) {
		t.Fatalf("after a start it shows %q", msg)
	}
}
