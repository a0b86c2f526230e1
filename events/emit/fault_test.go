package emit

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var errKilled = errors.New("killed")

// fault kills the process at its n-th step; done says that the step reached
// the disk. A dead process does nothing more.
type fault struct {
	n, seen int
	done    bool
	name    string
}

func (f *fault) step(name string, do func() error) error {
	f.seen++
	if strings.HasPrefix(name, "sync ") { // which says nothing of a process that is killed
		do = func() error { return nil }
	}
	switch {
	case f.seen < f.n:
		return do()
	case f.seen == f.n:
		f.name = name
		if f.done {
			return errors.Join(errKilled, do())
		}
	}
	return errKilled
}

// service emits 12 events, two at a time, of which the fifth is refused; it
// emits again what was not acknowledged, as one with ids does.
type service struct{ kept int }

func (s *service) run(t *testing.T, l *TestLedger, c Config) error {
	e, err := c.Open()
	if err != nil {
		return err
	}
	defer e.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for s.kept < 12 {
		if s.kept == 8 { // the rest comes while it sends
			if err := s.flush(ctx, e); err != nil {
				return err
			}
		}
		a, b := access(s.kept), access(s.kept+1)
		if s.kept == 4 {
			a.Source = "other"
		}
		if err := e.Emit(ctx, a, b); err != nil {
			return err
		}
		s.kept += 2
	}
	return s.flush(ctx, e)
}

// flush sends all there is, without a sender beside it, so that steps come in
// one order.
func (s *service) flush(ctx context.Context, e *Emitter) error {
	for e.State().Waiting > 0 {
		batch, end, err := e.next(ctx, 3)
		if err != nil {
			return err
		}
		a, _, err := e.attempt(ctx, batch)
		if err == nil {
			err = e.record(batch, end, a)
		}
		if err != nil {
			e.report(err)
			return err
		}
	}
	return nil
}

// TestFaults kills the emitter at every thing it does to the disk, and again
// at one it does when it comes back.
func TestFaults(t *testing.T) {
	names := map[string]bool{}
	for _, mode := range []string{"failed", "persisted", "spoiled"} {
		for n := 1; ; n++ {
			f := &fault{n: n, done: mode != "failed"}
			l, dir, s := NewTestLedger(), t.TempDir(), &service{}
			c := Config{Dir: dir, URL: l.URL, Token: "token", segment: 500, step: f.step}
			err := s.run(t, l, c)
			if err != nil && !errors.Is(err, errKilled) {
				t.Fatalf("%s %d %q: %v", mode, n, f.name, err)
			}
			if err != nil {
				if mode == "spoiled" {
					spoil(t, dir)
				}
				c.step = (&fault{n: 1 + n%7, done: n%2 == 0}).step
				if err := s.run(t, l, c); err != nil && !errors.Is(err, errKilled) {
					t.Fatalf("%s %d %q, again: %v", mode, n, f.name, err)
				}
				c.step = nil
				if err := s.run(t, l, c); err != nil {
					t.Fatalf("%s %d %q, at last: %v", mode, n, f.name, err)
				}
			}
			s.judge(t, l, dir, f.name)
			l.Close()
			if f.seen < n {
				break
			}
			names[f.name] = true
		}
	}
	for _, name := range []string{
		"write outbox", "sync outbox", "write receipts", "sync receipts", "write refused",
		"sync refused", "create segment", "sync directory", "remove segment",
	} {
		if !names[name] {
			t.Errorf("never killed at %q", name)
		}
	}
}

