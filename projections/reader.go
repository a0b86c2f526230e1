package projections

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
)

// ErrNotFound says that nothing a reader may show has that position, name or id.
var ErrNotFound = errors.New("not found")

// The number of results of one question, when it names none, and at most.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// Reader answers from the views as they stood at one size of the log, or as they
// stand. It holds nothing open and may be used by many at once.
type Reader struct {
	v     *Views
	size  events.Size
	steps int // the most index keys one filter looks at
}

// maxSteps bounds the work of one page, some 20 ms, whatever the filter.
const maxSteps = 20000

// At is a reader of the first size entries and no other. Size 0 has none.
func (v *Views) At(size events.Size) Reader { return Reader{v, size, maxSteps} }

// Now is a reader of everything folded, published or not.
func (v *Views) Now() Reader { return v.At(math.MaxUint64) }

// get copies the value under key.
func (r Reader) get(key []byte) ([]byte, error) {
	value, closer, err := r.v.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading the views: %w", err)
	}
	return append([]byte{}, value...), closer.Close()
}

// under iterates over the keys that begin with prefix, up to the reader's size
// when a position follows the prefix.
func (r Reader) under(prefix []byte, positions bool) (*pebble.Iterator, error) {
	o := &pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)}
	if positions {
		o.UpperBound = number(append([]byte{}, prefix...), events.Index(r.size))
	}
	it, err := r.v.db.NewIter(o)
	if err != nil {
		return nil, fmt.Errorf("reading the views: %w", err)
	}
	return it, nil
}

// clean says that values may stand in a key: a zero byte ends each there.
func clean(values ...string) bool {
	for _, v := range values {
		if strings.IndexByte(v, 0) >= 0 {
			return false
		}
	}
	return true
}

// limited is the limit to use for the one asked for.
func limited(n int) int {
	if n <= 0 {
		return DefaultLimit
	}
	return min(n, MaxLimit)
}
