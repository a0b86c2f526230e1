package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestReadmeCommandsRun runs the blocks of "First five minutes" as a reader
// would, against a server of its own.
func TestReadmeCommandsRun(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl on this machine")
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "## First five minutes")
	section, _, _ = strings.Cut(section, "\n## ")
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program(t), filepath.Join(home, "bin", "daybook")); err != nil {
		t.Fatal(err)
	}
	s, err := startServer(filepath.Join(home, "bin", "daybook"), filepath.Join(home, "daybook-data"), "--seed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(syscall.SIGKILL) })
	waitSize(t, s, 585)
	script, blocks := "set -e\n", strings.Split(section, "```")
	for i := 1; i < len(blocks); i += 2 {
		script += blocks[i] + "\nsleep 1\n" // until what was emitted is published
	}
	script = strings.ReplaceAll(script, "http://127.0.0.1:8480", s.url)
	script = strings.ReplaceAll(script, "daybook prove", "daybook prove --url "+s.url)
	script = strings.ReplaceAll(script, "daybook emit", "daybook emit --url "+s.url)
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = home
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`"status":201`, "daybook/receipt@1", "VALID: 1 entry checked", `VALID: \d+ entries checked`} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("the README's commands do not print %q:\n%s", want, out)
		}
	}
}
