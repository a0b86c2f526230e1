package vectest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"iter"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
)

// Mutant is an accepted vector that was changed in one place.
type Mutant struct {
	Vector
	File   []byte // changed
	Change string // what was done
}

// Mutants are n changed files, as many of each accepted vector without an ML-DSA-44
// cosignature.
func Mutants(seed uint64, n int, list []Vector) iter.Seq[Mutant] {
	var good []Vector
	for _, v := range list {
		if v.Accept && len(v.File) > 0 && !v.PostQuantum() {
			good = append(good, v)
		}
	}
	return func(yield func(Mutant) bool) {
		m := maker{rand.New(rand.NewPCG(seed, 7)), good}
		for i := range n {
			if !yield(m.change(good[i%len(good)])) {
				return
			}
		}
	}
}

type maker struct {
	*rand.Rand
	good []Vector
}

// change changes v, and tries until something is different.
func (m maker) change(v Vector) Mutant {
	ways := []struct {
		name string
		do   func(Vector) []byte
	}{
		{"bit flipped", m.bit},
		{"bit flipped", m.bit},
		{"byte replaced", m.byte},
		{"span deleted", m.delete},
		{"span doubled", m.double},
		{"byte inserted", m.insert},
		{"number changed", m.number},
		{"lines swapped", func(v Vector) []byte { return m.lines(v, m.swap) }},
		{"line doubled", func(v Vector) []byte { return m.lines(v, m.twice) }},
		{"line left out", func(v Vector) []byte { return m.lines(v, m.leaveOut) }},
		{"line of another file", func(v Vector) []byte { return m.lines(v, m.of(v)) }},
		{"end cut off", func(v Vector) []byte { return v.File[:m.at(v.File)] }},
		{"span of another file", m.splice},
	}
	for {
		way := ways[m.IntN(len(ways))]
		if file := way.do(v); !bytes.Equal(file, v.File) {
			return Mutant{v, file, way.name}
		}
	}
}

func (m maker) at(b []byte) int { return m.IntN(len(b)) }

func (m maker) bit(v Vector) []byte {
	out := bytes.Clone(v.File)
	out[m.at(out)] ^= 1 << m.IntN(8)
	return out
}

// byte replaces one by a character that may stand there.
func (m maker) byte(v Vector) []byte {
	const likely = "ABCwxyz0189+/=-_ \n\"\\,:{}[]#\t\r\x00\x7f"
	out := bytes.Clone(v.File)
	out[m.at(out)] = likely[m.IntN(len(likely))]
	return out
}

func (m maker) span(b []byte) (from, to int) {
	from = m.at(b)
	return from, min(len(b), from+1+m.IntN(1<<m.IntN(8)))
}

func (m maker) delete(v Vector) []byte {
	from, to := m.span(v.File)
	return append(bytes.Clone(v.File[:from]), v.File[to:]...)
}

func (m maker) double(v Vector) []byte {
	from, to := m.span(v.File)
	return append(bytes.Clone(v.File[:to]), v.File[from:]...)
}

func (m maker) insert(v Vector) []byte {
	at := m.at(v.File)
	b := byte(m.IntN(256))
	if m.IntN(2) == 0 {
		b = v.File[m.at(v.File)]
	}
	return append(append(bytes.Clone(v.File[:at]), b), v.File[at:]...)
}

// other is another accepted file, of the same format when there is one.
func (m maker) other(v Vector) []byte {
	for range 100 {
		if o := m.good[m.IntN(len(m.good))]; o.Format == v.Format && o.Name != v.Name {
			return o.File
		}
	}
	return m.good[m.IntN(len(m.good))].File
}

// splice puts a span of another file where it stands there.
func (m maker) splice(v Vector) []byte {
	o := m.other(v)
	from, to := m.span(o)
	from, to = min(from, len(v.File)), min(to, len(v.File))
	return append(append(bytes.Clone(v.File[:from]), o[from:min(to, len(o))]...), v.File[to:]...)
}

var numbers = regexp.MustCompile(`[0-9]+`)

