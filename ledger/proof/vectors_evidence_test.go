package proof

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func evidenceVectors(t testing.TB) (out []presentationVector) {
	file := map[string]string{}
	for _, c := range crimes(t) {
		file[c.name] = string(c.evidence.Format())
		out = append(out, presentationVector{c.name, "accept", c.says, file[c.name], ""})
	}
	for _, c := range crimes(t) {
		out = append(out, presentationVector{c.name + "-honest", "reject", "nothing in it contradicts itself", string(c.honest.Format()), "it shows nothing"})
	}
	out = append(out, presentationVector{
		"receipt-late-of-both", "accept", "of two witnesses who are both needed one knew nothing larger",
		string(latenessUnder(t, "witness.removed", 2, -1, 7).Format()), "",
	})
	reject := func(name, want, reason, file string) {
		out = append(out, presentationVector{name, "reject", reason, file, want})
	}
	once := func(kind, old, new string) string { return edit(t, file[kind], old, new) }
	reject("other-version", "is not daybook/evidence@1", "the version is unknown", once("fork", "evidence@1", "evidence@2"))
	reject("no-such-kind", "there is no kind", "the kind is none", once("fork", `"kind":"fork"`, `"kind":"rumour"`))
	reject("of-another-kind", "this kind has", "it holds what another kind does", once("fork", `"kind":"fork"`, `"kind":"order"`))
	reject("more", "not in its canonical form", "there is a member that its kind does not have", once("fork", `"kind"`, `"entry":"AA","kind"`))
	reject("space", "not in its canonical form", "a space follows a comma", once("fork", `,"kind"`, `, "kind"`))
	reject("newline-after", "not in its canonical form", "a newline follows", file["fork"]+"\n")
	reject("numbers-descend", "do not ascend", "the numbers do not ascend", once("gap", "[1,2,3]", "[1,3,2]"))
	reject("number-zero", "do not ascend", "a number is zero", once("order", "[1,2]", "[0,2]"))
	reject("number-negative", "do not ascend", "a number is negative", once("order", "[1,2]", "[-1,2]"))
	reject("one-number", "this kind has 2", "a number is missing", once("order", "[1,2]", "[2]"))
	reject("other-number", "is not event", "a number is of another event", once("not-enrolled", `"numbers":[2]`, `"numbers":[1]`))
	reject("position-negative", "not in its canonical form", "the position is negative", once("index-tag", `"position":3`, `"position":-3`))
	reject("other-position", "does not lead to the root", "the entry is at another position", once("index-tag", `"position":3`, `"position":2`))
	reject("nothing", "", "the file is empty", "")

	change := func(name, want, reason, kind string, f func(*Evidence)) {
		for _, c := range crimes(t) {
			if c.name == kind {
				f(&c.evidence)
				reject(name, want, reason, string(c.evidence.Format()))
			}
		}
	}
	change("root-of-another", "is not event", "the root key is somebody else's", "order", func(e *Evidence) { e.Root = testRoot("ben") })
	change("opened-missing", "is missing", "the entry that names the index key is missing", "index-tag", func(e *Evidence) { e.Opened = nil })
	change("opened-another", "it is another entry", "another entry stands for the first", "index-tag", func(e *Evidence) {
		p := newBook(t).enrol("1", "ann").proof(1)
		e.Opened = &p
	})
	change("tree-hides", "does not show whether tag 3", "the tree does not show a tag's place", "gap", func(e *Evidence) {
		e.Tags = e.Tags.Show([]Hash{TagLabel(TagOf(testEventKey("ann", 1))), TagLabel(TagOf(testEventKey("ann", 2)))}, nil)
	})
	change("tree-of-another", "does not have the root that is signed", "the tree is not the one that is signed", "gap", func(e *Evidence) { e.Tags = InnerNode(Prefix{}, nil, nil) })
	change("two-sizes", "it shows nothing", "the checkpoints are of different sizes", "fork", func(e *Evidence) {
		e.Notes[1] = []byte(signRaw(t, testCheckpoint(testEntries(3)).Text(), logKey(t)))
	})
	change("two-positions", "it shows nothing", "the entries stand at two positions", "two-entries", func(e *Evidence) {
		a := newBook(t).enrol("1", "ann", "ben").use("ann", 1).use("ann", 2)
		e.Proofs = []Proof{a.proof(2), a.proof(3)}
	})
	change("leaf-of-another-size", "it shows nothing", "the leaf is of another size than the checkpoint", "index-root", func(e *Evidence) {
		e.Notes[0] = []byte(signRaw(t, testCheckpoint(testEntries(3)).Text(), logKey(t)))
	})
	change("leaf-by-the-receipt-key", "is not the index of", "the leaf is of a log that the receipt key signs", "index-tag", func(e *Evidence) {
		c := Checkpoint{ReceiptKeyName(testOrigin), 1, LeafHash(e.Leaves[0].Extra)}
		e.Leaves[0] = Proof{Extra: e.Leaves[0].Extra, Note: []byte(signRaw(t, c.Text(), receiptKey(t)))}
	})
	for _, c := range crimes(t) {
		if c.name == EvidenceIndexBack {
			slices.Reverse(c.honest.Leaves)
			reject("leaves-in-order", "it shows nothing", "the later leaf covers more", string(c.honest.Format()))
		}
	}
	change("receipt-kept", "it shows nothing", "the log is as large as was promised", "receipt-late", func(e *Evidence) {
		c := testCheckpoint(testEntries(5))
		e.Notes[1] = must(AddCosignatures([]byte(signRaw(t, c.Text(), logKey(t))), testLibrary(t).line(t, c.Text(), 2*24*3600)))
	})
	change("late-one-of-two", "it shows nothing", "one of two witnesses is enough, and one alone says that it knew nothing larger", "receipt-late", func(e *Evidence) {
		*e = latenessUnder(t, "witness.added", 1, 5, -1)
	})
	change("witness-of-later", "holds the entry that changes the witnesses", "the checkpoint is smaller than the position that changes the witnesses", "receipt-late", func(e *Evidence) {
		c := testCheckpoint(newBook(t).enrol("1", "ann").use("ann", 1).entries)
		e.Notes[1] = must(AddCosignatures([]byte(signRaw(t, c.Text(), logKey(t))), testLibrary(t).line(t, c.Text(), 2*24*3600)))
	})
	change("opened-again", "it is another entry", "an entry that names keys stands elsewhere than first", "index-tag", func(e *Evidence) {
		b := newBook(t).enrol("1", "ann")
		b.entries = append(b.entries, b.entries[0])
		p := b.proof(len(b.entries) - 1)
		e.Opened = &p
	})
	change("other-ledger", "signed it", "a checkpoint is of another log", "fork", func(e *Evidence) {
		k := newTestKey(t, "other.example/log", "log")
		c := Checkpoint{"other.example/log", 0, EmptyRoot()}
		e.Notes[0] = []byte(signRaw(t, c.Text(), k))
	})
	return out
}

