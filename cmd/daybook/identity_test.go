package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// TestAskACopy: a copy of the log on a web server has files, and no more. What can be read
// in them is, and of the rest it is said why not.
func TestAskACopy(t *testing.T) {
	o := newOperator(t)
	o.grow(0, 300)
	dir := filepath.Join(t.TempDir(), "copy")
	call{[]string{"mirror", o.url, dir, "--once", "--key", o.vkey}, 0, "COPIED: 301 ", ""}.check(t)
	s := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer s.Close()
	call{[]string{"key", "--url", s.URL}, 0, "^ledger.example/log", ""}.check(t)
	call{[]string{"policy", "--url", s.URL}, 0, "\nquorum none\n$", ""}.check(t)
	call{[]string{"prove", "1", "--url", s.URL}, exitError, "", "404; if that is a copy of the log, it has files only: ask the ledger itself"}.check(t)
	call{[]string{"key", "--url", strings.Replace(s.URL, "http:", "https:", 1)}, exitError, "", "; it answers at an address that begins with http://\n$"}.check(t)
}
