package client_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

const address = "https://town.example"

// met is a memory of a village of so many entries, and the village grown since.
func met(t testing.TB) (client.Memory, *town) {
	c := village(t)
	m, err := client.Remember(t.Context(), address+"/", c, c.log.vkey, proof.NoPolicy())
	check(t, err)
	return m, c
}

// grow adds entries about nobody who was there before, and a leaf.
func (c *town) grow(n int) *town {
	for range n {
		c.use(event{life{"guest", 1, 1}, uint64(c.log.shown)})
	}
	c.publish()
	return c
}

func TestRememberPinsTheKeys(t *testing.T) {
	m, c := met(t)
	opened, err := events.ParseEntry(c.log.entries[0])
	check(t, err)
	if m.URL != address || m.Log != c.log.vkey || m.Index != opened.Text("keys.index") || m.Receipt != opened.Text("keys.receipt") ||
		m.Origin() != origin || m.Checkpoint() != c.log.checkpoint() || !bytes.Equal(m.SeenIndex, c.index.note()) {
		t.Errorf("remembered is\n%s", m.Format())
	}
	got, err := client.ParseMemory(m.Format())
	if err != nil || !bytes.Equal(got.Format(), m.Format()) {
		t.Errorf("read again: %v", err)
	}
	other := newLog(t, "other.example/log")
	for what, begin := range map[string]func() (client.Memory, error){
		"another key": func() (client.Memory, error) {
			return client.Remember(t.Context(), address, c, other.vkey, proof.NoPolicy())
		},
		"no key": func() (client.Memory, error) { return client.Remember(t.Context(), address, c, "", proof.NoPolicy()) },
		"no address": func() (client.Memory, error) {
			return client.Remember(t.Context(), "town", c, c.log.vkey, proof.NoPolicy())
		},
		"wrong entry": func() (client.Memory, error) {
			return client.Remember(t.Context(), address, spoiled{c, "tile/entries"}, c.log.vkey, proof.NoPolicy())
		},
		"wrong tile": func() (client.Memory, error) {
			return client.Remember(t.Context(), address, spoiled{c, "tile/0"}, c.log.vkey, proof.NoPolicy())
		},
		"wrong index": func() (client.Memory, error) {
			return client.Remember(t.Context(), address, spoiled{c, "index/checkpoint"}, c.log.vkey, proof.NoPolicy())
		},
		"no witnesses": func() (client.Memory, error) {
			return client.Remember(t.Context(), address, c, c.log.vkey, witnessed(t))
		},
	} {
		if m, err := begin(); err == nil {
			t.Errorf("%s: remembered as %s", what, m.Origin())
		}
	}
}

// spoiled changes a byte of what lies under a path.
type spoiled struct {
	ledger.Source
	path string
}

func (s spoiled) Read(ctx context.Context, path string) ([]byte, error) {
	b, err := s.Source.Read(ctx, path)
	if err == nil && strings.HasPrefix(path, s.path) {
		b = bytes.Clone(b)
		b[len(b)/2] ^= 1
	}
	return b, err
}

// witnessed is a policy of one witness.
func witnessed(t testing.TB) proof.Policy {
	secret, err := proof.GenerateCosigner("witness.example", proof.CosignerEd25519)
	check(t, err)
	s, err := proof.ParseCosignerSigner(secret)
	check(t, err)
	return proof.Policy{Witnesses: []proof.Witness{{Name: "w", Key: s.Cosigner}}, Quorum: "w"}
}

// gone shows nothing under a path.
type gone struct {
	ledger.Source
	path string
}

func (g gone) Read(ctx context.Context, path string) ([]byte, error) {
	if strings.HasPrefix(path, g.path) {
		return nil, fs.ErrNotExist
	}
	return g.Source.Read(ctx, path)
}

// mixed shows the ledger of one town and the index of another.
type mixed struct{ log, index ledger.Source }

func (m mixed) Read(ctx context.Context, path string) ([]byte, error) {
	if strings.HasPrefix(path, ledger.IndexPath+"/") {
		return m.index.Read(ctx, path)
	}
	return m.log.Read(ctx, path)
}

