package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/api/web/verify/vectest"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// postQuantum is the key of a witness that signs with ML-DSA-44, and a line of it that
// nobody signed.
func postQuantum(name string) (vkey, line string) {
	b64 := base64.StdEncoding.EncodeToString
	key := append([]byte{6}, bytes.Repeat([]byte{7}, 1312)...)
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	return fmt.Sprintf("%s+%x+%s", name, sum[:4], b64(key)), "— " + name + " " + b64(append(sum[:4:4], bytes.Repeat([]byte{1}, 2428)...)) + "\n"
}

// TestQuorum gives bundles that fewer cosigned than the card asks for: that is
// incomplete, shows no entry and says who is missing. A line of ML-DSA-44 may be taken
// unread: then it counts, is said not to be checked, and stands for no other.
func TestQuorum(t *testing.T) {
	e := newEngine(t, dist(t))
	key, line := postQuantum("pq.example")
	plain, bundle := string(read(t, "card-ann.card")), string(read(t, "bundle-ann.bundle"))
	newspaper := regexp.MustCompile(`(?m)^witness newspaper .*$`)
	card := strings.Replace(newspaper.ReplaceAllString(plain, "witness pq "+key), "library newspaper\n", "library pq\n", 1)
	both := regexp.MustCompile(`(?m)^— newspaper.*\n`).ReplaceAllLiteralString(bundle, line)
	sum, _ := base64.StdEncoding.DecodeString(strings.Fields(line)[2])
	clear(sum[4:12])
	malformed := "— pq.example " + base64.StdEncoding.EncodeToString(sum) + "\n"
	without := func(bundle, name string, first, second bool) string {
		ledger, index, _ := strings.Cut(bundle, "\ndaybook/index-proof@1\n")
		gone := regexp.MustCompile(`(?m)^— ` + name + `.*\n`)
		if first {
			ledger = gone.ReplaceAllString(ledger+"\n", "")
			ledger = strings.TrimSuffix(ledger, "\n")
		}
		if second {
			index = gone.ReplaceAllString(index, "")
		}
		return ledger + "\ndaybook/index-proof@1\n" + index
	}
	forged := regexp.MustCompile(`(— library.example/w1 KinwkwAAAABq)....`).ReplaceAllString(without(bundle, "newspaper", true, false), "${1}AAAA")
	for _, test := range []struct {
		name, bundle, card string
		unread             bool
		verdict, says      string
		lacking            string
	}{
		{"all", bundle, plain, false, "valid", "", ""},
		{"none of the ledger's", without(without(bundle, "newspaper", true, false), "library", true, false), plain, false, "incomplete", "Either the ledger lost or replaced a witness since the policy was made, or it shows you something else than others.", "library (library.example/w1), newspaper (newspaper.example)"},
		{"one of the index's", without(bundle, "newspaper", false, true), plain, false, "incomplete", "Only library cosigned this state of vectors.example/log/index", "newspaper (newspaper.example)"},
		{"one of the index's, unread", without(bundle, "newspaper", false, true), plain, true, "incomplete", "Only library", "newspaper (newspaper.example)"},
		{"one is missing, another is not valid", forged, plain, true, "not-valid", "The cosignature of library.example/w1 is not valid", ""},
		{"post-quantum, which is needed", both, card, false, "unchecked", "the cosignature of pq is needed", ""},
		{"post-quantum, taken unread", both, card, true, "valid", "the cosignature of pq is needed for that, is there, and is of ML-DSA-44", ""},
		{"post-quantum at no time", strings.ReplaceAll(both, line, malformed), card, true, "not-valid", "The cosignature of pq.example is not valid", ""},
		{"of post-quantum alone on the index", without(both, "library", false, true), card, true, "incomplete", "Only pq cosigned this state of vectors.example/log/index", "library (library.example/w1)"},
		{"of post-quantum alone on the ledger", without(both, "library", true, false), card, true, "incomplete", "Only pq cosigned this state of vectors.example/log,", "library (library.example/w1)"},
		{"without the post-quantum on the index", without(both, "pq", false, true), card, true, "incomplete", "Only library", "pq (pq.example)"},
	} {
		trust := e.trust(vectest.Trust{Card: test.card})
		if err := trust.Set("takeUnread", test.unread); err != nil {
			t.Fatal(err)
		}
		r := e.told(t, []byte(test.bundle), trust)
		said := r.Reason + strings.Join(r.NotChecked, "\n")
		if r.Verdict != test.verdict || !strings.Contains(strings.ToLower(said), strings.ToLower(test.says)) || strings.Join(r.Lacking, ", ") != test.lacking {
			t.Errorf("%s: %s, lacking %q: %s", test.name, r.Verdict, r.Lacking, said)
		}
		if shown := r.Verdict == "valid"; shown != (len(r.Entries) > 0) || shown && test.unread == strings.Contains(told(r), "Others are shown the same") {
			t.Errorf("%s: %d entries are shown: %s", test.name, len(r.Entries), told(r))
		}
	}
}

// TestFewAndFalse takes a cosignature from what does not hold: that stays not valid, as it
// is in Go, and is not made incomplete, for which a ledger need not be to blame.
func TestFewAndFalse(t *testing.T) {
	e := newEngine(t, dist(t))
	text := read(t, "card-ann.card")
	card, err := proof.ParseCard(text)
	if err != nil {
		t.Fatal(err)
	}
	card.Policy = proof.NoPolicy().Text()
	files, err := filepath.Glob("../../../testdata/vectors/reject/bundle-*.bundle")
	if err != nil || len(files) < 30 {
		t.Fatal(len(files), err)
	}
	newspaper, wrong := regexp.MustCompile(`(?m)^— newspaper.*\n`), 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) == 0 {
			continue // of nothing no verdict is made
		}
		few := newspaper.ReplaceAll(b, nil)
		bundle, err := proof.ParseBundle(few)
		if err == nil {
			_, err = bundle.Verify(card)
		}
		r := e.report(t, few, vectest.Trust{Card: string(text)})
		if (err == nil) != (r.Verdict == "incomplete") || len(r.Entries) > 0 {
			t.Errorf("%s: %s, %s; in Go without the policy: %v", filepath.Base(file), r.Verdict, r.Reason, err)
		}
		if err != nil {
			wrong++
		}
	}
	if wrong < 25 {
		t.Errorf("only %d do not hold", wrong)
	}
}
