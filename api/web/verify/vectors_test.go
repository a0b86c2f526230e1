package verify

import (
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/dop251/goja"

	"github.com/daybook-ledger/daybook/api/web/verify/vectest"
)

func load(t testing.TB) []vectest.Vector {
	t.Helper()
	list, err := vectest.Load("../../../testdata/vectors")
	if err != nil || len(list) < 600 {
		t.Fatalf("%d vectors, %v", len(list), err)
	}
	return list
}

// TestVectors asks both verifiers about every vector.
func TestVectors(t *testing.T) {
	t.Parallel()
	served, fast := newEngine(t, dist(t)), newEngine(t, quick(t))
	seen := map[string]int{}
	for _, v := range load(t) {
		if err := vectest.Judge(v.Format, v.File, v.Trust); (err == nil) != v.Accept {
			t.Errorf("%s: accept is %v, and Go says %v", v.Name, v.Accept, err)
		}
		e := served
		if seen[v.Format]++; slow(v.Format) && (testing.Short() || seen[v.Format]%8 > 0) {
			e = fast
		}
		why := e.judge(t, v.Format, v.File, v.Trust)
		switch {
		case v.PostQuantum() && strings.Contains(why, "ML-DSA-44, a kind of signature that is not checked here"):
		case v.PostQuantum() && v.Name == "reject/cosigned-post-quantum-of-another.txt" && why == "": // two others cosign
		case (why == "") != v.Accept:
			t.Errorf("%s: accept is %v, and the verifier says %q", v.Name, v.Accept, why)
		}
	}
}

// slow says that an interpreter computes the hashes of a file of the format for a while.
func slow(format string) bool { return format == "bundle" || format == "evidence" }

// TestMutants asks both verifiers about files that were changed in one place.
func TestMutants(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 1_000
	}
	checkMutants(t, quick(t), n, 7, func(string) bool { return true })
}

// TestMutantsServed asks the script as it is served, about fewer.
func TestMutantsServed(t *testing.T) {
	n := 1_500
	if testing.Short() {
		n = 100
	}
	checkMutants(t, dist(t), n, 8, func(format string) bool { return !slow(format) })
}

func checkMutants(t *testing.T, program *goja.Program, n int, seed uint64, of func(format string) bool) {
	t.Helper()
	list, work := load(t), make(chan vectest.Mutant, 64)
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		e := newEngine(t, program)
		all.Go(func() {
			for m := range work {
				checkMutant(t, e, m)
			}
		})
	}
	for m := range vectest.Mutants(seed, n, list) {
		if of(m.Format) {
			work <- m
		}
	}
	close(work)
	all.Wait()
}

// checkMutant wants the same verdict of both, and that who is convinced is convinced of
// what the original states.
func checkMutant(t *testing.T, e *engine, m vectest.Mutant) {
	why, err := e.judge(t, m.Format, m.File, m.Trust), vectest.Judge(m.Format, m.File, m.Trust)
	if (why == "") != (err == nil) {
		t.Errorf("%s, %s: the script says %q, and Go %v:\n%q", m.Name, m.Change, why, err, m.File)
	}
	if err == nil && !vectest.FormAlone(m.Format) && !m.States() {
		t.Errorf("%s, %s: accepted:\n%q", m.Name, m.Change, m.File)
	}
}
