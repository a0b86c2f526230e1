package intake_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

func contextThatEnded() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx, cancel
}

// dump is every key and value of a closed book.
func dump(t testing.TB, dir string) map[string]string {
	t.Helper()
	db := must[*pebble.DB](t)(pebble.Open(filepath.Join(dir, "book"), &pebble.Options{ReadOnly: true, Logger: quiet{}}))
	defer db.Close()
	it := must[*pebble.Iterator](t)(db.NewIter(nil))
	defer it.Close()
	out := map[string]string{}
	for ok := it.First(); ok; ok = it.Next() {
		out[string(bytes.Clone(it.Key()))] = string(bytes.Clone(it.Value()))
	}
	return out
}

type quiet struct{}

func (quiet) Infof(string, ...any)      {}
func (quiet) Errorf(string, ...any)     {}
func (quiet) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

// manyEvents is a day at an office: registrations, changes, repeats, conflicts,
// persons under several spellings.
func manyEvents(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	list := []string{accessed("first", "", ""), registered("o")}
	for i := range n {
		id := fmt.Sprint(r.IntN(n))
		switch r.IntN(6) {
		case 0:
			list = append(list, said("dataset.registered", "d"+id, fmt.Sprintf(`{"dataset":"city/d%d","title":"t"}`, r.IntN(9))))
		case 1:
			list = append(list, said("organization.changed", "z"+id, `{"organization":"city","timeZone":"`+[]string{"Asia/Tokyo", "UTC", "America/Los_Angeles"}[r.IntN(3)]+`"}`))
		case 2:
			list = append(list, said("data.deleted", "x"+id, fmt.Sprintf(`{"dataset":"city/d%d","method":"Erase","trigger":"retention-end","subjects":{"mode":"none"}}`, r.IntN(9))))
		default:
			list = append(list, accessed(id, "plate", fmt.Sprintf([]string{"ab %d", "AB%d", "a-b-%d"}[i%3], r.IntN(12))))
		}
	}
	return list
}

func TestRebuiltBook(t *testing.T) {
	h := openHouse(t, plan{})
	list := manyEvents(1500)
	for len(list) > 0 {
		n := min(len(list), 170)
		h.submit(t, list[:n]...)
		list = list[n:]
	}
	h.close(t)
	incremental := dump(t, h.dir)
	if len(incremental) < 500 {
		t.Fatalf("%d keys", len(incremental))
	}
	if err := os.RemoveAll(filepath.Join(h.dir, "book")); err != nil {
		t.Fatal(err)
	}
	h = h.reopen(t, plan{})
	h.close(t)
	if rebuilt := dump(t, h.dir); !maps.Equal(incremental, rebuilt) {
		t.Errorf("%d keys rebuilt, %d incrementally, or other values", len(rebuilt), len(incremental))
	}
}

// essence is what a book and a history hold that does not depend on when things
// came, or with what: no position, no salt, no enrolment's own name.
func essence(t testing.TB, h *house) (book, entries map[string]string) {
	t.Helper()
	entries = map[string]string{}
	order := []string{}
	for i := range events.Index(h.history.Last()) {
		_, e := h.message(t, i)
		if e.Kind.By == events.RoleLedger {
			continue
		}
		var kept events.Object
		for _, m := range e.Fields() {
			if m.Name != "_sd" && m.Name != "recordedAt" {
				kept = append(kept, m)
			}
		}
		entries[e.Name().String()] = string(kept.Append(nil))
		order = append(order, e.Name().String())
	}
	entries["order"] = strings.Join(order, " ")
	h.close(t)
	book = map[string]string{}
	for k, v := range dump(t, h.dir) {
		switch {
		case k == "c":
		case k[0] != 'e':
			book[k] = v
		case entries[events.EventName([]byte(k[1:])).String()] != "":
			book[k] = v[40:] // sequence and hash before it
		}
	}
	return book, entries
}

// TestAnySplit posts the same events in requests of other sizes to ledgers with
// the same keys.
func TestAnySplit(t *testing.T) {
	list := manyEvents(400)
	secrets := filepath.Join(t.TempDir(), "keys")
	var wantBook, wantEntries map[string]string
	for round, size := range []int{len(list), 1, 7, 131} {
		h := openHouse(t, plan{keys: secrets, now: recorded})
		var all []intake.Outcome
		for part := range slices.Chunk(list, size) {
			all = append(all, h.submit(t, part...)...)
		}
		book, entries := essence(t, h)
		if round == 0 {
			wantBook, wantEntries = book, entries
			continue
		}
		if !maps.Equal(book, wantBook) {
			t.Errorf("in requests of %d the book is another", size)
		}
		if !maps.Equal(entries, wantEntries) {
			t.Errorf("in requests of %d the entries are others", size)
		}
		if len(all) != len(list) {
			t.Errorf("%d answers", len(all))
		}
	}
}

// TestBookAheadOfHistory holds that a history put back to an earlier state is
// noticed before anything is written.
func TestBookAheadOfHistory(t *testing.T) {
	h := openHouse(t, plan{})
	h.submit(t, accessed("1", "", ""), accessed("2", "", ""))
	h.close(t)
	early := openHouse(t, plan{})
	book := must[*intake.Book](t)(intake.OpenBook(filepath.Join(h.dir, "book")))
	defer book.Close()
	err := book.CatchUp(t.Context(), early.history, intake.FoldOpener(early.ring.FoldKey()))
	if err == nil || !strings.Contains(err.Error(), "earlier state") || book.Cursor() != 3 {
		t.Errorf("caught up: %v, cursor %d", err, book.Cursor())
	}
}

// TestForeignKeys holds that a book never folds what its keys do not open.
func TestForeignKeys(t *testing.T) {
	h := openHouse(t, plan{})
	h.submit(t, accessed("1", "", ""))
	book := must[*intake.Book](t)(intake.OpenBook(filepath.Join(t.TempDir(), "book")))
	defer book.Close()
	if err := book.CatchUp(t.Context(), h.history, intake.FoldOpener(make([]byte, 32))); err == nil || book.Cursor() != 0 {
		t.Errorf("folded to %d: %v", book.Cursor(), err)
	}
}
