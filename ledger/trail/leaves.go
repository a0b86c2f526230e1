package trail

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// LeafFile is the journal of leaves as a file, with the methods of a
// [ledger.Journal]: a message is the text of a leaf. Each has a line of one width, so
// that any is found at once, however many there are:
//
//	line = 20digit " " 20digit " " b64(root) " " b64(tags) " " b64(labels) "\n"
//
// The first number is the leaf's position in the index log, the second the size of
// the ledger. A crash leaves a part of a line at the end, which opening cuts off: what
// is not whole was not integrated.
type LeafFile struct {
	mu   sync.Mutex
	file *os.File
	last events.Seq
	step step
}

// lineWidth is the bytes of a line.
const lineWidth = 2*21 + 3*45

func line(i events.Index, l proof.IndexLeaf) []byte {
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, "%020d %020d %s %s %s\n", i, l.Size, b64(l.Root[:]), b64(l.Tags[:]), b64(l.Labels[:]))
}

// parseLine reads what line writes for position i.
func parseLine(i events.Index, b []byte) (l proof.IndexLeaf, err error) {
	var at events.Index
	var hashes [3]string
	_, err = fmt.Sscanf(string(b), "%020d %020d %44s %44s %44s\n", &at, &l.Size, &hashes[0], &hashes[1], &hashes[2])
	for n, to := range []*proof.Hash{&l.Root, &l.Tags, &l.Labels} {
		if raw, bad := base64.StdEncoding.DecodeString(hashes[n]); bad == nil && len(raw) == len(to) {
			copy(to[:], raw)
		}
	}
	if err != nil || at != i || string(line(i, l)) != string(b) {
		return l, fmt.Errorf("line %d is not one of leaf %d", i+1, i)
	}
	return l, nil
}

// OpenLeaves opens or makes the file at path. One process at a time may: whoever
// holds the ledger's journal.
func OpenLeaves(path string) (*LeafFile, error) { return openLeaves(path, nil) }

func openLeaves(path string, s step) (*LeafFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("opening the journal of leaves: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the journal of leaves: %w", err)
	}
	l := &LeafFile{file: f, step: s}
	if err := l.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the journal of leaves %s: %w", path, err), f.Close())
	}
	return l, nil
}

// recover cuts off what a crash left, and makes the last line durable once more: it
// may have been written and not synced.
func (l *LeafFile) recover() error {
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	l.last = events.Seq(info.Size() / lineWidth)
	var b []byte
	for torn := true; torn && l.last > 0; {
		if b, err = l.line(l.last); err != nil {
			return err
		}
		if _, err = parseLine(l.last.Index(), b); err == nil {
			torn = false
		} else if !zeroed(b) {
			return err
		} else {
			l.last--
		}
	}
	if err := l.file.Truncate(int64(l.last) * lineWidth); err != nil {
		return err
	}
	if l.last > 0 {
		if _, err := l.file.WriteAt(b, int64(l.last-1)*lineWidth); err != nil {
			return err
		}
	}
	dir, err := os.Open(filepath.Dir(l.file.Name()))
	if err != nil {
		return err
	}
	return errors.Join(l.file.Sync(), dir.Sync(), dir.Close())
}

// zeroed says that a line has a zero byte: the file grew and its content did not
// arrive.
func zeroed(b []byte) bool {
	for _, c := range b {
		if c == 0 {
			return true
		}
	}
	return false
}

func (l *LeafFile) line(seq events.Seq) ([]byte, error) {
	b := make([]byte, lineWidth)
	_, err := l.file.ReadAt(b, int64(seq-1)*lineWidth)
	return b, err
}

