package locallog

import (
	"crypto/sha256"
	"sync"

	"github.com/daybook-ledger/daybook/ledger/logtest"
)

// A reference is RFC 6962, section 2.1, as it is written there: MTH, PATH and
// SUBPROOF over the hashes of the entries. It remembers perfect subtrees.
type reference struct {
	leaves [][32]byte
	mu     sync.Mutex
	memo   map[[2]int][32]byte
}

func newReference(n int) *reference {
	r := &reference{memo: map[[2]int][32]byte{}}
	for _, entry := range logtest.Leaves(0, n) {
		r.leaves = append(r.leaves, sha256.Sum256(append([]byte{0}, entry...)))
	}
	return r
}

// split is the largest power of two below n.
func split(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

// root is MTH(D[lo:hi]).
func (r *reference) root(lo, hi int) [32]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mth(lo, hi)
}

func (r *reference) mth(lo, hi int) [32]byte {
	switch n := hi - lo; {
	case n == 0:
		return sha256.Sum256(nil)
	case n == 1:
		return r.leaves[lo]
	}
	known, ok := r.memo[[2]int{lo, hi}]
	if ok {
		return known
	}
	k := lo + split(hi-lo)
	left, right := r.mth(lo, k), r.mth(k, hi)
	hash := sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	if n := hi - lo; n&(n-1) == 0 {
		r.memo[[2]int{lo, hi}] = hash
	}
	return hash
}

// path is PATH(m, D[lo:hi]), m counted from lo.
func (r *reference) path(m, lo, hi int) [][32]byte {
	if hi-lo <= 1 {
		return nil
	}
	if k := split(hi - lo); m < k {
		return append(r.path(m, lo, lo+k), r.root(lo+k, hi))
	} else {
		return append(r.path(m-k, lo+k, hi), r.root(lo, lo+k))
	}
}

// subproof is SUBPROOF(m, D[lo:hi], whole).
func (r *reference) subproof(m, lo, hi int, whole bool) [][32]byte {
	if m == hi-lo {
		if whole {
			return nil
		}
		return [][32]byte{r.root(lo, hi)}
	}
	if k := split(hi - lo); m <= k {
		return append(r.subproof(m, lo, lo+k, whole), r.root(lo+k, hi))
	} else {
		return append(r.subproof(m-k, lo+k, hi, false), r.root(lo, lo+k))
	}
}