// TestMeet shows a memory every way in which a ledger can go on, and not.
func TestMeet(t *testing.T) {
	for name, test := range map[string]struct {
		shows func(c *town) ledger.Source
		kind  string // of evidence
		says  string // "" goes on
	}{
		"the same":    {func(c *town) ledger.Source { return c }, "", ""},
		"more":        {func(c *town) ledger.Source { return c.grow(300) }, "", ""},
		"smaller":     {func(c *town) ledger.Source { c.log.shown--; return c }, "", "as you saw before, and is shown with"},
		"empty":       {func(c *town) ledger.Source { c.log.shown = 0; return c }, "", "as you saw before, and is shown with"},
		"fork":        {func(c *town) ledger.Source { return mixed{c.without(2), c} }, proof.EvidenceFork, "signed two different logs"},
		"other past":  {func(c *town) ledger.Source { return mixed{c.without(2).grow(300), c} }, proof.EvidenceInconsistent, "that begins otherwise"},
		"index back":  {func(c *town) ledger.Source { c.index.shown--; return c }, "", "as you saw before, and is shown with"},
		"index gone":  {func(c *town) ledger.Source { return gone{c, "index/"} }, "", "not shown any more"},
		"index fork":  {func(c *town) ledger.Source { d := c.without(2); d.grow(1); return mixed{c, d} }, proof.EvidenceFork, "signed two different logs"},
		"index past":  {func(c *town) ledger.Source { d := c.without(2); d.grow(1); d.grow(1); return mixed{c, d} }, proof.EvidenceInconsistent, "that begins otherwise"},
		"wrong tiles": {func(c *town) ledger.Source { return spoiled{c.grow(3), "tile/0"} }, "", "not those of the log that is signed"},
	} {
		t.Run(name, func(t *testing.T) {
			m, c := met(t)
			before := m.Format()
			source := test.shows(c)
			err := m.Meet(t.Context(), source)
			if test.says == "" {
				if err != nil || m.Checkpoint() != c.log.checkpoint() || !bytes.Equal(m.SeenIndex, c.index.note()) {
					t.Fatalf("remembered is %d, %v", m.Checkpoint().Size, err)
				}
				return
			}
			var bad *client.Misbehaviour
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("said is %v", err)
			}
			if !bytes.Equal(m.Format(), before) {
				t.Error("it is remembered all the same")
			}
			convicts(t, bad, test.kind, m)
		})
	}
}

// convicts holds evidence as a stranger does, from its file.
func convicts(t *testing.T, bad *client.Misbehaviour, kind string, m client.Memory) {
	t.Helper()
	if bad.Evidence == nil || kind == "" {
		if bad.Evidence != nil || kind != "" || len(bad.Notes) == 0 {
			t.Errorf("evidence is %v, want %q; %d notes", bad.Evidence, kind, len(bad.Notes))
		}
		return
	}
	e, err := proof.ParseEvidence(bad.Evidence.Format())
	check(t, err)
	key := m.LogKey()
	if bytes.HasPrefix(e.Notes[0], []byte(origin+"/index\n")) {
		key = m.IndexKey()
	}
	if shown, err := e.Verify(key); err != nil || shown.Kind != kind {
		t.Errorf("a stranger finds %+v, %v", shown, err)
	}
}

// TestMeetCannotTell: what could not be read is nobody's fault, and changes nothing.
func TestMeetCannotTell(t *testing.T) {
	for _, path := range []string{"checkpoint", "tile/0"} {
		m, c := met(t)
		before := m.Format()
		err := m.Meet(t.Context(), gone{c.grow(3), path})
		var bad *client.Misbehaviour
		if err == nil || errors.As(err, &bad) || !bytes.Equal(m.Format(), before) {
			t.Errorf("without %s: %v", path, err)
		}
	}
	m, c := met(t)
	m.Policy = witnessed(t)
	before := m.Format()
	var few *proof.QuorumError
	if err := m.Meet(t.Context(), c.grow(1)); !errors.As(err, &few) || !bytes.Equal(m.Format(), before) {
		t.Errorf("without a quorum: %v", err)
	}
	// A fork is one, whoever cosigned it.
	d := c.without(2)
	d.use(event{ann, 9})
	d.use(event{ann, 10})
	var bad *client.Misbehaviour
	if err := m.Meet(t.Context(), mixed{d, c}); !errors.As(err, &bad) || bad.Evidence == nil {
		t.Errorf("a fork without a quorum: %v", err)
	}
}

// TestSee holds checkpoints from files against what is remembered.
func TestSee(t *testing.T) {
	c := village(t)
	old, oldIndex := c.log.note(), c.index.note()
	other := c.without(2)
	c.grow(290)
	m, err := client.Remember(t.Context(), address, c, c.log.vkey, proof.NoPolicy())
	check(t, err)
	for what, msg := range map[string][]byte{"an old one": old, "an old one of the index": oldIndex} {
		if older, err := m.See(t.Context(), c, msg); err != nil || !older {
			t.Errorf("%s: %t, %v", what, older, err)
		}
	}
	if older, err := m.See(t.Context(), c, c.log.note()); err != nil || older {
		t.Errorf("the same: %t, %v", older, err)
	}
	c.grow(5)
	if older, err := m.See(t.Context(), c, c.log.note()); err != nil || older || m.Checkpoint() != c.log.checkpoint() {
		t.Errorf("a new one: %t, %v", older, err)
	}
	_, err = m.See(t.Context(), c, other.log.note())
	var bad *client.Misbehaviour
	if !errors.As(err, &bad) || bad.Evidence == nil || bad.Evidence.Kind != proof.EvidenceInconsistent {
		t.Errorf("an old one of another history: %v", err)
	}
	if _, err = m.See(t.Context(), gone{c, "tile"}, old); err == nil || errors.As(err, &bad) {
		t.Errorf("without tiles: %v", err)
	}
}

