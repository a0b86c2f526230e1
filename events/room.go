package events

// room gives the lists and objects of one text the place for what they hold, all
// of it in one block when its size was foretold well. What is begun stands on a
// stack at the front, all[base:n]; what is complete moves to the back, at end
// and behind, unless nothing was begun before it: then it stays, and the stack
// begins behind it.
type room[T any] struct {
	all          []T
	base, n, end int
}

// newRoom has a place for size of them, and takes any number.
func newRoom[T any](size int) room[T] { return room[T]{all: make([]T, size), end: size} }

// depth is how many are on the stack.
func (r *room[T]) depth() int { return r.n - r.base }

// from are those on the stack behind the first start of them.
func (r *room[T]) from(start int) []T { return r.all[r.base+start : r.n] }

// insert puts v on the stack behind the first at of them.
func (r *room[T]) insert(at int, v T) {
	if r.n == r.end {
		// A text that needs more than was foretold is a long one, as a batch is.
		wider := make([]T, max(24, 2*r.depth()))
		r.n = copy(wider, r.all[r.base:r.n])
		r.all, r.base, r.end = wider, 0, len(wider)
	}
	at += r.base
	if at < r.n {
		copy(r.all[at+1:r.n+1], r.all[at:r.n])
	}
	r.all[at] = v
	r.n++
}

// complete takes those behind the first start off the stack, for good.
func (r *room[T]) complete(start int) []T {
	first, k := r.base+start, r.depth()-start
	if start == 0 {
		r.base = r.n
		return r.all[first:r.n:r.n]
	}
	r.end -= k
	copy(r.all[r.end:], r.all[first:r.n])
	r.n = first
	return r.all[r.end : r.end+k : r.end+k]
}
