package trail

import (
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// edge is the right edge of a log: the roots of the complete subtrees its size is
// the sum of, the largest first. It is all that a root and a further leaf need.
type edge struct {
	size  events.Size
	roots []proof.Hash
}

func (e *edge) add(leaf proof.Hash) {
	for n := e.size; n&1 == 1; n >>= 1 {
		last := len(e.roots) - 1
		leaf = tlog.NodeHash(e.roots[last], leaf)
		e.roots = e.roots[:last]
	}
	e.roots = append(e.roots, leaf)
	e.size++
}

// root is the RFC 6962 root of the log.
func (e *edge) root() proof.Hash {
	if e.size == 0 {
		return proof.EmptyRoot()
	}
	last := len(e.roots) - 1
	h := e.roots[last]
	for last--; last >= 0; last-- {
		h = tlog.NodeHash(e.roots[last], h)
	}
	return h
}
