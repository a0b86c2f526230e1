package projections

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/daybook-ledger/daybook/events"
)

// trails is a world with people in it, who remembers what concerns whom.
type trails struct {
	*world
	people []events.Handle
	seals  map[events.Handle][]*events.FoldSeal // by whose they are
	lifted map[events.EventName]events.Index
	kept   map[events.Handle][]Mention // by trail
	tags   map[events.Handle]uint64
}

func newTrails(tb testing.TB, seed uint64) *trails {
	w := &trails{
		newWorld(tb, seed), nil,
		map[events.Handle][]*events.FoldSeal{},
		map[events.EventName]events.Index{},
		map[events.Handle][]Mention{},
		map[events.Handle]uint64{},
	}
	w.open()
	return w
}

func (w *trails) handle() events.Handle { return events.Handle(w.name()) }

// concern records an event of a kind about the persons of handles.
func (w *trails) concern(kind, organization string, seal *events.FoldSeal, handles ...events.Handle) {
	w.tb.Helper()
	f := ownFold()
	f.Day, f.Seal = "2026-06-24", seal
	facts := events.Facts{
		Name: w.name(), Organization: organization, RecordedAt: start, OccurredOn: f.Day, UntilOn: f.Day, RecordedOn: f.Day,
	}
	if kind == "seal.placed" {
		seal.Name = facts.Name
	}
	persons := make([]string, len(handles))
	for i, h := range handles {
		w.tags[h]++
		generation := uint32(w.tags[h]+2) / 3 // as if the trail was rotated again and again
		relation := []string{"principal", "incidental"}[min(i, 1)]
		persons[i] = fmt.Sprintf("{'scheme':'email','value':'%d@example.org','relation':'%s'}", i, relation)
		f.Persons = append(f.Persons, events.FoldPerson{Handle: h, Counter: w.tags[h], Generation: generation, Relation: relation})
		facts.Tags = append(facts.Tags, events.Tag(w.name()))
		w.kept[h] = append(w.kept[h], Mention{
			Position: events.Index(len(w.out)), Organization: organization, Kind: kind, Trail: h, Counter: w.tags[h], Generation: generation, Relation: relation,
		})
	}
	slices.SortFunc(facts.Tags, func(a, b events.Tag) int { return strings.Compare(a.String(), b.String()) })
	e := w.submitted(kind, persons)
	if e.Kind.Seals {
		facts.OccurredOn, facts.RecordedOn = events.QuarterOf(f.Day), events.QuarterOf(f.Day)
	}
	facts.Digests = make([]events.Digest, e.Kind.Slots()+len(handles))
	for i := range facts.Digests {
		w.bytes(facts.Digests[i][:])
	}
	entry, err := e.Entry(facts)
	w.append(f, entry, err)
}

func (w *trails) submitted(kind string, persons []string) *events.Event {
	w.tb.Helper()
	said := map[string]string{
		"data.accessed":   "'system':'s','operation':'Query','outcome':'success'",
		"seal.placed":     "'reviewIn':'2026-Q4','reviewBy':'2026-10-01','group':'justice','ground':'" + events.CodeJustification.Terms()[0] + "'",
		"event.disclosed": "'seal':'AAAAAAAAAAAAAAAAAAAAAA','events':3",
		"key.shredded":    "'what':'person','shred':'AAAAAAAAAAAAAAAAAAAAAA'",
	}[kind]
	subjects := "{'mode':'single','persons':[" + strings.Join(persons, ",") + "]}"
	switch {
	case len(persons) == 0:
		subjects = "{'mode':'none'}"
	case len(persons) > 10:
		subjects = "{'mode':'bulk','partOf':'head','part':1,'parts':1,'persons':[" + strings.Join(persons, ",") + "]}"
	case len(persons) > 1:
		subjects = strings.Replace(subjects, "single", "several", 1)
	}
	data, err := events.ParseValue([]byte(strings.ReplaceAll("{'subjects':"+subjects+","+said+"}", "'", `"`)))
	if err != nil {
		w.tb.Fatal(err)
	}
	e, err := events.CheckEvent(events.Nested(events.Object{
		{Name: "data", Value: data},
		{Name: "id", Value: events.String(fmt.Sprint(len(w.out)))},
		{Name: "source", Value: events.String("daybook")},
		{Name: "specversion", Value: events.String("1.0")},
		{Name: "time", Value: events.String("2026-06-24T08:30:00Z")},
		{Name: "type", Value: events.String(events.TypePrefix + kind + events.TypeSuffix)},
	}))
	if err != nil {
		w.tb.Fatalf("%s: %v", kind, err)
	}
	return e
}

