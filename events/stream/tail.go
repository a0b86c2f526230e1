package stream

import (
	"sync"

	"github.com/daybook-ledger/daybook/events"
)

// tail are the last messages appended, in memory, for the readers at the writer's
// heels: what was acknowledged need not be fetched from the server once for each.
type tail struct {
	limit int // bytes; 0 keeps nothing

	mu    sync.Mutex
	first events.Seq // of msgs
	msgs  [][]byte
	size  int
}

// add keeps the messages from first on, which nobody changes any more, as far as
// the limit goes.
func (t *tail) add(first events.Seq, msgs [][]byte) {
	if t.limit == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if first != t.first+events.Seq(len(t.msgs)) {
		t.first, t.msgs, t.size = first, nil, 0
	}
	for _, m := range msgs {
		t.msgs, t.size = append(t.msgs, m), t.size+len(m)
	}
	drop := 0
	for ; t.size > t.limit; drop++ {
		t.size -= len(t.msgs[drop])
		t.msgs[drop] = nil // the array behind may live on
	}
	t.msgs, t.first = t.msgs[drop:], t.first+events.Seq(drop)
}

// from are messages from seq on, up to last, none when seq is not kept.
func (t *tail) from(seq, last events.Seq) [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	end := min(last+1, t.first+events.Seq(len(t.msgs)))
	if seq < t.first || seq >= end {
		return nil
	}
	// A copy: add clears what it drops.
	return append([][]byte{}, t.msgs[seq-t.first:end-t.first]...)
}
