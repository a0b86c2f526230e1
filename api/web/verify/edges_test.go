package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/api/web/verify/vectest"
	"github.com/daybook-ledger/daybook/events"
)

// compare wants the same verdict of a script as of Go, and says it.
func compare(t *testing.T, e *engine, format string, file []byte, with vectest.Trust) bool {
	t.Helper()
	why, err := e.judge(t, format, file, with), vectest.Judge(format, file, with)
	if (why == "") != (err == nil) {
		t.Errorf("the script says %q, and Go %v: %q", why, err, file)
	}
	return err == nil
}

// smallOrder are encodings of the points of Ed25519 whose order divides 8, those with a
// y of p and more and with a sign where x is 0 among them.
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

// order is that of the base point, its first byte the lowest.
const order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"

// TestSignatureEdges makes signatures that implementations of Ed25519 disagree about:
// by keys of small order, with an S that is not reduced, with another R of small order.
func TestSignatureEdges(t *testing.T) {
	e := newEngine(t, dist(t))
	accepted, refused := 0, 0
	for _, point := range smallOrder {
		key, _ := hex.DecodeString(point)
		for n, r := range smallOrder {
			s := strings.Repeat("00", 32)
			if n == 0 {
				s = order
			} else if n%4 > 0 && r != point { // some of all
				continue
			}
			file, with := signedBy(key, n%2, r+s)
			if compare(t, e, "checkpoint", file, with) {
				accepted++
			} else {
				refused++
			}
		}
	}
	if accepted < 2 || refused < 20 {
		t.Errorf("%d accepted, %d refused", accepted, refused)
	}
}

// signedBy is a checkpoint with a signature, and the key that is said to have made it.
func signedBy(key []byte, size int, signature string) ([]byte, vectest.Trust) {
	root := sha256.Sum256(nil)
	if size > 0 {
		root = sha256.Sum256([]byte{0, byte(size)})
	}
	data := append([]byte{1}, key...)
	sum := sha256.Sum256(append([]byte("edge.example\n"), data...))
	b64 := base64.StdEncoding.EncodeToString
	sig, _ := hex.DecodeString(signature)
	file := fmt.Sprintf("edge.example\n%d\n%s\n\n— edge.example %s\n", size, b64(root[:]), b64(append(sum[:4:4], sig...)))
	return []byte(file), vectest.Trust{Key: fmt.Sprintf("edge.example+%x+%s", sum[:4], b64(data))}
}

// TestLabelEdges puts other elements into the proofs of a card's labels: most are none
// of the group, or none in their one form.
func TestLabelEdges(t *testing.T) {
	e := newEngine(t, dist(t))
	card := string(read(t, "card-ann.card"))
	old := regexp.MustCompile(`(?m)^next (.*)$`).FindStringSubmatch(card)[1]
	proof, _ := base64.RawURLEncoding.DecodeString(old)
	random, accepted := rand.New(rand.NewPCG(1, 2)), 0
	try := func(change func([]byte)) {
		changed := bytes.Clone(proof)
		change(changed)
		file := strings.Replace(card, old, base64.RawURLEncoding.EncodeToString(changed), 1)
		if compare(t, e, "card", []byte(file), vectest.Trust{}) {
			accepted++
		}
	}
	for range 150 {
		try(func(p []byte) {
			for i := range 32 {
				p[i] = byte(random.UintN(256))
			}
			p[0] &^= 1
			p[31] &= 0x7f
		})
	}
	for _, s := range append([]string{order, strings.Repeat("00", 32), strings.Repeat("ff", 32)}, smallOrder...) {
		b, _ := hex.DecodeString(s)
		try(func(p []byte) { copy(p, b) })
		try(func(p []byte) { copy(p[48:], b) })
	}
	if accepted < 10 || accepted > 60 {
		t.Errorf("%d accepted", accepted)
	}
}

// TestNamesAreNotJoined gives one member the names of several.
func TestNamesAreNotJoined(t *testing.T) {
	e := newEngine(t, quick(t))
	tried := 0
	for _, v := range load(t) {
		for from, to := range map[string]string{
			`"keys":\{[^}]*\}`:                   `"keys":{"index log receipt":"x"}`,
			`"pairs":\[[^\]]*\]`:                 `"pairs":[{"commitment label":"x"}]`,
			`"mode":"single","tags":\["[^"]*"\]`: `"mode tags":"single"`,
		} {
			file := regexp.MustCompile(from).ReplaceAll(v.File, []byte(to))
			if v.Format != "entry" || !v.Accept || bytes.Equal(file, v.File) {
				continue
			}
			tried++
			if compare(t, e, "entry", file, vectest.Trust{}) {
				t.Errorf("accepted: %s", file)
			}
		}
	}
	if tried < 3 {
		t.Errorf("%d tried", tried)
	}
}

