package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// TestThief flips each byte of a public directory once.
func TestThief(t *testing.T) {
	for _, n := range []int{3, 259} {
		dir := forge(t, testEntries(t, n))
		p, err := OpenPublic(dir)
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range files(t, dir) {
			stride := 1
			if n > 256 && len(content) > 1000 {
				stride = 997 // the small directory has each of them
			}
			if testing.Short() {
				stride = max(stride, 5)
			}
			for i := 0; i < len(content); i += stride {
				b := []byte(content)
				b[i] ^= 1 << (i % 8)
				if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
					t.Fatal(err)
				}
				_, err := Audit(t.Context(), p, logKey(t).Verifier, AuditOptions{HashesOnly: n > 256 || i%2 == 0})
				var found *AuditError
				if !errors.As(err, &found) || !strings.HasPrefix(found.Place, name) {
					t.Fatalf("byte %d of %s: %v", i, name, err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := auditDir(t, dir); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAuditRefuses: logs that are signed and whose hashes are right, and which
// are wrong all the same.
func TestAuditRefuses(t *testing.T) {
	other := newKey(t, testOrigin, "another")
	opened := openedEntry(t, testOrigin, logKey(t).vkey)
	tag := events.Tag{7}
	for name, test := range map[string]struct {
		entries     [][]byte
		place, want string
	}{
		"no opened":    {[][]byte{enrolledEntry(t, nameOf(1), 1)}, "tile/entries/000 entry 0", "ledger.opened is entry 0"},
		"opened twice": {[][]byte{opened, opened}, "tile/entries/000 entry 1", "ledger.opened is entry 0"},
		"origin":       {[][]byte{openedEntry(t, "other.example", logKey(t).vkey)}, "tile/entries/000 entry 0", "entry 0 opens"},
		"key":          {[][]byte{openedEntry(t, testOrigin, other.vkey)}, "tile/entries/000 entry 0", "names the log key"},
		"no entry":     {[][]byte{opened, []byte(`{}`)}, "tile/entries/000 entry 1", "parsing an entry"},
		"name":         {[][]byte{opened, enrolledEntry(t, nameOf(3), 1), enrolledEntry(t, nameOf(3), 2)}, "tile/entries/000 entry 2", "event name"},
		"label":        {[][]byte{opened, enrolledEntry(t, nameOf(3), 1), enrolledEntry(t, nameOf(4), 1)}, "tile/entries/000 entry 2", "label"},
		"tag":          {[][]byte{opened, accessedEntry(t, nameOf(3), tag), accessedEntry(t, nameOf(4), tag)}, "tile/entries/000 entry 2", "tag"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := auditDir(t, forge(t, test.entries))
			var found *AuditError
			if !errors.As(err, &found) || found.Place != test.place {
				t.Fatal(err)
			}
			wantError(t, err, test.want)
		})
	}
}

// TestAuditFork: entries and tiles of another history, consistent in
// themselves, under a checkpoint that was signed for the true one.
func TestAuditFork(t *testing.T) {
	entries := testEntries(t, 300)
	dir := forge(t, entries)
	entries[7] = enrolledEntry(t, nameOf(7), 9)
	lie := forge(t, entries)
	if err := os.Rename(filepath.Join(dir, "checkpoint"), filepath.Join(lie, "checkpoint")); err != nil {
		t.Fatal(err)
	}
	_, err := auditDir(t, lie)
	var found *AuditError
	if !errors.As(err, &found) || found.Place != checkpointPath {
		t.Fatal(err)
	}
}

func TestAuditCannot(t *testing.T) {
	empty := t.TempDir()
	if _, err := auditDir(t, empty); !errors.Is(err, ErrNothingChecked) {
		t.Fatal(err)
	}
	zero := proof.Checkpoint{Origin: testOrigin, Root: proof.EmptyRoot()}
	if err := newWriter(empty, nil).replace(must[[]byte](t)(proof.SignCheckpoint(zero, logKey(t).Signer))); err != nil {
		t.Fatal(err)
	}
	if _, err := auditDir(t, empty); !errors.Is(err, ErrNothingChecked) {
		t.Fatal(err)
	}
	for _, lost := range []string{"tile/0/000", "tile/entries/001", "tile/1/000"} {
		dir := forge(t, testEntries(t, 300))
		if err := os.Remove(filepath.Join(dir, lost)); err != nil {
			t.Fatal(err)
		}
		_, err := auditDir(t, dir)
		if !errors.Is(err, ErrIncomplete) {
			t.Fatal(err)
		}
		wantError(t, err, lost)
	}
	p, err := OpenPublic(forge(t, testEntries(t, 300)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Audit(ctx, p, logKey(t).Verifier, AuditOptions{}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := OpenPublic(filepath.Join(empty, "nowhere")); err == nil {
		t.Fatal("a directory that is not there")
	}
	_, err = Audit(t.Context(), p, newKey(t, testOrigin, "another").Verifier, AuditOptions{})
	wantError(t, err, "auditing checkpoint")
}

// TestSuspectBesideLoss: missing files do not hide a difference found before.
func TestSuspectBesideLoss(t *testing.T) {
	dir := forge(t, testEntries(t, 300))
	b := must[[]byte](t)(os.ReadFile(filepath.Join(dir, "tile/0/000")))
	b[40] ^= 1
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "tile/0/000"), b, 0o644), os.Remove(filepath.Join(dir, "tile/1/000"))); err != nil {
		t.Fatal(err)
	}
	_, err := auditDir(t, dir)
	var found *AuditError
	if !errors.As(err, &found) || found.Place != "tile/entries/000 entry 1" {
		t.Fatal(err)
	}
}

func BenchmarkAudit(b *testing.B) {
	entries := testEntries(b, 50_000)
	dir := forge(b, entries)
	for _, hashes := range []bool{true, false} {
		b.Run(fmt.Sprintf("hashesOnly=%v", hashes), func(b *testing.B) {
			for b.Loop() {
				p, err := OpenPublic(dir)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := Audit(b.Context(), p, logKey(b).Verifier, AuditOptions{HashesOnly: hashes}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*len(entries))/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

func BenchmarkAnchor(b *testing.B) {
	entries := testEntries(b, 20_000)
	h := newHistory(entries...)
	for b.Loop() {
		if err := anchorTo(b, testConfig(b, b.TempDir(), h, &memLog{}), events.Size(len(entries))); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(entries))/b.Elapsed().Seconds(), "entries/s")
}

// TestAuditBeginsWithWhatWasTrusted holds a log against checkpoints from before.
func TestAuditBeginsWithWhatWasTrusted(t *testing.T) {
	list := testEntries(t, 300)
	p, err := OpenPublic(forge(t, list))
	if err != nil {
		t.Fatal(err)
	}
	rootOf := func(entries [][]byte) proof.Checkpoint {
		var tr tree
		for _, e := range entries {
			tr.add(proof.LeafHash(e), func(int, proof.Hash) {})
		}
		return proof.Checkpoint{Origin: testOrigin, Size: events.Size(len(entries)), Root: tr.root()}
	}
	forked := rootOf(append(list[:9:9], list[10]))
	longer := rootOf(append(list, list[1]))
	for _, x := range []struct {
		before proof.Checkpoint
		want   string
	}{{rootOf(list[:1]), ""}, {rootOf(list[:257]), ""}, {rootOf(list), ""}, {forked, "it forked"}, {longer, "has 300 entries, and a checkpoint before had 301"}} {
		_, err := Audit(t.Context(), p, logKey(t).Verifier, AuditOptions{Begins: []proof.Checkpoint{rootOf(list[:7]), x.before}})
		if x.want != "" {
			wantError(t, err, x.want)
		} else if err != nil {
			t.Error(err)
		}
	}
}
