package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/daybook-ledger/daybook/events/keyring"
)

// TestMirror: a mirror that saw more stops a restored ledger, one that saw as
// much or less does not, and one that cannot be asked only when it is required.
func TestMirror(t *testing.T) {
	program, err := exec.LookPath("daybook")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	data, yesterday := filepath.Join(dir, "data"), filepath.Join(dir, "yesterday")
	record := func(events ...string) {
		t.Helper()
		s, err := startServer(program, data)
		if err != nil {
			t.Fatal(err)
		}
		defer s.stop(syscall.SIGTERM)
		_, token, _ := runHere(t, "token", "--dir", data, "--role", "emitter", "--org", "city")
		for _, e := range events {
			anchored(t, s.url, strings.TrimSpace(token), e)
		}
	}
	record(eventOf("1"))
	copyTree(t, data, yesterday)
	record(eventOf("2"))
	mirror := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(data, "public"))))
	defer mirror.Close()
	stale := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(yesterday, "public"))))
	defer stale.Close()
	empty := httptest.NewServer(http.NotFoundHandler())
	defer empty.Close()

	restored := filepath.Join(dir, "restored")
	copyTree(t, yesterday, restored)
	serve := []string{"serve", "--dir", restored, "--http", "127.0.0.1:0"}
	for _, c := range []call{
		{append(serve, "--mirror", mirror.URL), exitError, "", `the mirror http://\S+ holds a signed checkpoint of size \d+, our journal ends at \d+ and the history at \d+: this directory was set back`},
		{append(serve, "--mirror", stale.URL, "--mirror", mirror.URL+"/"), exitError, "", `this directory was set back`},
		{append(serve, "--mirror", nobody, "--require-mirror"), exitError, "", `asking the mirror http://127.0.0.1:1: .*bring it back`},
		{append(serve, "--mirror", empty.URL, "--require-mirror"), exitError, "", `it has no checkpoint; bring it back`},
		{append(serve, "--mirror", "nonsense", "--require-mirror"), exitError, "", `is not one as http`},
	} {
		c.check(t)
	}
	s, err := startServer(program, restored, "--mirror", stale.URL, "--mirror", nobody)
	if err != nil {
		t.Fatal(err)
	}
	s.stop(syscall.SIGTERM)
	if !strings.Contains(s.logs.String(), "a mirror could not say what it has seen of this log") {
		t.Errorf("no warning: %s", s.logs)
	}
}

func eventOf(id string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"city","type":"org.daybook.data.deleted.v1","time":"2026-06-24T10:30:00Z",` +
		`"data":{"dataset":"city/people","method":"Erase","trigger":"retention-end","subjects":{"mode":"none"}}}`
}

// copyTree copies a data directory as a backup does, and its master key, which
// is kept elsewhere.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	master, err := os.ReadFile(keyring.DefaultMaster(from))
	if err == nil {
		err = os.WriteFile(keyring.DefaultMaster(to), master, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestLastSeenFile: notes one after the other, with or without empty lines, or
// one proof; and nothing else.
func TestLastSeenFile(t *testing.T) {
	one := "ledger.example/log\n1\nAAAA\n\n— ledger.example/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
	two := one + "— witness.example AAAAAAA=\n"
	for _, test := range []struct {
		text string
		want []string
	}{
		{one, []string{one}},
		{one + two, []string{one, two}},
		{"\n" + two + "\n\n" + one + "\n", []string{two, one}},
		{"", nil},
		{"\n\n", nil},
		{one + "rest", nil},
		{one[:len(one)-1], nil},
		{"origin\n1\n\n", nil},
		{strings.Repeat(one, 1<<20/len(one)+1), nil},
	} {
		path := filepath.Join(t.TempDir(), "seen")
		if err := os.WriteFile(path, []byte(test.text), 0o644); err != nil {
			t.Fatal(err)
		}
		heads, err := lastSeen(path)
		if (err != nil) != (test.want == nil) || err == nil && len(heads) != len(test.want) {
			t.Errorf("%.200q: %d heads, %v", test.text, len(heads), err)
			continue
		}
		for i, h := range heads {
			if string(h.Note) != test.want[i] || h.From != path && err == nil {
				t.Errorf("%q: head %d is %q of %s", test.text, i, h.Note, h.From)
			}
		}
	}
}
