package main

import (
	"testing"
	"time"
)

// TestKeepDetails reads the rule for how long officers can open details, and holds
// the first instant at which a month is over.
func TestKeepDetails(t *testing.T) {
	for _, x := range []struct {
		flags                      []string
		organization, month, until string // the first instant at which it is over, "" for never
	}{
		{nil, "city", "2026-03", ""},
		{[]string{"P3Y"}, "city", "2026-03", "2029-04-01T00:00:00Z"},
		{[]string{"P1M"}, "city", "2026-12", "2027-02-01T00:00:00Z"},
		{[]string{"P0D"}, "city", "2026-03", "2026-04-02T00:00:00Z"},
		{[]string{"P30D"}, "city", "2026-01", "2026-03-03T00:00:00Z"},
		{[]string{"P3Y", "city=P1Y"}, "city", "2026-03", "2027-04-01T00:00:00Z"},
		{[]string{"city=P1Y", "P3Y"}, "county", "2026-03", "2029-04-01T00:00:00Z"},
		{[]string{"city=P1Y"}, "county", "2026-03", ""},
	} {
		k := keeping{flags: x.flags}
		if err := k.check(); err != nil {
			t.Fatal(x.flags, err)
		}
		at, _ := time.Parse(time.RFC3339, x.until)
		if x.until == "" {
			at = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		if over := k.isOver(x.organization, x.month, at); over != (x.until != "") {
			t.Errorf("%v: %s of %s is over at %v: %v", x.flags, x.month, x.organization, at, over)
		}
		if k.isOver(x.organization, x.month, at.Add(-time.Nanosecond)) {
			t.Errorf("%v: %s of %s is over too early", x.flags, x.month, x.organization)
		}
	}
	for _, flags := range [][]string{{"soon"}, {""}, {"P1Y", "P2Y"}, {"city=P1Y", "city=P2Y"}, {"City=P1Y"}, {"=P1Y"}, {"city="}, {"P"}} {
		if k := (keeping{flags: flags}); k.check() == nil {
			t.Errorf("%v is a rule", flags)
		}
	}
}
