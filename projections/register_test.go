package projections

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

// TestSystemThroughItsLife tells one system's and one dataset's story.
func TestSystemThroughItsLife(t *testing.T) {
	w := newWorld(t, 21)
	at := func(day string) string { return "2026-06-" + day + "T08:30:00+02:00" }
	w.say("dataset.registered", "chicago", at("01"), "{'dataset':'d','title':'Air','access':{'open':true}}")
	w.say("system.changed", "chicago", at("02"), "{'system':'s','name':'Too early'}")
	w.say("system.registered", "chicago", at("03"), "{'system':'s','name':'Node','kind':'sensor-node','datasets':['d','e'],'place':{'address':'A','lat':'1'}}")
	w.say("system.changed", "eugene-police", at("04"), "{'system':'s','name':'Node 2','place':{'lat':'2'}}")
	w.say("system.moved", "chicago", at("05"), "{'system':'s','place':{'address':'B'}}")
	w.say("system.decommissioned", "chicago", at("06"), "{'system':'s','on':'2026-06-30','mediaSanitized':true}")
	w.say("retention.set", "chicago", at("07"), "{'dataset':'d','period':'P30D','method':'Erase'}")
	w.say("dataset.reclassified", "chicago", at("08"), "{'dataset':'d','classification':'Private','access':{'restricted':'privacy'}}")
	w.say("dataset.retired", "chicago", at("09"), "{'dataset':'d'}")
	w.say("dataset.registered", "eugene-police", at("10"), "{'dataset':'d','title':'Air again'}")
	v := foldedViews(t, w.out)
	for _, c := range []struct {
		size                        events.Size
		register, id, fields, ended string
		organization, latest        string
	}{
		{2, "system", "s", "", "", "", ""},
		{3, "system", "s", `{"datasets":["d","?"],"name":"Node","place":{"address":"A","lat":"1"}}`, "", "chicago", "system.registered"},
		{4, "system", "s", `{"datasets":["d","?"],"name":"Node 2","place":{"address":"A","lat":"2"}}`, "", "chicago", "system.changed"},
		{5, "system", "s", `{"datasets":["d","?"],"name":"Node 2","place":{"address":"B"}}`, "", "chicago", "system.moved"},
		{9, "system", "s", `{"datasets":["d","?"],"mediaSanitized":true,"name":"Node 2","place":{"address":"B"}}`, "2026-06-30", "chicago", "system.decommissioned"},
		{6, "dataset", "d", `{"access":{"open":true},"title":"Air"}`, "", "chicago", "dataset.registered"},
		{7, "dataset", "d", `{"access":{"open":true},"retention":{"method":"Erase","period":"P30D"},"title":"Air"}`, "", "chicago", "retention.set"},
		{9, "dataset", "d", `{"access":{"open":true,"restricted":"privacy"},"classification":"Private","retention":{"method":"Erase","period":"P30D"},"title":"Air"}`, "2026-06-09", "chicago", "dataset.retired"},
		{10, "dataset", "d", `{"retention":{"method":"Erase","period":"P30D"},"title":"Air again"}`, "", "eugene-police", "dataset.registered"},
	} {
		item, err := v.At(c.size).Item(c.register, c.id)
		if (err == nil) != (c.latest != "") {
			t.Fatalf("%s %s at %d: %v", c.register, c.id, c.size, err)
		}
		if err != nil {
			continue
		}
		// What kind of system it is has a member of its own, whatever its name.
		fields := slices.DeleteFunc(slices.Clone(item.Fields), func(m events.Member) bool { return m.Value.Text() == "sensor-node" })
		if c.register == "system" && len(fields) != len(item.Fields)-1 {
			t.Errorf("system %s does not say what it is: %s", c.id, item.Fields.Append(nil))
		}
		if got := string(fields.Append(nil)); got != c.fields || item.Ended != c.ended || item.Organization != c.organization || item.Source != c.organization || item.Latest.Kind != c.latest {
			t.Errorf("%s %s at %d: %s %+v, want %+v", c.register, c.id, c.size, got, item, c)
		}
		if last := item.History[len(item.History)-1]; last != item.Latest {
			t.Errorf("%s %s at %d: the history ends with %v", c.register, c.id, c.size, last)
		}
	}
	item, err := v.Now().Item("system", "s")
	want := []Change{
		{2, "system.registered", at("03")},
		{3, "system.changed", at("04")},
		{4, "system.moved", at("05")},
		{5, "system.decommissioned", at("06")},
	}
	if err != nil || len(item.History) != len(want) {
		t.Fatalf("%v %v", item.History, err)
	}
	for i, c := range item.History {
		if c != want[i] {
			t.Errorf("change %d is %v, want %v", i, c, want[i])
		}
	}
}

var update = flag.Bool("update", false, "write the golden dump anew")

// TestDumpIsGolden holds the keys and values of a small history. When it
// changes, a view's version must rise.
func TestDumpIsGolden(t *testing.T) {
	w := newWorld(t, 22)
	w.open()
	w.enrol()
	w.say("dataset.registered", "chicago", "2026-06-23T08:30:00Z", "{'dataset':'chicago/air','title':'Air “quality”'}")
	w.say("retention.set", "chicago", "2026-06-23T08:30:00Z", "{'dataset':'chicago/air','period':'P1Y'}")
	w.say("data.shared", "chicago", "2026-06-24T08:30:00Z", "{'dataset':'chicago/air','recipient':'nobody','subjects':{'mode':'none'}}")
	w.say("data.deleted", ExampleOrganization, "2026-06-24T08:30:00Z", "{'dataset':'chicago/air','method':'Erase','trigger':'policy','subjects':{'mode':'single','persons':[{'scheme':'email','value':'x@example.org'}]}}")
	at := "2026-06-24T08:30:00Z"
	w.say("activity.registered", "chicago", at, "{'activity':'chicago/count','title':'Counting','purposes':['"+purposes[0]+"'],'subjectsExpected':'single'}")
	for i := range LongRun + 1 {
		w.say("data.accessed", "chicago", fmt.Sprintf("2026-07-%02dT23:30:00Z", 1+i), fmt.Sprintf("{'system':'s','dataset':'chicago/air','operation':'Query','outcome':'success',"+
			"'subjects':{'mode':'unknown'},'activity':'chicago/count','actor':{'id':'ann','role':'clerk','unit':'u/1'},'sequence':%d,'lookBack':'P2Y','purpose':'%s'}", 3*i, purposes[1]))
	}
	w.say("data.received", "chicago", at, "{'dataset':'chicago/air','counterpart':{'organization':'a','source':'a','id':'1'},'subjects':{'mode':'none'}}")
	w.say("data.received", "chicago", at, "{'dataset':'chicago/air','counterpart':{'organization':'a','source':'a','id':'2'},'subjects':{'mode':'none'}}")
	w.say("data.collected", "chicago", at, "{'system':'s','dataset':'chicago/air','subjects':{'mode':'none'}}")
	w.say("data.deleted", "chicago", at, "{'dataset':'chicago/air','method':'Erase','trigger':'policy','subjects':{'mode':'none'}}")
	got := dump(t, foldedViews(t, w.out))
	const file = "testdata/dump.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the dump is\n%s", got)
	}
	if strings.Contains(got, "x@example.org") {
		t.Error("the dump names a person")
	}
}
