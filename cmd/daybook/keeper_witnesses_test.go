package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// invitedKey is the key of a witness of that name.
func invitedKey(t *testing.T, name string) string {
	t.Helper()
	public := sha256.Sum256([]byte("public test data: " + name))
	key := append([]byte{proof.CosignerEd25519}, public[:]...)
	hash := sha256.Sum256(append([]byte(name+"\n"), key...))
	vkey := fmt.Sprintf("%s+%x+%s", name, hash[:4], base64.StdEncoding.EncodeToString(key))
	if _, err := proof.ParseCosignerKey(vkey); err != nil {
		t.Fatal(err)
	}
	return vkey
}

// TestLedgerSaysWhoCosigns changes the policy and looks at what the ledger itself says
// of it: each change once, in any order of changes, and also a policy that returns.
func TestLedgerSaysWhoCosigns(t *testing.T) {
	in := openInsideWith(t, withoutKeeper)
	k := newKeeper(in.system)
	lines := map[string]string{}
	for _, name := range []string{"library", "newspaper"} {
		lines[name] = "witness " + name + " " + invitedKey(t, name+".example") + "\n"
	}
	renewed := "witness library " + invitedKey(t, "library.example/w2") + "\n"
	all := func(n string) string { return "group g " + n + " library newspaper\nquorum g\n" }
	count := 0
	for i, step := range []struct {
		policy string
		said   []string
	}{
		{"quorum none\n", nil},
		{lines["library"] + "quorum library\n", []string{"witness.added library"}},
		{lines["library"] + "quorum library\n", nil},
		{lines["library"] + lines["newspaper"] + all("2"), []string{"witness.added newspaper"}},
		{lines["library"] + lines["newspaper"] + all("1"), []string{"witness.added library", "witness.added newspaper"}},
		{renewed + lines["newspaper"] + all("1"), []string{"witness.removed library", "witness.added library"}},
		{lines["library"] + lines["newspaper"] + all("1"), []string{"witness.removed library", "witness.added library"}},
		{"quorum none\n", []string{"witness.removed library", "witness.removed newspaper"}},
		{lines["library"] + "quorum library\n", []string{"witness.added library"}},
	} {
		var err error
		if k.policy, err = proof.ParsePolicy([]byte(step.policy)); err != nil {
			t.Fatal(err)
		}
		reader, err := k.published(t.Context())
		if err == nil {
			err = k.sayCosigners(t.Context(), reader)
		}
		if err == nil {
			reader, err = k.published(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		said, err := reader.Witnesses()
		if err != nil {
			t.Fatal(err)
		}
		if count += len(step.said); said.Said != count {
			t.Errorf("step %d: %d things were said, want %d", i, said.Said, count)
		}
		if len(witnesses(said, k.policy, func() intake.Own { return intake.Own{} })) != 0 {
			t.Errorf("step %d: something is left to say", i)
		}
		if count > 0 && said.Policy != k.policy.Text() {
			t.Errorf("step %d: the policy is said to be %q", i, said.Policy)
		}
	}
	if _, err := auditURL(in.url, in.keys.LogKey()); err != nil {
		t.Error(err)
	}
	last := latest(t, in, 2)
	if got := last[1].Text("witness") + last[0].Text("witness") + last[0].Kind.Name; got != "librarynewspaperwitness.removed" {
		t.Errorf("the last are %s", got)
	}
}

// TestServeRefusesWhatItCannotSay: a policy that no entry has room for would be followed,
// and everybody told of the one before.
func TestServeRefusesWhatItCannotSay(t *testing.T) {
	large := ""
	for i := range 5 {
		secret, err := proof.GenerateCosigner(fmt.Sprintf("w%d.example/w", i), proof.CosignerMLDSA44)
		if err != nil {
			t.Fatal(err)
		}
		s, err := proof.ParseCosignerSigner(secret)
		if err != nil {
			t.Fatal(err)
		}
		large += fmt.Sprintf("witness w%d %s http://127.0.0.1:1/w\n", i, s.Cosigner)
	}
	library := " " + invitedKey(t, "library.example") + " http://127.0.0.1:1/w\n"
	for text, said := range map[string]bool{
		"quorum none\n": true,
		"# who\nwitness library" + library + "group all-of-them all library\nquorum all-of-them\n": true,
		"witness Library" + library + "quorum Library\n":                                           false,
		"witness library" + library + "group Both 1 library\nquorum library\n":                     false,
		"witness library " + invitedKey(t, strings.Repeat("x", 97)) + "\nquorum none\n":            false,
		large + "quorum w0\n": false,
	} {
		path := filepath.Join(t.TempDir(), "policy")
		writeText(t, path, text)
		var c config
		err := c.readPolicy(path)
		if (err == nil) != said || err != nil && !strings.Contains(err.Error(), "have no room for this one") {
			t.Errorf("%.60q: %v", text, err)
		}
	}
}

// TestHelpShowsAPolicy: what the help of serve shows is a policy that it takes, once there
// are keys in it, and asks for both.
func TestHelpShowsAPolicy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy")
	var text string
	for line := range strings.Lines(serveHelp) {
		if shown, ok := strings.CutPrefix(line, "  "); ok {
			text += strings.Replace(shown, "KEY", invitedKey(t, fmt.Sprint(len(text), ".example")), 1)
		}
	}
	writeText(t, path, text)
	var c config
	if err := c.readPolicy(path); err != nil || c.policy.Met("a") || !c.policy.Met("a", "b") {
		t.Errorf("%v: %s", err, text)
	}
}

// TestIndexJournalMissing: an index is not begun anew either while the ledger's witnesses
// have yet to be asked, and nothing of it is shown.
func TestIndexJournalMissing(t *testing.T) {
	cfg := config{dir: filepath.Join(t.TempDir(), "data"), publishEvery: 10 * time.Millisecond}
	s, err := open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx, l) }()
	_, err = s.first(ctx)
	if err == nil {
		err = s.anchor.WaitFor(ctx, 1)
	}
	cancel()
	if err = errors.Join(err, <-ended, s.close()); err != nil {
		t.Fatal(err)
	}
	err = errors.Join(os.RemoveAll(filepath.Join(cfg.dir, "public")), os.Remove(cfg.journalFile(signedIndex)))
	if err != nil {
		t.Fatal(err)
	}
	policy := filepath.Join(t.TempDir(), "policy")
	writeText(t, policy, "witness library "+invitedKey(t, "library.example")+" http://127.0.0.1:1/w\nquorum library\n")
	if err := cfg.readPolicy(policy); err != nil {
		t.Fatal(err)
	}
	s, err = open(t.Context(), cfg)
	if err == nil {
		t.Fatal("it begins another index", s.close())
	}
	if !strings.Contains(err.Error(), "put it back") {
		t.Fatal(err)
	}
}

// latest are the last n public entries, oldest first.
func latest(t *testing.T, in *inside, n int) (out []*events.Entry) {
	t.Helper()
	reader, err := newKeeper(in.system).published(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, err := reader.Recent(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		e, err := events.ParseEntry(f.Entry)
		if err != nil {
			t.Fatal(err)
		}
		out = append([]*events.Entry{e}, out...)
	}
	return out
}

// TestLedgerSaysWhichPageChecks says each page once, and one that returns again.
func TestLedgerSaysWhichPageChecks(t *testing.T) {
	in := openInsideWith(t, withoutKeeper)
	k := newKeeper(in.system)
	a, b := strings.Repeat("0a", 32), strings.Repeat("0b", 32)
	times := 0
	for i, hash := range []string{k.verifier, a, a, b, a, b} {
		k.verifier = hash
		reader, err := k.published(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before, _, err := reader.Verifier()
		if err == nil {
			err = k.sayVerifier(t.Context(), reader)
		}
		if err == nil {
			reader, err = k.published(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && hash != before {
			times++
		}
		if last, n, err := reader.Verifier(); err != nil || i > 0 && last != hash || n != times {
			t.Errorf("step %d: %s is published, the %d., want %d: %v", i, last, n, times, err)
		}
	}
}
