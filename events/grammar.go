package events

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// IsReference says that s is a reference: [a-z0-9][a-z0-9._/@-]{0,95}.
func IsReference(s string) bool {
	if s == "" || len(s) > 96 || !lowerOrDigit(s[0]) {
		return false
	}
	for i := range len(s) {
		if !lowerOrDigit(s[i]) && strings.IndexByte("._/@-", s[i]) < 0 {
			return false
		}
	}
	return true
}

func lowerOrDigit(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// isDate says that s is a day of the calendar as 2026-06-24.
func isDate(s string) bool {
	if len(s) != len(time.DateOnly) || s[4] != '-' || s[7] != '-' {
		return false
	}
	year, okYear := decimal(s[:4])
	month, okMonth := decimal(s[5:7])
	day, okDay := decimal(s[8:])
	if !okYear || !okMonth || !okDay || year == 0 || month < 1 || month > 12 || day < 1 {
		return false
	}
	// Day 0 of the next month is the last of this one.
	return day <= 28 || day <= time.Date(year, time.Month(month+1), 0, 0, 0, 0, 0, time.UTC).Day()
}

// decimal is the number that s writes with digits alone.
func decimal(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + int(s[i]-'0')
	}
	return n, true
}

// ParseInstant reads an RFC 3339 time with at most nine digits of fraction.
func ParseInstant(s string) (time.Time, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || len(s) > len("2006-01-02T15:04:05.999999999+00:00") ||
		strings.IndexByte(s, ',') >= 0 || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil && t.UTC().Year() > 0 && t.UTC().Year() < 10000
}

// FormatInstant writes t as the ledger publishes exact times: UTC, RFC 3339.
func FormatInstant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// isPeriod says that s is an ISO 8601 duration of whole numbers, as P1Y6M or
// PT36H.
func isPeriod(s string) bool {
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || len(s) > 32 {
		return false
	}
	date, clock, hasClock := strings.Cut(rest, "T")
	parts, ok := designators(date, "YMWD")
	if !hasClock {
		return ok && parts > 0
	}
	clockParts, clockOK := designators(clock, "HMS")
	return ok && clockOK && clockParts > 0
}

// designators counts the number-letter pairs in s, whose letters must come in
// the order given, each at most once.
func designators(s, letters string) (int, bool) {
	n := 0
	for s != "" {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
		if digits == 0 || digits == len(s) || digits > 9 {
			return n, false
		}
		at := strings.IndexByte(letters, s[digits])
		if at < 0 {
			return n, false
		}
		letters, s = letters[at+1:], s[digits+1:]
		n++
	}
	return n, true
}

// isQuarter says that s is a quarter of a year, as 2026-Q4.
func isQuarter(s string) bool {
	year, quarter, ok := strings.Cut(s, "-Q")
	return ok && len(year) == 4 && digits(year, 4) && len(quarter) == 1 && quarter >= "1" && quarter <= "4"
}

// QuarterOf is the quarter of a day as 2026-06-24: 2026-Q2.
func QuarterOf(day string) string {
	if !isDate(day) {
		return ""
	}
	month := int(day[5]-'0')*10 + int(day[6]-'0')
	return day[:4] + "-Q" + string(rune('1'+(month-1)/3))
}

// isMonth says that s is a month of a year, as 2026-06.
func isMonth(s string) bool { return len(s) == 7 && isDate(s+"-01") }

// isDecimal says that s is a coordinate as a register gives it, as -87.624179.
func isDecimal(s string) bool {
	whole, fraction, dotted := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return digits(whole, 3) && (!dotted || digits(fraction, 15))
}

func digits(s string, most int) bool {
	return s != "" && len(s) <= most && strings.Trim(s, "0123456789") == ""
}

// isHash says that s is a SHA-256 as sha256sum prints it, so that a reader can
// compare it by eye.
func isHash(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

// isFieldName says that s can be the path of a field: 1 to 64 letters, digits and dots of
// ASCII, a letter first. RFC 9901 refuses a disclosure of the name "_sd" or "...".
func isFieldName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "."+lettersAndDigits) == "" && !strings.Contains("0123456789.", s[:1])
}

// isWitnessKey says that s has the form of a verifier key, name+hash+key. Whether the
// hash is that of the key, whoever verifies with it must see.
func isWitnessKey(s string) bool {
	name, rest, _ := strings.Cut(s, "+")
	hash, key, ok := strings.Cut(rest, "+")
	return ok && len(s) <= 4096 && isKeyName(name) && len(hash) == 8 && strings.Trim(hash, "0123456789abcdef") == "" && isBase64(key)
}

