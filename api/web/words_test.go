package web

import (
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		day("2026-06-04"): "4 June 2026", day("2026-Q4"): "the fourth quarter of 2026", moment("2026-Q1"): "the first quarter of 2026", day("2026-Q5"): "2026-Q5",
		monthName("2026-06"): "June 2026", monthName("soon"): "soon", day("soon"): "soon", moment("2026-06-04T23:05:00-07:00"): "5 June 2026 at 06:05 UTC",
		date("2026-06-04T23:05:00-07:00"): "4 June 2026", number(1234567): "1,234,567", number(999): "999",
		count(1, "entry"): "1 entry", count(1204, "entry"): "1,204 entries", count(2, "day"): "2 days", small(13): "13", small(3): "three",
		period("P30D"): "30 days", period("P1Y6M"): "1 year 6 months", period("PT36H"): "36 hours", period("P1DT1M"): "1 day 1 minute", period("often"): "often", period("P"): "",
		bucket("1k-10k", "camera"): "1,001 to 10,000 cameras", bucket("1", "case"): "one case", bucket("0", ""): "no records", bucket("2-10", "query"): "2 to 10 queries",
		term("ProtectionOfPublicSecurity"): "protection of public security", term("plate-reader"): "plate reader", term("ProtectionOfIPR"): "protection of IPR",
		term("GPSCoordinate"): "GPS coordinate", term("eu-gdpr:A6-1-e"): "GDPR Article 6(1)(e)", term("eu-gdpr:A6-1-e-public-interest"): "GDPR Article 6(1)(e), public interest",
		term("eu-gdpr:AdequacyDecision"): "GDPR, adequacy decision", term("US"): "US", term(""): "",
	} {
		if got != want {
			t.Errorf("%q instead of %q", got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 6, 24, 8, 30, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Hour: "just now", 4 * time.Second: "just now", 12 * time.Second: "12 seconds ago", 3 * time.Minute: "3 minutes ago",
		5 * time.Hour: "5 hours ago", 49 * time.Hour: "2 days ago",
	} {
		if got := ago(now.Add(-d), now); got != want {
			t.Errorf("%s: %q instead of %q", d, got, want)
		}
	}
}

// TestEveryCodeHasWords reads every term of every list aloud: none is empty.
func TestEveryCodeHasWords(t *testing.T) {
	for _, k := range events.Kinds() {
		if k.Open && titles[k.Name] == "" {
			t.Errorf("%s has no title", k.Name)
		}
		for _, f := range k.Fields {
			if f.Code == nil {
				continue
			}
			for _, c := range f.Code.Terms() {
				if term(c) == "" || inWords(f, f.Path, c).Text == "" {
					t.Errorf("%s has no words", c)
				}
			}
		}
	}
}
