package events

import (
	"fmt"
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
func ParseValue(b []byte) (Value, error) {
	v, _, err := parseValue(string(b))
	return v, err
}

// parseValue reads text, which the strings of the value share. Canonical says
// that text is what [Value.Append] writes for the value.
func parseValue(text string) (v Value, canonical bool, err error) {
	p := newParser(text)
	if v, err = p.value(0); err != nil {
		return Value{}, false, err
	}
	if p.skip(); p.at != len(text) {
		return Value{}, false, p.fail("something follows the value")
	}
	return v, !p.free, nil
}

// parser reads in.
type parser struct {
	in      string
	at      int
	free    bool // the text is not in canonical form: space, an order or escapes of its own
	path    [maxDepth + 1]place
	deep    int // how much of path is gone
	members room[Member]
	items   room[Value]
	insides room[inside]
}

// mostRoom is what a parser takes beforehand at most, whatever a text seems to
// need: commas in a string are no items.
const mostRoom = 64

// colonsOfTimes are those of two times of day, as most entries have them.
const colonsOfTimes = 4

func newParser(text string) parser {
	nested := strings.Count(text, "{") + strings.Count(text, "[")
	members := strings.Count(text, ":") // times have colons, too
	items := 0
	if strings.IndexByte(text, '[') >= 0 {
		items = strings.Count(text, ",") + nested - members + colonsOfTimes
	}
	return parser{
		in:      text,
		members: newRoom[Member](min(members, mostRoom)),
		items:   newRoom[Value](max(0, min(items, mostRoom))),
		insides: newRoom[inside](min(nested, mostRoom)),
	}
}

// hold makes a list or object value of what x holds.
func (p *parser) hold(s shape, x inside) Value {
	p.insides.insert(0, x)
	return Value{shape: s, inside: &p.insides.complete(0)[0]}
}

// down notes where the parser goes.
func (p *parser) down(to place) {
	p.path[p.deep] = to
	p.deep++
}

// place is one step down: a member's name, or how many items of the list on top
// of the stack came before.
type place struct {
	name string
	item int // -1 in an object
}

func (p *parser) fail(format string, args ...any) error {
	names := make([]string, p.deep)
	for i, at := range p.path[:p.deep] {
		if names[i] = at.name; at.item >= 0 {
			names[i] = strconv.Itoa(at.item)
		}
	}
	return &SyntaxError{Pointer: pointer(names...), Offset: p.at, Reason: fmt.Sprintf(format, args...)}
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
		p.free = true
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
		return p.hold(shapeObject, inside{}), nil
	}
	start := p.members.depth()
	for {
		if p.skip(); p.at == len(p.in) || p.in[p.at] != '"' {
			return Value{}, p.fail("a member name is missing")
		}
		name, err := p.str()
		if err != nil {
			return Value{}, err
		}
		p.down(place{name, -1})
		before := Object(p.members.from(start))
		i, found := before.find(name)
		if len(before) == maxMembers {
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
		p.members.insert(start+i, Member{name, v})
		p.free = p.free || i < len(before)
		p.deep--
		if p.take('}') {
			return p.hold(shapeObject, inside{obj: p.members.complete(start)}), nil
		}
		if !p.take(',') {
			return Value{}, p.fail("a comma or closing brace is missing")
		}
	}
}

func (p *parser) list(depth int) (Value, error) {
	p.at++
	if p.take(']') {
		return p.hold(shapeList, inside{}), nil
	}
	start := p.items.depth()
	for {
		p.down(place{item: p.items.depth() - start})
		v, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		p.deep--
		p.items.insert(p.items.depth(), v)
		if p.take(']') {
			return p.hold(shapeList, inside{items: p.items.complete(start)}), nil
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
	rest := p.in[p.at:]
	n, all := 0, byte(0)
	for n < len(rest) && rest[n] >= 0x20 && rest[n] != '"' && rest[n] != '\\' {
		all |= rest[n]
		n++
	}
	p.at += n
	if n == len(rest) || rest[n] != '"' {
		return p.escaped([]byte(rest[:n]))
	}
	if all >= utf8.RuneSelf && !utf8.ValidString(rest[:n]) {
		return "", p.fail("text is not UTF-8")
	}
	p.at++
	return rest[:n], nil
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
			start := p.at
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
			if needed := r < 0x20 || r == '"' || r == '\\'; !needed || string(appendEscape(nil, byte(r))) != p.in[start:p.at] {
				p.free = true
			}
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
