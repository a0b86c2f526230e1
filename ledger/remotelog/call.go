package remotelog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// How long one call may take before it is made again.
const (
	shortCall = 10 * time.Second
	longCall  = time.Minute // a database under load stores a few thousand entries
)

// The wait between two calls doubles from the first to the longest.
const (
	firstWait   = 100 * time.Millisecond
	longestWait = 10 * time.Second
)

// ask makes a call until it is answered, refused in a way that another try
// cannot change, or ctx ends. Every call made by it may be made twice.
func (l *Log) ask(ctx context.Context, limit time.Duration, call func(context.Context) error) error {
	var last error
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		if l.closed.Load() {
			return errors.New("it is closed")
		}
		once, cancel := context.WithTimeout(ctx, limit)
		err := call(once)
		if once.Err() != nil {
			limit *= 2 // cut short every time, it would never be done
		}
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return givenUp(ctx, cmp.Or(words(err), last))
		case !passes(err) || l.closed.Load():
			return plain(err)
		}
		last = plain(err)
		l.cfg.Delayed(last)
		if !sleep(ctx, wait) {
			return givenUp(ctx, last)
		}
	}
}

// passes reports whether the same call may be answered later. What a database
// behind the server could not do arrives as Unknown or Internal.
func passes(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted,
		codes.Canceled, codes.Internal, codes.Unknown:
		return true
	}
	return false
}

// plain strips the status code of an error and keeps its words.
func plain(err error) error { return errors.New(status.Convert(err).Message()) }

// givenUp is the error of a call that ended with its context; last is why it
// took that long, if that is known.
func givenUp(ctx context.Context, last error) error {
	if last == nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w while waiting: %w", context.Cause(ctx), last)
}

// words are what an error says beyond the end of its call, or nil.
func words(err error) error {
	if said := plain(err); said.Error() != context.DeadlineExceeded.Error() && said.Error() != context.Canceled.Error() {
		return said
	}
	return nil
}

// sleep reports whether ctx went on for d.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
