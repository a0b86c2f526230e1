package intake

import (
	"context"
	"iter"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// History is where the writer appends.
type History interface {
	Last() events.Seq
	// Append stores msgs as one batch, all or nothing, and returns the
	// sequence of the first once all are durable.
	Append(ctx context.Context, msgs [][]byte) (events.Seq, error)
	Replay(ctx context.Context, from, to events.Seq) iter.Seq2[events.Stored, error]
}

// Subject is one person's keys, of the generation in use.
type Subject interface {
	Handle() events.Handle
	Pair() events.Pair
	EventKey(i uint64) [32]byte // of the i-th event of her trail, from 1
	Tag(i uint64) events.Tag
}

// People finds persons' keys.
type People interface {
	// Find returns nil when she has no key yet; the error is about the identifier.
	Find(p events.Person) (Subject, error)
	// Prepare finds or makes keys, in order, durable when it returns.
	Prepare(ps []events.Person) ([]Subject, error)
	// Holds says that the keys of h are here; erasing her ends it.
	Holds(h events.Handle) bool
}

// Keys are the ledger's and organizations' own keys.
type Keys interface {
	EventName(source, id string) events.EventName
	// Content is the keyed hash that recognizes a repeat; who may be nil.
	Content(canonical []byte, who Subject) events.Digest
	// Pseudonym is what the views know an "actor" or "case" by.
	Pseudonym(organization, what, value string) (string, error)
	// Shared gives the fold key, and the organization's month key for t.
	Shared(organization string, t time.Time) (fold, month []byte, err error)
}
