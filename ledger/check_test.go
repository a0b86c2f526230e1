package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// boxed is a history whose messages have a box for each person, as real ones.
func boxed(entries ...[]byte) iter.Seq2[events.Stored, error] {
	return func(yield func(events.Stored, error) bool) {
		for i, e := range entries {
			m := events.Message{Entry: e, Boxes: []events.Box{{Kind: events.BoxFold, Data: make([]byte, 28)}}}
			if parsed, err := events.ParseEntry(e); err == nil {
				boxes := len(parsed.Texts("subjects.tags"))
				if parsed.Text("subjects.mode") == "bulk" && boxes == 0 {
					boxes = 3 // a head
				}
				for range boxes {
					m.Boxes = append(m.Boxes, events.Box{Kind: events.BoxPerson, Data: make([]byte, 28)})
				}
			}
			if !yield(events.Stored{Seq: events.Seq(i + 1), Data: m.Format()}, nil) {
				return
			}
		}
	}
}

// TestCheck: each part that is spoiled is named, at its place, and nothing is
// changed on the way.
func TestCheck(t *testing.T) {
	entries := testEntries(t, 600)
	other := append([][]byte{}, entries...)
	other[300] = saidEntry(t, "dataset.registered", `{"dataset":"example/other","title":"Other"}`, nameOf(300))
	twice := append([][]byte{}, entries...)
	twice[599] = entries[598]
	set := func(path string, edit func([]byte) []byte) func(*testing.T, string, *CheckConfig) {
		return func(t *testing.T, dir string, _ *CheckConfig) {
			path := filepath.Join(dir, path)
			if err := os.WriteFile(path, edit(must[[]byte](t)(os.ReadFile(path))), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	flip := func(path string, at int) func(*testing.T, string, *CheckConfig) {
		return set(path, func(b []byte) []byte { b[(at+len(b))%len(b)] ^= 1; return b })
	}
	remove := func(path string) func(*testing.T, string, *CheckConfig) {
		return func(t *testing.T, dir string, _ *CheckConfig) {
			if err := os.RemoveAll(filepath.Join(dir, path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	seen := func(heads ...Head) func(*testing.T, string, *CheckConfig) {
		return func(_ *testing.T, _ string, c *CheckConfig) { c.Heads = kept(heads) }
	}
	history := func(h iter.Seq2[events.Stored, error]) func(*testing.T, string, *CheckConfig) {
		return func(_ *testing.T, _ string, c *CheckConfig) { c.History = h }
	}
	lines := func(edit func([]string) []string) func(*testing.T, string, *CheckConfig) {
		return set("journal", func(b []byte) []byte {
			return []byte(strings.Join(edit(strings.SplitAfter(string(b), "\n")), ""))
		})
	}
	bad := func(at int) iter.Seq2[events.Stored, error] {
		return func(yield func(events.Stored, error) bool) {
			for m, err := range boxed(entries...) {
				if int(m.Seq) == at {
					m, err = events.Stored{}, errors.New("a checksum does not fit")
				}
				if !yield(m, err) || err != nil {
					return
				}
			}
		}
	}
	base, full := t.TempDir(), &memLog{}
	for _, n := range []int{4, 300, 580} {
		if err := anchorTo(t, testConfig(t, base, newHistory(entries[:n]...), full), events.Size(n)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := full.Append(t.Context(), 580, entries[580:]); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		spoil func(*testing.T, string, *CheckConfig)
		part  Part
		place string
		words string // of the reason, or of a note
	}{
		"nothing":          {func(*testing.T, string, *CheckConfig) {}, "", "", "20 messages are in no checkpoint yet"},
		"unpublished":      {remove("public/checkpoint"), "", "", "the next start publishes the journalled one of size 580"},
		"torn journal":     {lines(func(l []string) []string { return append(l, "99 torn") }), "", "", "ends within line 4"},
		"zeros":            {lines(func(l []string) []string { return append(l, "9\x00\n", "\x00\x00") }), "", "", "ends within line 4"},
		"tile":             {flip("public/tile/0/000", 7), PartFiles, "tile/0/000", "hash 0 is not"},
		"last tile":        {flip("public/tile/0/002", -1), PartFiles, "tile/0/002", "hash"},
		"upper tile":       {flip("public/tile/1/000", 40), PartFiles, "tile/1/000", "hash 1 is not"},
		"short tile":       {set("public/tile/0/000", func(b []byte) []byte { return b[:100] }), PartFiles, "tile/0/000", "100 bytes instead of 8192"},
		"lost tile":        {remove("public/tile/1/000"), PartFiles, "tile/1/000", "no such file"},
		"leaf":             {flip("public/tile/entries/001", 700), PartFiles, "tile/entries/001 entry", "not the entry of the history"},
		"leaf's length":    {flip("public/tile/entries/000", 1), PartFiles, "tile/entries/000", ""},
		"lost bundle":      {remove("public/tile/entries/002"), PartFiles, "tile/entries/002", "no such file"},
		"no files":         {remove("public/tile"), PartFiles, "tile/0/000", "no such file"},
		"checkpoint":       {flip("public/checkpoint", 20), PartCheckpoint, "checkpoint", ""},
		"checkpoint's end": {flip("public/checkpoint", -12), PartCheckpoint, "checkpoint", "invalid signature"},
		"other checkpoint": {set("public/checkpoint", func([]byte) []byte { return headOf(t, entries[:500]).Note }), PartSeen, "checkpoint", "it is signed, of size 500, and no line of the journal"},
		"lost journal":     {remove("journal"), PartBehind, "checkpoint", "its size is 580, the journal ends at 0"},
		"older journal":    {lines(func(l []string) []string { return l[:2] }), PartBehind, "checkpoint", "its size is 580, the journal ends at 300"},
		"first line":       {flip("journal", 10), PartJournal, "journal line 1", ""},
		"last line":        {flip("journal", -40), PartJournal, "journalled size 580", ""},
		"last line's size": {lines(func(l []string) []string { l[2] = "9" + l[2]; return l }), PartJournal, "journal line 3", "not those of the note"},
		"line gone":        {lines(func(l []string) []string { return append(l[:1], l[2:]...) }), "", "", ""},
		"lines swapped":    {lines(func(l []string) []string { l[0], l[1] = l[1], l[0]; return l }), PartJournal, "journal line 2", "size 4 follows size 300"},
		"noise":            {lines(func(l []string) []string { return append(l, "noise\n") }), PartJournal, "journal line 4", "not a size"},
		"history cut":      {history(boxed(entries[:579]...)), PartEnd, "message 580", "a checkpoint of size 580 is signed"},
		"history empty":    {history(boxed()), PartEnd, "message 1", "ends before it"},
		"message":          {history(bad(77)), PartHistory, "message 77", "a checksum does not fit"},
		"other message":    {history(boxed(other...)), PartSigned, "message 301", "not entry 300 as it was published"},
		"message twice":    {history(boxed(twice...)), PartHistory, "message 600", "stands in an entry before"},
		"boxes":            {history(newHistory(entries...).Replay(t.Context(), 1, 600)), PartHistory, "message 4", "0 boxes for persons and 1 tags"},
		"history, other file": {func(t *testing.T, dir string, c *CheckConfig) {
			rewrite(t, dir, other[:580])
			c.History = boxed(other...)
		}, PartSigned, "journalled size 580", "signed is root"},
		"log":        {func(_ *testing.T, _ string, c *CheckConfig) { c.Log.(*memLog).leaves[5] = []byte("x") }, PartLog, "its entries 0-599", "entry 5 has other bytes"},
		"log's root": {func(_ *testing.T, _ string, c *CheckConfig) { c.Log.(*memLog).lie = 1 }, PartLog, "its head", "its root at size 600"},
		"log ahead":  {history(boxed(entries[:590]...)), PartLog, "its head", "it has 600 entries, the history 590"},
		"seen":       {seen(headOf(t, entries[:4]), headOf(t, entries[:1]), headOf(t, entries[:580])), "", "", ""},
		"seen other": {seen(headOf(t, entries[:4]), headOf(t, other[:400])), PartSeen, "mirror.example", "size 400 with root"},
		"seen more":  {seen(headOf(t, append(entries[:600:600], entries[1]))), PartSeen, "mirror.example", "size 601, the history ends at 600"},
		"seen, nothing here": {func(t *testing.T, dir string, c *CheckConfig) {
			remove("journal")(t, dir, c)
			remove("public/checkpoint")(t, dir, c)
			c.History, c.Heads = boxed(), kept{headOf(t, entries[:4])}
		}, PartEnd, "message 1", "the history is empty"},
		"seen unsigned": {seen(headOf(t, entries[:590])), PartBehind, "mirror.example", "size 590, the journal ends at 580"},
		"log behind":    {func(_ *testing.T, _ string, c *CheckConfig) { c.Log = &memLog{} }, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir, l := t.TempDir(), &memLog{leaves: slices.Clone(full.leaves), hashes: full.hashes}
			if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
				t.Fatal(err)
			}
			cfg := CheckConfig{Dir: filepath.Join(dir, "public"), Journal: filepath.Join(dir, "journal"), History: boxed(entries...), Log: l}
			test.spoil(t, dir, &cfg)
			before := files(t, dir)
			report, err := Check(t.Context(), cfg)
			if !maps.Equal(before, files(t, dir)) {
				t.Error("a check changed something")
			}
			var d *Difference
			switch {
			case test.part == "" && (err != nil || !strings.Contains(strings.Join(report.Notes, "; "), test.words)):
				t.Fatalf("%v, notes %q", err, report.Notes)
			case test.part == "":
			case !errors.As(err, &d) || d.Part != test.part || !strings.HasPrefix(d.Place, test.place) || !strings.Contains(d.Reason.Error(), test.words):
				t.Fatalf("difference %v", err)
			}
		})
	}
}

// rewrite makes the public files those of other entries, all but what is
// signed: as somebody could who has no log key.
func rewrite(t *testing.T, dir string, entries [][]byte) {
	t.Helper()
	public := filepath.Join(dir, "public")
	if err := os.RemoveAll(filepath.Join(public, "tile")); err != nil {
		t.Fatal(err)
	}
	w := newWriter(public, nil)
	if err := w.write(w.add(entries)); err != nil {
		t.Fatal(err)
	}
	// The line of size 300 covers entry 299 at most: only the last one differs.
}

// TestCheckFlips: any bit flipped in any published file or in the journal is a
// difference or, beyond what is signed, nothing.
func TestCheckFlips(t *testing.T) {
	entries := testEntries(t, 300)
	dir, l := t.TempDir(), &memLog{}
	for _, n := range []int{4, 257, 300} {
		if err := anchorTo(t, testConfig(t, dir, newHistory(entries[:n]...), l), events.Size(n)); err != nil {
			t.Fatal(err)
		}
	}
	cfg := CheckConfig{Dir: filepath.Join(dir, "public"), Journal: filepath.Join(dir, "journal"), History: boxed(entries...)}
	random := rand.New(rand.NewPCG(1, 2))
	for name, whole := range files(t, dir) {
		for range 12 {
			at, bit := random.IntN(len(whole)), random.IntN(8)
			b := []byte(whole)
			b[at] ^= 1 << bit
			write(t, filepath.Join(dir, name), b)
			_, err := Check(t.Context(), cfg)
			var d *Difference
			// The last newline of the journal: what is left looks torn.
			if !errors.As(err, &d) && (name != "journal" || at != len(b)-1) {
				t.Errorf("%s: bit %d of byte %d: %v", name, bit, at, err)
			}
		}
		write(t, filepath.Join(dir, name), []byte(whole))
	}
	if _, err := Check(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, bytes.Clone(b), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCheckSizes: a ledger of any size around full tiles is found whole.
func TestCheckSizes(t *testing.T) {
	entries := testEntries(t, 770)
	for _, n := range []int{1, 2, 255, 256, 257, 511, 512, 513, 768, 769} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dir, l := t.TempDir(), &memLog{}
			if err := anchorTo(t, testConfig(t, dir, newHistory(entries[:n]...), l), events.Size(n)); err != nil {
				t.Fatal(err)
			}
			r, err := Check(t.Context(), CheckConfig{Dir: filepath.Join(dir, "public"), Journal: filepath.Join(dir, "journal"), History: boxed(entries[:n]...), Log: l})
			if err != nil || r.Messages != events.Seq(n) || r.Signed != events.Size(n) || r.Published != events.Size(n) || r.LogSize != events.Size(n) || r.Origin != testOrigin {
				t.Fatalf("%+v %v", r, err)
			}
			if want := uint64((n+255)/256) + min(1, uint64(n)/proof.TileWidth); r.Tiles != want {
				t.Fatalf("%d tiles, want %d", r.Tiles, want)
			}
		})
	}
}
