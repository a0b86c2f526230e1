package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// again posts events once more; every one of them must be there afterwards.
func (c *crash) again(list []string) {
	c.t.Helper()
	var kinds [2][]string // registered, used
	for _, e := range list {
		k := 1
		if strings.Contains(e, "dataset.registered") {
			k = 0
		}
		kinds[k] = append(kinds[k], e)
	}
	for _, batch := range kinds {
		for len(batch) > 0 {
			n := min(len(batch), 700)
			places, err := c.post(c.server.url, "?wait=anchored", batch[:n])
			if err != nil {
				c.t.Fatal(err)
			}
			c.remember(batch[:n], places)
			batch = batch[n:]
		}
	}
}

// check audits the public log and holds every promise and every checkpoint ever
// seen against it.
func (c *crash) check() {
	c.t.Helper()
	report, err := auditURL(c.server.url, c.server.key)
	if err != nil {
		c.t.Fatal(err)
	}
	entries := c.entries(report.Size)
	seen := map[string]bool{}
	for e, p := range c.promised {
		if p.Position >= events.Index(len(entries)) {
			c.t.Fatalf("promised at %d in a log of %d: %s", p.Position, len(entries), e)
		}
		if got := entries[p.Position]; events.HashEntry(got).String() != p.EntryHash || !bytes.Contains(got, []byte(p.Event)) || seen[p.Event] {
			c.t.Fatalf("promised %+v, there is %s (twice: %v)", p, got, seen[p.Event])
		}
		seen[p.Event] = true
	}
	c.checkConsistency(entries, proof.Checkpoint{Origin: report.Origin, Size: report.Size, Root: report.Root})
}

// entries reads all entries as an auditor does.
func (c *crash) entries(size events.Size) (out [][]byte) {
	c.t.Helper()
	source, err := client.New(c.server.url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	for n := range (uint64(size) + proof.TileWidth - 1) / proof.TileWidth {
		width := int(min(uint64(size)-n*proof.TileWidth, proof.TileWidth))
		b, err := source.Read(context.Background(), proof.EntriesPath(n, width))
		if err != nil {
			c.t.Fatal(err)
		}
		list, err := proof.ReadBundle(b, width)
		if err != nil {
			c.t.Fatal(err)
		}
		out = append(out, list...)
	}
	return out
}

// checkConsistency proves, with another tree than ours, that the log extends
// every checkpoint it ever published.
func (c *crash) checkConsistency(entries [][]byte, newest proof.Checkpoint) {
	c.t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, n := range at {
			out[i] = stored[n]
		}
		return out, nil
	})
	for i, e := range entries {
		hashes, err := tlog.StoredHashes(int64(i), e, reader)
		if err != nil {
			c.t.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	for _, old := range c.checkpoints {
		if old.Size > newest.Size {
			c.t.Fatalf("published %d, now %d", old.Size, newest.Size)
		}
		path, err := tlog.ProveTree(int64(newest.Size), int64(old.Size), reader)
		if err != nil {
			c.t.Fatal(err)
		}
		if err := proof.CheckConsistency(old, newest, path); err != nil {
			c.t.Fatalf("the log of %d does not extend the one of %d: %v", newest.Size, old.Size, err)
		}
	}
}

// recover does what senders do after a crash, and checks everything.
func (c *crash) recover(r *rand.Rand, most int) {
	c.t.Helper()
	var list []string
	for e := range c.unanswered {
		list = append(list, e)
	}
	newest, last := "", events.Index(0)
	for e, p := range c.promised {
		if len(c.promised) <= most || r.IntN(len(c.promised)) < most {
			list = append(list, e)
		}
		if p.Position >= last {
			newest, last = e, p.Position
		}
	}
	if newest != "" { // waiting for its proof waits for all
		list = append(list, newest)
	}
	c.again(list)
	if len(c.unanswered) != 0 {
		c.t.Fatalf("%d events are still not taken", len(c.unanswered))
	}
	c.check()
}

// checkAPI asks the public pages for some of the promised events.
func (c *crash) checkAPI(r *rand.Rand, most int) {
	c.t.Helper()
	for e, p := range c.promised {
		if r.IntN(len(c.promised)) > most {
			continue
		}
		b, status, err := get(c.server.url + "/v1/entries/" + p.Event)
		var answer struct {
			Position events.Index
			Entry    json.RawMessage
		}
		if err != nil || status != http.StatusOK || json.Unmarshal(b, &answer) != nil ||
			answer.Position != p.Position || events.HashEntry(answer.Entry).String() != p.EntryHash {
			c.t.Fatalf("promised %+v for %s, shown %d %s", p, e, status, b)
		}
	}
}