// number changes a number a little, or much.
func (m maker) number(v Vector) []byte {
	all := numbers.FindAllIndex(v.File, -1)
	if len(all) == 0 {
		return v.File
	}
	at := all[m.IntN(len(all))]
	n, _ := strconv.ParseUint(string(v.File[at[0]:at[1]]), 10, 64)
	to := []string{
		fmt.Sprint(n + 1), fmt.Sprint(n - 1), fmt.Sprint(2 * n), "0", "0" + fmt.Sprint(n), "-" + fmt.Sprint(n),
		"9007199254740991", "9007199254740992", "9007199254740993", "18446744073709551616",
	}[m.IntN(10)]
	return append(append(bytes.Clone(v.File[:at[0]]), to...), v.File[at[1]:]...)
}

// lineEnds are those of text, of text in JSON, and the members and items of JSON.
var lineEnds = regexp.MustCompile(`\n|\\n|","|,"`)

// lines changes the lines of a file, which keep what ends them.
func (m maker) lines(v Vector, change func([]string) []string) []byte {
	return []byte(strings.Join(change(split(v.File)), ""))
}

func split(b []byte) (out []string) {
	from := 0
	for _, at := range lineEnds.FindAllIndex(b, -1) {
		out = append(out, string(b[from:at[1]]))
		from = at[1]
	}
	return append(out, string(b[from:]))
}

func (m maker) swap(list []string) []string {
	i, j := m.IntN(len(list)), m.IntN(len(list))
	list[i], list[j] = list[j], list[i]
	return list
}

func (m maker) twice(list []string) []string {
	i := m.IntN(len(list))
	return append(append(append([]string{}, list[:i+1]...), list[i]), list[i+1:]...)
}

func (m maker) leaveOut(list []string) []string {
	i := m.IntN(len(list))
	return append(append([]string{}, list[:i]...), list[i+1:]...)
}

// of replaces a line by one of another file.
func (m maker) of(v Vector) func([]string) []string {
	return func(list []string) []string {
		theirs := split(m.other(v))
		list[m.IntN(len(list))] = theirs[m.IntN(len(theirs))]
		return list
	}
}

// FormAlone says that files of a format are judged by their form alone, so that a
// changed one may be well formed too.
func FormAlone(format string) bool {
	switch format {
	case "entry", "disclosure", "card", "policy":
		return true
	}
	return false
}

// signatureLine is one of a note, and one of a note in JSON.
func signatureLine(format string) *regexp.Regexp {
	if format == "evidence" || format == "presentation" {
		return regexp.MustCompile(`— ((?:[^ \\"]|\\["\\])+) ([A-Za-z0-9+/=]+)\\n`)
	}
	return regexp.MustCompile(`— ([^ \n]+) ([A-Za-z0-9+/=]+)\n`)
}

var treeLine = regexp.MustCompile(`(?m)^(tags|labels) .*\n`)

// States says that a changed file still states what v does: all but its signature
// lines is the same, and the lines of the keys that sign it are there. Whoever passes
// a signed note on may add and drop lines of other keys, and an index proof without one
// of its trees says nothing about that.
func (m Mutant) States() bool {
	line := signatureLine(m.Format)
	now, before := line.ReplaceAll(m.File, nil), line.ReplaceAll(m.Vector.File, nil)
	if m.Format == "index-proof" { // it may show less
		for _, tree := range treeLine.FindAll(before, -1) {
			if !bytes.Contains(now, tree) {
				before = bytes.Replace(before, tree, nil, 1)
			}
		}
	}
	if !bytes.Equal(now, before) {
		return false
	}
	for _, made := range line.FindAllSubmatch(m.Vector.File, -1) {
		if m.signs(string(made[1]), string(made[2])) && !bytes.Contains(m.File, made[0]) {
			return false
		}
	}
	return true
}

// signs says that a signature line is one of the keys that are trusted, by the name
// and hash that it has.
func (m Mutant) signs(name, signature string) bool {
	b, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || len(b) < 4 {
		return false
	}
	key := fmt.Sprintf("%s+%x+", name, b[:4])
	card, _, _ := strings.Cut(m.Trust.Card, "\n\n") // its policy names witnesses, of whom some may be missing
	return strings.Contains(m.Trust.Key, key) || strings.Contains(card, key) || m.Format == "evidence"
}