// hostile are values that grammars must tell apart.
var hostile = strings.Split(`|0|1|-1|01|1.5|-87.624179|1234.5|.5|5.|1.1234567890123456|-|--1|?|a|A|city/x|/x|`+
	`2026-06-24|2026-02-29|2024-02-29|1900-02-29|2000-02-29|0000-01-01|0001-01-01|9999-12-31|2026-13-01|2026-00-10|2026-1-1|2026-06-24Z|`+
	`2026-06|2026-00|2026-Q1|2026-Q0|2026-Q5|226-Q1|2026-06-24T08:30:00Z|2026-06-24T08:30:00z|2026-06-24t08:30:00Z|2026-06-24T8:30:00Z|`+
	`2026-06-24T24:00:00Z|2026-06-24T23:59:60Z|2026-06-24T23:60:00Z|2026-06-24T08:30:00.5Z|2026-06-24T08:30:00.50Z|2026-06-24T08:30:00.Z|`+
	`2026-06-24T08:30:00.123456789Z|2026-06-24T08:30:00.1234567891Z|2026-06-24T08:30:00.12345678912345Z|2026-06-24T08:30:00,5Z|`+
	`2026-06-24T08:30:00+02:00|2026-06-24T08:30:00+2:00|2026-06-24T08:30:00+0200|2026-06-24T08:30:00-00:00|2026-06-24T08:30:00+24:00|`+
	`2026-06-24T08:30:00+25:00|2026-06-24T08:30:00+24:60|2026-06-24T08:30:00+24:61|2026-06-24T08:30:00.123456789+02:00|`+
	`0000-12-31T23:00:00-02:00|0001-01-01T01:00:00+02:00|0001-01-02T00:30:00+24:60|9999-12-31T23:00:00-02:00|9999-12-31T23:00:00Z|`+
	`9999-12-30T23:59:59-24:60|2026-06-31T08:30:00Z|0000-02-29T00:00:00Z|`+
	`P|PT|P1D|P1Y2M3W4D|P1YT|PT1H|P1DT1H2M3S|P1M1Y|P1Y1Y|P1234567890D|P123456789Y123456789M1W1DT1H|P1.5D|p1d|PT1D|P1H|`+
	`Europe/Tallinn|Local|UTC|Etc/GMT+5|a//b|/a|a/|a/1b|Ünder|A_b-c|_a|`+
	`https://a|https://a/|http://a|HTTPS://a|https://a:1|https://a:|https://a?b|https://a#|https://u@a|https://a/%41|https://a/%4|https://[::1]/|https://[x]|https://a/[b]|https://a/ä|https://a b|https://|https:///x|https://a/x@y|`+
	`AAAAAAAAAAAAAAAAAAAAAA|AAAAAAAAAAAAAAAAAAAAAQ|AAAAAAAAAAAAAAAAAAAAAB|AAAAAAAAAAAAAAAAAAAAA|AAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAA+|`+
	strings.Repeat("A", 43)+"|"+strings.Repeat("A", 42)+"E|"+strings.Repeat("A", 42)+"B|"+strings.Repeat("0a", 32)+"|"+strings.Repeat("0A", 32)+"|"+
	strings.Repeat("a", 96)+"|"+strings.Repeat("a", 97)+"|"+strings.Repeat("x", 512)+"|"+strings.Repeat("x", 513)+"|"+strings.Repeat("é", 2000)+"|"+strings.Repeat("é", 2001)+"|"+
	`a\tb|a\nb|a\rb|a\u0000b|a\u001fb|a\u000ab|a\u001Fb|a\/b|a\u0041b|a\"b|a\\b|a\`+"|a\x7fb|a\u0080b|a\u009fb|a\u00a0b|a\u202eb|a\u2066b|a\u2069b|a\u2028b|a\ufeffb|\U0001F600|\xff|\xc0\x80|\xed\xa0\x80|\xf4\x90\x80\x80|"+
	"none|city|single|success|2-10|11-100|Private|library.example+00000000+AAAA|library.example+0000000g+AAAA|+00000000+AA|quorum none\\n|quorum none|witness a a+00000000+AA\\nquorum a\\n|group a 2 b\\nquorum a\\n|group a 123 b\\nquorum a\\n", "|")

// TestGrammarEdges puts hostile values into members of all names.
func TestGrammarEdges(t *testing.T) {
	e := newEngine(t, quick(t))
	member := regexp.MustCompile(`"([A-Za-z0-9$_]+)":("(?:\\.|[^"\\])*"|-?[0-9]+|true|false)`)
	tried, accepted, seen := 0, 0, map[string]bool{}
	for _, v := range load(t) {
		if v.Format != "entry" || !v.Accept {
			continue
		}
		kind := regexp.MustCompile(`"kind":"([a-z.]+)"`).FindSubmatch(v.File)[1]
		for _, at := range member.FindAllSubmatchIndex(v.File, -1) {
			name := string(v.File[at[2]:at[3]])
			if seen[name] && !strings.HasSuffix(name, "At") || seen[times(kind)+name] {
				continue
			}
			seen[name], seen[times(kind)+name] = true, true
			for n, s := range hostile {
				value := `"` + s + `"`
				if n < 10 && n%2 == 1 {
					value = s // a number
				}
				file := append(append(bytes.Clone(v.File[:at[4]]), value...), v.File[at[5]:]...)
				tried++
				if compare(t, e, "entry", file, vectest.Trust{}) {
					accepted++
				}
			}
		}
	}
	if tried < 5_000 || accepted < 300 {
		t.Errorf("%d tried, %d accepted", tried, accepted)
	}
}

