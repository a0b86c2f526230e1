package adapt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// read is what Rows makes of a text: a line for each row.
func read(in io.Reader, f Format) string {
	var b strings.Builder
	for row, err := range Rows(in, f) {
		switch {
		case err != nil:
			fmt.Fprintf(&b, "end: %v\n", err)
		case row.Problem != nil:
			fmt.Fprintf(&b, "%d! %v %s\n", row.Line, row.Problem, row.Raw())
		default:
			value, _ := json.Marshal(row.Value)
			fmt.Fprintf(&b, "%d %s\n", row.Line, value)
		}
	}
	return b.String()
}

func TestRows(t *testing.T) {
	records := Format{Records: "Records"}
	for _, c := range []struct {
		name, text string
		format     Format
		want       string
	}{
		{"nothing", "", Format{}, ""},
		{"csv", "a,b\n1,x\n\n2,\"y\n,z\"\n3,\"\"\n", Format{}, "2 {\"a\":\"1\",\"b\":\"x\"}\n4 {\"a\":\"2\",\"b\":\"y\\n,z\"}\n6 {\"a\":\"3\",\"b\":\"\"}\n"},
		{"csv with a mark", "\ufeffa\r\n1\r\n", Format{}, "2 {\"a\":\"1\"}\n"},
		{"csv without header", "1,x\n", Format{Columns: []string{"a", "b"}}, "1 {\"a\":\"1\",\"b\":\"x\"}\n"},
		{"csv of JSON", "{},1\n", Format{Columns: []string{"a", "b"}}, "1 {\"a\":\"{}\",\"b\":\"1\"}\n"},
		{"bad csv rows", "a,b\n1\nx\"y,2\n1,\xff\n3,4\n", Format{}, "2! the row has 1 values, not 2 {\"a\":\"1\"}\n" +
			"3! the row is not CSV: bare \" in non-quoted-field null\n4! the row is not UTF-8 {\"a\":\"1\",\"b\":\"\\ufffd\"}\n5 {\"a\":\"3\",\"b\":\"4\"}\n"},
		{"doubled column", "a,a\n1,2\n", Format{}, "end: reading rows: the header: two columns have one name\n"},
		{"lines", "{\"a\":1}\r\n\n {\"a\":12345678901234567890}", Format{}, "1 {\"a\":1}\n3 {\"a\":12345678901234567890}\n"},
		{"bad lines", "{\"a\":1}\n{\"a\n{} {}\n{\"a\":\"\xff\"}\n{}\n", Format{}, "1 {\"a\":1}\n2! the row is not JSON \"{\\\"a\"\n" +
			"3! something follows the row on its line \"{} {}\"\n4! the row is not UTF-8 \"{\\\"a\\\":\\\"\\ufffd\\\"}\"\n5 {}\n"},
		{"bad first line", "{\"a\":}\n{\"a\":1}\n", Format{}, "1! the row is not JSON \"{\\\"a\\\":}\"\n2 {\"a\":1}\n"},
		{"list", " [ {\"a\":1},\n\n {\"a\":\n2} ,3]\n", Format{}, "1 {\"a\":1}\n3 {\"a\":2}\n4 3\n"},
		{"objects over lines", "{\n \"a\": 1\n}\n{\n \"a\": 2\n}", Format{}, "1 {\"a\":1}\n4 {\"a\":2}\n"},
		{"records", "{\"v\":1,\"Records\":[{\"a\":1},\n{\"a\":2}],\"x\":{}}\n{\"Records\":[]}\n[{\"a\":3}]", records, "1 {\"a\":1}\n2 {\"a\":2}\n4 {\"a\":3}\n"},
		{"records over lines", "{\n\"Records\":\n[\n{}]}", records, "4 {}\n"},
		{"records nowhere", "{\n\"records\":\n[\n{}]}", records, "1 {\"records\":[{}]}\n"},
		{"records that are none", "{\n\"Records\":7}", records, "end: reading rows: near line 2: Records is not a list\n"},
		{"broken list", "[{\"a\":1},\n{\"a\"", Format{}, "1 {\"a\":1}\nend: reading rows: near line 1: unexpected EOF\n"},
		{"bad list", "[{\"a\":1},\n}]", Format{}, "1 {\"a\":1}\nend: reading rows: near line 1: invalid character '}' looking for beginning of value\n"},
		{"scalar after", "[]\n7", Format{}, "end: reading rows: near line 2: a value that is no object stands at the top\n"},
	} {
		if have := read(strings.NewReader(c.text), c.format); have != c.want {
			t.Errorf("%s:\nhave %s\nwant %s", c.name, have, c.want)
		}
		if have := read(iotest.OneByteReader(strings.NewReader(c.text)), c.format); have != c.want {
			t.Errorf("%s, byte by byte:\nhave %s\nwant %s", c.name, have, c.want)
		}
	}
}

