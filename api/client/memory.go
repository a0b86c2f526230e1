package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

const (
	memoryFormat = "daybook/context@1"

	// maxMemory bounds a memory, in bytes: keys, a policy and two notes.
	maxMemory = 256 << 10
)

// Memory is what is remembered of a ledger from one use to the next: who it is, and
// how far it had come.
type Memory struct {
	URL     string // where it answers, without a slash at the end
	Log     string // verifier keys, the log's from elsewhere, the others as entry 0 names them
	Index   string
	Receipt string
	Policy  proof.Policy // whose cosignatures its checkpoints need; without logs and addresses
	// Seen is the last checkpoint of the ledger that was accepted, a signed note, and
	// SeenIndex that of its index log, nil for none.
	Seen, SeenIndex []byte
}

// Origin is the name of the ledger.
func (m Memory) Origin() string { name, _, _ := strings.Cut(m.Log, "+"); return name }

// LogKey is the key of the log. It is nil of a Memory that was not read or begun.
func (m Memory) LogKey() note.Verifier { v, _ := proof.ParseVerifierKey(m.Log); return v }

// IndexKey is the key of the index log, likewise.
func (m Memory) IndexKey() note.Verifier { v, _ := proof.ParseVerifierKey(m.Index); return v }

// ReceiptKey is the key that signs receipts, likewise.
func (m Memory) ReceiptKey() note.Verifier { v, _ := proof.ParseVerifierKey(m.Receipt); return v }

// Checkpoint is the last one that was accepted.
func (m Memory) Checkpoint() proof.Checkpoint {
	c, _ := proof.OpenCheckpoint(m.Seen, m.LogKey()) // verified when it was read
	return c
}

// Format writes m as a file. It does not check m: [ParseMemory] refuses the file of
// one that is not well-formed.
func (m Memory) Format() []byte {
	out := fmt.Appendf(nil, "%s\nurl %s\nlog %s\nindex %s\nreceipt %s\n\n%s\n%s", memoryFormat, m.URL, m.Log, m.Index, m.Receipt, m.Policy.Text(), m.Seen)
	if m.SeenIndex != nil {
		out = append(append(out, '\n'), m.SeenIndex...)
	}
	return out
}

// IsMemory says that b begins as a memory does, of whatever version.
func IsMemory(b []byte) bool { return bytes.HasPrefix(b, []byte("daybook/context@")) }

// ParseMemory reads what Format writes and nothing else. Both checkpoints must be
// signed by the keys beside them.
func ParseMemory(b []byte) (Memory, error) {
	m, err := parseMemory(b)
	if err == nil && !bytes.Equal(m.Format(), b) {
		err = errors.New("not in its canonical form")
	}
	if err != nil {
		return Memory{}, fmt.Errorf("reading what is remembered of a ledger: %w", err)
	}
	return m, nil
}

func parseMemory(b []byte) (m Memory, err error) {
	if len(b) > maxMemory {
		return m, fmt.Errorf("%d bytes, more than %d", len(b), maxMemory)
	}
	parts := strings.SplitN(string(b), "\n\n", 3)
	if len(parts) < 3 {
		return m, errors.New("it has no policy, or no checkpoint")
	}
	if err := m.parseHead(strings.Split(parts[0], "\n")); err != nil {
		return m, err
	}
	if m.Policy, err = proof.ParsePolicy([]byte(parts[1] + "\n")); err != nil {
		return m, err
	}
	m.Seen = []byte(parts[2])
	// The text of a note ends with an empty line, and so do its signatures when
	// another note follows.
	if notes := strings.SplitN(parts[2], "\n\n", 3); len(notes) == 3 {
		m.Seen, m.SeenIndex = []byte(notes[0]+"\n\n"+notes[1]+"\n"), []byte(notes[2])
	}
	if _, err := proof.OpenCheckpoint(m.Seen, m.LogKey()); err != nil {
		return m, err
	}
	if m.SeenIndex != nil {
		_, err = proof.OpenCheckpoint(m.SeenIndex, m.IndexKey())
	}
	return m, err
}

