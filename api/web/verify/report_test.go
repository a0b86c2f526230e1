package verify

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/api/web/verify/vectest"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../testdata/vectors/accept", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestReports: what is accepted is told with its steps and its limits, and of what is
// not nothing is shown.
func TestReports(t *testing.T) {
	e := newEngine(t, quick(t))
	for _, v := range load(t) {
		if vectest.FormAlone(v.Format) || v.PostQuantum() {
			continue
		}
		r := e.report(t, v.File, v.Trust)
		switch {
		case r.Format != v.Format && v.Format != "cosigned": // it is judged as what it is
		case !v.Accept:
			if r.Verdict == "valid" || r.Verdict == "evidence" || r.Verdict == "overdue" || r.Reason == "" || len(r.Entries) > 0 {
				t.Errorf("%s: %s, %q, %d entries", v.Name, r.Verdict, r.Reason, len(r.Entries))
			}
		case v.Format == "proof": // the log has it, and it is an example
			if r.Verdict != "not-valid" || !strings.Contains(r.Reason, "no Daybook entry") {
				t.Errorf("%s: %s, %q", v.Name, r.Verdict, r.Reason)
			}
		case v.Format == "evidence":
			want := "evidence"
			if strings.HasPrefix(v.Name, "evidence receipt-late") {
				want = "overdue"
			}
			if says := conviction(t, v); r.Verdict != want || !strings.EqualFold(r.Reason, says) {
				t.Errorf("%s: %s, %q, and Go says %q", v.Name, r.Verdict, r.Reason, says)
			}
		case v.Format == "checkpoint" || v.Format == "cosigned" || v.Format == "receipt":
			if r.Verdict != "incomplete" || len(r.Steps) == 0 {
				t.Errorf("%s: %s, %q", v.Name, r.Verdict, r.Reason)
			}
		case r.Verdict != "valid" || r.Reason != "" || len(r.Steps) == 0 || len(r.NotChecked) == 0:
			t.Errorf("%s: %s, %q, %d steps", v.Name, r.Verdict, r.Reason, len(r.Steps))
		}
	}
}

func conviction(t *testing.T, v vectest.Vector) string {
	t.Helper()
	key, err := proof.ParseVerifierKey(v.Trust.Key)
	if err != nil {
		t.Fatal(err)
	}
	e, err := proof.ParseEvidence(v.File)
	if err != nil {
		t.Fatal(err)
	}
	c, err := e.Verify(key)
	if err != nil {
		t.Fatal(err)
	}
	return c.Says
}

// TestNothingCheckedIsNotValid: what is missing is said, and never passes.
func TestNothingCheckedIsNotValid(t *testing.T) {
	e := newEngine(t, quick(t))
	card, bundle := string(read(t, "card-ann.card")), read(t, "bundle-ann.bundle")
	checkpoint := read(t, "checkpoint-seven.txt")
	key := "vectors.example/log+e502cf56+AYTToHFvp/zBc6yuhoq6aQrVX5yBEL9NchOQfrEj4pMW"
	receipt := "vectors.example/log/receipt+144b571c+AS9K63TFioqCEG9Y6FhoZmHnUVmOw5xUk13hUgonZjQg"
	other, _ := signedBy(make([]byte, 32), 1, strings.Repeat("00", 64))
	for _, test := range []struct {
		name    string
		file    []byte
		with    vectest.Trust
		verdict string
		reason  string
	}{
		{"nothing", nil, vectest.Trust{Key: key}, "incomplete", "empty"},
		{"a newline", []byte("\n"), vectest.Trust{Key: key}, "incomplete", "empty"},
		{"no key", checkpoint, vectest.Trust{}, "unchecked", "No key"},
		{"a key that is none", checkpoint, vectest.Trust{Key: "key"}, "unchecked", "cannot be read"},
		{"a key of another type", checkpoint, vectest.Trust{Key: "a+" + "42cde7f5" + "+/w=="}, "unchecked", "cannot be read"},
		{"another log", other, vectest.Trust{Key: key}, "unchecked", "you gave the key of"},
		{"the card's key", checkpoint, vectest.Trust{Card: card}, "incomplete", "No witness of the policy cosigned this state of vectors.example/log, and the quorum is"},
		{"a card", []byte(card), vectest.Trust{Card: card}, "incomplete", "is a secret"},
		{"a receipt", read(t, "receipt-one.txt"), vectest.Trust{Key: receipt}, "incomplete", "a promise and no proof"},
		{"a receipt under the log's key", read(t, "receipt-one.txt"), vectest.Trust{Key: key}, "unchecked", "the receipt key"},
		{"an index proof by the card", read(t, "index-proof-ann.txt"), vectest.Trust{Card: card}, "valid", ""},
		{"an index proof under the log's key", read(t, "index-proof-ann.txt"), vectest.Trust{Key: key}, "unchecked", "you gave the key of"},
		{"a bundle under another policy", bundle, vectest.Trust{Card: card, Policy: "log " + key + "\nquorum none\n"}, "valid", ""},
		{"a bundle under a policy for others", bundle, vectest.Trust{Card: card, Policy: "log " + receipt + "\nquorum none\n"}, "not-valid", "does not accept the log"},
		{"no card", bundle, vectest.Trust{Key: key}, "unchecked", "give the card"},
		{"a card that is none", bundle, vectest.Trust{Card: card[1:]}, "unchecked", "cannot be read"},
		{"a policy that is none", checkpoint, vectest.Trust{Key: key, Policy: "quorum nobody\n"}, "unchecked", "cannot be read"},
		{"a picture", []byte("\x89PNG\r\n\x1a\n"), vectest.Trust{Key: key}, "unchecked", "none of the files"},
		{"what is remembered", []byte("daybook/context@1\nurl https://ledger.example\n"), vectest.Trust{Key: key}, "unchecked", "daybook context"},
		{"a proof of another log", read(t, "proof-first-of-seven.tlog-proof"), vectest.Trust{Key: receipt}, "unchecked", "another key is needed"},
		{"a checkpoint", checkpoint, vectest.Trust{Key: key}, "incomplete", "proves no entry"},
	} {
		r := e.report(t, test.file, test.with)
		if r.Verdict != test.verdict || !strings.Contains(r.Reason, test.reason) {
			t.Errorf("%s: %s, %q", test.name, r.Verdict, r.Reason)
		}
	}
}