// live says n events at random about people who come, are put under seals, have
// them lifted, and are forgotten.
func (w *trails) live(n int) []events.Stored {
	for len(w.out) < n {
		organization := pick(w.world, "city", "county")
		if len(w.people) < 3 {
			w.people = append(w.people, w.handle())
		}
		i := w.rng.IntN(len(w.people))
		her := w.people[i]
		seals := w.seals[her]
		switch k := w.rng.IntN(20); {
		case k == 0:
			w.people = append(w.people, w.handle())
		case k == 1:
			s := &events.FoldSeal{Trail: w.handle(), Of: her}
			w.seals[her] = append(seals, s)
			w.concern("seal.placed", organization, s, s.Trail)
		case k == 2 && len(seals) > 0:
			s := *seals[w.rng.IntN(len(seals))]
			s.Trail = events.Handle{}
			if _, before := w.lifted[s.Name]; !before {
				w.lifted[s.Name] = events.Index(len(w.out))
				w.concern("event.disclosed", organization, &s, her)
			}
		case k == 3:
			w.concern("key.shredded", organization, nil, her)
			w.forget(her)
			w.people = slices.Delete(w.people, i, i+1)
		case k < 9 && len(seals) > 0:
			w.concern("data.accessed", organization, nil, seals[w.rng.IntN(len(seals))].Trail)
		case k < 13:
			w.concern("data.accessed", organization, nil, her, w.people[(i+1)%len(w.people)])
		case k == 13:
			w.concern("data.accessed", organization, nil)
		default:
			w.concern("data.accessed", organization, nil, her)
		}
	}
	return w.out
}

func (w *trails) forget(her events.Handle) {
	delete(w.kept, her)
	for _, s := range w.seals[her] {
		delete(w.kept, s.Trail)
	}
	delete(w.seals, her)
}

// about is what Person must say, by search of all.
func (w *trails) about(her events.Handle, organization string, size events.Size) (out []Mention) {
	all := slices.Clone(w.kept[her])
	for _, s := range w.seals[her] {
		for _, m := range w.kept[s.Trail] {
			m.Seal = s.Name
			at, lifted := w.lifted[s.Name]
			m.Disclosed = lifted && at < events.Index(size)
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b Mention) int { return int(a.Position) - int(b.Position) })
	for _, m := range all {
		if (organization == "" || m.Organization == organization) && m.Position < events.Index(size) {
			out = append(out, m)
		}
	}
	return out
}

// person reads all pages of n.
func person(t *testing.T, r Reader, her events.Handle, organization string, n int) (all []Mention) {
	t.Helper()
	var after *events.Index
	for range 1000 {
		page, next, err := r.Person(her, organization, after, n)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > n {
			t.Fatalf("a page of %d has %d", n, len(page))
		}
		all = append(all, page...)
		if after = next; next == nil {
			return all
		}
	}
	t.Fatal("the pages have no end")
	return nil
}

