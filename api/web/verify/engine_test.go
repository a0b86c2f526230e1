package verify

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/dop251/goja"

	"github.com/daybook-ledger/daybook/api/web/verify/vectest"
)

// engine runs a script of the verifier. It is used by one goroutine at a time.
type engine struct {
	vm            *goja.Runtime
	check, verify goja.Callable
}

func newEngine(t testing.TB, program *goja.Program) *engine {
	t.Helper()
	e := &engine{vm: goja.New()}
	offer(e.vm)
	if _, err := e.vm.RunProgram(program); err != nil {
		t.Fatal(err)
	}
	exports := e.vm.Get("daybook").ToObject(e.vm)
	var ok, ok2 bool
	e.check, ok = goja.AssertFunction(exports.Get("check"))
	e.verify, ok2 = goja.AssertFunction(exports.Get("verify"))
	if !ok || !ok2 {
		t.Fatal("the script does not export check and verify")
	}
	return e
}

// dist compiles the script as it is served.
func dist(t testing.TB) *goja.Program {
	t.Helper()
	script, err := os.ReadFile("../dist/verify.js")
	if err != nil {
		t.Fatal(err)
	}
	program, err := goja.Compile("verify.js", string(script), true)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func (e *engine) file(b []byte) goja.Value {
	array, err := e.vm.New(e.vm.Get("Uint8Array"), e.vm.ToValue(e.vm.NewArrayBuffer(b)))
	if err != nil {
		panic(err) // no constructor of its own
	}
	return array
}

func (e *engine) trust(with vectest.Trust) *goja.Object {
	out := e.vm.NewObject()
	for name, value := range map[string]string{"key": with.Key, "card": with.Card, "policy": with.Policy} {
		if value != "" {
			_ = out.Set(name, value)
		}
	}
	return out
}

// judge says why the file does not hold, "" when it does.
func (e *engine) judge(t testing.TB, format string, file []byte, with vectest.Trust) string {
	t.Helper()
	why, err := e.check(goja.Undefined(), e.vm.ToValue(format), e.file(file), e.trust(with))
	if err != nil {
		t.Errorf("the verifier threw something on %q: %v", file, err)
		return "it threw something"
	}
	return why.String()
}

// report is what verify tells.
type report struct {
	Verdict, Format, Title, Reason string
	Lacking                        []string
	Steps                          []struct {
		Said   string
		Detail []string
	}
	NotChecked []string
	Entries    []struct {
		Position    uint64
		Kind, Event string
		Entry       map[string]any
		Disclosures [][2]string
		Note        string
	}
}

func (e *engine) report(t testing.TB, file []byte, with vectest.Trust) report {
	t.Helper()
	return e.told(t, file, e.trust(with))
}

// told is what verify tells who trusts as the object says.
func (e *engine) told(t testing.TB, file []byte, trust *goja.Object) report {
	t.Helper()
	v, err := e.verify(goja.Undefined(), e.file(file), trust)
	if err != nil {
		t.Fatalf("the verifier threw something: %v", err)
	}
	b, err := json.Marshal(v.Export())
	var out report
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}
