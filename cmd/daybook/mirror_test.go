package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
)

// wantMirror says that a web server which knows nothing of logs shows a directory to an
// auditor, and to other people's code, as a log of so many entries.
func wantMirror(t *testing.T, dir, key string, size int) {
	t.Helper()
	s := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer s.Close()
	source, err := client.New(s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := proof.ParseVerifierKey(key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := trail.Audit(t.Context(), source, v, trail.AuditOptions{Dir: t.TempDir()})
	if err != nil || int(r.Ledger.Size) != size || r.Note == nil || int(r.Last.Size) != size {
		t.Fatalf("the mirror shows %+v, %v; want %d entries", r, err, size)
	}
	hashes := tlog.TileHashReader(tlog.Tree{N: int64(size), Hash: r.Ledger.Root}, webTiles(s.URL))
	got, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(size-1)), 0})
	if err != nil || len(got) != 2 {
		t.Errorf("other people's client reads %v, %v", got, err)
	}
}

// webTiles is how golang.org/x/mod reads tiles, with the paths of c2sp.org/tlog-tiles.
type webTiles string

func (webTiles) Height() int                     { return 8 }
func (webTiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (at webTiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(list))
	for i, t := range list {
		b, err := fetch(string(at) + "/" + strings.Replace(t.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		out[i] = b
	}
	return out, nil
}

func TestMirrorCommand(t *testing.T) {
	o := newOperator(t)
	dir := filepath.Join(t.TempDir(), "mirror")
	mirror := []string{"mirror", o.url, dir, "--once", "--key", o.vkey}
	o.change(func() { o.size = 0 })
	call{mirror, exitIncomplete, "", "nothing is published there"}.check(t)
	o.change(func() { o.size = 1 })
	for i, n := range []int{3, 250, 2, 1, 600, 1} {
		o.grow(1000*i, n)
		call{mirror, 0, "^COPIED: \\d+ entries\n\n(.+\n)+", ""}.check(t)
		wantMirror(t, dir, o.vkey, o.size)
	}
	call{mirror, 0, "^COPIED: 858 entries\n\n(.+\n){3}  index    6 leaves\n", ""}.check(t)
	call{[]string{"audit", dir, "--key", o.vkey, "--index"}, 0, "VALID: 858 entries", ""}.check(t)
	call{[]string{"mirror", dir, dir + "-2", "--once", "--key", o.vkey}, 0, "COPIED: 858", ""}.check(t)
	wantMirror(t, dir+"-2", o.vkey, 858)

	o.change(func() { o.size, o.leaves = 300, 3 })
	call{mirror, exitIncomplete, "", "rollback: .+ 300 entries, and before 858; what is in .+ stays as it was"}.check(t)
	o.change(func() { o.size, o.down = 858, true })
	call{mirror, exitUnchecked, "", "unreachable: .+502"}.check(t)
	o.change(func() { o.down, o.leaves = false, 6 })
	o.grow(9000, 300)
	o.change(func() {
		o.lie = func(path string, b []byte) []byte {
			if strings.HasPrefix(path, "tile/entries/004") {
				b[40] ^= 1
			}
			return b
		}
	})
	call{mirror, exitInvalid, "", "damaged: .+tile/entries/004 entry 1024: .+ stays as it was"}.check(t)
	o.change(func() {
		o.lie = func(path string, b []byte) []byte {
			if strings.HasPrefix(path, "tile/entries/004") {
				return nil
			}
			return b
		}
	})
	call{mirror, exitIncomplete, "", "incomplete: .+tile/entries/004.p/134"}.check(t)
	wantMirror(t, dir, o.vkey, 858)
	o.change(func() { o.lie = nil })
	call{mirror, 0, "COPIED: 1158 ", ""}.check(t)
	wantMirror(t, dir, o.vkey, 1158)
	_, other := o.of.key("another.example/log")
	call{[]string{"mirror", o.url, dir, "--once", "--key", other}, exitError, "", "is to be a checkpoint of another.example/log"}.check(t)
	call{[]string{"mirror", o.url, dir + "-3", "--once", "--key", other}, exitInvalid, "", "signature: "}.check(t)
	call{[]string{"mirror", o.url, dir, "--once"}, exitUsage, "", "--key"}.check(t)
	other = t.TempDir() // a data directory, for instance, with its keys
	if err := os.WriteFile(filepath.Join(other, "tokens"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	call{[]string{"mirror", o.url, other, "--once", "--key", o.vkey}, exitUsage, "", "has things in it, and is no copy"}.check(t)
	call{[]string{"mirror", o.url, dir, "--every", "0s", "--key", o.vkey}, exitUsage, "", "--every"}.check(t)
}

// TestMirrorHere keeps a copy where the name of the directory is short, and what belongs
// to it beside that and not in it.
func TestMirrorHere(t *testing.T) {
	o := newOperator(t)
	o.grow(0, 9)
	above := t.TempDir()
	if err := os.Mkdir(filepath.Join(above, "web"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(above, "web"))
	for _, dir := range []string{".", "m"} {
		call{[]string{"mirror", o.url, dir, "--once", "--key", o.vkey}, 0, "COPIED: 10 ", ""}.check(t)
		wantMirror(t, dir, o.vkey, 10)
	}
	o.change(func() { o.begin() })
	o.grow(500, 9)
	call{[]string{"mirror", o.url, ".", "--once", "--key", o.vkey}, exitInvalid, "", above + "/web.evidence shows it to anyone"}.check(t)
	inside, err := filepath.Glob("*.*")
	if err != nil || strings.Join(inside, " ") != "m.index.lock m.index.seen m.lock m.seen" {
		t.Errorf("in the directory are %v, %v", inside, err)
	}
}

// TestMirrorOfNothing copies a log of which a checkpoint without entries is signed.
func TestMirrorOfNothing(t *testing.T) {
	o := newOperator(t)
	o.change(func() {
		o.lie = func(path string, b []byte) []byte {
			if path == "checkpoint" {
				return o.ledger.checkpoint(0)
			}
			return nil
		}
	})
	dir := filepath.Join(t.TempDir(), "mirror")
	mirror := []string{"mirror", o.url, dir, "--once", "--key", o.vkey}
	for range 2 {
		call{mirror, 0, "COPIED: 0 entries", ""}.check(t)
	}
	_, monitor := monitorOf(t, o)
	call{monitor, 0, "", noPolicy}.check(t)
	o.change(func() { o.lie = nil })
	o.grow(0, 9)
	call{mirror, 0, "COPIED: 10 entries", ""}.check(t)
	wantMirror(t, dir, o.vkey, 10)
}

// TestMirrorTellsWhatWasNeverShown: a log that goes back to what is here goes back, when
// more of it was signed than could be fetched.
func TestMirrorTellsWhatWasNeverShown(t *testing.T) {
	w, policy := newWitness(t, "witness.example/w")
	file := filepath.Join(t.TempDir(), "policy")
	writeText(t, file, policy)
	for _, more := range [][]string{nil, {"--policy", file}} {
		o := newOperator(t, w)
		o.grow(0, 99)
		dir := filepath.Join(t.TempDir(), "mirror")
		mirror := append([]string{"mirror", o.url, dir, "--once", "--key", o.vkey}, more...)
		call{mirror, 0, "COPIED: 100 ", ""}.check(t)
		o.grow(500, 300)
		o.change(func() {
			o.lie = func(path string, b []byte) []byte {
				if strings.HasPrefix(path, "tile/entries") {
					return nil
				}
				return b
			}
		})
		call{mirror, exitIncomplete, "", "incomplete: "}.check(t)
		o.change(func() { o.lie, o.size, o.leaves = nil, 100, 1 })
		call{mirror, exitIncomplete, "", "rollback: .+ 100 entries, and before 400"}.check(t)
		wantMirror(t, dir, o.vkey, 100)
		o.change(func() { o.size, o.leaves = 400, 2 })
		call{mirror, 0, "COPIED: 400 ", ""}.check(t)
	}
}

// TestMirrorConvicts: what the operator signs twice, the mirror shows to anyone.
func TestMirrorConvicts(t *testing.T) {
	for name, test := range map[string]struct {
		change func(o *operator)
		kind   string
	}{
		"a fork": {func(o *operator) {
			o.begin()
			o.grow(500, 299)
		}, "fork"},
		"another beginning": {func(o *operator) {
			o.begin()
			o.grow(500, 400)
		}, "inconsistent"},
		"set back and signed anew": {func(o *operator) {
			o.begin()
			o.grow(500, 100)
		}, "inconsistent"},
		"another index": {func(o *operator) {
			leaf := o.leaf(100)
			o.index.entries, o.index.stored = nil, nil
			o.index.add([]byte(leaf.Text()))
			o.grow(500, 50)
		}, "inconsistent"},
		"a leaf that goes back": {func(o *operator) {
			o.grow(500, 50)
			o.change(func() {
				o.index.add([]byte(o.leaf(200).Text()))
				o.leaves++
			})
		}, "index-back"},
		"a leaf of another ledger": {func(o *operator) {
			o.grow(500, 50)
			o.change(func() {
				leaf := o.leaf(350)
				leaf.Root[3] ^= 1
				o.index.entries, o.index.stored = o.index.entries[:1], o.index.stored[:1]
				o.index.add([]byte(leaf.Text()))
			})
		}, "index-root"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOperator(t)
			o.grow(0, 299)
			dir := filepath.Join(t.TempDir(), "mirror")
			mirror := []string{"mirror", o.url, dir, "--once", "--key", o.vkey}
			call{mirror, 0, "COPIED: 300 ", ""}.check(t)
			test.change(o)
			for range 2 {
				call{mirror, exitInvalid, "", "NOT VALID: .+" + dir + ".evidence shows it to anyone"}.check(t)
			}
			call{[]string{"verify", dir + ".evidence", "--key", o.vkey}, 0, "^EVIDENCE: .+\n\n  kind          " + test.kind + "\n", ""}.check(t)
			if test.kind != "index-back" && test.kind != "index-root" && name != "another index" {
				wantMirror(t, dir, o.vkey, 300)
			}
			if _, err := os.Stat(dir + ".evidence-2"); err == nil {
				t.Error("the same evidence was written twice")
			}
		})
	}
}

// TestMirrorPolicy takes what the quorum cosigned, and convicts with what it did not.
func TestMirrorPolicy(t *testing.T) {
	w, policy := newWitness(t, "witness.example/w")
	o := newOperator(t, w)
	dir := filepath.Join(t.TempDir(), "mirror")
	file := filepath.Join(t.TempDir(), "policy")
	writeText(t, file, "log "+o.vkey+"\n"+policy)
	mirror := []string{"mirror", o.url, dir, "--once", "--key", o.vkey, "--policy", file}
	o.grow(0, 299)
	call{mirror, 0, "COPIED: 300 ", ""}.check(t)
	o.change(func() { o.quiet = true })
	call{mirror, exitIncomplete, "", "^daybook: INCOMPLETE: cosignatures: no witness of the policy cosigned it.+ missing: library "}.check(t)
	o.grow(500, 10)
	call{mirror, exitIncomplete, "", "cosignatures: .+ stays as it was"}.check(t)
	wantMirror(t, dir, o.vkey, 300)
	o.change(func() { o.quiet, o.at = false, o.at.Add(time.Hour) })
	call{mirror, 0, "COPIED: 310 ", ""}.check(t)
	before := shownThere(t, dir)
	o.change(func() { o.at = o.at.Add(-time.Minute) })
	call{mirror, 0, "COPIED: 310 ", ""}.check(t)
	if !bytes.Equal(before, shownThere(t, dir)) {
		t.Error("older cosignatures took the place of newer ones")
	}
	o.change(func() { o.at = o.at.Add(time.Hour) })
	call{mirror, 0, "COPIED: 310 ", ""}.check(t)
	if bytes.Equal(before, shownThere(t, dir)) {
		t.Error("newer cosignatures of the same log were not taken")
	}
	o.change(func() { o.begin(); o.quiet = true })
	o.grow(700, 400)
	call{mirror, exitInvalid, "", "NOT VALID: inconsistent"}.check(t)
	_, other := o.of.key("another.example/log")
	writeText(t, file, "log "+other+"\n"+policy)
	call{mirror, exitInvalid, "", "NOT VALID: inconsistent"}.check(t)
	writeText(t, file, "quorum nobody\n")
	call{mirror, exitUnchecked, "", "reading a policy"}.check(t)
}

func shownThere(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestMirrorFollows a ledger that grows, cannot be reached for a while, and forks.
func TestMirrorFollows(t *testing.T) {
	o := newOperator(t)
	o.grow(0, 10)
	dir := filepath.Join(t.TempDir(), "mirror")
	from, err := copyFrom(o.url, o.vkey, "")
	if err != nil {
		t.Fatal(err)
	}
	talk := &lockedBuffer{}
	m := &mirroring{dir: dir, evidence: dir + ".evidence", talk: talk}
	if m.copying, err = openCopying(t.Context(), from, dir, talk); err != nil {
		t.Fatal(err)
	}
	defer m.close()
	until := func(said string) {
		t.Helper()
		for range 500 {
			if strings.Contains(talk.String(), said) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("it does not come to say %q: %s", said, talk)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- m.run(ctx, 5*time.Millisecond) }()
	until("11 entries, 1 leaves")
	o.change(func() { o.down = true })
	until("unreachable: ")
	o.change(func() { o.down = false })
	o.grow(100, 500)
	until("511 entries, 2 leaves")
	cancel()
	if err := <-done; err != nil {
		t.Fatalf("told to end: %v", err)
	}
	go func() { done <- m.run(t.Context(), 5*time.Millisecond) }()
	o.change(o.begin)
	o.grow(2000, 600)
	if err := <-done; err == nil || !strings.Contains(err.Error(), "NOT VALID: inconsistent") {
		t.Errorf("after a fork: %v", err)
	}
	until("going on again")
}

// TestMirrorIndexAhead: a leaf of the index that covers what the ledger does not show is
// told, and not passed over for ever.
func TestMirrorIndexAhead(t *testing.T) {
	o := newOperator(t)
	o.grow(0, 9)
	dir := filepath.Join(t.TempDir(), "mirror")
	mirror := []string{"mirror", o.url, dir, "--once", "--key", o.vkey}
	_, monitor := monitorOf(t, o, "--kind", "ledger.opened")
	call{mirror, 0, "COPIED: 10 entries", ""}.check(t)
	call{monitor, 0, "^{.+}\n$", noPolicy}.check(t)
	o.change(func() {
		l := o.leaf(10)
		l.Size, l.Root, l.Tags = 1<<40, proof.Hash{7}, proof.Hash{8}
		o.index.add([]byte(l.Text()))
		o.leaves++
	})
	for range 2 {
		call{mirror, exitIncomplete, "", "incomplete: .+leaf 1 of the index covers 1099511627776 entries, and the ledger here has 10"}.check(t)
	}
	call{monitor, exitIncomplete, "", "ALERT incomplete: .+leaf 1 of the index covers"}.check(t)
}

// TestEvidenceIsKeptWhole: what another file of that name has stays, the same evidence
// is kept once, and nothing else is left beside it.
func TestEvidenceIsKeptWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "evidence")
	one, other := proof.Evidence{Kind: proof.EvidenceFork}, proof.Evidence{Kind: proof.EvidenceGap}
	writeText(t, path, "mine\n")
	for _, x := range []struct {
		e    *proof.Evidence
		name string
	}{{&one, path + "-2"}, {&other, path + "-3"}, {&one, path + "-2"}} {
		if name, err := writeEvidence(path, x.e); err != nil || name != x.name {
			t.Errorf("it is in %s: %v", name, err)
		}
		if b, err := os.ReadFile(x.name); err != nil || string(b) != string(x.e.Format()) {
			t.Errorf("%s has %q, %v", x.name, b, err)
		}
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 3 {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := writeEvidence(filepath.Join(dir, "none", "evidence"), &one); err == nil {
		t.Error("it was written into no directory")
	}
}
