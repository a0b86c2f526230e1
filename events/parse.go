package events

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds nesting, so that no input can exhaust the stack, and
// maxMembers an object, so that none can make sorted insertion slow. An event
// needs four levels and 40 members.
const (
	maxDepth   = 16
	maxMembers = 256
)

// SyntaxError says where a text stops being JSON that can be read safely.
type SyntaxError struct {
	Pointer string // RFC 6901, to the innermost value begun
	Offset  int    // bytes
	Reason  string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("reading JSON at byte %d (%q): %s", e.Offset, e.Pointer, e.Reason)
}

// ParseValue reads one JSON text. It refuses what decoders commonly let pass
// and disagree about: doubled names, lone surrogates, invalid UTF-8, anything
// after the value, nesting beyond 16. The value keeps a copy of b.
func ParseValue(b []byte) (Value, error) { return parseValue(string(b)) }

// parseValue reads text, which the strings of the value share.
func parseValue(text string) (Value, error) {
	p := parser{in: text, path: make([]string, 0, 8), members: make([]Member, 0, 20), items: make([]Value, 0, 16)}
	v, err := p.value(0)
	if err != nil {
		return Value{}, err
	}
	if p.skip(); p.at != len(text) {
		return Value{}, p.fail("something follows the value")
	}
	return v, nil
}

// parser reads in. Members and items are stacks of what the objects and lists
// begun hold so far; each takes its own off when it ends, so that it allocates
// once and no more than it needs.
type parser struct {
	in      string
	at      int
	path    []string
	members []Member
	items   []Value
}

func (p *parser) fail(format string, args ...any) error {
	return &SyntaxError{Pointer: pointer(p.path...), Offset: p.at, Reason: fmt.Sprintf(format, args...)}
}