// Last is how many leaves there are.
func (l *LeafFile) Last() events.Seq {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// Read returns the text of leaf seq−1.
func (l *LeafFile) Read(_ context.Context, seq events.Seq) ([]byte, error) {
	if seq == 0 || seq > l.Last() {
		return nil, fmt.Errorf("reading leaf %d: %w", seq, fs.ErrNotExist)
	}
	b, err := l.line(seq)
	if err != nil {
		return nil, fmt.Errorf("reading leaf %d: %w", seq.Index(), err)
	}
	leaf, err := parseLine(seq.Index(), b)
	if err != nil {
		return nil, fmt.Errorf("reading the journal of leaves: %w", err)
	}
	return []byte(leaf.Text()), nil
}

// Append stores texts of leaves behind Last, durably. After an error nobody knows
// whether they are stored, except by opening the file again.
func (l *LeafFile) Append(_ context.Context, texts [][]byte) (events.Seq, error) {
	first := l.Last() + 1
	var b []byte
	for n, text := range texts {
		leaf, err := proof.ParseIndexLeaf(string(text))
		if err != nil {
			return 0, fmt.Errorf("journalling leaf %d: %w", int(first.Index())+n, err)
		}
		b = append(b, line(first.Index()+events.Index(n), leaf)...)
	}
	err := l.step.run("write leaf", func() error {
		_, err := l.file.WriteAt(b, int64(first-1)*lineWidth)
		return err
	})
	if err == nil {
		err = l.step.run("sync leaf", l.file.Sync)
	}
	if err != nil {
		return 0, fmt.Errorf("journalling leaf %d: %w", first.Index(), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last += events.Seq(len(texts))
	return first, nil
}

// Close closes the file. Closing again does nothing.
func (l *LeafFile) Close() error {
	if err := l.file.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return fmt.Errorf("closing the journal of leaves: %w", err)
	}
	return nil
}

// ReadLeaves yields the leaves of the file at path, as the messages of a history,
// and changes nothing. What a crash left at its end is left out; a file that is not
// there has none.
func ReadLeaves(path string) iter.Seq2[events.Stored, error] {
	return func(yield func(events.Stored, error) bool) {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(events.Stored{}, err)
			return
		}
		defer f.Close()
		for seq := events.Seq(1); ; seq++ {
			b := make([]byte, lineWidth)
			n, err := f.ReadAt(b, int64(seq-1)*lineWidth)
			if errors.Is(err, io.EOF) && (n < lineWidth || zeroed(b)) {
				return
			}
			leaf, bad := parseLine(seq.Index(), b)
			if bad != nil && zeroed(b) {
				return
			}
			if !yield(events.Stored{Seq: seq, Data: []byte(leaf.Text())}, bad) || bad != nil {
				return
			}
		}
	}
}

// history is a journal of leaves as an anchor reads it.
type history struct {
	ledger.Journal
	mu    sync.Mutex
	moved chan struct{}
}

func (h *history) append(ctx context.Context, texts [][]byte) error {
	if _, err := h.Append(ctx, texts); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.moved)
	h.moved = make(chan struct{})
	return nil
}

// Wait returns Last as soon as it is above after.
func (h *history) Wait(ctx context.Context, after events.Seq) (events.Seq, error) {
	for {
		h.mu.Lock()
		moved := h.moved
		h.mu.Unlock()
		if last := h.Last(); last > after {
			return last, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return 0, fmt.Errorf("waiting for a leaf: %w", context.Cause(ctx))
		}
	}
}

// Replay yields the leaves from … to.
func (h *history) Replay(ctx context.Context, from, to events.Seq) iter.Seq2[events.Stored, error] {
	return func(yield func(events.Stored, error) bool) {
		for seq := from; seq <= to; seq++ {
			b, err := h.Read(ctx, seq)
			if !yield(events.Stored{Seq: seq, Data: b}, err) || err != nil {
				return
			}
		}
	}
}

// checkLeaf returns nil if entry may stand in an index log.
func checkLeaf(_ events.Index, entry []byte) error {
	_, err := proof.ParseIndexLeaf(string(entry))
	return err
}

// Leaves is how the log of an index is audited and checked by itself, with the index
// key.
func Leaves(key note.Verifier) *ledger.Leaves {
	return &ledger.Leaves{Key: key, Check: checkLeaf}
}
