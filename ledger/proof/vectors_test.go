package proof

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The vectors are neutral files any implementation can read: index.tsv names
// each file, its format, the verdict and the reason, and keys.tsv the verifier
// keys. They are made here, from public key words; go test -update writes them.
var update = flag.Bool("update", false, "write testdata/vectors")

const vectorDir = "../../testdata/vectors"

// vector is one file, with the words our error must contain if it is refused.
type vector struct {
	file, format, reason, want string
	data                       string
}

func (v vector) verdict() string {
	if v.want == "" {
		return "accept"
	}
	return "reject"
}

func (v vector) path() string { return v.verdict() + "/" + v.file }

// judge opens a vector as anyone would: with the key of its format.
func judge(t *testing.T, format string, data []byte) error {
	t.Helper()
	var err error
	switch format {
	case "checkpoint":
		_, err = OpenCheckpoint(data, logKey(t).Verifier)
	case "receipt":
		_, err = OpenReceipt(data, receiptKey(t).Verifier)
	case "proof":
		var p Proof
		if p, err = ParseProof(data); err == nil {
			_, err = p.Verify(logKey(t).Verifier)
		}
	case "policy":
		_, err = ParsePolicy(data)
	case "cosigned":
		_, _, err = must(ParsePolicy([]byte(testPolicy(t)))).Check(data, logKey(t).Verifier)
	case "card":
		_, err = ParseCard(data)
	case "index-proof":
		var p IndexProof
		if p, err = ParseIndexProof(data); err == nil {
			_, err = p.Verify(indexKey(t).Verifier)
		}
	case "bundle":
		var b Bundle
		if b, err = ParseBundle(data); err == nil {
			_, card, _ := annsTown(t)
			_, err = b.Verify(card)
		}
	default:
		t.Fatalf("unknown format %q", format)
	}
	return err
}

func allVectors(t *testing.T) []vector {
	return slices.Concat(checkpointVectors(t), proofVectors(t), receiptVectors(t), cardVectors(t), indexProofVectors(t), bundleVectors(t), policyVectors(t), cosignedVectors(t))
}

// formats are those whose vectors are made here; their files begin with them.
func formats() []string {
	return []string{"checkpoint", "proof", "receipt", "card", "index-proof", "bundle", "policy", "cosigned"}
}

func ours(format string) bool { return slices.Contains(formats(), format) }

func TestVectors(t *testing.T) {
	made := allVectors(t)
	if *update {
		writeVectors(t, made)
	}
	want := make(map[string]vector)
	for _, v := range made {
		if _, ok := want[v.path()]; ok {
			t.Fatalf("two vectors are named %s", v.path())
		}
		want[v.path()] = v
	}
	rows := readIndex(t)
	for _, row := range rows {
		file, format, verdict, reason := row[0], row[1], row[2], row[3]
		if !ours(format) {
			continue
		}
		v, ok := want[file]
		if !ok || v.format != format || v.verdict() != verdict || v.reason != reason {
			t.Errorf("%v: the index is not what -update writes", row)
			continue
		}
		delete(want, file)
		t.Run(file, func(t *testing.T) { checkVector(t, v) })
	}
	for file := range want {
		t.Errorf("%s is not in the index", file)
	}
}

func checkVector(t *testing.T, v vector) {
	data, err := os.ReadFile(filepath.Join(vectorDir, v.path()))
	if err != nil {
		t.Fatal(err)
	}
	if string(data) != v.data {
		t.Error("the file is not what -update writes")
	}
	err = judge(t, v.format, data)
	if v.want != "" {
		wantError(t, err, v.want)
	} else if err != nil {
		t.Error(err)
	}
}

// TestVectorsAreAllIndexed catches a file that no row speaks about.
func TestVectorsAreAllIndexed(t *testing.T) {
	indexed := make(map[string]bool)
	for _, row := range readIndex(t) {
		indexed[row[0]] = true
	}
	for _, verdict := range []string{"accept", "reject"} {
		files, err := os.ReadDir(filepath.Join(vectorDir, verdict))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			of := func(format string) bool { return strings.HasPrefix(f.Name(), format+"-") }
			if slices.ContainsFunc(formats(), of) && !indexed[verdict+"/"+f.Name()] {
				t.Errorf("%s/%s is not in index.tsv", verdict, f.Name())
			}
		}
	}
}

func TestVectorKeys(t *testing.T) {
	got, err := os.ReadFile(filepath.Join(vectorDir, "keys.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != keysFile(t) {
		t.Errorf("keys.tsv is\n%swant\n%s", got, keysFile(t))
	}
}

func keysFile(t *testing.T) string {
	return fmt.Sprintf("format\tvkey\ncheckpoint\t%s\nproof\t%[1]s\nreceipt\t%s\nindex-proof\t%s\ncosigned\t%[1]s\n", logKey(t).vkey, receiptKey(t).vkey, indexKey(t).vkey)
}

// readIndex returns the rows below the header.
func readIndex(t *testing.T) [][]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(vectorDir, "index.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = '\t', 4, true
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("reading the index: %d rows, %v", len(rows), err)
	}
	return rows[1:]
}

// writeVectors replaces our files and rows and keeps those of other formats.
func writeVectors(t *testing.T, made []vector) {
	t.Helper()
	rows := make(map[string]string)
	if _, err := os.Stat(filepath.Join(vectorDir, "index.tsv")); err == nil {
		for _, row := range readIndex(t) {
			if !ours(row[1]) {
				rows[row[0]] = strings.Join(row, "\t")
			}
		}
	}
	for _, verdict := range []string{"accept", "reject"} {
		if err := os.MkdirAll(filepath.Join(vectorDir, verdict), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, format := range formats() {
			old, _ := filepath.Glob(filepath.Join(vectorDir, verdict, format+"-*"))
			for _, file := range old {
				os.Remove(file)
			}
		}
	}
	for _, v := range made {
		rows[v.path()] = strings.Join([]string{v.path(), v.format, v.verdict(), v.reason}, "\t")
		writeFile(t, v.path(), v.data)
	}
	index := "file\tformat\tverdict\treason\n"
	for _, file := range slices.Sorted(maps.Keys(rows)) {
		index += rows[file] + "\n"
	}
	writeFile(t, "index.tsv", index)
	writeFile(t, "keys.tsv", keysFile(t))
	// Line ends are part of what the files test.
	writeFile(t, ".gitattributes", "* -text\n")
}

func writeFile(t *testing.T, name, data string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(vectorDir, name), []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// edit replaces the only occurrence of old, so that no vector silently stays
// what it was.
func edit(t testing.TB, s, old, new string) string {
	t.Helper()
	if strings.Count(s, old) != 1 {
		t.Fatalf("%q occurs %d times in %q", old, strings.Count(s, old), s)
	}
	return strings.Replace(s, old, new, 1)
}

// spare sets a spare bit in the base64 that ends at the first occurrence of
// end after the text from.
func spare(t *testing.T, s, from, end string) string {
	t.Helper()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	start := strings.Index(s, from)
	if start < 0 {
		t.Fatalf("no %q in %q", from, s)
	}
	at := strings.Index(s[start+len(from):], end) + start + len(from) - 1
	digit := strings.IndexByte(alphabet, s[at])
	if digit < 0 || digit%4 != 0 {
		t.Fatalf("no spare bit before %q in %q", end, s)
	}
	return s[:at] + alphabet[digit+1:digit+2] + s[at+1:]
}
