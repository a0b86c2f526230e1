package differential

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// class is a difference that has a name. Whether an input belongs to it is found
// without our parsers.
type class struct {
	name    string
	oracles string // whose it is, all of them when empty
	formats string
	is      func(file string) bool
}

// known says whether an input belongs to a class that an oracle has.
func known(classes []class, oracle, format string, file []byte) bool {
	return slices.ContainsFunc(classes, func(c class) bool {
		return (c.oracles == "" || slices.Contains(strings.Fields(c.oracles), oracle)) &&
			slices.Contains(strings.Fields(c.formats), format) && c.is(string(file))
	})
}

// accepted are inputs that others accept and we refuse.
var accepted = []class{
	{"a signature has spare base64 bits", "", "checkpoint cosigned receipt proof", func(f string) bool {
		return slices.ContainsFunc(signatures(f), func(s signature) bool { return !canonical(base64.StdEncoding, s.b64) })
	}},
	{"a key has two signatures", "", "checkpoint cosigned receipt proof", func(f string) bool {
		seen := map[string]bool{}
		return slices.ContainsFunc(signatures(f), func(s signature) bool {
			key := s.name + string(s.bytes[:min(4, len(s.bytes))])
			twice := seen[key]
			seen[key] = true
			return twice
		})
	}},
	{"the checkpoint has more than three lines", "", "checkpoint cosigned proof", func(f string) bool { return len(textOf(f)) > 3 }},
	{"the root has spare base64 bits, or another length", "", "checkpoint cosigned proof", func(f string) bool {
		t := textOf(f)
		return len(t) > 2 && !hash(base64.StdEncoding, t[2])
	}},
	{"the size is not in its shortest form, or above 2^53", "", "checkpoint cosigned proof", func(f string) bool {
		t := textOf(f)
		return len(t) > 1 && !number(t[1], 1<<53)
	}},
	{"the log is empty and has another root than the empty tree", "", "checkpoint cosigned proof", func(f string) bool {
		t := textOf(f)
		return len(t) > 2 && t[1] == "0" && t[2] != "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	}},
	{"the note is above 64 KiB", "", "checkpoint cosigned receipt proof", func(f string) bool { return len(noteOf(f)) > 64<<10 }},
	{"a witness states no time, or one above 2^63 - 1", "torchwood formats", "cosigned", func(f string) bool {
		return slices.ContainsFunc(signatures(f), func(s signature) bool {
			if len(s.bytes) < 12+64 {
				return false
			}
			at := binary.BigEndian.Uint64(s.bytes[4:])
			return at == 0 || at >= 1<<63
		})
	}},
	{"the entry has spare base64 bits, line ends, or no byte, or is too long", "", "proof", func(f string) bool {
		b64, ok := strings.CutPrefix(headOf(f)[1], "extra ")
		b, _ := base64.StdEncoding.DecodeString(b64)
		return ok && (!canonical(base64.StdEncoding, b64) || len(b) == 0 || len(b) > 65535)
	}},
	{"the position is not in its shortest form", "", "proof", func(f string) bool {
		return slices.ContainsFunc(headOf(f), func(l string) bool {
			s, ok := strings.CutPrefix(l, "index ")
			return ok && !number(s, 1<<53-1)
		})
	}},
	{"a hash of the path has spare base64 bits or line ends", "", "proof", func(f string) bool {
		h := headOf(f)
		i := slices.IndexFunc(h, func(l string) bool { return strings.HasPrefix(l, "index ") })
		return i > 0 && slices.ContainsFunc(h[i+1:], func(l string) bool { return !hash(base64.StdEncoding, l) })
	}},
	{"lines end in CRLF, or the last one has no end", "x/mod formats", "proof", func(f string) bool {
		return strings.Contains(f, "\r\n") || !strings.HasSuffix(f, "\n")
	}},
	{"the text is no receipt", "x/mod", "receipt", func(f string) bool { return !receipt(f) }},

	{"a name, a key or a line is one that the policy has already, or has too many fields", "", "policy", twice},
	{"there are more than 64 witnesses and groups, or logs", "", "policy", func(f string) bool {
		n := map[string]int{}
		for _, l := range policyLines(f) {
			n[l[0]]++
		}
		return n["witness"]+n["group"] > 64 || n["log"] > 64
	}},
	{"a key is not in its one form", "", "policy", func(f string) bool {
		return anyField(f, func(s string) bool { return strings.Count(s, "+") > 1 && !vkey(s) })
	}},
	{"the quorum is named before it is defined, or there are several", "", "policy", quorumEarly},
	{"a line about logs is not looked into", "formats tessera", "policy", func(f string) bool { return strings.Contains(f, "log") }},
	{"members are in several groups, or fewer or more are needed than there are", "", "policy", groups},
	{"there is a space that is neither space nor tab, a control character, or no last line end", "", "policy", func(f string) bool {
		return !strings.HasSuffix(f, "\n") || strings.ContainsFunc(f, func(r rune) bool {
			return r != ' ' && r != '\t' && r != '\n' && (unicode.IsSpace(r) || r < ' ' || r == 0x7f)
		})
	}},
	{"a comment begins within a line", "", "policy", comment},
}

// refused are inputs that others refuse and we accept.
var refused = []class{
	{"a key of the policy is of ML-DSA-44, which it does not know", "torchwood", "policy", func(f string) bool {
		return anyField(f, func(s string) bool { return len(s) > 1700 })
	}},
	{"a name has a number sign, which it takes for the beginning of a comment", "", "policy", comment},
	{"a name has a Unicode space, which it takes for one", "", "policy", unicodeSpace},
	{"a name is a word of the format", "formats tessera", "policy", func(f string) bool {
		return anyName(f, func(s string) bool {
			return slices.Contains([]string{"witness", "group", "any", "all", "none", "quorum", "log"}, s)
		})
	}},
	{"the address of a witness is none", "formats tessera", "policy", func(f string) bool {
		return slices.ContainsFunc(policyLines(f), func(l []string) bool {
			if l[0] != "witness" || len(l) != 4 {
				return false
			}
			_, err := url.Parse(l[3])
			return err != nil
		})
	}},
	{"a line is longer than bufio.Scanner takes", "x/mod formats tessera", "proof policy", func(f string) bool {
		return slices.ContainsFunc(strings.Split(f, "\n"), func(l string) bool { return len(l) >= 64<<10 })
	}},
}

// met are policies that all accept, and of which others say other quorums.
var met = []class{
	{"of several logs it needs every one, and no note can have two origins", "torchwood", "policy", func(f string) bool {
		n := 0
		for _, l := range policyLines(f) {
			if l[0] == "log" {
				n++
			}
		}
		return n > 1
	}},
	{"a number sign within a line begins a comment to it", "", "policy", comment},
	{"a Unicode space separates names to it", "", "policy", unicodeSpace},
}

// signature is a signature line.
type signature struct {
	name, b64 string
	bytes     []byte
}

// noteOf is the note in a file: behind the first empty line of a proof file.
func noteOf(f string) string {
	if strings.HasPrefix(f, "c2sp.org/tlog-proof@v1") {
		f = strings.ReplaceAll(f, "\r\n", "\n")
		_, f, _ = strings.Cut(f, "\n\n")
	}
	return f
}

// headOf are the lines of a proof file before the note, two at least.
func headOf(f string) []string {
	head, _, _ := strings.Cut(f, "\n\n")
	return append(strings.Split(head, "\n"), "")
}

// textOf are the lines of the text of the note.
func textOf(f string) []string {
	f = noteOf(f)
	i := strings.LastIndex(f, "\n\n")
	if i < 0 {
		return nil
	}
	return strings.Split(f[:i], "\n")
}

func signatures(f string) (out []signature) {
	f = noteOf(f)
	for l := range strings.Lines(f[strings.LastIndex(f, "\n\n")+1:]) {
		rest, ok := strings.CutPrefix(strings.TrimSuffix(l, "\n"), "— ")
		if name, b64, ok2 := strings.Cut(rest, " "); ok && ok2 {
			b, _ := base64.StdEncoding.DecodeString(b64)
			out = append(out, signature{name, b64, b})
		}
	}
	return out
}

// canonical says whether base64 is what an encoder writes.
func canonical(enc *base64.Encoding, s string) bool {
	b, err := enc.DecodeString(s)
	return err == nil && enc.EncodeToString(b) == s
}

func hash(enc *base64.Encoding, s string) bool {
	b, _ := enc.DecodeString(s)
	return len(b) == 32 && canonical(enc, s)
}

// number says whether s is a decimal number up to a limit, in its shortest form.
func number(s string, limit uint64) bool {
	n, err := strconv.ParseUint(s, 10, 64)
	return err == nil && n <= limit && strconv.FormatUint(n, 10) == s
}

var receiptText = regexp.MustCompile(`^daybook/receipt@1\norigin ([^\s+\pC]+)\ntime (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)\n((?:\d+ [\w-]{43}\n)+)$`)

// receipt says whether the text of a note is a receipt, by a grammar of its own.
func receipt(f string) bool {
	i := strings.LastIndex(f, "\n\n")
	if i < 0 {
		return false
	}
	m := receiptText.FindStringSubmatch(f[:i+1])
	if m == nil || m[1] != "vectors.example/log" {
		return false
	}
	if _, err := time.Parse(time.RFC3339Nano, m[2]); err != nil {
		return false
	}
	last := int64(-1)
	for l := range strings.Lines(m[3]) {
		position, digest, _ := strings.Cut(strings.TrimSuffix(l, "\n"), " ")
		n, _ := strconv.ParseInt(position, 10, 64)
		if !number(position, 1<<53-1) || !hash(base64.RawURLEncoding, digest) || n <= last {
			return false
		}
		last = n
	}
	return true
}

// policyLines are the fields of each line that is no comment.
func policyLines(f string) (out [][]string) {
	for l := range strings.Lines(f) {
		fields := strings.FieldsFunc(l, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' })
		if len(fields) > 0 && !strings.HasPrefix(fields[0], "#") {
			out = append(out, fields)
		}
	}
	return out
}

func anyField(f string, is func(string) bool) bool {
	return slices.ContainsFunc(policyLines(f), func(l []string) bool { return slices.ContainsFunc(l[1:], is) })
}

// anyName asks about every name that is defined.
func anyName(f string, is func(string) bool) bool {
	return slices.ContainsFunc(policyLines(f), func(l []string) bool {
		return (l[0] == "witness" || l[0] == "group") && len(l) > 1 && is(l[1])
	})
}

// twice says whether anything is there twice that may be there once, and whether a
// line about a witness, a log or the quorum has too many fields.
func twice(f string) bool {
	seen := map[string]bool{}
	for _, l := range policyLines(f) {
		most := map[string]int{"log": 3, "witness": 4, "quorum": 2}[l[0]]
		if most > 0 && len(l) > most {
			return true
		}
		for i, s := range l[1:] {
			if strings.Count(s, "+") > 1 { // a key
				s = s[strings.Index(s, "+")+1:]
				s = s[strings.Index(s, "+")+1:]
				b, _ := base64.StdEncoding.DecodeString(s)
				s = string(b)
			} else if i > 0 || l[0] == "quorum" {
				continue
			}
			if seen[s] {
				return true
			}
			seen[s] = true
		}
	}
	return seen["none"]
}

// vkey says whether a key is in its one form, and of a type that cosigns or signs.
func vkey(s string) bool {
	parts := strings.SplitN(s, "+", 3)
	b, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(b) == 0 || !canonical(base64.StdEncoding, parts[2]) || len(parts[0]) > 255 {
		return false
	}
	return parts[1] == keyHash(parts[0], b) && (b[0] == 1 || b[0] == 4 || b[0] == 6) &&
		!strings.ContainsFunc(parts[0], unicode.IsControl)
}

// quorumEarly says whether the quorum is named before what it names, or twice.
func quorumEarly(f string) bool {
	defined, quorums := map[string]bool{"none": true}, 0
	for _, l := range policyLines(f) {
		switch {
		case len(l) < 2:
		case l[0] == "quorum":
			if quorums++; quorums > 1 || !defined[l[1]] {
				return true
			}
		case l[0] == "witness" || l[0] == "group":
			defined[l[1]] = true
		}
	}
	return false
}

// groups says whether a member is in two groups, and whether a group needs a number
// that it cannot have, or says it in another way than the shortest.
func groups(f string) bool {
	members := map[string]bool{}
	for _, l := range policyLines(f) {
		if l[0] != "group" || len(l) < 3 {
			continue
		}
		if l[2] != "any" && l[2] != "all" && (!number(l[2], uint64(len(l)-3)) || l[2] == "0") || len(l) == 3 {
			return true
		}
		for _, m := range l[3:] {
			if members[m] || m == "none" {
				return true
			}
			members[m] = true
		}
	}
	return false
}

func comment(f string) bool {
	return slices.ContainsFunc(policyLines(f), func(l []string) bool { return strings.Contains(strings.Join(l, " "), "#") })
}

func unicodeSpace(f string) bool {
	return bytes.ContainsFunc([]byte(f), func(r rune) bool { return r != ' ' && r != '\t' && r != '\n' && unicode.IsSpace(r) })
}
