package web

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/daybook-ledger/daybook/events"
)

// day writes a calendar day as 2026-06-24 the way people say it, and a quarter
// as 2026-Q4.
func day(s string) string {
	t, err := time.Parse(time.DateOnly, s)
	if err == nil {
		return t.Format("2 January 2006")
	}
	year, quarter, ok := strings.Cut(s, "-Q")
	if words := ordinals[quarter]; ok && words != "" {
		return "the " + words + " quarter of " + year
	}
	return s
}

var ordinals = map[string]string{"1": "first", "2": "second", "3": "third", "4": "fourth"}

// monthName writes a month as 2026-06 the way people say it.
func monthName(s string) string {
	t, err := time.Parse("2006-01", s)
	if err != nil {
		return s
	}
	return t.Format("January 2006")
}

// moment writes an RFC 3339 time in UTC, to the minute.
func moment(s string) string {
	t, ok := events.ParseInstant(s)
	if !ok {
		return day(s)
	}
	return t.UTC().Format("2 January 2006 at 15:04 UTC")
}

// date is the day of an RFC 3339 time as its writer gave it, or of a day.
func date(s string) string {
	if t, ok := events.ParseInstant(s); ok {
		return t.Format("2 January 2006")
	}
	return day(s)
}

// ago says how long before now t was; a clock that runs behind says "just now".
func ago(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d < 5*time.Second:
		return "just now"
	case d < 90*time.Second:
		return count(int(d.Seconds()), "second") + " ago"
	case d < 90*time.Minute:
		return count(int(d.Round(time.Minute).Minutes()), "minute") + " ago"
	case d < 36*time.Hour:
		return count(int(d.Round(time.Hour).Hours()), "hour") + " ago"
	}
	return count(int(d.Hours()/24), "day") + " ago"
}

// count is "1 entry", "2 entries", "1,204 records".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(uint64(n)) + " " + plural(noun)
}

func plural(noun string) string {
	if stem, ok := strings.CutSuffix(noun, "y"); ok && !strings.HasSuffix(stem, "a") {
		return stem + "ies"
	}
	return noun + "s"
}

// number writes n with commas at the thousands.
func number(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// small writes numbers up to twelve as words.
func small(n int) string {
	words := [...]string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
	if n >= 0 && n < len(words) {
		return words[n]
	}
	return number(uint64(n))
}

// period writes an ISO 8601 duration, as P30D, as "30 days".
func period(s string) string {
	rest, ok := strings.CutPrefix(s, "P")
	if !ok {
		return s
	}
	units := map[byte]string{'Y': "year", 'M': "month", 'W': "week", 'D': "day"}
	var parts []string
	for rest != "" {
		if rest[0] == 'T' {
			units, rest = map[byte]string{'H': "hour", 'M': "minute", 'S': "second"}, rest[1:]
			continue
		}
		at := strings.IndexFunc(rest, unicode.IsLetter)
		if at < 0 {
			return s
		}
		n, err := strconv.Atoi(rest[:at])
		unit := units[rest[at]]
		if err != nil || unit == "" {
			return s
		}
		parts = append(parts, count(n, unit))
		rest = rest[at+1:]
	}
	return strings.Join(parts, " ")
}

// buckets says each public count in words.
var buckets = map[string]string{
	"0": "no", "1": "one", "2-10": "2 to 10", "11-100": "11 to 100", "101-1k": "101 to 1,000",
	"1k-10k": "1,001 to 10,000", "10k-100k": "10,001 to 100,000", "more": "more than 100,000",
}

func bucketWords(s string) string {
	if words, ok := buckets[s]; ok {
		return words
	}
	return s
}

// bucket is the public count s of things called unit: "1,001 to 10,000 cameras".
func bucket(s, unit string) string {
	words := bucketWords(s)
	if unit == "" {
		unit = "record"
	}
	if s == "1" {
		return words + " " + unit
	}
	return words + " " + plural(unit)
}

// term writes a code as words: ProtectionOfPublicSecurity becomes "protection
// of public security", plate-reader "plate reader". Codes of a named
// vocabulary, as eu-gdpr:A6-1-e, get its citation.
func term(s string) string {
	if cite, ok := strings.CutPrefix(s, "eu-gdpr:A"); ok {
		return article(cite)
	}
	if strings.ToUpper(s) == s {
		return s
	}
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case r == '-' || r == '_':
			b.WriteByte(' ')
			continue
		case !unicode.IsUpper(r):
		case acronym(runes, i):
			if i > 0 && !unicode.IsUpper(runes[i-1]) {
				b.WriteByte(' ')
			}
			b.WriteRune(r)
			continue
		case i > 0:
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// acronym says that the capital at i belongs to a word all of capitals: one
// that goes on with a capital, or ends the text after one.
func acronym(r []rune, i int) bool {
	if i+1 < len(r) {
		return unicode.IsUpper(r[i+1])
	}
	return i > 0 && unicode.IsUpper(r[i-1])
}

// article cites the GDPR: 6-1-e becomes "GDPR Article 6(1)(e)".
func article(cite string) string {
	parts := strings.Split(cite, "-")
	if _, err := strconv.Atoi(parts[0]); err != nil {
		return "GDPR, a" + term(cite)
	}
	out := "GDPR Article " + parts[0]
	for i, p := range parts[1:] {
		if len(p) > 1 {
			return out + ", " + strings.Join(parts[i+1:], " ")
		}
		out += "(" + p + ")"
	}
	return out
}
