package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/emit"
)

const bulkEvent = `{"specversion":"1.0","id":"export","source":"city/app","type":"org.daybook.data.shared.v1","time":"2026-06-24T08:30:00Z",
 "data":{"recipient":"statistics","dataset":"city/people","sequence":7,"reasonText":"why"}}`

func writeText(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// plates are n persons, one a line, from P<first> on.
func plates(first, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "plate:P%d\n", first+i)
	}
	return b.String()
}

// TestBulkFiles holds what is said of files that nothing can be sent of: the
// place and the reason, and nobody's name.
func TestBulkFiles(t *testing.T) {
	dir := t.TempDir()
	head := writeText(t, filepath.Join(dir, "head.json"), bulkEvent)
	for name, x := range map[string]struct{ text, head, says string }{
		"empty":           {"\n \n", bulkEvent, `it names nobody$`},
		"one":             {"plate:A1\n", bulkEvent, `names one person; send .*mode single$`},
		"no colon":        {"plate:A1\n\nA2\n", bulkEvent, `line 3: a person is SCHEME:VALUE`},
		"no value":        {"plate:A1\nplate:\n", bulkEvent, `line 2: a person is SCHEME:VALUE`},
		"wildcard":        {"plate:A1\nplate:A*\n", bulkEvent, `line 2: .*letters A to Z`},
		"scheme":          {"plate:A1\nname:secret\n", bulkEvent, `line 2: .*scheme`},
		"no JSON":         {"plate:A1\n{\"scheme\"\n", bulkEvent, `line 2: not a JSON object`},
		"another member":  {`{"scheme":"plate","value":"A1","name":"secret"}`, bulkEvent, `line 1: a person has scheme, value`},
		"a number":        {`{"scheme":"plate","value":1}`, bulkEvent, `line 1: a person has scheme, value`},
		"no scheme":       {`{"value":"A1"}`, bulkEvent, `line 1: a person needs scheme and value`},
		"relation":        {`{"scheme":"plate","value":"A1","relation":"friend"}`, bulkEvent, `line 1: the relation must be one of principal`},
		"twice":           {"plate:A1\nplate:A2\nplate:a-1\n", bulkEvent, `line 3: the person of line 1 again`},
		"too long a line": {"plate:A1\nplate:" + strings.Repeat("A", maxPersonLine) + "\n", bulkEvent, `line 2: longer than any person`},
		"no head":         {plates(1, 2), "nonsense", `reading the head .*malformed-json`},
		"no id":           {plates(1, 2), strings.Replace(bulkEvent, `"id":"export",`, "", 1), `/id`},
		"subjects":        {plates(1, 2), strings.Replace(bulkEvent, `"dataset"`, `"subjects":{"mode":"none"},"dataset"`, 1), `leave subjects out`},
		"another kind":    {plates(1, 2), strings.Replace(bulkEvent, "data.shared", "data.nonsense", 1), `/type`},
	} {
		file := writeText(t, filepath.Join(dir, "persons"), x.text)
		writeText(t, head, x.head)
		code, stdout, stderr := runHere(t, "emit", "--url", nobody, "--token", "t", "--bulk", file, "--head", head)
		if code != exitError || stdout != "" || !regexp.MustCompile(x.says).MatchString(strings.TrimSpace(stderr)) || strings.Contains(stderr, "secret") {
			t.Errorf("%s: exit code %d, %q", name, code, stderr)
		}
	}
	for _, args := range [][]string{
		{"--bulk", "f"},
		{"--head", "h"},
		{"--dir", "d"},
		{"--bulk", "f", "--head", "h", "x"},
		{"--bulk", "f", "--head", "h", "--outbox", "o"},
		{"--bulk", "f", "--head", "h", "--dir", "d", "--receipts", "r"},
	} {
		if code, _, stderr := runHere(t, append([]string{"emit", "--token", "t"}, args...)...); code != exitUsage {
			t.Errorf("%q: exit code %d, %q", args, code, stderr)
		}
	}
}

// TestPartsOfAFile holds that every person of a file is in one part, in order, and
// that a person may come again in another part.
func TestPartsOfAFile(t *testing.T) {
	for _, n := range []int{0, 1, events.MaxPart, events.MaxPart + 1, 2 * events.MaxPart, 3000} {
		got, last := 0, 0
		err := eachPart(strings.NewReader(plates(1, n)), &strings.Builder{}, func(part int, list []events.Person) error {
			if last++; part != last || len(list) > events.MaxPart || len(list) == 0 {
				t.Errorf("part %d of %d persons", part, len(list))
			}
			for _, p := range list {
				if got++; p != (events.Person{Scheme: "plate", Value: fmt.Sprint("P", got), Relation: "principal"}) {
					t.Fatalf("person %d is %v", got, p)
				}
			}
			return nil
		})
		if err != nil || got != n || last != (bulkList{count: n}).parts() {
			t.Errorf("%d of %d persons in %d parts: %v", got, n, last, err)
		}
	}
	again := plates(1, events.MaxPart) + "plate:P1\n"
	if err := eachPart(strings.NewReader(again), &strings.Builder{}, func(int, []events.Person) error { return nil }); err != nil {
		t.Errorf("again in another part: %v", err)
	}
}

