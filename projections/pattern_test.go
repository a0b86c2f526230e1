package projections

import (
	"fmt"
	"strings"
	"testing"
)

// search lets an actor use data at a local hour of a day.
func (w *world) search(actor, day string, hour int, more string) {
	w.say("data.accessed", "chicago", fmt.Sprintf("%sT%02d:30:00Z", day, hour),
		"{'system':'s','operation':'Query','outcome':'success','subjects':{'mode':'none'},'actor':{'id':'"+actor+"'}"+more+"}")
}

// patterns are the findings of one code, as actor, count and days.
func patterns(t *testing.T, w *world, code string) string {
	t.Helper()
	list, err := foldedViews(t, w.out).Now().Findings(start, FindingFilter{Rule: RulePattern})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range list {
		if f.Code == code {
			out = append(out, fmt.Sprint(f.Evidence["actor"], " ", f.Count, " ", f.FirstDay, " ", f.LastDay, " ", f.Positions))
		}
	}
	return strings.Join(out, ", ")
}

// weekday is the n-th of many days no two of which follow another.
func weekday(n int) string { return addDays("2026-01-01", 2*n) }

func TestNightsAgainstHabit(t *testing.T) {
	w := newWorld(t, 51)
	night := func(actor string, day, hour int) { w.search(actor, weekday(day), hour, "") }
	for day := range HabitDays - 1 {
		w.search("ann", weekday(day), 6+day%16, "")
		w.search("ann", weekday(day), 12, "") // twice a day is one day
		night("bob", day, 22)                 // at night only
		w.search("eve", weekday(day), 9, ",'automation':'automated'")
		w.search("dan", weekday(day), 9, "")
		night("dan", day, 23) // by day and by night
	}
	night("ann", 8, 23)
	if got := patterns(t, w, codeOffHours); got != "" {
		t.Fatalf("too few days are a habit: %s", got)
	}
	w.search("ann", weekday(20), 21, "")
	from := len(w.out)
	for _, hour := range []int{21, 22, 5, 6, 0} {
		w.search("ann", weekday(21), hour, "")
	}
	for _, actor := range []string{"bob", "dan"} {
		w.search(actor, weekday(20), 9, "")
		night(actor, 21, 3)
	}
	w.search("eve", weekday(20), 3, ",'automation':'automated'")
	want := fmt.Sprintf("nna 3 %s %s [%d %d %d]", weekday(21), weekday(21), from+1, from+2, from+4)
	if got := patterns(t, w, codeOffHours); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	night("ann", 22, 2) // a third night: nights are becoming a habit
	if got := patterns(t, w, codeOffHours); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestBurstsWithinAnHour(t *testing.T) {
	w := newWorld(t, 52)
	for range BurstUses - 1 {
		w.search("ann", "2026-01-05", 9, "")
		w.search("ann", "2026-01-05", 10, "")
		w.search("ann", "2026-01-07", 9, "")
	}
	for range BurstUses {
		w.search("eve", "2026-01-05", 9, ",'automation':'automated'")
	}
	if got := patterns(t, w, codeBurst); got != "" {
		t.Fatalf("too few are a burst: %s", got)
	}
	first := len(w.out)
	w.search("ann", "2026-01-07", 9, "")
	for range 300 {
		w.search("ann", "2026-01-05", 10, "") // one hour is one burst, however many
	}
	want := fmt.Sprintf("nna 2 2026-01-05 2026-01-07 [%d %d]", first, first+1)
	if got := patterns(t, w, codeBurst); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
