package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// liar is a ledger of two entries by an operator who signs whatever it likes.
type liar struct {
	t   testing.TB
	dir string
}

// key makes a key pair from its public name.
func (l liar) key(name string) (note.Signer, string) {
	l.t.Helper()
	seed := sha256.Sum256([]byte("public test data, protects nothing: " + name))
	vkey, err := note.NewEd25519VerifierKey(name, ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))
	if err != nil {
		l.t.Fatal(err)
	}
	s, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", name, strings.Split(vkey, "+")[1],
		base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...))))
	if err != nil {
		l.t.Fatal(err)
	}
	return s, vkey
}

// publish writes a log of two entries.
func (l liar) publish(below, origin string, entries [2][]byte) proof.Hash {
	l.t.Helper()
	hashes := [2]proof.Hash{proof.LeafHash(entries[0]), proof.LeafHash(entries[1])}
	root := tlog.NodeHash(hashes[0], hashes[1])
	bundle, err := proof.AppendBundle(nil, entries[0])
	if err == nil {
		bundle, err = proof.AppendBundle(bundle, entries[1])
	}
	if err != nil {
		l.t.Fatal(err)
	}
	signer, _ := l.key(origin)
	msg, err := proof.SignCheckpoint(proof.Checkpoint{Origin: origin, Size: 2, Root: root}, signer)
	if err != nil {
		l.t.Fatal(err)
	}
	for path, b := range map[string][]byte{
		"checkpoint": msg, "tile/entries/000": bundle, "tile/0/000": append(hashes[0][:], hashes[1][:]...),
	} {
		path = filepath.Join(l.dir, below, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			l.t.Fatal(err)
		}
		writeText(l.t, path, string(b))
	}
	return root
}

// TestAuditIndexCommand audits an index that says two things.
func TestAuditIndexCommand(t *testing.T) {
	const origin = "ledger.example/log"
	l := liar{t, t.TempDir()}
	_, log := l.key(origin)
	_, receipt := l.key(proof.ReceiptKeyName(origin))
	_, index := l.key(proof.IndexKeyName(origin))
	at := time.Date(2026, 6, 24, 8, 30, 0, 0, time.UTC)
	first, err := events.Opened{
		RecordedAt: at, Origin: origin, Log: log, Receipt: receipt, Index: index, VRF: make([]byte, 32),
		Policy: "quorum none\n", Formats: []string{events.EntryFormat},
	}.Entry()
	if err != nil {
		t.Fatal(err)
	}
	second, err := events.Enrolled(events.EventName{1}, at, []events.Pair{{Label: [64]byte{1}}})
	if err != nil {
		t.Fatal(err)
	}
	entries := [2][]byte{first.Append(nil), second.Append(nil)}
	root := l.publish("", origin, entries)
	evidence := filepath.Join(t.TempDir(), "evidence")
	call{[]string{"audit", l.dir, "--key", log}, 0, "^VALID: 2 entries", ""}.check(t)
	call{[]string{"audit", l.dir, "--key", log, "--evidence", evidence}, exitUsage, "", "--index"}.check(t)
	call{[]string{"audit", l.dir, "--key", log, "--index", "--evidence", evidence}, exitIncomplete, "^VALID: 2 entries", "the index is not published there.+ 1 tags"}.check(t)

	honest := proof.IndexLeaf{Size: 2, Root: root, Tags: proof.InnerNode(proof.Prefix{}, nil, nil).Hash()}
	item := proof.IndexItem{Label: proof.PersonLabel([64]byte{1}), Value: proof.IndexValue(1, proof.LeafHash(entries[1]))}
	tree, err := proof.BuildTree([]proof.IndexItem{item})
	if err != nil {
		t.Fatal(err)
	}
	honest.Labels = tree.Hash()
	l.publish("index", proof.IndexKeyName(origin), [2][]byte{[]byte(honest.Text()), []byte(honest.Text())})
	audit := []string{"audit", l.dir, "--key", log, "--index"}
	call{audit, exitInvalid, "", "NOT VALID: .+entry 1: it covers 2 entries, and the leaf before 2; with --evidence FILE"}.check(t)
	call{append(audit, "--evidence", evidence), exitInvalid, "", "NOT VALID: .+" + evidence + " shows it to anyone"}.check(t)
	call{[]string{"verify", evidence, "--key", log}, 0, "^EVIDENCE: leaf 0 .+ covers 2 entries, and the later leaf 1 only 2", ""}.check(t)
	call{append(audit, "--evidence", evidence), exitUsage, "", "is there already"}.check(t)

	ahead := honest
	ahead.Size = 3
	l.publish("index", proof.IndexKeyName(origin), [2][]byte{[]byte(honest.Text()), []byte(ahead.Text())})
	call{audit, exitIncomplete, "", "it covers 3 entries, and 2 are published"}.check(t)
	ahead.Tags[0] ^= 1
	ahead.Size = 1
	l.publish("index", proof.IndexKeyName(origin), [2][]byte{[]byte(ahead.Text()), []byte(honest.Text())})
	call{audit, exitInvalid, "", "signed statements alone do not show it"}.check(t)
}