// breaking is a network that breaks at a request.
type breaking struct{ left atomic.Int64 }

func (b *breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.left.Add(-1) < 0 {
		return nil, errors.New("the network is gone")
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if b.left.Load() == 0 && err == nil {
		return nil, errors.Join(errors.New("the answer is lost"), resp.Body.Close())
	}
	return resp, err
}

// TestBulkGoesOn breaks the network at each request in turn and runs the command
// again, with and without a state: every part is in the ledger once.
func TestBulkGoesOn(t *testing.T) {
	in := openInside(t)
	token := in.token(events.Emitter, "city", "city/app")
	dir := t.TempDir()
	file := writeText(t, filepath.Join(dir, "persons"), plates(1, 10*events.MaxPart-7))
	for _, state := range []string{"", "state"} {
		for at := range int64(4) {
			id := fmt.Sprint("export-", at, state)
			head := writeText(t, filepath.Join(dir, "head.json"), strings.Replace(bulkEvent, `"export"`, `"`+id+`"`, 1))
			before := in.history.Last()
			net := &breaking{}
			net.left.Store(at)
			run := func() (string, error) {
				var out, talk strings.Builder
				x := exporting{sender: &emit.Sender{URL: in.url, Token: token, Client: &http.Client{Transport: net}, Attempts: 1}, file: file, head: head, out: &out, talk: &talk}
				if state != "" {
					x.state = filepath.Join(dir, id)
				} else {
					x.receipts = filepath.Join(dir, id)
				}
				return talk.String(), x.run(context.Background())
			}
			var e *exit
			if _, err := run(); !errors.As(err, &e) || e.code != exitIncomplete || !strings.Contains(err.Error(), "run the same command again") {
				t.Fatalf("broken at request %d: %v", at, err)
			}
			net.left.Store(1 << 40)
			if talk, err := run(); err != nil {
				t.Fatalf("again: %v %s", err, talk)
			}
			checkBulk(t, in, before, 10)
		}
	}
}

// checkBulk holds that behind a position there are one head and each of its parts.
func checkBulk(t *testing.T, in *inside, after events.Seq, parts int) {
	t.Helper()
	seen := map[int64]int{}
	for m, err := range in.history.Replay(t.Context(), after+1, in.history.Last()) {
		if err != nil {
			t.Fatal(err)
		}
		message, err := events.ParseMessage(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		e, err := events.ParseEntry(message.Entry)
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind.Name == "data.shared" {
			n, _ := e.Value("subjects.part")
			seen[n.Int()]++
		}
	}
	if len(seen) != parts+1 {
		t.Errorf("%d of %d parts", len(seen)-1, parts)
	}
	for n, times := range seen {
		if times != 1 {
			t.Errorf("part %d is there %d times", n, times)
		}
	}
}

// TestBulkState holds what the state forgets and what it refuses.
func TestBulkState(t *testing.T) {
	dir := t.TempDir()
	first := func(sum string) bulkState {
		s, err := openBulkState(dir, sum)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := first("a")
	if s.before != 0 || s.has(0) || s.add([]int{0, 3}) != nil || s.add(nil) != nil {
		t.Fatalf("%+v", s)
	}
	s.close()
	path := filepath.Join(dir, "bulk")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, path, string(text)+"11") // a crash within a line, of 118
	s = first("a")
	if s.before != 2 || !s.has(0) || !s.has(3) || s.has(11) || s.has(1) || s.add([]int{1}) != nil {
		t.Errorf("%+v", s)
	}
	s.close()
	s = first("a")
	if s.before != 3 || !s.has(1) {
		t.Errorf("%+v", s)
	}
	s.close()
	if _, err := openBulkState(dir, "b"); err == nil || !strings.Contains(err.Error(), "directory of its own") {
		t.Errorf("another list: %v", err)
	}
	writeText(t, path, string(text)+"x\n")
	if _, err := openBulkState(dir, "a"); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged line: %v", err)
	}
	writeText(t, path, string(text[:10]))
	s = first("b")
	defer s.close()
	if s.before != 0 {
		t.Errorf("%+v", s)
	}
}
