package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// call is one run of the program. What it prints must match; "" is nothing.
type call struct {
	args           []string
	code           int
	stdout, stderr string
}

func (c call) check(t *testing.T) {
	t.Helper()
	code, stdout, stderr := runHere(t, c.args...)
	if code != c.code {
		t.Errorf("daybook %q: exit code %d, want %d; stderr %q", c.args, code, c.code, stderr)
	}
	for _, part := range []struct{ name, got, want string }{{"stdout", stdout, c.stdout}, {"stderr", stderr, c.stderr}} {
		if part.want == "" && part.got != "" || !regexp.MustCompile(part.want).MatchString(part.got) {
			t.Errorf("daybook %q: %s is %q, want %q", c.args, part.name, part.got, part.want)
		}
	}
}

// nobody is an address where no server is.
const nobody = "http://127.0.0.1:1"

// TestCommandsUsage: a wrong call is told so on stderr alone, with code 2 and
// where to read more.
func TestCommandsUsage(t *testing.T) {
	dir := t.TempDir()
	wrong := [][]string{
		{"nonsense"},
		{"--nonsense"},
		{"serve", "x"},
		{"serve", "--publish-every", "soon"},
		{"serve", "--seed=perhaps"},
		{"key", "x"},
		{"policy", "x"},
		{"key", "--dir"},
		{"token", "--role", "emitter", "--org", "city", "x"},
		{"emit", "--token", "t", "a", "b"},
		{"prove"},
		{"witnes"},
		{"help", "witnes"},
		{"help", "context", "ad"},
		{"mirror"},
		{"mirror", "http://127.0.0.1:1"},
		{"mirror", "copy", "http://127.0.0.1:1"},
		{"monitor", "http://127.0.0.1:1", "x"},
		{"context", "move", "city"},
		{"prove", "1", "2"},
		{"verify"},
		{"verify", "a", "b", "--key", "k"},
		{"audit"},
		{"audit", "a", "b", "--key", "k"},
		{"token"},
		{"token", "--role", "emitter"},
		{"token", "--role", "officer"},
		{"token", "--role", "mayor", "--org", "city"},
		{"token", "--role", "ledger", "--org", "city"},
		{"token", "--role", "emitter", "--org", "The City"},
		{"token", "--role", "emitter", "--org", "city", "--source", "The App"},
	}
	for _, name := range []string{"serve", "key", "policy", "token", "emit", "prove", "verify", "audit"} {
		wrong = append(wrong, []string{name, "--nonsense"})
		call{args: []string{name, "--help"}, stdout: `Usage:\n  daybook ` + name}.check(t)
	}
	for _, name := range []string{"serve", "key", "policy", "prove", "verify", "audit", "trail", "witness", "mirror", "monitor", "context"} {
		call{args: []string{name, "--help"}, stdout: `\nExit codes: 0 `}.check(t)
	}
	for _, args := range wrong {
		if args[0] == "token" {
			args = append(args, "--dir", dir)
		}
		call{args: args, code: exitUsage, stderr: `^daybook: .+; see daybook.* --help\n$`}.check(t)
	}
	for _, args := range [][]string{{"emit"}, {"verify", "a"}, {"audit", "a"}} {
		call{args: args, code: exitUsage, stderr: `^daybook: give .+; daybook (key|token) .+\n$`}.check(t)
	}
	call{args: nil, stdout: `Usage:`}.check(t)
	call{args: []string{"help", "witness"}, stdout: `Usage:\n  daybook witness`}.check(t)
	call{[]string{"help", "witnes"}, exitUsage, "", `there is no command "witnes" below daybook; perhaps witness; see daybook --help`}.check(t)
	call{[]string{"help", "context", "ad"}, exitUsage, "", `"ad" below daybook context; perhaps add; see`}.check(t)
	call{[]string{"mirror", nobody}, exitUsage, "", `URL DIR: DIR is missing`}.check(t)
	call{[]string{"mirror", "copy", nobody}, exitUsage, "", `URL DIR: the address stands where DIR is expected`}.check(t)
	call{args: []string{"--version"}, stdout: `^daybook \S+ go1\.\S+.*\n$`}.check(t)
}

