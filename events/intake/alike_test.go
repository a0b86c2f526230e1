package intake_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

const (
	alike = 10_000 // sealed events, and as many ordinary ones
	// mostChi is what a chi-square of 255 degrees of freedom exceeds by chance once
	// in 10⁹ times. There are 35 of them here, of keys from a fixed seed: a pass
	// stays one until the derivation of keys changes, which then alarms for nothing
	// at most once in 2.8 × 10⁷ times.
	mostChi = 415
)

// seen is what anyone could tell one entry from another by.
type seen struct {
	masked          string // the entry but for name, digests and tags
	entry, message  int    // bytes
	digests, boxes  int
	members, inside string // their names
	tag             events.Tag
}

// TestSealedLooksOrdinary records the same uses of data about two people, one of
// them under a seal, of every kind, full and sparse. Member by member and byte by
// byte the entries are equal, but for what is drawn at random; so are the sizes of
// all messages; and tags of both pass for random bytes.
func TestSealedLooksOrdinary(t *testing.T) {
	h := openHouse(t, plan{now: recorded, rand: rand.NewChaCha8([32]byte([]byte("a seed of thirty-two bytes, fixed")))})
	h.submit(t, registered("o"), accessed("first", "plate", "ORD 7")) // a counter has as many digits on both trails
	o := ordered()
	o.Case = ""
	h.place(t, o)
	from := h.history.Last() + 1
	var kinds []*events.Kind
	for _, k := range events.Kinds() {
		if k.IsData() {
			kinds = append(kinds, k)
		}
	}
	var data [][2]string // of a kind and its fields
	for _, k := range kinds {
		for _, full := range []bool{true, false} {
			data = append(data, [2]string{k.Name, filled(k, full, `{"mode":"single","persons":[{"scheme":"plate","value":"WHO 7"}]}`)})
		}
	}
	for start := 0; start < alike; start += 400 {
		var list []string
		for i := start; i < min(start+400, alike); i++ {
			for _, who := range []string{"ORD", "BER"} {
				x := data[i%len(data)]
				list = append(list, said(x[0], fmt.Sprintf("%.1s%05d", who, i), strings.Replace(x[1], "WHO", who, 1)))
			}
		}
		if got := statuses(h.submit(t, list...)); strings.Trim(got, "201 ") != "" {
			t.Fatal(got)
		}
	}
	groups := h.groups(t, from)
	ordinary, sealed := groups[h.person(t, "plate", "ORD7").Handle()], groups[events.Handle{}]
	if len(groups) != 2 || len(ordinary) != alike || len(sealed) != alike {
		t.Fatalf("%d groups, %d ordinary, %d sealed", len(groups), len(ordinary), len(sealed))
	}
	for i := range sealed {
		a, b := ordinary[i], sealed[i]
		a.tag, b.tag = events.Tag{}, events.Tag{}
		if a != b {
			t.Fatalf("use %d is\n%+v, and under a seal\n%+v", i, a, b)
		}
	}
	if x, y := lengths(ordinary), lengths(sealed); !maps.Equal(x, y) || len(x) < 8 {
		t.Errorf("sizes of ordinary messages %v, of sealed ones %v", x, y)
	}
	checkRandom(t, "ordinary", ordinary)
	checkRandom(t, "sealed", sealed)
	if x := between(ordinary, sealed); x > mostChi {
		t.Errorf("the bytes of sealed tags and of ordinary ones differ: %.0f", x)
	}
	// The measure itself: one bit that is never set.
	spoilt := slices.Clone(sealed)
	for i := range spoilt {
		spoilt[i].tag[3] &^= 1
	}
	if x := chi(spoilt, 3); x <= mostChi {
		t.Errorf("a bit that is never set passes for random: %.0f", x)
	}
}

// groups are the entries from a sequence on, by the trail that they are on, where
// the zero handle is every hidden one.
func (h *house) groups(t *testing.T, from events.Seq) map[events.Handle][]seen {
	t.Helper()
	out := map[events.Handle][]seen{}
	own := map[events.Handle]bool{h.person(t, "plate", "ORD7").Handle(): true, h.person(t, "plate", "BER7").Handle(): true}
	open := foldOpener(h)
	for m, err := range h.history.Replay(t.Context(), from, h.history.Last()) {
		if err != nil {
			t.Fatal(err)
		}
		msg := must[events.Message](t)(events.ParseMessage(m.Data))
		e := must[*events.Entry](t)(events.ParseEntry(msg.Entry))
		if e.Kind.Name == "subject.enrolled" {
			continue
		}
		handle := open(t, msg).Persons[0].Handle
		if !own[handle] {
			handle = events.Handle{}
		}
		tag, _ := events.ParseTag(e.Texts("subjects.tags")[0])
		subjects, _ := e.Value("subjects")
		out[handle] = append(out[handle], seen{
			masked(t, e), len(msg.Entry), len(m.Data), len(e.Texts("_sd")), len(msg.Boxes), names(e.Fields()), names(subjects.Object()), tag,
		})
	}
	return out
}

func names(o events.Object) string {
	var out []string
	for _, m := range o {
		out = append(out, m.Name)
	}
	return strings.Join(out, " ")
}

// lengths is how many messages there are of each size.
func lengths(list []seen) map[[2]int]int {
	out := map[[2]int]int{}
	for _, x := range list {
		out[[2]int{x.entry, x.message}]++
	}
	return out
}

func checkRandom(t *testing.T, name string, list []seen) {
	t.Helper()
	for at := -1; at < len(events.Tag{}); at++ {
		if x := chi(list, at); x > mostChi {
			t.Errorf("byte %d of the %s tags is not random: %.0f", at, name, x)
		}
	}
}

// chi is the chi-square of the bytes at one place in the tags, -1 for all places,
// against each value being as frequent as any other.
func chi(list []seen, at int) (sum float64) {
	counts, n := count(list, at)
	want := n / 256
	for _, c := range counts {
		sum += (c - want) * (c - want) / want
	}
	return sum
}

// between is the chi-square of two lists of equal length having the same
// distribution of bytes.
func between(a, b []seen) (sum float64) {
	x, _ := count(a, -1)
	y, _ := count(b, -1)
	for i := range x {
		sum += (x[i] - y[i]) * (x[i] - y[i]) / (x[i] + y[i])
	}
	return sum
}

func count(list []seen, at int) (counts [256]float64, n float64) {
	for _, x := range list {
		for i, b := range x.tag {
			if at < 0 || i == at {
				counts[b]++
				n++
			}
		}
	}
	return counts, n
}
