package proof

import (
	"bytes"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

func trailName(who string) TrailName { return TrailName(testSalt("trail of " + who)) }

// closed is a ledger of two persons with what a closure says of it.
func closed(t testing.TB) (*testBook, []ClosureLine) {
	b := newBook(t).enrol("1", "ann", "ben").use("ann", 1).use("ben", 1).use("ann", 2)
	label := func(who string) *[64]byte { l := testLabel(who); return &l }
	tag := func(at events.Index, who string, n uint64) ClosureLine {
		return ClosureLine{At: at, Tags: []ClosureTag{{trailName(who), n}}}
	}
	return b, []ClosureLine{
		{At: 1, Enrols: []ClosureTrail{{label("ann"), trailName("ann"), 1}, {label("ben"), trailName("ben"), 1}}},
		tag(2, "ann", 1), tag(3, "ben", 1), tag(4, "ann", 2),
	}
}

func judgeClosure(t testing.TB, b *testBook, lines []ClosureLine) Closed {
	t.Helper()
	c := NewClosure(events.Size(len(b.entries)))
	for _, l := range lines {
		c.Take(l)
	}
	for i := range b.entries {
		at := (i + 3) % len(b.entries) // in another order
		e, err := events.ParseEntry(b.entries[at])
		if err != nil {
			t.Fatal(err)
		}
		c.See(events.Index(at), e)
	}
	return c.Finish()
}

func TestClosure(t *testing.T) {
	b, lines := closed(t)
	if got := judgeClosure(t, b, lines); len(got.Faults) > 0 || got.Tags != 3 || got.Trails != 2 || got.Unused != 0 {
		t.Errorf("%+v", got)
	}
	mark := func(l *ClosureLine, kind, who string) { l.Mark = &ClosureMark{kind, trailName(who)} }
	for _, x := range []struct {
		name, says string
		lie        func([]ClosureLine) []ClosureLine
	}{
		{"a tag of nobody", "entry 4: it has 1 tags, and the closure knows whose 0", func(l []ClosureLine) []ClosureLine { return l[:3] }},
		{"a tag twice", "entry 3: it has 1 tags, and the closure knows whose 2", func(l []ClosureLine) []ClosureLine {
			l[2].Tags = append(l[2].Tags, ClosureTag{trailName("ann"), 2})
			return l
		}},
		{"two tags of one trail", "entry 3: two of its tags are of one trail", func(l []ClosureLine) []ClosureLine {
			l[2].Tags = append(l[2].Tags, ClosureTag{trailName("ben"), 2})
			return l
		}},
		{"another's tag", "entry 4: it has tag 2 of a trail whose tag before is 0", func(l []ClosureLine) []ClosureLine {
			l[2].Tags[0], l[3].Tags[0] = ClosureTag{trailName("ann"), 2}, ClosureTag{trailName("ben"), 2}
			return l
		}},
		{"a skipped counter", "entry 4: it has tag 3 of a trail whose tag before is 1", func(l []ClosureLine) []ClosureLine { l[3].Tags[0].Counter = 3; return l }},
		{"a trail of nowhere", "entry 3: it has a tag of a trail that was not enrolled", func(l []ClosureLine) []ClosureLine { l[2].Tags[0].Trail = trailName("eve"); return l }},
		{"an enrolment of nobody", "entry 1: it enrols 2 persons, and the closure has 1 trails", func(l []ClosureLine) []ClosureLine { l[0].Enrols = l[0].Enrols[:1]; return l }},
		{"a label of nowhere", "entry 1: the closure has a label of it that it does not have", func(l []ClosureLine) []ClosureLine {
			label := testLabel("eve")
			l[0].Enrols[1].Label = &label
			return l
		}},
		{"one label for two", "entry 1: the closure has a label of it that it does not have", func(l []ClosureLine) []ClosureLine {
			l[0].Enrols[1].Label = l[0].Enrols[0].Label
			return l
		}},
		{"keys that are gone unsaid", "entry 1: the keys of a trail that it enrols are gone", func(l []ClosureLine) []ClosureLine { l[0].Enrols[1].Label = nil; return l }},
		{"enrolled twice", "entry 2: it enrols a trail again that was not rotated", func(l []ClosureLine) []ClosureLine { l[1].Enrols = l[0].Enrols[:1]; return l }},
		{"an enrolment that is not there", "entry 2: it enrols 0 persons, and the closure has 1", func(l []ClosureLine) []ClosureLine {
			label := testLabel("eve")
			l[1].Enrols = []ClosureTrail{{&label, trailName("eve"), 1}}
			return l
		}},
		{"a generation from nowhere", "1 trails begin behind destroyed keys, and those of 0", func(l []ClosureLine) []ClosureLine { l[0].Enrols[0].Generation = 2; return l }},
		{"an end that is not there", "entry 4: it is data.accessed, and the closure says something else", func(l []ClosureLine) []ClosureLine { mark(&l[3], "key.shredded", "ann"); return l }},
		{"more after the end", "entry 4: it has a tag of a trail that had ended", func(l []ClosureLine) []ClosureLine { mark(&l[1], "key.shredded", "ann"); return l }},
		{"more after a rotation", "entry 4: it has a tag of a trail that was rotated", func(l []ClosureLine) []ClosureLine { mark(&l[1], "trail.rotated", "ann"); return l }},
		{"an end of another", "entry 4: it has no tag of the trail that it is about", func(l []ClosureLine) []ClosureLine { mark(&l[3], "key.shredded", "ben"); return l }},
		{"a seal over what was open", "entry 4: the hidden trail of its seal had tags before", func(l []ClosureLine) []ClosureLine { mark(&l[3], "seal.placed", "ann"); return l }},
		{"a seal over nothing", "entry 4: the hidden trail of its seal was not enrolled", func(l []ClosureLine) []ClosureLine { mark(&l[3], "seal.placed", "eve"); return l }},
		{"a lift of what is open", "entry 4: it lifts the seal of a trail that none hides", func(l []ClosureLine) []ClosureLine { mark(&l[3], "seal.lifted", "ann"); return l }},
		{"another kind", "entry 4: no entry of the kind \"rumour\"", func(l []ClosureLine) []ClosureLine { mark(&l[3], "rumour", "ann"); return l }},
		{"beyond the end", "entry 9: there is no such entry", func(l []ClosureLine) []ClosureLine { l[3].At = 9; return l }},
	} {
		b, lines := closed(t)
		var all []string
		for _, f := range judgeClosure(t, b, x.lie(lines)).Faults {
			all = append(all, "entry "+itoa(f.At)+": "+f.Says)
		}
		if !strings.Contains(strings.Join(all, "\n"), x.says) {
			t.Errorf("%s: %q, want %q", x.name, all, x.says)
		}
	}
}

func itoa(i events.Index) string { return string('0' + rune(i)) }

// TestClosureOfARotatedTrail has the generations of one trail follow each other, and
// somebody enrolled again behind destroyed keys.
func TestClosureOfARotatedTrail(t *testing.T) {
	c := NewClosure(9)
	ann, anew := trailName("ann"), trailName("ann anew")
	for i, l := range []ClosureLine{
		{Enrols: []ClosureTrail{{nil, ann, 1}}},
		{Tags: []ClosureTag{{ann, 1}}},
		{Tags: []ClosureTag{{ann, 2}}, Mark: &ClosureMark{"trail.rotated", ann}},
		{Enrols: []ClosureTrail{{nil, ann, 2}}},
		{Tags: []ClosureTag{{ann, 3}}},
		{Tags: []ClosureTag{{ann, 4}}, Mark: &ClosureMark{"key.shredded", ann}},
		{Enrols: []ClosureTrail{{nil, anew, 3}}},
		{Tags: []ClosureTag{{anew, 1}}},
	} {
		l.At = events.Index(i)
		c.Take(l)
	}
	if len(c.out.Faults) > 0 || c.out.Turned != 1 || c.out.Ended != 1 || !c.trails[anew].again || c.trails[ann].again {
		t.Errorf("%+v", c.out)
	}
}

func writtenClosure(t testing.TB) []byte {
	_, lines := closed(t)
	lines[0].Enrols[1].Label = nil
	lines[3].Mark = &ClosureMark{"key.shredded", trailName("ann")}
	out := ClosureHead{Origin: testOrigin, Size: 5, Reading: 7}.Append(nil)
	for _, l := range lines {
		out = l.Append(out)
	}
	return ClosureEnd{Lines: 4, Tags: 3}.Append(out)
}

func readClosure(b []byte) (again []byte, err error) {
	end, err := ReadClosure(bytes.NewReader(b), func(h ClosureHead) error {
		again = h.Append(again)
		return nil
	}, func(l ClosureLine) error {
		again = l.Append(again)
		return nil
	})
	return end.Append(again), err
}

func TestClosureIsReadAsItIsWritten(t *testing.T) {
	file := writtenClosure(t)
	if again, err := readClosure(file); err != nil || !bytes.Equal(again, file) {
		t.Fatalf("%v:\n%s\n%s", err, file, again)
	}
	text := string(file)
	lines := strings.SplitAfter(text, "\n")
	for name, x := range map[string]struct{ file, want string }{
		"empty":           {"", "cut off"},
		"no end":          {strings.Join(lines[:5], ""), "cut off"},
		"a line dropped":  {strings.Join(append(lines[:3:3], lines[4:]...), ""), "as much as it says"},
		"two changed":     {strings.Join([]string{lines[0], lines[1], lines[3], lines[2], lines[4], lines[5]}, ""), "out of place"},
		"no newline":      {strings.TrimSuffix(text, "\n"), "cut off"},
		"carriage return": {strings.Replace(text, "\n", "\r\n", 1), "one form"},
		"more":            {text + lines[1], "follows the end"},
		"other version":   {strings.Replace(text, "closure@1", "closure@2", 1), "is not daybook/closure@1"},
		"a space":         {strings.Replace(text, `"at":2,`, `"at": 2,`, 1), "one form"},
		"another member":  {strings.Replace(text, `"at":2,`, `"at":2,"b":1,`, 1), "one form"},
		"beyond the size": {strings.Replace(text, `"size":5`, `"size":4`, 1), "out of place"},
		"a short name":    {strings.Replace(text, `"trail":"`, `"trail":"A`, 1), "no name of a trail"},
		"a short label":   {strings.Replace(text, `"label":"`, `"label":"A`, 1), "not 64 bytes"},
		"negative":        {strings.Replace(text, `"counter":1`, `"counter":-1`, 1), "one form"},
		"a long line":     {lines[0] + `{"at":` + strings.Repeat("1", maxClosureLine), "longer than"},
	} {
		_, err := readClosure([]byte(x.file))
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %s", name, err, x.want)
		}
	}
}

func FuzzReadClosure(f *testing.F) {
	f.Add(writtenClosure(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := readClosure(b)
		if err == nil && !bytes.Equal(again, b) {
			t.Errorf("%q is written as %q", b, again)
		}
	})
}