// times says which kinds write their times alike.
func times(kind []byte) string {
	k, _ := events.FindKind(string(kind))
	return fmt.Sprint(k.Coarse, k.Seals)
}

// TestListsAreNoText puts each text of a file, and what stands for an unknown reference,
// into a list: == of JavaScript takes a list of one text for that text.
func TestListsAreNoText(t *testing.T) {
	e := newEngine(t, quick(t))
	text := regexp.MustCompile(`"([A-Za-z0-9$_]+)":("(?:\\.|[^"\\])*")`)
	tried, seen := 0, map[string]bool{}
	for _, v := range load(t) {
		if !v.Accept || v.Format != "entry" && v.Format != "evidence" && v.Format != "presentation" {
			continue
		}
		for _, at := range text.FindAllSubmatchIndex(v.File, -1) {
			name, value := string(v.File[at[2]:at[3]]), v.File[at[4]:at[5]]
			what := v.Format + name + fmt.Sprint(string(value) == `"?"`)
			if seen[what] {
				continue
			}
			seen[what] = true
			tried++
			file := append(append(append(bytes.Clone(v.File[:at[4]]), '['), value...), ']')
			compare(t, e, v.Format, append(file, v.File[at[5]:]...), v.Trust)
		}
	}
	if tried < 100 || !seen["entrysystemtrue"] || !seen["presentation$false"] || !seen["evidence$false"] {
		t.Errorf("%d tried: %v", tried, seen)
	}
}

// TestGenerationsBehindAllNumbers has a card whose second generation begins where numbers
// are no longer told apart: adding 1 there gives the same again, without an end.
func TestGenerationsBehindAllNumbers(t *testing.T) {
	e := newEngine(t, quick(t))
	stop := time.AfterFunc(time.Minute, func() { e.vm.Interrupt("it does not end") })
	defer stop.Stop()
	tried := 0
	for _, v := range load(t) {
		if v.Format != "bundle" || !v.Accept || !strings.Contains(v.Trust.Card, "\ntrail 2 5 ") {
			continue
		}
		for _, first := range []string{"9007199254740983", "9007199254740984", "9007199254740991"} {
			with := v.Trust
			with.Card = strings.Replace(with.Card, "\ntrail 2 5 ", "\ntrail 2 "+first+" ", 1)
			if tried++; compare(t, e, v.Format, v.File, with) {
				t.Errorf("%s: accepted with %s", v.Name, first)
			}
			if t.Failed() {
				return
			}
		}
	}
	if tried < 3 {
		t.Errorf("%d tried", tried)
	}
}

// TestUnsignedBundlesAreNotComputed: a stranger's bundle may ask for hours of hashing, so
// its signatures come first.
func TestUnsignedBundlesAreNotComputed(t *testing.T) {
	e, file := newEngine(t, quick(t)), read(t, "bundle-ann.bundle")
	at := bytes.Index(file, []byte("\n\nvectors.example/log\n")) + len("\n\nvectors.example/log\n")
	changed := append(append(bytes.Clone(file[:at]), "1000"...), file[at:]...)
	r := e.report(t, changed, vectest.Trust{Card: string(read(t, "card-ann.card"))})
	if r.Verdict != "not-valid" || len(r.Steps) > 0 || !strings.Contains(r.Reason, "is not of this text") {
		t.Errorf("%s (%s), %d steps", r.Verdict, r.Reason, len(r.Steps))
	}
}