func openEvidence(t testing.TB, file string) error {
	e, err := ParseEvidence([]byte(file))
	if err == nil {
		_, err = e.Verify(logKey(t).Verifier)
	}
	return err
}

func TestEvidenceVectors(t *testing.T) {
	made := presentationFile{logKey(t).vkey, evidenceVectors(t)}
	for _, v := range made.Vectors {
		err := openEvidence(t, v.File)
		if v.Verdict == "reject" {
			if err == nil || !strings.Contains(err.Error(), v.want) {
				t.Errorf("%s: %v, want %s", v.Name, err, v.want)
			}
		} else if err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(made); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(vectorDir, "evidence.json")
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("evidence.json is not what -update writes: %v", err)
	}
}

func FuzzParseEvidence(f *testing.F) {
	for _, v := range evidenceVectors(f) {
		f.Add([]byte(v.File))
	}
	v := logKey(f).Verifier
	f.Fuzz(func(t *testing.T, file []byte) {
		e, err := ParseEvidence(file)
		if err != nil {
			return
		}
		if !bytes.Equal(e.Format(), file) {
			t.Errorf("%q is written as %q", file, e.Format())
		}
		if got, err := e.Verify(v); err == nil && got.Kind != e.Kind {
			t.Errorf("%s convicts of %s", e.Kind, got.Kind)
		}
	})
}
