package events

import "errors"

// Seq counts the messages of the history from 1. Zero is "before the first".
type Seq uint64

// Index counts the entries of the log from 0. It is what users call a
// position. Entry Index is the public part of message Index+1, byte for byte.
type Index uint64

// Size is a number of log entries: a log of Size n holds indexes 0 … n-1.
type Size uint64

// Index is where the entry of message s stands in the log. s must not be 0.
func (s Seq) Index() Index { return Index(s - 1) }

// Size is the size of the log that holds every message up to and including s.
func (s Seq) Size() Size { return Size(s) }

// Seq is the message that carries entry i.
func (i Index) Seq() Seq { return Seq(i + 1) }

// Stored is one message as the history keeps it.
type Stored struct {
	Seq  Seq
	Data []byte // see Message
}

// ErrNotStored is wrapped by a history's append that stored nothing and may be
// tried again.
var ErrNotStored = errors.New("nothing was stored")
