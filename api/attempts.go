package api

import (
	"net/netip"
	"sync"
	"time"
)

// How often somebody may try to sign in: a few times at once, then at intervals.
const (
	triesAtOnce    = 10
	tryEvery       = 6 * time.Second
	allTriesAtOnce = 200
	anyTryEvery    = 100 * time.Millisecond
	maxAddresses   = 10_000
)

// attempts slows down who guesses tokens, from one address and in all. Its memory
// is bounded: when too many addresses are at it, newcomers share one allowance.
type attempts struct {
	now func() time.Time

	mu     sync.Mutex
	all    allowance
	others allowance
	byFrom map[netip.Prefix]allowance
}

// allowance is when the last of the attempts so far will have been paid for by
// waiting; zero is never used.
type allowance time.Time

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, byFrom: map[netip.Prefix]allowance{}}
}

// take says whether an attempt from an address may go on, and else how long to
// wait. A refused attempt costs nothing.
func (a *attempts) take(from netip.Addr) (wait time.Duration) {
	now := a.now()
	network := networkOf(from)
	a.mu.Lock()
	defer a.mu.Unlock()
	own, known := a.byFrom[network]
	if !known && len(a.byFrom) >= maxAddresses {
		a.sweep(now)
	}
	crowded := !known && len(a.byFrom) >= maxAddresses
	if crowded {
		own = a.others
	}
	all, wait := a.all.take(now, allTriesAtOnce, anyTryEvery)
	if wait > 0 {
		return wait
	}
	own, wait = own.take(now, triesAtOnce, tryEvery)
	if wait > 0 {
		return wait
	}
	a.all = all
	if crowded {
		a.others = own
	} else {
		a.byFrom[network] = own
	}
	return 0
}

// sweep forgets addresses that have their whole allowance back.
func (a *attempts) sweep(now time.Time) {
	for network, own := range a.byFrom {
		if !time.Time(own).After(now) {
			delete(a.byFrom, network)
		}
	}
}

// take is the allowance after one more attempt, or how long until there may be
// one.
func (x allowance) take(now time.Time, atOnce int, every time.Duration) (allowance, time.Duration) {
	paid := time.Time(x)
	if paid.Before(now) {
		paid = now
	}
	paid = paid.Add(every)
	if wait := paid.Sub(now) - time.Duration(atOnce)*every; wait > 0 {
		return x, wait
	}
	return allowance(paid), 0
}

// networkOf is what counts as one address: of IPv6 the 64 bits that one
// subscriber has.
func networkOf(a netip.Addr) netip.Prefix {
	bits := 32
	if a = a.Unmap().WithZone(""); a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the zero Prefix for the zero Addr
	return p
}
