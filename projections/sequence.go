package projections

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxGaps is how many gaps of one source are followed. When there would be more,
// the lowest counts as lost for good.
const maxGaps = 100

// numbers are what one source has numbered so far: from … to, without the gaps,
// which ascend.
type numbers struct {
	from, to int64
	gaps     [][2]int64
	lost     int64 // missing numbers in gaps no longer followed
}

// foldSequence is rule 9: one finding for each source, which lasts while numbers
// between its lowest and its highest are missing.
func foldSequence(o *observation) error {
	n := o.m.fold.Sequence
	if n < 0 {
		return nil
	}
	source := o.e.Text("source")
	key := part(numberPrefix, o.organization, source)
	value, err := o.b.get(key)
	if err != nil {
		return err
	}
	s := numbers{from: n, to: n}
	changed := false
	if value != nil {
		if s, err = parseNumbers(value); err != nil {
			return err
		}
		changed = s.take(n)
	}
	o.b.put(key, s.append(nil))
	if !changed {
		return nil
	}
	f := finding{rule: RuleSequence, code: "gap", evidence: texts("source", source)}
	at := f.key(o.organization, f.id(o.organization))
	state, err := o.b.notedAt(at)
	if err != nil {
		return err
	}
	if state == nil || state.count == 0 {
		state = &noted{code: f.code, first: o.day, last: o.day}
	}
	state.count, state.first, state.last = s.missing(), min(state.first, o.day), max(state.last, o.day)
	state.evidence = texts("missing", s.shown(), "source", source)
	o.b.note(at, o.m.position, state)
	return nil
}

// take adds a number and says whether the gaps changed.
func (s *numbers) take(n int64) bool {
	switch {
	case n > s.to:
		last := s.to
		s.to = n
		return s.open(len(s.gaps), last+1, n-1)
	case n < s.from:
		first := s.from
		s.from = n
		return s.open(0, n+1, first-1)
	}
	for i, g := range s.gaps {
		if n < g[0] || n > g[1] {
			continue
		}
		s.gaps = slices.Delete(slices.Clone(s.gaps), i, i+1)
		s.open(i, n+1, g[1])
		s.open(i, g[0], n-1)
		return true
	}
	return false
}

// open adds a gap, unless it is empty.
func (s *numbers) open(i int, first, last int64) bool {
	if first > last {
		return false
	}
	s.gaps = slices.Insert(s.gaps, i, [2]int64{first, last})
	if len(s.gaps) > maxGaps {
		s.lost += s.gaps[0][1] - s.gaps[0][0] + 1
		s.gaps = s.gaps[1:]
	}
	return true
}

func (s *numbers) missing() int64 {
	n := s.lost
	for _, g := range s.gaps {
		n += g[1] - g[0] + 1
	}
	return n
}

// shownGaps is how many gaps the evidence lists: of a source the latest, of a bulk
// event the first.
const shownGaps = 10

// shown is the gaps as text: 17-20 35.
func (s *numbers) shown() string {
	return gapText(s.gaps[max(0, len(s.gaps)-shownGaps):])
}

// gapText is gaps as text: 17-20 35.
func gapText(gaps [][2]int64) string {
	var out []string
	for _, g := range gaps {
		text := strconv.FormatInt(g[0], 10)
		if g[1] > g[0] {
			text += "-" + strconv.FormatInt(g[1], 10)
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

// append writes from, to, lost and the ends of the gaps, as decimal text.
func (s *numbers) append(dst []byte) []byte {
	for _, n := range []int64{s.from, s.to, s.lost} {
		dst = append(strconv.AppendInt(dst, n, 10), ' ')
	}
	for _, g := range s.gaps {
		dst = append(strconv.AppendInt(dst, g[0], 10), ' ')
		dst = append(strconv.AppendInt(dst, g[1], 10), ' ')
	}
	return dst
}

func parseNumbers(b []byte) (numbers, error) {
	var n []int64
	for text := range strings.FieldsSeq(string(b)) {
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return numbers{}, fmt.Errorf("reading a source's numbers: %w", err)
		}
		n = append(n, i)
	}
	if len(n) < 3 || len(n)%2 == 0 {
		return numbers{}, fmt.Errorf("reading a source's numbers: there are %d", len(n))
	}
	s := numbers{from: n[0], to: n[1], lost: n[2]}
	for i := 3; i < len(n); i += 2 {
		s.gaps = append(s.gaps, [2]int64{n[i], n[i+1]})
	}
	return s, nil
}
