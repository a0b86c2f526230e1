package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// smallLog is a log of a few entries with a witness, written as files.
type smallLog struct {
	*testing.T
	dir          string
	log, receipt note.Signer
	logKey       string
	witness      *proof.CosignerSigner
	entries      [][]byte
}

func made[T any](t *testing.T) func(T, error) T {
	return func(x T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// newSmallLog has entry 0, and entry 1 that adds the witness.
func newSmallLog(t *testing.T) *smallLog {
	const origin = "small.example/log"
	l := &smallLog{T: t, dir: t.TempDir()}
	key := func(name string) (note.Signer, string) {
		secret, public, err := note.GenerateKey(rand.Reader, name)
		if err != nil {
			t.Fatal(err)
		}
		return made[note.Signer](t)(note.NewSigner(secret)), public
	}
	var receiptKey, indexKey string
	l.log, l.logKey = key(origin)
	l.receipt, receiptKey = key(origin + "/receipt")
	_, indexKey = key(origin + "/index")
	l.witness = made[*proof.CosignerSigner](t)(proof.ParseCosignerSigner(made[string](t)(proof.GenerateCosigner("library.example/w", proof.CosignerEd25519))))
	opened := made[*events.Entry](t)(events.Opened{
		Name: events.EventName{1}, RecordedAt: time.Now(), Origin: origin, Log: l.logKey, Receipt: receiptKey, Index: indexKey,
		VRF: make([]byte, 32), Policy: "quorum none\n", Formats: []string{events.EntryFormat},
	}.Entry())
	added := made[*events.Entry](t)(events.ParseEntry(fmt.Appendf(nil, `{"$":"daybook/entry@1","event":"AgAAAAAAAAAAAAAAAAAAAA","key":"%s","kind":"witness.added","occurredAt":"2026-06-24T08:30:00Z",`+
		`"policy":"witness library %[1]s\nquorum library\n","recordedAt":"2026-06-24T08:30:00Z","source":"daybook","witness":"library"}`, l.witness.Cosigner)))
	l.entries = [][]byte{opened.Append(nil), added.Append(nil)}
	return l
}

// publish writes the log, with a checkpoint that the witness cosigned at a time, or
// nobody.
func (l *smallLog) publish(cosigned time.Time) {
	var hashes []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) (out []tlog.Hash, _ error) {
		for _, i := range at {
			out = append(out, hashes[i])
		}
		return out, nil
	})
	var bundle, tile []byte
	for i, e := range l.entries {
		hashes = append(hashes, made[[]tlog.Hash](l.T)(tlog.StoredHashes(int64(i), e, read))...)
		bundle = made[[]byte](l.T)(proof.AppendBundle(bundle, e))
		h := proof.LeafHash(e)
		tile = append(tile, h[:]...)
	}
	n := len(l.entries)
	c := proof.Checkpoint{Origin: l.log.Name(), Size: events.Size(n), Root: made[tlog.Hash](l.T)(tlog.TreeHash(int64(n), read))}
	msg := made[[]byte](l.T)(proof.SignCheckpoint(c, l.log))
	if !cosigned.IsZero() {
		msg = made[[]byte](l.T)(proof.AddCosignatures(msg, made[string](l.T)(l.witness.Cosign(c.Text(), cosigned))))
	}
	// A whole file is read as the beginning that a partial path asks for.
	for path, b := range map[string][]byte{"tile/0/000": tile, "tile/entries/000": bundle, "checkpoint": msg} {
		path = filepath.Join(l.dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			l.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			l.Fatal(err)
		}
	}
}

// promise writes a receipt for position i.
func (l *smallLog) promise(i int, at time.Time) string {
	r := proof.Receipt{Origin: l.log.Name(), Time: at, Lines: []proof.ReceiptLine{{Index: events.Index(i), EntryHash: [32]byte{9}}}}
	path := filepath.Join(l.TempDir(), "receipt")
	if err := os.WriteFile(path, made[[]byte](l.T)(proof.SignReceipt(r, l.receipt)), 0o644); err != nil {
		l.Fatal(err)
	}
	return path
}

// serve shows the log, and says which entries add witnesses.
func (l *smallLog) serve() string {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/entries", func(w http.ResponseWriter, r *http.Request) {
		list := []map[string]any{}
		if r.URL.Query().Get("kind") == "witness.added" {
			list = append(list, map[string]any{"position": 1, "event": "AgAAAAAAAAAAAAAAAAAAAA"})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"entries": list})
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		b, err := made[ledger.Source](l.T)(auditSource(l.dir)).Read(r.Context(), r.URL.Path[1:])
		if err != nil {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(b)
	})
	s := httptest.NewServer(mux)
	l.Cleanup(s.Close)
	return s.URL
}

