package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

// row is a journal elsewhere, as one process sees it; several may share lines.
type row struct {
	shared *rowLines
	last   events.Seq
}

type rowLines struct {
	mu    sync.Mutex
	lines [][]byte
}

func (s *rowLines) open() *row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &row{s, events.Seq(len(s.lines))}
}

var errBehind = errors.New("somebody else has appended")

func (r *row) Last() events.Seq { return r.last }

func (r *row) Read(_ context.Context, seq events.Seq) ([]byte, error) {
	r.shared.mu.Lock()
	defer r.shared.mu.Unlock()
	if seq == 0 || int(seq) > len(r.shared.lines) {
		return nil, fmt.Errorf("no message %d", seq)
	}
	return r.shared.lines[seq-1], nil
}

func (r *row) Append(_ context.Context, messages [][]byte) (events.Seq, error) {
	r.shared.mu.Lock()
	defer r.shared.mu.Unlock()
	if int(r.last) != len(r.shared.lines) {
		return 0, errBehind
	}
	r.shared.lines = append(r.shared.lines, messages...)
	r.last += events.Seq(len(messages))
	return r.last, nil
}

// TestJournalElsewhere: killed at every step, the log goes on from the journal
// elsewhere, and for each size there is one line.
func TestJournalElsewhere(t *testing.T) {
	entries := testEntries(t, 259)
	want := files(t, forge(t, entries))
	names := map[string]bool{}
	for _, done := range []bool{false, true} {
		for n := 1; ; n++ {
			f := &fault{n: n, done: done}
			dir, lines, l := t.TempDir(), &rowLines{}, &memLog{}
			for _, size := range []int{3, 259} {
				cfg := testConfig(t, dir, newHistory(entries[:size]...), l)
				cfg.step, cfg.Elsewhere = f.step, lines.open()
				err := anchorTo(t, cfg, events.Size(size))
				if err != nil && !errors.Is(err, errKilled) {
					t.Fatalf("%d: %v", n, err)
				}
				if err != nil {
					cfg.step, cfg.Elsewhere = nil, lines.open()
					if err := anchorTo(t, cfg, events.Size(size)); err != nil {
						t.Fatalf("after %q: %v", f.name, err)
					}
				}
			}
			if f.seen < n {
				break
			}
			names[f.name] = true
			if !maps.Equal(files(t, filepath.Join(dir, "public")), want) {
				t.Fatalf("at %q: the public directory differs", f.name)
			}
			if _, err := os.Stat(filepath.Join(dir, "journal")); err == nil || len(lines.lines) != 2 {
				t.Fatalf("at %q: %d lines, %v", f.name, len(lines.lines), err)
			}
		}
	}
	for _, name := range []string{"publish journal", "write checkpoint", "rename checkpoint", "sync checkpoint", "sync tiles"} {
		if !names[name] {
			t.Errorf("never killed at %q", name)
		}
	}
}

// TestJournalElsewhereRefuses: two processes, a journal that was lost, and one
// that holds something else.
func TestJournalElsewhereRefuses(t *testing.T) {
	entries := testEntries(t, 20)
	dir, lines := t.TempDir(), &rowLines{}
	open := func(n int, at Journal) Config {
		cfg := testConfig(t, dir, newHistory(entries[:n]...), &memLog{})
		cfg.Elsewhere = at
		return cfg
	}
	if err := anchorTo(t, open(9, lines.open()), 9); err != nil {
		t.Fatal(err)
	}
	behind := lines.open()
	if err := anchorTo(t, open(12, lines.open()), 12); err != nil {
		t.Fatal(err)
	}
	restored := t.TempDir()
	cfg := testConfig(t, restored, newHistory(entries[:15]...), &memLog{})
	cfg.Elsewhere = behind // it knows 9, and its tiles are made again
	if err := anchorTo(t, cfg, 15); !errors.Is(err, errBehind) {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), open(12, (&rowLines{}).open()))
	wantError(t, err, "the published checkpoint has size 12, the journal")
	_, err = Open(t.Context(), open(11, lines.open()))
	wantError(t, err, "the history ends at message 11, and a checkpoint of size 12 is signed")
	lines.lines = append(lines.lines, []byte("noise"))
	_, err = Open(t.Context(), open(12, lines.open()))
	wantError(t, err, "reading the journal: message 3: it is not a size")
}
