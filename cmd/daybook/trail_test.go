package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// TestSortedTreeIsThePrefixTree compares what a copy's index shows with the tree that
// is built whole.
func TestSortedTreeIsThePrefixTree(t *testing.T) {
	item := func(i int) proof.IndexItem {
		label := sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(i)))
		return proof.IndexItem{Label: label, Value: sha256.Sum256(label[:])}
	}
	for _, n := range []int{0, 1, 2, 511, 513, 5000} {
		tree := &sortedTree{}
		for i := range n {
			tree.items = append(tree.items, item(i))
		}
		tree.sort()
		whole, err := proof.BuildTree(tree.items)
		if err != nil {
			t.Fatal(err)
		}
		for q := range 20 {
			var labels []proof.Hash
			var ranges []proof.Prefix
			for i := range q {
				labels = append(labels, item(i*97).Label, item(n+i).Label)
				ranges = append(ranges, proof.PrefixOf(item(i*31).Label, 3*i%17))
			}
			slices.SortFunc(labels, func(a, b proof.Hash) int { return bytes.Compare(a[:], b[:]) })
			want, got := proof.AppendTree(nil, whole.Show(labels, ranges)), proof.AppendTree(nil, tree.show(labels, ranges))
			if !bytes.Equal(got, want) {
				t.Fatalf("%d items, %d labels: it shows something else", n, len(labels))
			}
		}
	}
}

// TestPageOpensACard holds the page to what the card proves, and to what it does not.
func TestPageOpensACard(t *testing.T) {
	in, _, _ := peopled(t)
	status, body := in.order(in.token(events.Officer, "city"), "/v1/officer/cards", `{"person":{"scheme":"example","value":"Anna"},"url":"https://ledger.example"}`)
	var given struct{ Card, Link string }
	if status != http.StatusOK || json.Unmarshal([]byte(body), &given) != nil {
		t.Fatalf("the card: %d %s", status, body)
	}
	in.folded()
	form := url.Values{"consent": {"yes"}, "card": {given.Link}}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if status, body = in.ask(http.DefaultClient, "", "POST", "/trail", form); status == http.StatusOK && strings.Contains(body, "gave one person the card") {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the index does not have the card: %d", status)
		}
	}
	for _, want := range []string{
		">Desk</a>", "gave one person the card", "All events of your trail up to entry", "What seals hide that stand: 0 seals",
		"That this server showed you what it found", "That everything was recorded",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, not := range []string{"--person", given.Link[len(given.Link)-40:]} {
		if strings.Contains(body, not) {
			t.Errorf("the page says %q", not)
		}
	}
	form.Set("card", strings.Replace(given.Link, "#", "#A", 1))
	if status, _ := in.ask(http.DefaultClient, "", "POST", "/trail", form); status != http.StatusUnprocessableEntity {
		t.Errorf("a damaged card is answered %d", status)
	}
}

// TestCardsComeInThreeWays reads a card from a file, from stdin and as its link.
// TestEvidenceWithAKeyIsNotForEverybody: a gap is shown with the root key, so who
// holds it must not be told to pass it on.
func TestEvidenceWithAKeyIsNotForEverybody(t *testing.T) {
	for _, e := range []proof.Evidence{{Kind: proof.EvidenceFork, Notes: [][]byte{{}, {}}}, {Kind: proof.EvidenceGap, Root: [32]byte{1}}} {
		f := trailFlags{state: filepath.Join(t.TempDir(), "state")}
		err := f.accuse(&client.Misbehaviour{Said: "it lies", Evidence: &e}, proof.Card{})
		secret := e.Kind == proof.EvidenceGap
		if strings.Contains(err.Error(), "has a key of your card") != secret || strings.Contains(err.Error(), "whoever watches") == secret {
			t.Errorf("%s: %v", e.Kind, err)
		}
	}
}

func TestCardsComeInThreeWays(t *testing.T) {
	in, _, _ := peopled(t)
	_, body := in.order(in.token(events.Officer, "city"), "/v1/officer/cards", `{"person":{"scheme":"example","value":"Anna"},"url":"https://ledger.example"}`)
	var given struct{ Card, Link string }
	if err := json.Unmarshal([]byte(body), &given); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func() (proof.Card, error){
		"text on stdin": func() (proof.Card, error) { return readCard(strings.NewReader(given.Card), "-") },
		"link on stdin": func() (proof.Card, error) { return readCard(strings.NewReader(given.Link+"\n"), "-") },
		"link":          func() (proof.Card, error) { return readCard(nil, given.Link) },
		"file": func() (proof.Card, error) {
			path := filepath.Join(t.TempDir(), "card")
			if err := keepFile(path, []byte(given.Card)); err != nil {
				return proof.Card{}, err
			}
			return readCard(nil, path)
		},
	} {
		if card, err := read(); err != nil || string(card.Text()) != given.Card {
			t.Errorf("%s: %v", name, err)
		}
	}
	card, err := readCard(nil, given.Link)
	if err != nil {
		t.Fatal(err)
	}
	if path, err := statePath("dir/anna.card", card); err != nil || path != "dir/anna.card.bundle" {
		t.Errorf("beside a file: %s %v", path, err)
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", "")
	if path, err := statePath("-", card); err != nil || strings.Contains(path, given.Link) || !strings.HasSuffix(path, ".bundle") {
		t.Errorf("without a file: %s %v", path, err)
	}
}