// TestCommandsWithout: what can be said where there is no ledger.
func TestCommandsWithout(t *testing.T) {
	dir := t.TempDir()
	missing, file := filepath.Join(dir, "missing"), filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("no proof\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const key = "vectors.example/log+e502cf56+AYTToHFvp/zBc6yuhoq6aQrVX5yBEL9NchOQfrEj4pMW"
	const said = `^daybook: .+\n$`
	for _, c := range []call{
		{[]string{"token", "--dir", missing, "--role", "auditor"}, 0, `^\S{20,}\n$`, ""},
		{[]string{"token", "--dir", missing, "--role", "emitter", "--org", "city", "--source", "a", "--source", "b"}, 0, `^\S{20,}\n$`, ""},
		{[]string{"token", "--dir", file, "--role", "auditor"}, exitError, "", said},
		{[]string{"key", "--dir", missing}, exitError, "", said},
		{[]string{"policy", "--dir", missing}, exitError, "", said},
		{[]string{"key", "--url", nobody}, exitError, "", said},
		{[]string{"policy", "--url", "nonsense"}, exitError, "", said},
		{[]string{"prove", "--url", nobody, "1"}, exitError, "", said},
		{[]string{"prove", "--url", "nonsense", "1"}, exitError, "", said},
		{[]string{"emit", "--url", nobody, "--token", "t", missing}, exitError, "", said},
		{[]string{"verify", missing, "--key", key}, exitUnchecked, "", said},
		{[]string{"verify", dir, "--key", key}, exitUnchecked, "", said},
		{[]string{"verify", file, "--key", "nonsense"}, exitUsage, "", said},
		{[]string{"verify", file, "--key", strings.ToUpper(key)}, exitUsage, "", said},
		{[]string{"verify", file, "--key", key}, exitUnchecked, "", `^daybook: this is none of the files that can be checked.+\n$`},
		{[]string{"audit", nobody, "--key", key}, exitUnchecked, "", said},
		{[]string{"audit", "http://", "--key", key}, exitUnchecked, "", said},
		{[]string{"audit", filepath.Join(dir, "nowhere"), "--key", key}, exitUnchecked, "", said},
		{[]string{"audit", file, "--key", key}, exitUnchecked, "", said},
		{[]string{"audit", dir, "--key", "nonsense"}, exitUsage, "", said},
		{[]string{"audit", dir, "--key", key}, exitIncomplete, "", said},
		{[]string{"serve", "--dir", filepath.Join(dir, "a"), "--http", "127.0.0.1:99999"}, exitError, "", said},
		{[]string{"serve", "--dir", file, "--http", "127.0.0.1:0"}, exitError, "", said},
	} {
		c.check(t)
	}
}

// TestCommandsWith: stdout is what was asked for and nothing else, so that it
// can be piped.
func TestCommandsWith(t *testing.T) {
	program, err := exec.LookPath("daybook")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	s, err := startServer(program, data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(syscall.SIGKILL) })
	_, token, _ := runHere(t, "token", "--dir", data, "--role", "emitter", "--org", "city")
	token = strings.TrimSpace(token)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good", fmt.Sprintf(thiefEvent, 1)+"\n\n"+fmt.Sprintf(thiefEvent, 2)+"\n")
	mixed := write("mixed", fmt.Sprintf(thiefEvent, 1)+"\n{}\n")
	broken := write("broken", fmt.Sprintf(thiefEvent, 3)+"\nnonsense\n")
	anchored(t, s.url, token, fmt.Sprintf(thiefEvent, 0))
	out, proofFile := filepath.Join(dir, "out"), `^c2sp.org/tlog-proof@v1\nextra \S+\nindex 2\n(\S+\n)*\n`+regexp.QuoteMeta(strings.Split(s.key, "+")[0])
	key := `^` + regexp.QuoteMeta(s.key) + `\n$`
	other := "vectors.example/log+e502cf56+AYTToHFvp/zBc6yuhoq6aQrVX5yBEL9NchOQfrEj4pMW"
	for _, c := range []call{
		{[]string{"key", "--url", s.url}, 0, key, ""},
		{[]string{"key", "--url", s.url + "/"}, 0, key, ""},
		{[]string{"key", "--dir", data}, 0, key, ""},
		{[]string{"policy", "--url", s.url}, 0, `^# origin \S+\n# log \S+\n# receipt \S+\n# index \S+\n# vrf \S+\nquorum none\n$`, ""},
		{[]string{"policy", "--dir", data}, 0, `^# origin \S+\n# log \S+\n# receipt \S+\n# index \S+\n# vrf \S+\nquorum none\n$`, ""},
		{[]string{"prove", "--url", s.url, "2"}, 0, proofFile, ""},
		{[]string{"prove", "--url", s.url, eventName(t, s.url)}, 0, proofFile, ""},
		{[]string{"prove", "--url", s.url, "2", "-o", out}, 0, "", ""},
		{[]string{"verify", out, "--key", s.key}, 0, `^VALID: 1 entry checked\n`, ""},
		{[]string{"verify", out, "--key", other}, exitUnchecked, "", `^daybook: it is signed by "localhost/\S+", and the key you gave is that of vectors.example/log: `},
		{[]string{"prove", "--url", s.url, "2", "-o", filepath.Join(dir, "no", "where")}, exitError, "", `^daybook: `},
		{[]string{"prove", "--url", s.url, "99999"}, exitError, "", `^daybook: fetching the proof of 99999: .*404`},
		{[]string{"prove", "--url", s.url, "../../x"}, exitError, "", `^daybook: fetching the proof`},
		{[]string{"audit", s.url, "--key", s.key}, 0, `^VALID: \d entries checked\n`, ""},
		{[]string{"audit", data, "--key", s.key}, 0, `^VALID: \d entries checked\n`, ""},
		{[]string{"audit", s.url, "--key", other}, exitInvalid, "", `^daybook: NOT VALID: auditing checkpoint: `},
		{[]string{"audit", s.url + "/nowhere", "--key", s.key}, exitIncomplete, "", `^daybook: `},
		{[]string{"emit", "--url", s.url, "--token", "nonsense", good}, exitError, "", `^daybook: .*401`},
		{[]string{"emit", "--url", s.url, "--token", token, good}, 0, `^(\{"status":201,.*\}\n){2}$`, ""},
		{[]string{"emit", "--url", s.url, "--token", token, good}, 0, `^(\{"status":200,.*\}\n){2}$`, ""},
		{[]string{"emit", "--url", s.url, "--token", token, mixed}, exitError, `^\{"status":200,.*\}\n\{"status":422,.*\}\n$`, `^daybook: 1 of 2 events were refused`},
		{[]string{"emit", "--url", s.url, "--token", token, broken}, exitError, "", `^daybook: line 2 is not JSON`},
		{[]string{"serve", "--dir", filepath.Join(dir, "other"), "--http", strings.TrimPrefix(s.url, "http://")}, exitError, "", `^daybook: listening: `},
	} {
		c.check(t)
	}
	_, results, _ := runHere(t, "emit", "--url", s.url, "--token", token, mixed)
	for line := range strings.Lines(results) {
		if !json.Valid([]byte(line)) {
			t.Errorf("a result is %q", line)
		}
	}
	if _, err := auditURL(s.url, s.key); err != nil {
		t.Error(err)
	}
}

// eventName is the public name of the event at position 2.
func eventName(t *testing.T, url string) string {
	t.Helper()
	_, out, _ := runHere(t, "prove", "--url", url, "2")
	p := regexp.MustCompile(`(?m)^extra (\S+)$`).FindStringSubmatch(out)
	if p == nil {
		t.Fatalf("no proof: %q", out)
	}
	var e struct{ Event string }
	if err := json.Unmarshal(decode64(t, p[1]), &e); err != nil {
		t.Fatal(err)
	}
	return e.Event
}

func decode64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
