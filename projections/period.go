package projections

import (
	"strconv"
	"strings"
	"time"
)

// later is the instant an ISO 8601 duration after t, in calendar terms: years and
// months keep the day of the month, or take the month's last where it has none,
// and then weeks, days and the clock are added. It is false for what is no
// duration, and for an instant beyond the year 9999.
func later(t time.Time, period string) (time.Time, bool) { return shift(t, period, 1) }

// earlier is later backwards; false also before the year 1.
func earlier(t time.Time, period string) (time.Time, bool) { return shift(t, period, -1) }

// longestPeriod in any one unit keeps sums within their types: what is longer
// ends beyond the year 9999, whatever it begins with.
const longestPeriod = 400_000_000_000

func shift(t time.Time, period string, sign int64) (time.Time, bool) {
	rest, ok := strings.CutPrefix(period, "P")
	date, clock, _ := strings.Cut(rest, "T")
	var n [256]int64 // by letter, lower case for the clock
	if !ok || !units(&n, date, 0) || !units(&n, clock, 'a'-'A') {
		return time.Time{}, false
	}
	months, days := n['Y']*12+n['M'], n['W']*7+n['D']
	seconds := n['h']*3600 + n['m']*60 + n['s']
	days += seconds / 86400
	if months > 9999*12 || days > 9999*366 {
		return time.Time{}, false
	}
	t = addMonths(t, int(sign*months)).AddDate(0, 0, int(sign*days)).Add(time.Duration(sign*(seconds%86400)) * time.Second)
	return t, t.Year() > 0 && t.Year() < 10000
}

// units adds the number-letter pairs of s to n.
func units(n *[256]int64, s string, lower byte) bool {
	for s != "" {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
		v, err := strconv.ParseInt(s[:digits], 10, 64)
		if err != nil || digits == len(s) || v > longestPeriod {
			return false
		}
		n[s[digits]+lower] += v
		s = s[digits+1:]
	}
	return true
}

// addMonths keeps the day of the month where the other month has it.
func addMonths(t time.Time, months int) time.Time {
	out := t.AddDate(0, months, 0)
	if out.Day() != t.Day() {
		out = out.AddDate(0, 0, -out.Day()) // it ran over into the month after
	}
	return out
}

// dayOn reads a day as the midnight that begins it.
func dayOn(day string) (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, day)
	return t, err == nil
}

// addDays is the day n days after day, "" for what is none.
func addDays(day string, n int) string {
	t, ok := dayOn(day)
	if !ok {
		return ""
	}
	return t.AddDate(0, 0, n).Format(time.DateOnly)
}

// Later is the instant an ISO 8601 duration after t, in calendar terms; false for
// what is no duration, and beyond the year 9999.
func Later(t time.Time, period string) (time.Time, bool) { return later(t, period) }