// TestNamesAsTheyAre: a key is of the name that it has, though String.trim would take
// away how that begins, and what is cut off to be shown ends with a character.
func TestNamesAsTheyAre(t *testing.T) {
	e := newEngine(t, quick(t))
	const name = "\ufeffvectors.example"
	data := append([]byte{1}, make([]byte, 32)...)
	hash := sha256.Sum256(append([]byte(name+"\n"), data...))
	key := fmt.Sprintf(" %s+%x+%s\n", name, hash[:4], base64.StdEncoding.EncodeToString(data))
	if r := e.report(t, read(t, "checkpoint-seven.txt"), vectest.Trust{Key: key}); !strings.Contains(r.Reason, "you gave the key of "+name) {
		t.Errorf("%s, %q", r.Verdict, r.Reason)
	}
	for n := 55; n < 61; n++ {
		if why := e.judge(t, "policy", []byte(strings.Repeat("a", n)+"€€€ x\n"), vectest.Trust{}); strings.Trim(why, `"`+"a€") != ` is neither log, witness, group nor quorum` {
			t.Errorf("%q", why)
		}
	}
}

// TestCardByLink: a card may be given as the link that opens it.
func TestCardByLink(t *testing.T) {
	card, err := proof.ParseCard(read(t, "card-ann.card"))
	if err != nil {
		t.Fatal(err)
	}
	r := newEngine(t, quick(t)).report(t, read(t, "bundle-ann.bundle"), vectest.Trust{Card: card.Link()})
	if r.Verdict != "valid" || len(r.Entries) != 8 {
		t.Fatalf("%s, %q, %d entries", r.Verdict, r.Reason, len(r.Entries))
	}
	said := ""
	for _, step := range r.Steps {
		said += step.Said + "\n"
	}
	for _, want := range []string{
		"The ledger's key signed this state of vectors.example/log: 20 entries.",
		"Others are shown the same ledger and the same index: signed by library, newspaper, who knew nothing newer on 2026-06-24T08:30:0",
		"Your trail has 2 generations, each enrolled with the key on your card, and no later one is.",
		"All events of your trail up to entry 14 of the ledger: 6 events, and no other tag of yours is in its index.",
		"A seal was lifted, and all 2 events that it hid are here.",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q but\n%s", want, said)
		}
	}
	e := r.Entries[0]
	if e.Position != 4 || e.Kind != "data.accessed" || e.Entry["kind"] != "data.accessed" || len(e.Disclosures) == 0 || len(e.Event) != 22 {
		t.Errorf("%+v", e)
	}
	for _, d := range r.Entries[len(r.Entries)-1].Disclosures {
		if d[0] == "key" {
			t.Error("a key is shown")
		}
	}
}