// pointer joins names as RFC 6901 does.
func pointer(names ...string) string {
	var b strings.Builder
	for _, n := range names {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(n, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

func (p *parser) skip() {
	for p.at < len(p.in) && p.in[p.at] <= ' ' && strings.IndexByte(" \t\r\n", p.in[p.at]) >= 0 {
		p.at++
	}
}

// take consumes c after optional space.
func (p *parser) take(c byte) bool {
	p.skip()
	if p.at < len(p.in) && p.in[p.at] == c {
		p.at++
		return true
	}
	return false
}

var literals = []Member{{"true", Boolean(true)}, {"false", Boolean(false)}, {"null", Value{}}}

func (p *parser) value(depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, p.fail("nested deeper than %d", maxDepth)
	}
	p.skip()
	if p.at == len(p.in) {
		return Value{}, p.fail("the text ends early")
	}
	switch c := p.in[p.at]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.list(depth)
	case c == '"':
		s, err := p.str()
		return String(s), err
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for _, w := range literals {
		if strings.HasPrefix(p.in[p.at:], w.Name) {
			p.at += len(w.Name)
			return w.Value, nil
		}
	}
	return Value{}, p.fail("not a JSON value")
}

func (p *parser) object(depth int) (Value, error) {
	p.at++
	if p.take('}') {
		return Nested(nil), nil
	}
	start := len(p.members)
	for {
		if p.skip(); p.at == len(p.in) || p.in[p.at] != '"' {
			return Value{}, p.fail("a member name is missing")
		}
		name, err := p.str()
		if err != nil {
			return Value{}, err
		}
		p.path = append(p.path, name)
		i, found := Object(p.members[start:]).find(name)
		if len(p.members)-start == maxMembers {
			return Value{}, p.fail("more than %d members", maxMembers)
		}
		if found {
			return Value{}, p.fail("the name stands twice")
		}
		if !p.take(':') {
			return Value{}, p.fail("a colon is missing")
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		p.members = slices.Insert(p.members, start+i, Member{name, v})
		p.path = p.path[:len(p.path)-1]
		if p.take('}') {
			o := Object(p.members)
			if depth > 0 { // the outermost has the stack to itself
				o = slices.Clone(o[start:])
				p.members = p.members[:start]
			}
			return Nested(o), nil
		}
		if !p.take(',') {
			return Value{}, p.fail("a comma or closing brace is missing")
		}
	}
}

func (p *parser) list(depth int) (Value, error) {
	p.at++
	if p.take(']') {
		return List(), nil
	}
	start := len(p.items)
	for {
		p.path = append(p.path, strconv.Itoa(len(p.items)-start))
		v, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		p.path = p.path[:len(p.path)-1]
		p.items = append(p.items, v)
		if p.take(']') {
			items := slices.Clone(p.items[start:])
			p.items = p.items[:start]
			return List(items...), nil
		}
		if !p.take(',') {
			return Value{}, p.fail("a comma or closing bracket is missing")
		}
	}
}

const maxInteger = 1<<53 - 1

func (p *parser) number() (Value, error) {
	start := p.at
	if p.in[p.at] == '-' {
		p.at++
	}
	whole := p.digits()
	if whole == 0 || whole > 1 && p.in[p.at-whole] == '0' {
		return Value{}, p.fail("not a number")
	}
	integer := true
	if p.at < len(p.in) && p.in[p.at] == '.' {
		p.at++
		integer = false
		if p.digits() == 0 {
			return Value{}, p.fail("digits are missing")
		}
	}
	if p.at < len(p.in) && (p.in[p.at] == 'e' || p.in[p.at] == 'E') {
		p.at++
		integer = false
		if p.at < len(p.in) && (p.in[p.at] == '+' || p.in[p.at] == '-') {
			p.at++
		}
		if p.digits() == 0 {
			return Value{}, p.fail("digits are missing")
		}
	}
	text := p.in[start:p.at]
	n, err := strconv.ParseInt(text, 10, 64)
	if !integer || err != nil || n > maxInteger || n < -maxInteger || text == "-0" {
		return Value{shape: shapeNumber, text: text}, nil
	}
	return Integer(n), nil
}

func (p *parser) digits() int {
	start := p.at
	for p.at < len(p.in) && p.in[p.at] >= '0' && p.in[p.at] <= '9' {
		p.at++
	}
	return p.at - start
}

func (p *parser) str() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.in) && p.in[p.at] >= 0x20 && p.in[p.at] != '"' && p.in[p.at] != '\\' {
		p.at++
	}
	if p.at < len(p.in) && p.in[p.at] == '"' {
		s := p.in[start:p.at]
		if !utf8.ValidString(s) {
			return "", p.fail("text is not UTF-8")
		}
		p.at++
		return s, nil
	}
	return p.escaped(append([]byte(nil), p.in[start:p.at]...))
}

// escaped goes on with a string that has at least one escape; out is its
// beginning.
func (p *parser) escaped(out []byte) (string, error) {
	for p.at < len(p.in) {
		c := p.in[p.at]
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				return "", p.fail("text is not UTF-8")
			}
			p.at++
			return string(out), nil
		case c < 0x20:
			return "", p.fail("a control character stands unescaped")
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, c)
			p.at++
		}
	}
	return "", p.fail("a string does not end")
}

func (p *parser) escape() (rune, error) {
	if p.at+1 >= len(p.in) {
		return 0, p.fail("a string does not end")
	}
	c := p.in[p.at+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		p.at += 2
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, p.fail("unknown escape")
	}
	r, err := p.unit()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if p.at+1 < len(p.in) && p.in[p.at] == '\\' && p.in[p.at+1] == 'u' {
		low, err := p.unit()
		if err != nil {
			return 0, err
		}
		if whole := utf16.DecodeRune(r, low); whole != utf8.RuneError {
			return whole, nil
		}
	}
	return 0, p.fail("half of a surrogate pair")
}

// unit reads one escape of four hexadecimal digits.
func (p *parser) unit() (rune, error) {
	if p.at+6 > len(p.in) {
		return 0, p.fail("a string does not end")
	}
	n, err := strconv.ParseUint(p.in[p.at+2:p.at+6], 16, 16)
	if err != nil {
		return 0, p.fail("not four hexadecimal digits")
	}
	p.at += 6
	return rune(n), nil
}
