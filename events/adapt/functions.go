package adapt

import (
	"encoding/csv"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/daybook-ledger/daybook/events"
)

// functions are what a program may call beside jq's own: of one value, null
// for nothing.
func functions() []gojq.CompilerOption {
	text := func(name string, f func(string) (any, error)) gojq.CompilerOption {
		return gojq.WithFunction(name, 0, 0, func(v any, _ []any) any { return apply(name, v, f) })
	}
	return []gojq.CompilerOption{
		gojq.WithFunction("ref", 0, 1, prefixed),
		gojq.WithFunction("millis", 0, 0, func(v any, _ []any) any { return millis(v) }),
		text("utc", utc),
		text("csv", record),
		text("line", func(s string) (any, error) { return clean(s, 512, false), nil }),
		text("prose", func(s string) (any, error) { return clean(s, 2000, true), nil }),
	}
}

// apply gives f text; a number is its digits, null is null.
func apply(name string, v any, f func(string) (any, error)) any {
	var s string
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		s = v
	case json.Number:
		s = v.String()
	case int:
		s = strconv.Itoa(v)
	default:
		return refusal(name + " takes text")
	}
	out, err := f(s)
	if err != nil {
		return err
	}
	return out
}

// prefixed is the reference of a name, behind that of the prefix and a slash.
func prefixed(v any, args []any) any {
	out := apply("ref", v, func(s string) (any, error) { return asReference(s), nil })
	name, _ := out.(string)
	if len(args) == 0 || name == "" {
		return out
	}
	prefix, ok := args[0].(string)
	if prefix = asReference(prefix); !ok || prefix == "" {
		return refusal("ref takes a prefix that is a reference")
	}
	return prefix + "/" + name
}

// asReference is s in lower case, with a hyphen for each run of characters a
// reference cannot have, and without any such at the ends. It is never cut, as
// two long names must not become one.
func asReference(s string) string {
	var b strings.Builder
	gap := false
	for _, c := range strings.ToLower(s) {
		letter := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter && (!strings.ContainsRune("._/@-", c) || b.Len() == 0) {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteRune(c)
	}
	return strings.TrimRight(b.String(), "._/@-")
}

var zoneless = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:Z| UTC| GMT)?$`)

// utc is a time its source writes in UTC, perhaps without saying so, as RFC
// 3339 with the digits as given.
func utc(s string) (any, error) {
	parts := zoneless.FindStringSubmatch(strings.TrimSpace(s))
	if parts == nil {
		return nil, refusal("the time is not as 2026-06-24 08:30:00 in UTC")
	}
	return parts[1] + "T" + parts[2] + "Z", nil
}

// millis is a number of milliseconds since 1970 as RFC 3339.
func millis(v any) any {
	if v == nil {
		return nil
	}
	if n, ok := v.(json.Number); ok {
		if i, err := n.Int64(); err == nil {
			return events.FormatInstant(time.UnixMilli(i))
		}
	}
	n, ok := v.(int)
	if !ok {
		return refusal("the time is not a whole number of milliseconds")
	}
	return events.FormatInstant(time.UnixMilli(int64(n)))
}

// record is the values of one line of CSV.
func record(s string) (any, error) {
	values, err := csv.NewReader(strings.NewReader(s)).Read()
	if err != nil {
		return nil, refusal("the text is not a line of CSV")
	}
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out, nil
}

// clean is s as a sealed text of at most that many characters takes it:
// control and direction characters become spaces, what is beyond is cut and
// the cut marked.
func clean(s string, most int, lines bool) string {
	s = strings.TrimSpace(strings.Map(func(c rune) rune {
		switch {
		case lines && (c == '\n' || c == '\t' || c == '\r'):
		case unicode.IsControl(c), c >= 0x202a && c <= 0x202e, c >= 0x2066 && c <= 0x2069:
			return ' '
		}
		return c
	}, s))
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