// isKeyName says that s is like an address without a scheme, of at most 96 characters:
// there is no room for text in it.
func isKeyName(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; !lowerOrDigit(s[i]) && !(c >= 'a' && c <= 'z') && (i == 0 || strings.IndexByte("._/:@-", s[i]) < 0) {
			return false
		}
	}
	return s != "" && len(s) <= 96
}

func isBase64(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; !(c >= 'a' && c <= 'z') && !lowerOrDigit(s[i]) && strings.IndexByte("+/=", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// IsPolicy says that s has the lines of a policy in its one form, of at most 8192 bytes:
// witnesses, groups and last the quorum, with references as names. What the names lead to,
// whoever reads it must see.
func IsPolicy(s string) bool {
	body, ok := strings.CutSuffix(s, "\n")
	if !ok || len(s) > 8192 {
		return false
	}
	lines := strings.Split(body, "\n")
	for i, line := range lines {
		words := strings.Split(line, " ")
		last := i == len(lines)-1
		switch {
		case words[0] == "witness" && len(words) == 3 && !last && isWitnessKey(words[2]):
			words = words[1:2]
		case words[0] == "group" && len(words) > 3 && !last && digits(words[2], 2):
			words = append(words[1:2:2], words[3:]...)
		case words[0] == "quorum" && len(words) == 2 && last:
			words = words[1:]
		default:
			return false
		}
		for _, name := range words {
			if !IsReference(name) {
				return false
			}
		}
	}
	return true
}

// isZone says that s could name an IANA time zone; whether it does is the
// writer's to say, who has the tables.
func isZone(s string) bool {
	if s == "" || len(s) > 64 || s == "Local" {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || !unicode.IsLetter(rune(part[0])) {
			return false
		}
		for _, c := range part {
			if c > 127 || !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("_+-", c) {
				return false
			}
		}
	}
	return true
}

// isLink says that s is an https URL of at most 512 characters, of the form that
// IsAddress has.
func isLink(s string) bool {
	return len(s) <= 512 && strings.HasPrefix(s, "https://") && IsAddress(s)
}

// IsAddress says that s is a URL without credentials, query or fragment, where text
// could hide, in a form that every reader takes apart alike:
//
//	url  = ("https://" | "http://") host [":" 1 to 5 digits] {"/" {char}}
//	host = {letter | digit | "." | "_" | "-"} | "[" {hexadecimal digit | ":" | "."} "]"
//	char = letter | digit | one of -._~!$&'()*+,;=:@ | "%" and two hexadecimal digits
//
// with at least one character in the host, letters those of ASCII.
func IsAddress(s string) bool {
	rest, secure := strings.CutPrefix(s, "https://")
	if !secure {
		var ok bool
		if rest, ok = strings.CutPrefix(s, "http://"); !ok {
			return false
		}
	}
	host, path, _ := strings.Cut(rest, "/")
	return isHost(host) && isPath(path)
}

func isHost(s string) bool {
	name, port, hasPort := s, "", false
	allowed := "._-" + lettersAndDigits
	if inside, ok := strings.CutPrefix(s, "["); ok {
		var behind string
		if name, behind, ok = strings.Cut(inside, "]"); !ok {
			return false
		}
		if port, hasPort = strings.CutPrefix(behind, ":"); !hasPort && behind != "" {
			return false
		}
		allowed = ":.0123456789abcdefABCDEF"
	} else {
		name, port, hasPort = strings.Cut(s, ":")
	}
	return name != "" && strings.Trim(name, allowed) == "" && (!hasPort || digits(port, 5))
}

// isPath judges what stands behind the first slash.
func isPath(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && strings.Trim(s[i+1:i+3], "0123456789abcdefABCDEF") == "" {
			i += 2
		} else if strings.IndexByte("/-._~!$&'()*+,;=:@"+lettersAndDigits, s[i]) < 0 {
			return false
		}
	}
	return true
}

const lettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// isText says that s is 1 to most characters of UTF-8 without control
// characters and without the marks that make text display in another order
// than it is stored. Line breaks pass only when lines is set.
func isText(s string, most int, lines bool) bool {
	if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > most {
		return false
	}
	for _, c := range s {
		if unicode.IsControl(c) && !(lines && (c == '\n' || c == '\t' || c == '\r')) ||
			c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 {
			return false
		}
	}
	return true
}
