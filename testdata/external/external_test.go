// Package external holds the tests against other people's servers, in a module
// of its own so that what these need stays out of the program's dependencies.
//
// A real trillian_log_server and trillian_log_signer, built from the version
// of Trillian that the program uses, run over a real MariaDB from the system's
// packages, all in the test's own directory, on sockets and loopback ports of
// its own. Against them run the conformance suite of a log, every process
// killed while entries are added, the program itself over TLS, and one history
// anchored by both logs, whose public files must be the same bytes.
//
//	make test-external
//
// Where MariaDB is not installed the tests are skipped and say so.
package external

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/logtest"
)

// TestTrillian has one deployment, for it takes a while to start.
func TestTrillian(t *testing.T) {
	d := deploy(t)
	t.Run("conformance", func(t *testing.T) {
		logtest.Run(t, func(t *testing.T) logtest.Log { return d.tested(t) })
	})
	t.Run("speed", d.testSpeed)
	t.Run("killed", d.testKilled)
	t.Run("same history", d.testSameHistory)
}

// testSpeed says how fast this deployment is. It asserts nothing.
func (d *deployment) testSpeed(t *testing.T) {
	log := open(t, d.config(t, "speed"))
	first := events.Index(0)
	for _, batch := range []int{1, 100, 1000, 4096, 4096} {
		calls := max(1, 2048/batch)
		calls = min(calls, 20)
		started := time.Now()
		for range calls {
			if _, _, err := log.Append(t.Context(), first, logtest.Leaves(first, batch)); err != nil {
				t.Fatal(err)
			}
			first += events.Index(batch)
		}
		took := time.Since(started)
		t.Logf("batches of %d: %.0f entries/s, %v a batch", batch, float64(calls*batch)/took.Seconds(), (took / time.Duration(calls)).Round(time.Millisecond))
	}
}

// testKilled kills server, signer and database again and again while entries
// are added. No Append fails, and the root is that of the entries.
func (d *deployment) testKilled(t *testing.T) {
	const n, kills = 40000, 9
	log := open(t, d.config(t, "killed"))
	done, killed := make(chan struct{}), 0
	var killer sync.WaitGroup
	killer.Go(func() {
		rng := rand.New(rand.NewPCG(1, 1))
		for ; killed < kills; killed++ {
			select {
			case <-done:
				return
			case <-time.After(time.Duration(100+rng.IntN(900)) * time.Millisecond):
			}
			p := []*process{d.server, d.signer, d.database}[killed%3]
			p.kill()
			time.Sleep(time.Duration(rng.IntN(500)) * time.Millisecond)
			p.start(t)
			eventually(t, "the log answers", time.Minute, func() bool { _, _, err := log.Head(t.Context()); return err == nil })
		}
	})
	var ref logtest.Reference
	for first := events.Size(0); first < n && !t.Failed(); {
		end := min(first+1500, n)
		leaves := logtest.Leaves(events.Index(first), int(end-first))
		ref.Add(t, leaves...)
		size, root, err := log.Append(t.Context(), events.Index(first), leaves)
		if err != nil || size != end || root != ref.Root(t, end) {
			t.Errorf("append %d-%d: size %d, root %x, %v", first, end-1, size, root, err)
		}
		first = end
	}
	close(done)
	killer.Wait()
	if killed < 3 {
		t.Errorf("only %d processes were killed", killed)
	}
	t.Logf("%d processes were killed", killed)
}