// spoil leaves what a power loss may: tails that were never durable.
func spoil(t *testing.T, dir string) {
	t.Helper()
	segs, _ := filepath.Glob(filepath.Join(dir, segmentPrefix+"*"))
	paths := []string{filepath.Join(dir, "receipts"), filepath.Join(dir, "refused")}
	if len(segs) > 0 {
		paths = append(paths, segs[len(segs)-1])
	}
	for _, path := range paths {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = f.WriteString("\x00\x00\n0123abcd {\"through\":99}\n01")
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// judge holds that every event was taken once and in order, that the one
// refused is aside once, and that each promise is kept here and there.
func (s *service) judge(t *testing.T, l *TestLedger, dir, name string) {
	t.Helper()
	want := slices.Delete(ids(0, 12), 4, 5)
	if !slices.Equal(l.got(), want) {
		t.Errorf("%q: the ledger has %v", name, l.got())
	}
	e := openAt(t, Config{Dir: dir, URL: l.URL})
	defer e.Close()
	if st := e.State(); st.Waiting != 0 || st.Bytes != 0 || len(e.segs) != 1 || e.segs[0].size != 0 {
		t.Errorf("%q: %+v waits, in %v", name, st, e.segs)
	}
	r, err := e.CheckReceipts(t.Context(), l.Key)
	if err != nil || r.Kept < 11 || r.Kept > 15 || len(r.Broken)+len(r.Unsigned)+r.Pending+r.Damaged > 0 {
		t.Errorf("%q: %+v, %v", name, r, err)
	}
	seen := map[uint64]bool{}
	for _, line := range payloads(t, filepath.Join(dir, "refused")) {
		var r Refused
		if err := json.Unmarshal([]byte(line), &r); err != nil || seen[r.Number] || r.Status != 403 {
			t.Errorf("%q: aside is %s", name, line)
		}
		seen[r.Number] = true
	}
	if len(seen) == 0 || len(seen) > 3 { // more than once when it was emitted again after a kill
		t.Errorf("%q: %d events are aside", name, len(seen))
	}
}

// TestDamageIsNotPassedOver: what was durable and is not readable is an error,
// while it is not answered.
func TestDamageIsNotPassedOver(t *testing.T) {
	dir := t.TempDir()
	e := openAt(t, Config{Dir: dir, segment: 1})
	emitAll(t, e, access(0))
	emitAll(t, e, access(1))
	e.Close()
	path := segmentPath(dir, 1)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[20] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Config{Dir: dir}).Open(); !errors.Is(err, errDamaged) {
		t.Errorf("opened a damaged outbox: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{segmentPath(dir, 7), filepath.Join(dir, segmentPrefix+"x")} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (Config{Dir: dir}).Open(); err == nil {
			t.Errorf("opened an outbox with %s", name)
		}
		os.Remove(name)
	}
}

// TestReceiptsMayBeTakenAway: the count goes on, and nothing is sent again.
func TestReceiptsMayBeTakenAway(t *testing.T) {
	l, dir := startLedger(t), t.TempDir()
	for n := range 3 {
		e := openAt(t, Config{Dir: dir, URL: l.URL})
		emitAll(t, e, access(n))
		started(t, e)
		flush(t, e)
		e.Close()
		if err := os.Rename(filepath.Join(dir, "receipts"), filepath.Join(dir, "old")); err != nil {
			t.Fatal(err)
		}
	}
	if l.requests != 3 || !slices.Equal(l.got(), ids(0, 3)) {
		t.Errorf("%d requests, %v", l.requests, l.got())
	}
}

// FuzzLines: what is written is read back, and any bytes are lines or damage,
// in bounded steps.
func FuzzLines(f *testing.F) {
	f.Add([]byte("{}"), []byte("x"))
	f.Add([]byte{}, appendLine(nil, []byte(`{"through":1}`)))
	f.Add([]byte("00000000 \n"), []byte("\n\n0"))
	f.Fuzz(func(t *testing.T, payload, noise []byte) {
		path := filepath.Join(t.TempDir(), "f")
		payload = append([]byte("p"), slices.DeleteFunc(payload, func(b byte) bool { return b == '\n' })...)
		text := append(appendLine(nil, payload), noise...)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		first, err := os.ReadFile(path)
		if err != nil || len(first) == 0 {
			t.Fatal(err)
		}
		s, err := readSegment(path, 1, true)
		if err != nil || s.count < 1 {
			t.Fatalf("%+v: %v", s, err)
		}
		batch, end, err := s.read(0, 1<<20)
		if err != nil || end != s.size || uint64(len(batch)) != s.count || string(batch[0]) != string(payload) {
			t.Fatalf("%+v: %q, %v", s, batch, err)
		}
		var again []byte // one form of each line
		for _, p := range batch {
			again = appendLine(again, p)
		}
		if string(again) != string(text[:s.size]) {
			t.Fatalf("%q is read as %q", text[:s.size], again)
		}
	})
}