// TestLateReceiptConvicts: the log is too small a day after it promised, as a witness
// says that it recorded itself.
func TestLateReceiptConvicts(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		promised, cosigned time.Time
		code               int
		says               string
	}{
		"late":          {now.Add(-30 * time.Hour), now, exitInvalid, `^daybook: NOT VALID: small.example/log promised position 2 .* no quorum of its witnesses knew more than 2 entries`},
		"cosigned soon": {now.Add(-30 * time.Hour), now.Add(-20 * time.Hour), exitIncomplete, `^daybook: OVERDUE: 1 entry should be in the log since`},
		"not cosigned":  {now.Add(-30 * time.Hour), time.Time{}, exitIncomplete, `^daybook: OVERDUE: 1 entry`},
		"not due":       {now.Add(-20 * time.Hour), now, exitIncomplete, `^daybook: not yet: of 1 promised entries 0 are in the log`},
	} {
		t.Run(name, func(t *testing.T) {
			l := newSmallLog(t)
			l.publish(test.cosigned)
			file := l.promise(2, test.promised)
			for i, where := range [][]string{{"--mirror", l.dir}, {"--url", l.serve()}} {
				evidence := filepath.Join(t.TempDir(), fmt.Sprint("evidence", i))
				args := append([]string{"verify", "--receipt", file, "--key", l.logKey, "--evidence", evidence}, where...)
				call{args, test.code, "", test.says}.check(t)
				if test.code != exitInvalid {
					if _, err := os.Stat(evidence); err == nil {
						t.Error("evidence was written")
					}
					continue
				}
				call{[]string{"verify", evidence, "--key", l.logKey, "--explain"}, 0, `^EVIDENCE: small.example/log promised(.|\n)*kind +receipt-late\n(.|\n)*Not\schecked:\sthat\sthese\sare\sthe\sledger's\switnesses\sstill`, ""}.check(t)
			}
		})
	}
}

// TestReceiptUnderAPolicy: what is published must meet it, or nothing was checked.
func TestReceiptUnderAPolicy(t *testing.T) {
	l := newSmallLog(t)
	l.publish(time.Time{})
	policy := filepath.Join(t.TempDir(), "policy")
	if err := os.WriteFile(policy, fmt.Appendf(nil, "witness library %s\nquorum library\n", l.witness.Cosigner), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"verify", "--receipt", l.promise(2, time.Now()), "--mirror", l.dir, "--key", l.logKey, "--policy", policy}
	call{args, exitIncomplete, "", `^daybook: INCOMPLETE: .*missing: library .*nothing in it counts as proven`}.check(t)
	broken := slices.Clone(args)
	broken[2] = l.promise(1, time.Now())
	call{broken, exitInvalid, "", `^daybook: NOT VALID: .* promised position 1 .*the evidence is in`}.check(t)
	l.publish(time.Now())
	args[2] = l.promise(2, time.Now())
	call{args, exitIncomplete, "", `^daybook: not yet`}.check(t)

	// A checkpoint that meets it says who cosigned, and when.
	call{[]string{"verify", filepath.Join(l.dir, "checkpoint"), "--key", l.logKey, "--policy", policy}, exitIncomplete, `SIGNED(.|\n)*cosigned by library\s\(on 20`, "only a signature"}.check(t)
}

// TestReceiptsOfAnOutbox: a line of an outbox begins with a checksum, which can begin as
// the format of a receipt does.
func TestReceiptsOfAnOutbox(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "receipts"), []byte("daybeef0 {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	damaged, err := eachReceipt(dir, func([]byte) error { return nil })
	if err != nil || damaged != 1 {
		t.Errorf("%d lines are damaged, %v; want one, of an outbox", damaged, err)
	}
}

// TestWitnessChangesEnd: a ledger that always says there is more does not keep who asks.
func TestWitnessChangesEnd(t *testing.T) {
	for _, entries := range []string{"", `{"position":1,"event":"x","entry":{}}`} {
		var asked atomic.Int32
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"entries":[%s],"next":%d}`, entries, asked.Add(1))
		}))
		c, err := client.New(s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if out, err := witnessChanges(ctx, c, nil); err != nil || len(out) > 2*maxWitnessChanges {
			t.Errorf("after %d pages: %d, %v", asked.Load(), len(out), err)
		}
		cancel()
		s.Close()
	}
}
