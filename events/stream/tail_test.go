package stream

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

// TestTail holds a tail against a list of everything appended.
func TestTail(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	x := tail{limit: 2000}
	all := [][]byte{nil} // by sequence
	for len(all) < 3000 {
		var msgs [][]byte
		for range 1 + r.IntN(20) {
			msgs = append(msgs, bytes.Repeat([]byte{byte(len(all) + len(msgs))}, 1+r.IntN(150)))
		}
		x.add(events.Seq(len(all)), msgs)
		all = append(all, msgs...)
		if x.size > x.limit || len(x.msgs) == 0 && len(msgs[len(msgs)-1]) < x.limit {
			t.Fatalf("%d bytes in %d messages", x.size, len(x.msgs))
		}
		last := events.Seq(len(all) - 1)
		for range 5 {
			seq := events.Seq(max(1, len(all)-r.IntN(60)))
			to := min(last, seq+events.Seq(r.IntN(30)))
			for i, m := range x.from(seq, to) {
				if at := seq + events.Seq(i); at > to || !bytes.Equal(m, all[at]) {
					t.Fatalf("message %d is another", at)
				}
			}
			if got := x.from(last, last); len(got) != 1 {
				t.Fatal("the last message is not there")
			}
		}
	}
	if x.from(events.Seq(len(all)), events.Seq(len(all)+5)) != nil || x.from(1, 5) != nil {
		t.Error("messages that are not kept")
	}
	// Behind a gap it begins anew.
	x.add(9000, [][]byte{{1}})
	if x.from(9000, 9000) == nil || len(x.msgs) != 1 {
		t.Error("it does not begin anew")
	}
	x = tail{}
	x.add(1, [][]byte{{1}})
	if x.from(1, 1) != nil {
		t.Error("without a limit something is kept")
	}
}

// TestReplayFromTheTail replays any range with a tail that holds all, some or
// nothing of it, while more is appended.
func TestReplayFromTheTail(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	for _, limit := range []int{0, 200, 5000, 1 << 20} {
		h.tail = tail{limit: limit}
		first := h.Last()
		for range 20 {
			mustAppend(t, h, 7)
			for from := max(1, first); from <= h.Last(); from += 31 {
				checkReplay(t, h, from, h.Last(), from, h.Last())
				checkReplay(t, h, from, from+9, from, min(from+9, h.Last()))
			}
		}
		checkReplay(t, h, 1, h.Last()+5, 1, h.Last())
	}
}