func (m *Memory) parseHead(lines []string) error {
	if len(lines) != 5 || lines[0] != memoryFormat {
		return errors.New("it is not " + memoryFormat)
	}
	for i, field := range []struct {
		name string
		into *string
	}{{"url ", &m.URL}, {"log ", &m.Log}, {"index ", &m.Index}, {"receipt ", &m.Receipt}} {
		value, ok := strings.CutPrefix(lines[1+i], field.name)
		if !ok {
			return fmt.Errorf("something else stands where %sis expected", field.name)
		}
		*field.into = value
	}
	return m.checkHead()
}

// checkHead says whether the address is one, and the keys are of one ledger.
func (m *Memory) checkHead() error {
	c, err := New(m.URL, nil)
	if err == nil && c.base.String() != m.URL {
		err = fmt.Errorf("reading the address of the ledger: %q is %s in its one form", m.URL, c.base)
	}
	if err != nil {
		return err
	}
	for vkey, name := range map[string]string{m.Log: m.Origin(), m.Index: proof.IndexKeyName(m.Origin()), m.Receipt: proof.ReceiptKeyName(m.Origin())} {
		v, err := proof.ParseVerifierKey(vkey)
		if err == nil && v.Name() != name {
			err = fmt.Errorf("the key %s is where that of %s belongs", v.Name(), name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Remember begins to remember the ledger that source shows, which answers at address:
// that whose key is vkey, and whose checkpoints have the cosignatures that the policy
// asks for. The other keys are those that its entry 0 names.
func Remember(ctx context.Context, address string, source ledger.Source, vkey string, policy proof.Policy) (Memory, error) {
	m, err := remember(ctx, address, source, vkey, policy)
	if err != nil {
		return Memory{}, fmt.Errorf("remembering the ledger: %w", err)
	}
	return m, nil
}

func remember(ctx context.Context, address string, source ledger.Source, vkey string, policy proof.Policy) (m Memory, err error) {
	v, err := proof.ParseVerifierKey(vkey)
	if err != nil {
		return m, err
	}
	log, err := OpenPublished(ctx, source, v, policy)
	if err != nil {
		return m, err
	}
	opened, err := log.Opened(ctx, vkey)
	if err != nil {
		return m, err
	}
	policy.Logs = nil // it accepted this one
	m = Memory{strings.TrimRight(address, "/"), vkey, opened.Text("keys.index"), opened.Text("keys.receipt"), policy, log.Note, nil}
	if err := m.checkHead(); err != nil {
		return m, err
	}
	if m.SeenIndex, err = m.index(ctx, source); err != nil {
		return m, err
	}
	if m.SeenIndex != nil {
		if _, _, err := policy.Check(m.SeenIndex, m.IndexKey()); err != nil {
			return m, fmt.Errorf("the index: %w", err)
		}
	}
	return ParseMemory(m.Format())
}

// index reads the checkpoint of the index log, nil when there is none.
func (m *Memory) index(ctx context.Context, source ledger.Source) ([]byte, error) {
	msg, err := source.Read(ctx, ledger.IndexPath+"/checkpoint")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return msg, err
}

// Meet holds what source shows now against what is remembered, and then remembers
// that. A *[Misbehaviour] says that the ledger does not go on from where it was; a
// *proof.QuorumError, that too few have cosigned what it shows. With an error nothing
// that is remembered changes.
func (m *Memory) Meet(ctx context.Context, source ledger.Source) error {
	now := *m
	msg, err := source.Read(ctx, "checkpoint")
	if err == nil {
		err = now.see(ctx, &now.Seen, msg, m.LogKey(), source)
	}
	if err != nil {
		return fmt.Errorf("comparing the ledger with what is remembered: %w", err)
	}
	msg, err = m.index(ctx, source)
	switch {
	case err == nil && msg != nil:
		err = now.see(ctx, &now.SeenIndex, msg, m.IndexKey(), indexFiles{source})
	case err == nil && m.SeenIndex != nil:
		err = &Misbehaviour{Said: "the index of the ledger was there before, and is not shown any more", Notes: [][]byte{m.SeenIndex}}
	}
	if err != nil {
		return fmt.Errorf("comparing the index with what is remembered: %w", err)
	}
	*m = now
	return nil
}

// indexFiles are the files of the index log, within those of the ledger.
type indexFiles struct{ ledger.Source }

func (f indexFiles) Read(ctx context.Context, path string) ([]byte, error) {
	return f.Source.Read(ctx, ledger.IndexPath+"/"+path)
}

// see compares a checkpoint with the one at seen, which it replaces if it is accepted.
func (m *Memory) see(ctx context.Context, seen *[]byte, msg []byte, v note.Verifier, source ledger.Source) error {
	if _, err := proof.OpenCheckpoint(msg, v); err != nil {
		return &Misbehaviour{Said: "what is shown is not signed by the key that is remembered", Reason: err}
	}
	if err := compare(ctx, *seen, msg, v, source); err != nil {
		return err
	}
	if _, _, err := m.Policy.Check(msg, v); err != nil {
		return err
	}
	*seen = msg
	return nil
}

// compare is ledger.Compare, which tells of a misbehaviour as an error.
func compare(ctx context.Context, before, now []byte, v note.Verifier, source ledger.Source) error {
	found, err := ledger.Compare(ctx, before, now, v, source)
	var wrong *ledger.AuditError
	switch {
	case found != nil:
		c, err := found.Verify(v)
		if err != nil {
			return err
		}
		return &Misbehaviour{Said: c.Says, Evidence: found, Notes: found.Notes}
	case errors.As(err, &wrong):
		return &Misbehaviour{Said: "the tiles shown are not those of the log that is signed", Reason: err, Notes: [][]byte{before, now}}
	case errors.Is(err, ledger.ErrRollback):
		was, _ := proof.OpenCheckpoint(before, v)
		is, _ := proof.OpenCheckpoint(now, v)
		said := fmt.Sprintf("%s had %d entries, as you saw before, and is shown with %d", v.Name(), was.Size, is.Size)
		return &Misbehaviour{Said: said, Notes: [][]byte{before, now}}
	}
	return err
}

// Hold holds a checkpoint from anywhere against what is remembered, as far as that needs
// no ledger that answers: of the size that is remembered it must have the same root. A
// *[Misbehaviour] says that it has not.
func (m *Memory) Hold(msg []byte) error {
	seen, v := m.Seen, m.LogKey()
	if m.ofIndex(msg) {
		seen, v = m.SeenIndex, m.IndexKey()
	}
	if seen == nil {
		return nil
	}
	fork, err := proof.CompareCheckpoints(seen, msg, v)
	if err != nil {
		return fmt.Errorf("holding a checkpoint against what is remembered: %w", err)
	}
	if fork == nil {
		return nil
	}
	e := fork.Evidence()
	shown, err := e.Verify(v)
	if err != nil {
		return fmt.Errorf("holding a checkpoint against what is remembered: %w", err)
	}
	return &Misbehaviour{Said: shown.Says, Evidence: &e, Notes: e.Notes}
}

// ofIndex says that a checkpoint is one of the index log, by its first line.
func (m *Memory) ofIndex(msg []byte) bool {
	return bytes.HasPrefix(msg, []byte(proof.IndexKeyName(m.Origin())+"\n"))
}

// See holds a checkpoint from anywhere, as from a file, against what is remembered:
// one of the log, or of its index log. Older says that it is of a beginning of what is
// remembered; a larger one is remembered when it has the cosignatures it needs.
// Source has the files of the ledger now.
func (m *Memory) See(ctx context.Context, source ledger.Source, msg []byte) (older bool, err error) {
	if err := m.anyOf(ctx, source, msg, &older); err != nil {
		return false, fmt.Errorf("comparing a checkpoint with what is remembered: %w", err)
	}
	return older, nil
}

func (m *Memory) anyOf(ctx context.Context, source ledger.Source, msg []byte, older *bool) error {
	seen, v, files := &m.Seen, m.LogKey(), source
	if m.ofIndex(msg) {
		seen, v, files = &m.SeenIndex, m.IndexKey(), indexFiles{source}
	}
	_, err := ledger.Compare(ctx, *seen, msg, v, files)
	if errors.Is(err, ledger.ErrRollback) && !errors.Is(err, ledger.ErrIncomplete) {
		*older = true
		return nil
	}
	if errors.Is(err, ledger.ErrRollback) { // what it takes to tell was not there
		return err
	}
	return m.see(ctx, seen, msg, v, files)
}