func TestPersonFindsWhatASearchOfAllFinds(t *testing.T) {
	hidden, disclosed := 0, 0
	for seed := range uint64(6) {
		w := newTrails(t, seed)
		v := foldedViews(t, w.live(400))
		for _, size := range []events.Size{400, 250, 40, 1} {
			for _, her := range w.people {
				for _, organization := range []string{"", "city", "nobody"} {
					want := w.about(her, organization, size)
					for _, limit := range []int{1, 7, 1000} {
						if got := person(t, v.At(size), her, organization, limit); !slices.Equal(got, want) {
							t.Fatalf("seed %d, size %d, %q by %d:\n%v\nnot\n%v", seed, size, organization, limit, got, want)
						}
					}
					for _, m := range want {
						if m.Hidden() {
							hidden++
						} else if m.Disclosed {
							disclosed++
						}
					}
				}
			}
		}
		few := v.Now()
		few.steps = 3
		if got, want := person(t, few, w.people[0], "city", 1000), w.about(w.people[0], "city", 400); !slices.Equal(got, want) {
			t.Errorf("looking at few rows a page: %v, not %v", got, want)
		}
	}
	if hidden == 0 || disclosed == 0 {
		t.Errorf("the test is about nothing: %d hidden, %d disclosed", hidden, disclosed)
	}
}

func TestPersonsInAnySplit(t *testing.T) {
	for seed := range uint64(6) {
		messages := newTrails(t, seed).live(300)
		want := dump(t, foldedViews(t, messages))
		rng := rand.New(rand.NewPCG(seed, 3))
		fs, h := vfs.NewMem(), newTape(messages)
		v := opened(t, fs)
		for v.Cursor() < h.Last() {
			catchUp(t, v, h, min(h.Last(), v.Cursor()+events.Seq(1+rng.IntN(40))))
			if rng.IntN(3) == 0 {
				if err := v.Close(); err != nil {
					t.Fatal(err)
				}
				v = opened(t, fs)
			}
		}
		if got := dump(t, v); got != want {
			t.Fatalf("seed %d: folded in parts:\n%s\nat once:\n%s", seed, got, want)
		}
	}
}

func TestNothingOfAPersonIsLeft(t *testing.T) {
	w := newTrails(t, 1)
	her, other := events.Handle{0xff, 15: 0xff}, w.handle()
	s := &events.FoldSeal{Trail: events.Handle{0xff, 15: 0xfe}, Of: her}
	w.concern("data.accessed", "city", nil, her, other)
	w.concern("seal.placed", "city", s, s.Trail)
	w.concern("data.accessed", "city", nil, s.Trail)
	before := len(w.out)
	w.concern("key.shredded", "city", nil, her)
	for _, from := range []int{0, before} { // in the batch that wrote the rows, and in a later one
		v := opened(t, vfs.NewMem())
		catchUp(t, v, newTape(w.out), events.Seq(from))
		catchUp(t, v, newTape(w.out), events.Seq(len(w.out)))
		for _, r := range []Reader{v.Now(), v.At(events.Size(before))} {
			if got := person(t, r, her, "", 10); len(got) > 0 {
				t.Errorf("of her is shown: %v", got)
			}
		}
		if got := person(t, v.Now(), other, "", 10); len(got) != 1 {
			t.Errorf("of the other is shown: %v", got)
		}
		for line := range strings.Lines(dump(t, v)) {
			for _, h := range []events.Handle{her, s.Trail} {
				if strings.Contains(line, strings.Trim(fmt.Sprintf("%q", h[:]), `"`)) {
					t.Errorf("of her is left: %s", line)
				}
			}
		}
	}
}

// BenchmarkFoldParts folds parts of bulk events, 850 persons each.
func BenchmarkFoldParts(b *testing.B) {
	w := newTrails(b, 1)
	for range 40 {
		her := make([]events.Handle, 850)
		for i := range her {
			her[i] = w.handle()
		}
		w.concern("data.accessed", "city", nil, her...)
	}
	for b.Loop() {
		v, err := Open(Config{Dir: "views", FS: vfs.NewMem(), Open: openFold})
		if err != nil {
			b.Fatal(err)
		}
		catchUp(b, v, newTape(w.out), events.Seq(len(w.out)))
		if err := v.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*40*850)/b.Elapsed().Seconds(), "persons/s")
}
