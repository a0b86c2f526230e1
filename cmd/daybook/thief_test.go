package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// runHere runs the program in this process and returns its exit code and what
// it printed, which must be less than a pipe holds.
func runHere(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	outR, outW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	oldOut, oldErr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = outW, errW
	defer func() { os.Stdout, os.Stderr = oldOut, oldErr }()
	code = run(args)
	outW.Close()
	errW.Close()
	out, errOut := readPipe(t, outR), readPipe(t, errR)
	return code, out, errOut
}

func readPipe(t *testing.T, r *os.File) string {
	t.Helper()
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// kept is what somebody has of a small ledger when its server is gone: a copy
// of the public files, a proof, a receipt and the keys.
type kept struct {
	dir             string
	files           map[string][]byte // of dir, by their path with slashes
	proof, receipt  []byte
	key, receiptKey string
}

const thiefEvent = `{"specversion":"1.0","id":"%d","source":"city","type":"org.daybook.data.accessed.v1","time":"2026-06-24T10:30:00Z",` +
	`"data":{"system":"city/app","operation":"Consult","outcome":"success","subjects":{"mode":"single","persons":[{"scheme":"example","value":"anna"}]}}}`

// keepSmall runs the real program for a handful of events.
func keepSmall(t *testing.T) kept {
	t.Helper()
	program, err := exec.LookPath("daybook")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	s, err := startServer(program, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(syscall.SIGKILL) })
	k := kept{dir: filepath.Join(dir, "public"), files: map[string][]byte{}, key: s.key}
	_, token, _ := runHere(t, "token", "--dir", dir, "--role", "emitter", "--org", "city")
	for i := range 4 {
		k.receipt = anchored(t, s.url, strings.TrimSpace(token), fmt.Sprintf(thiefEvent, i))
	}
	code, out, stderr := runHere(t, "prove", "--url", s.url, "2")
	if code != 0 {
		t.Fatal(stderr)
	}
	k.proof = []byte(out)
	_, policy, _ := runHere(t, "policy", "--url", s.url)
	k.receiptKey = regexp.MustCompile(`(?m)^# receipt (.*)$`).FindStringSubmatch(policy)[1]
	s.stop(syscall.SIGTERM)
	err = filepath.WalkDir(k.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(k.dir, path)
			k.files[filepath.ToSlash(name)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil || len(k.files) != 3 {
		t.Fatalf("the public files are %v: %v", slices.Sorted(maps.Keys(k.files)), err)
	}
	return k
}

// anchored posts one event, waits until it is published, and returns the receipt.
func anchored(t *testing.T, url, token, event string) []byte {
	t.Helper()
	req, err := http.NewRequest("POST", url+"/v1/events?wait=anchored", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/cloudevents+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Receipt, Proof string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Proof == "" || answer.Receipt == "" {
		t.Fatalf("answered %d: %v", resp.StatusCode, err)
	}
	return []byte(answer.Receipt)
}

// with runs check on the directory with other content in one file, which is
// gone when content is nil.
func (k kept) with(t *testing.T, name string, content []byte, check func()) {
	t.Helper()
	path := filepath.Join(k.dir, filepath.FromSlash(name))
	var err error
	if content == nil {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, content, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	check()
	if err := os.WriteFile(path, k.files[name], 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestThief: whoever changes, shortens or exchanges anything of what somebody
// kept is found, by the exit code and by the place named.
func TestThief(t *testing.T) {
	k := keepSmall(t)
	audit := func(key string) (int, string, string) { return runHere(t, "audit", k.dir, "--key", key) }
	if code, out, stderr := audit(k.key); code != 0 || !strings.HasPrefix(out, "VALID: 6 entries") {
		t.Fatalf("the untouched directory: %d %s%s", code, out, stderr)
	}
	t.Run("public byte", func(t *testing.T) { k.flipFiles(t) })
	t.Run("public cut", func(t *testing.T) { k.cutFiles(t) })
	t.Run("proof byte", func(t *testing.T) { k.flipProof(t) })
	t.Run("other file", func(t *testing.T) { k.exchange(t) })
	if code, _, stderr := audit(k.key); code != 0 {
		t.Fatalf("the directory put back: %d %s", code, stderr)
	}
}

// flipFiles flips a bit of every byte of every public file.
func (k kept) flipFiles(t *testing.T) {
	for name, content := range k.files {
		for i := range content {
			changed := bytes.Clone(content)
			changed[i] ^= 1 << (i % 8)
			k.with(t, name, changed, func() {
				code, out, stderr := runHere(t, "audit", k.dir, "--key", k.key)
				if code != exitInvalid || out != "" || !strings.HasPrefix(stderr, "daybook: NOT VALID: auditing "+name) {
					t.Errorf("byte %d of %s: exit code %d, stdout %q, stderr %q", i, name, code, out, stderr)
				}
			})
		}
	}
}

// cutFiles shortens each file, and takes it away: then it is only missing.
func (k kept) cutFiles(t *testing.T) {
	for name, content := range k.files {
		for n := 0; n < len(content); n += 1 + len(content)/500 {
			k.with(t, name, content[:n], func() {
				if code, out, stderr := runHere(t, "audit", k.dir, "--key", k.key); code != exitInvalid && code != exitIncomplete || out != "" {
					t.Errorf("%s cut to %d bytes: exit code %d, stdout %q, stderr %q", name, n, code, out, stderr)
				}
			})
		}
		k.with(t, name, nil, func() {
			if code, _, stderr := runHere(t, "audit", k.dir, "--key", k.key); code != exitIncomplete {
				t.Errorf("without %s: exit code %d, stderr %q", name, code, stderr)
			}
		})
	}
}

// placeInProof are the places a refusal of a proof may name.
var placeInProof = regexp.MustCompile(`first line|extra|index|hash \d+ of the path|path|checkpoint|signature|note`)

// flipProof changes every byte of a proof in several ways, and cuts it anywhere.
func (k kept) flipProof(t *testing.T) {
	file := filepath.Join(t.TempDir(), "her.tlog-proof")
	verify := func(b []byte) (int, string, string) {
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return runHere(t, "verify", file, "--key", k.key)
	}
	if code, out, stderr := verify(k.proof); code != 0 || !strings.HasPrefix(out, "VALID: 1 entry") {
		t.Fatalf("the untouched proof: %d %s%s", code, out, stderr)
	}
	kind := len("c2sp.org/tlog-proof@")
	origin := regexp.MustCompile(`(?m)^localhost/.*$`).FindIndex(k.proof)
	// The low bits are the spare ones at the end of base64.
	for i := range k.proof {
		for _, mask := range []byte{0x01, 0x02, 0x20, 0x80, 0xff, 1 << (i % 8)} {
			changed := bytes.Clone(k.proof)
			changed[i] ^= mask
			code, out, stderr := verify(changed)
			known := code == exitInvalid && strings.HasPrefix(stderr, "daybook: NOT VALID: ") && placeInProof.MatchString(stderr)
			// It may be a file of no known kind now, or one of another log.
			if another := i < kind || i >= origin[0] && i < origin[1]; out != "" || !known && !(another && code == exitUnchecked) {
				t.Errorf("byte %d with %#x: exit code %d, stdout %q, stderr %q", i, mask, code, out, stderr)
			}
		}
		want := exitInvalid
		switch {
		case i == 0:
			want = exitIncomplete // of an empty file nothing is checked
		case i < kind:
			want = exitUnchecked
		}
		if code, out, stderr := verify(k.proof[:i]); code != want || out != "" {
			t.Errorf("cut to %d bytes: exit code %d, stdout %q, stderr %q", i, code, out, stderr)
		}
	}
	for _, more := range []string{"x", "\n", " ", string(k.proof)} {
		if code, _, stderr := verify(append(bytes.Clone(k.proof), more...)); code != exitInvalid {
			t.Errorf("%d bytes added: exit code %d, stderr %q", len(more), code, stderr)
		}
	}
}

// exchange offers one signed thing for another, under either key.
func (k kept) exchange(t *testing.T) {
	file := filepath.Join(t.TempDir(), "offered")
	for _, key := range []string{k.key, k.receiptKey} {
		for name, b := range map[string][]byte{"receipt": k.receipt, "checkpoint": k.files["checkpoint"]} {
			if err := os.WriteFile(file, b, 0o644); err != nil {
				t.Fatal(err)
			}
			// Its signature may be right, and proves no entry.
			if code, out, stderr := runHere(t, "verify", file, "--key", key); code != exitIncomplete && code != exitUnchecked || strings.Contains(out, "VALID") {
				t.Errorf("a %s as proof: exit code %d, stdout %q, stderr %q", name, code, out, stderr)
			}
		}
		for name, b := range map[string][]byte{"receipt": k.receipt, "proof": k.proof} {
			k.with(t, "checkpoint", b, func() {
				code, out, stderr := runHere(t, "audit", k.dir, "--key", key)
				if code != exitInvalid || out != "" || !strings.HasPrefix(stderr, "daybook: NOT VALID: auditing checkpoint") {
					t.Errorf("a %s as checkpoint: exit code %d, stderr %q", name, code, stderr)
				}
			})
		}
	}
	// The receipt key signs no checkpoint, and no proof under the log's is its.
	if code, _, stderr := runHere(t, "audit", k.dir, "--key", k.receiptKey); code != exitInvalid {
		t.Errorf("the audit with the receipt key: exit code %d, stderr %q", code, stderr)
	}
	if err := os.WriteFile(file, k.proof, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := runHere(t, "verify", file, "--key", k.receiptKey); code != exitUnchecked {
		t.Errorf("the proof with the receipt key: exit code %d, stderr %q", code, stderr)
	}
}
