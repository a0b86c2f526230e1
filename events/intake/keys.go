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

// Subject is the keys of one generation of one trail: a person's own, or the hidden
// one of a seal. What finds them gives the earliest generation that is here; which
// one an event takes, or took, the history says.
type Subject interface {
	Handle() events.Handle
	Generation() uint32           // from 1
	At(generation uint32) Subject // of the same trail; nil when its keys are not here
	Of() events.Handle            // of a hidden trail the handle of the person's own, else zero
	Pair() events.Pair
	Root() [32]byte             // what all keys of the trail come from
	EventKey(i uint64) [32]byte // of the i-th event of the trail, from 1
	Tag(i uint64) events.Tag
}

// People finds persons' keys.
type People interface {
	// Find returns nil when she has no key yet. An error that is not of this
	// machine is ErrIdentifier.
	Find(p events.Person) (Subject, error)
	// Prepare finds or makes keys, in order, durable when it returns. A label
	// that is taken was enrolled before, and its keys are destroyed: she then
	// gets those of the next generation. ErrIdentifier says that one of them cannot
	// be named, and makes no keys.
	Prepare(ps []events.Person, taken func(label [64]byte) (bool, error)) ([]Subject, error)
	// Hide finds or makes the keys of the hidden trail that the seal of this id
	// opens for p, who has keys; durable when it returns.
	Hide(p events.Person, seal string) (Subject, error)
	// ByHandle returns nil when the keys of h are not here; erasing her ends them.
	ByHandle(h events.Handle) (Subject, error)
	// Erase destroys the keys of h, with those of her hidden trails. That there
	// are none is no error.
	Erase(h events.Handle) error
}

// Keys are the ledger's and organizations' own keys.
type Keys interface {
	EventName(source, id string) events.EventName
	// Content is the keyed hash that recognizes a repeat; it needs the keys of
	// everybody named.
	Content(canonical []byte, named []Subject) events.Digest
	// Pseudonym is what the views know an "actor" or "case" by.
	Pseudonym(organization, what, value string) (string, error)
	// Shared gives the fold key, and the organization's month key for t, which it
	// makes for its first use. What is about the ledger as a whole is of the
	// organization "", which has no month key.
	Shared(organization string, t time.Time) (fold, month []byte, err error)
	// FindMonth is the month key alone, and an error when it is not kept, or no
	// more.
	FindMonth(organization string, t time.Time) ([]byte, error)
	// DestroyMonth destroys the key of a month, as 2026-06. That there is none is
	// no error.
	DestroyMonth(organization, month string) error
}