// endless gives a beginning and then the same for ever, as far as memory goes.
type endless struct {
	start string
	given int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.given += len(p); e.given > 64<<20 {
		return 0, errors.New("64 MiB were read")
	}
	n := copy(p, e.start)
	e.start = e.start[n:]
	for i := n; i < len(p); i++ {
		p[i] = 'x'
	}
	return len(p), nil
}

// One row cannot fill the memory, whatever is open in it.
func TestLongRows(t *testing.T) {
	for _, start := range []string{"a\n\"", "a\n1,", "[\"", "{\n\"a\":\""} {
		if have := read(&endless{start: start}, Format{}); !strings.Contains(have, "longer than") {
			t.Errorf("%q: %.100s", start, have)
		}
	}
	long := `{"a":"` + strings.Repeat("x", MaxRow) + `"}`
	want := fmt.Sprintf("1 {}\n2! the row is longer than %d bytes null\n3 {}\n", MaxRow)
	if have := read(strings.NewReader("{}\n"+long+"\n{}"), Format{}); have != want {
		t.Errorf("a long line: %.100s", have)
	}
}

func TestReadingFails(t *testing.T) {
	for _, start := range []string{"", "a\n1\n", "{}\n", "[{},"} {
		have := read(io.MultiReader(strings.NewReader(start), iotest.ErrReader(errors.New("the disk is gone"))), Format{})
		if !strings.Contains(have, "the disk is gone") {
			t.Errorf("%q: %s", start, have)
		}
	}
	for range Rows(strings.NewReader("{}\n{}"), Format{}) {
		break // and nothing more is yielded, or this panics
	}
}

func FuzzRows(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,\"x\ny\"\n", "{\"a\":1}\n{\"a\n{}", "[{\"a\":[1,2]},{}]", "{\"Records\":[{}]}\n[]", "{\n\"a\":1}\n", "\ufeff[", "a\n\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, format := range []Format{{}, {Records: "Records"}, {Columns: []string{"a", "b"}}} {
			last, ended := 1, false
			for row, err := range Rows(strings.NewReader(text), format) {
				if ended || err == nil && (row.Line < last || row.Line > 1+strings.Count(text, "\n")+strings.Count(text, "\r")) {
					t.Fatalf("a row of line %d after line %d of %q", row.Line, last, text)
				}
				if ended = err != nil; ended {
					continue
				}
				if last = row.Line; !json.Valid(row.Raw()) {
					t.Fatalf("%q holds a row whose raw form is %s", text, row.Raw())
				}
			}
			if have, again := read(strings.NewReader(text), format), read(iotest.OneByteReader(strings.NewReader(text)), format); have != again {
				t.Fatalf("read at once %s, byte by byte %s", have, again)
			}
		}
	})
}

// What a map makes of a row depends on nothing but the row, and is taken by
// the ledger's own check.
func FuzzMaps(f *testing.F) {
	for _, seed := range []string{
		`{"eventName":"Get","eventSource":"s3.amazonaws.com","eventTime":"2026-06-24T08:30:00Z","eventID":"1"}`,
		`{"resourceType":"AuditEvent","entity":[{"what":{"reference":"Patient/1"}}]}`,
		`{"securityServerType":"Client","succeeded":true,"xRequestId":"1"}`, `{"@timestamp":"2026-06-24T08:30:00Z","Hostname":"a"}`, `[]`, `7`,
	} {
		f.Add(seed)
	}
	var all []*Map
	for _, name := range Maps() {
		m, err := Load(name)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, m)
	}
	f.Fuzz(func(t *testing.T, text string) {
		row, err := decode([]byte(text))
		if err != nil {
			return
		}
		for _, m := range all {
			given, err := m.Apply(t.Context(), row)
			again, _ := m.Apply(t.Context(), row)
			have, _ := Lines(given)
			want, _ := Lines(again)
			if !bytes.Equal(have, want) || err != nil && given != nil {
				t.Fatalf("%s: %s, then %s, %v", m.Name, have, want, err)
			}
		}
	})
}

// JSON is what encoding/json says it is.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+3,true,false,null,"\u00e9\ud83d\ude00\n"],"":{}}`, `01`, `-`, `1.`, `1e`, `"\ud83d"`, `"\x"`, `[1,]`, `{"a":1,}`, `nul`, "\"\t\"",
		strings.Repeat("[", maxDepth+5), ` [ ] `, `{"a":1,"a":2}`, `{a:1}`, `7 7`, `-01`, `"a`, `"\`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		have, err := decode([]byte(text))
		if err == errNotUTF8 || strings.Count(text, "[")+strings.Count(text, "{") > maxDepth {
			return
		}
		if valid := json.Valid([]byte(text)); valid != (err == nil) {
			t.Fatalf("%q is JSON: %v, but %v", text, valid, err)
		}
		if err != nil {
			return
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil || !reflect.DeepEqual(have, want) {
			t.Fatalf("%q says %v, not %v (%v)", text, want, have, err)
		}
	})
}