// TestHold finds a fork of the ledger, or of its index, without asking anybody.
func TestHold(t *testing.T) {
	m, c := met(t)
	other := c.without(2)
	old := *c
	old.log.shown--
	for what, msg := range map[string][]byte{
		"the same": c.log.note(), "the index": c.index.note(), "another size": old.log.note(),
	} {
		if err := m.Hold(msg); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	other.grow(1)
	for what, msg := range map[string][]byte{"the ledger": c.without(2).log.note(), "the index": other.index.note()} {
		var bad *client.Misbehaviour
		if err := m.Hold(msg); !errors.As(err, &bad) {
			t.Errorf("a fork of %s: %v", what, err)
			continue
		}
		convicts(t, bad, proof.EvidenceFork, m)
	}
	var bad *client.Misbehaviour
	stranger := newLog(t, "other.example/log")
	if err := m.Hold(stranger.note()); err == nil || errors.As(err, &bad) {
		t.Errorf("of another log: %v", err)
	}
	m.SeenIndex = nil
	if err := m.Hold(other.index.note()); err != nil {
		t.Errorf("of an index that was not seen: %v", err)
	}
}

func TestMemories(t *testing.T) {
	m, _ := met(t)
	s := client.Memories{Dir: filepath.Join(t.TempDir(), "a", "contexts")}
	if names, err := s.Names(); err != nil || len(names) != 0 {
		t.Errorf("names in nothing are %v, %v", names, err)
	}
	for _, bad := range []string{"", ".", "..", "../x", "a/b", "A", "-a", ".hidden", strings.Repeat("a", 65), "a b", "ä"} {
		if err := s.Add(t.Context(), bad, m); err == nil {
			t.Errorf("%q is a name", bad)
		}
		if _, err := s.Get(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	check(t, s.Add(t.Context(), "town", m))
	if err := s.Add(t.Context(), "town", m); err == nil {
		t.Error("a memory was written over")
	}
	if err := s.Add(t.Context(), "broken", client.Memory{URL: "x"}); err == nil {
		t.Error("what nobody could read was kept")
	}
	check(t, os.WriteFile(filepath.Join(s.Dir, ".new-1"), []byte("left by a crash"), 0o600))
	if names, err := s.Names(); err != nil || len(names) != 1 || names[0] != "town" {
		t.Errorf("names are %v, %v", names, err)
	}
	info, err := os.Stat(filepath.Join(s.Dir, "town.context"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := s.Use(t.Context(), "town", func(m *client.Memory) error { m.URL = "https://b.example"; return errors.New("no") }); err == nil {
		t.Error("an error was lost")
	}
	if got, err := s.Get("town"); err != nil || got.URL != address {
		t.Errorf("after an error: %s, %v", got.URL, err)
	}
	for _, err := range []error{s.Use(t.Context(), "none", nil), s.Remove(t.Context(), "none")} {
		if !errors.Is(err, client.ErrNoMemory) {
			t.Errorf("of none: %v", err)
		}
	}
	a, err := s.Keep("town", "evidence", []byte("x"))
	check(t, err)
	if b, err := s.Keep("town", "evidence", []byte("x")); err != nil || a != b {
		t.Errorf("kept twice: %s, %s, %v", a, b, err)
	}
	check(t, s.Remove(t.Context(), "town"))
	if _, err := s.Get("town"); !errors.Is(err, client.ErrNoMemory) {
		t.Errorf("removed, and %v", err)
	}
	if b, err := os.ReadFile(a); err != nil || string(b) != "x" {
		t.Errorf("the evidence went too: %v", err)
	}
}

// TestMemoryNeverGoesBack: many use one memory, and are shown states in any order.
func TestMemoryNeverGoesBack(t *testing.T) {
	m, c := met(t)
	s := client.Memories{Dir: t.TempDir()}
	check(t, s.Add(t.Context(), "town", m))
	var states []ledger.Source
	for range 12 {
		c.use(event{life{"guest", 1, 1}, uint64(c.log.shown)})
		state := *c
		state.log.entries, state.log.hashes = slices.Clone(c.log.entries), slices.Clone(c.log.hashes)
		states = append(states, &state)
	}
	largest := c.log.checkpoint().Size
	var all sync.WaitGroup
	for n := range 6 {
		all.Go(func() {
			for i := range states {
				var before, after events.Size
				err := s.Use(t.Context(), "town", func(m *client.Memory) error {
					before = m.Checkpoint().Size
					err := m.Meet(t.Context(), states[(5*i+7*n)%len(states)])
					after = m.Checkpoint().Size
					return err
				})
				var bad *client.Misbehaviour
				if err != nil && !errors.As(err, &bad) || after < before {
					t.Errorf("from %d to %d: %v", before, after, err)
				}
			}
		})
	}
	all.Wait()
	if got, err := s.Get("town"); err != nil || got.Checkpoint().Size != largest {
		t.Errorf("at last %d of %d, %v", got.Checkpoint().Size, largest, err)
	}
}

func TestMemoriesWait(t *testing.T) {
	m, _ := met(t)
	s := client.Memories{Dir: t.TempDir()}
	check(t, s.Add(t.Context(), "town", m))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := s.Use(t.Context(), "town", func(*client.Memory) error {
		return s.Use(ctx, "town", func(*client.Memory) error { return nil })
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("two used it at once: %v", err)
	}
}

// TestMemoryHasOneForm changes what a memory says in ways nobody would write.
func TestMemoryHasOneForm(t *testing.T) {
	m, _ := met(t)
	text := string(m.Format())
	other := newLog(t, "other.example/log")
	for what, file := range map[string]string{
		"nothing":               "",
		"another format":        strings.Replace(text, "context@1", "context@2", 1),
		"a slash at the end":    strings.Replace(text, address, address+"/", 1),
		"a name and a password": strings.Replace(text, "https://", "https://me@", 1),
		"another key":           strings.Replace(text, m.Log, other.vkey, 1),
		"two keys for one":      strings.Replace(text, m.Index, m.Log, 1),
		"a comment":             strings.Replace(text, "quorum none\n", "# nobody\nquorum none\n", 1),
		"no policy":             strings.Replace(text, "quorum none\n", "", 1),
		"another size":          strings.Replace(text, origin+"\n7\n", origin+"\n8\n", 1),
		"a line more":           text + "\n",
		"a note more":           text + "\n" + string(m.Seen),
		"the notes changed":     string(client.Memory{URL: m.URL, Log: m.Log, Index: m.Index, Receipt: m.Receipt, Policy: m.Policy, Seen: m.SeenIndex, SeenIndex: m.Seen}.Format()),
		"without a checkpoint":  text[:strings.Index(text, "quorum none")] + "quorum none\n",
		"too long":              text + strings.Repeat("x", 256<<10),
	} {
		if file == text {
			t.Errorf("%s changes nothing", what)
		}
		if _, err := client.ParseMemory([]byte(file)); err == nil {
			t.Errorf("%s is read", what)
		}
	}
	m.SeenIndex = nil
	if got, err := client.ParseMemory(m.Format()); err != nil || got.SeenIndex != nil {
		t.Errorf("without an index: %v", err)
	}
}

func FuzzParseMemory(f *testing.F) {
	m, _ := met(f)
	f.Add(m.Format())
	m.SeenIndex = nil
	f.Add(m.Format())
	f.Fuzz(func(t *testing.T, file []byte) {
		if m, err := client.ParseMemory(file); err == nil && !bytes.Equal(m.Format(), file) {
			t.Errorf("%q is written as %q", file, m.Format())
		}
	})
}

// TestPublishedProves reads and proves every entry of a log of more than one bundle.
func TestPublishedProves(t *testing.T) {
	c := village(t).grow(300)
	v, err := proof.ParseVerifierKey(c.log.vkey)
	check(t, err)
	p, err := client.OpenPublished(t.Context(), c, v, proof.NoPolicy())
	check(t, err)
	for i := range events.Index(c.log.shown) {
		file, err := p.Prove(t.Context(), i)
		check(t, err)
		if _, err := file.Verify(v); err != nil || !bytes.Equal(file.Extra, c.log.entries[i]) {
			t.Fatalf("entry %d: %v", i, err)
		}
	}
	if _, err := p.Entry(t.Context(), events.Index(c.log.shown)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the entry behind the last: %v", err)
	}
	for _, path := range []string{"tile/entries/001", "tile/0/001"} {
		bad, err := client.OpenPublished(t.Context(), spoiled{c, path}, v, proof.NoPolicy())
		check(t, err)
		if _, err := bad.Entry(t.Context(), 280); err == nil {
			t.Errorf("read with another %s", path)
		}
	}
}
