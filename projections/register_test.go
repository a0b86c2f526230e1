package projections

import (
	"flag"
	"fmt"
	"os"
	"reflect"
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
	w.say("system.changed", "chicago", at("04"), "{'system':'s','name':'Node 2','place':{'lat':'2'}}")
	w.say("system.moved", "chicago", at("05"), "{'system':'s','place':{'address':'B'}}")
	w.say("system.decommissioned", "chicago", at("06"), "{'system':'s','on':'2026-06-30','mediaSanitized':true}")
	w.say("retention.set", "chicago", at("07"), "{'dataset':'d','period':'P30D','method':'Erase'}")
	w.say("dataset.reclassified", "chicago", at("08"), "{'dataset':'d','classification':'Private','access':{'restricted':'privacy'}}")
	w.say("dataset.retired", "chicago", at("09"), "{'dataset':'d'}")
	w.say("dataset.registered", "chicago", at("10"), "{'dataset':'d','title':'Air again'}")
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
		{10, "dataset", "d", `{"retention":{"method":"Erase","period":"P30D"},"title":"Air again"}`, "", "chicago", "dataset.registered"},
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
		{2, "system.registered", at("03"), "chicago", false},
		{3, "system.changed", at("04"), "chicago", false},
		{4, "system.moved", at("05"), "chicago", false},
		{5, "system.decommissioned", at("06"), "chicago", false},
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

// TestObjectsThatRulesAreHeldAgainst: policies, agreements and grants begin, are
// amended and end; what is noted about an object stays beside its fields.
func TestObjectsThatRulesAreHeldAgainst(t *testing.T) {
	w := newWorld(t, 23)
	at := func(day int) string { return fmt.Sprintf("2026-06-%02dT08:30:00Z", day) }
	hash := strings.Repeat("0a", 32)
	policy := "'policy':'p','title':'Cameras','url':'https://example.org/p','sha256':'" + hash + "','inForce':'2026-07-01'"
	for i, x := range [][2]string{
		{"dataset.registered", "{'dataset':'d','title':'Reads'}"},
		{"organization.registered", "{'organization':'chicago','name':'City','kind':'city','timeZone':'America/Chicago'}"},
		{"policy.proposed", "{" + policy + ",'commentUntil':'2026-06-20'}"},
		{"policy.published", "{" + policy + "}"},
		{"policy.superseded", "{'policy':'p','reviewBy':'2027-01-01'}"},
		{"agreement.registered", "{'agreement':'g','parties':['chicago','nobody'],'purposes':['" + purposes[0] + "'],'datasets':['d'],'expires':'2026-12-31'}"},
		{"agreement.amended", "{'agreement':'g','expires':'2027-12-31'}"},
		{"agreement.suspended", "{'agreement':'g'}"},
		{"grant.issued", "{'grant':'t','unit':'u','role':'clerk','datasets':['d'],'purposes':['" + purposes[0] + "'],'from':'2026-06-01','until':'2026-12-31'}"},
		{"grant.revoked", "{'grant':'t','until':'2026-06-10'}"},
		{"system.registered", "{'system':'d','name':'Camera','kind':'camera'}"},
		{"system.fault", "{'system':'d','fault':'dark'}"},
		{"system.fault", "{'system':'d','fault':'tilted'}"},
		{"assessment.recorded", "{'subject':'d','kind':'privacy','expires':'2027-01-01','sha256':'" + hash + "'}"},
		{"assessment.recorded", "{'subject':'d','kind':'bias'}"},
		{"assessment.recorded", "{'subject':'nothing','kind':'bias'}"},
		{"system.registered", "{'system':'d','name':'Camera 2','kind':'camera'}"},
	} {
		w.say(x[0], "chicago", at(i+1), x[1])
	}
	r := foldedViews(t, w.out).Now()
	assessed := `"assessed":{"bias":{"on":"2026-06-15"},"privacy":{"expires":"2027-01-01","on":"2026-06-14","sha256":"` + hash + `"}}`
	for _, c := range []struct{ register, id, fields, ended, latest, history string }{
		{"policy", "p", `{"inForce":"2026-07-01","reviewBy":"2027-01-01","sha256":"` + hash + `","title":"Cameras","url":"https://example.org/p"}`, "2026-06-05", "policy.superseded", "2 3 4"},
		{"agreement", "g", `{"datasets":["d"],"expires":"2027-12-31","parties":["chicago","?"],"purposes":["` + purposes[0] + `"]}`, "2026-06-08", "agreement.suspended", "5 6 7"},
		{"grant", "t", `{"datasets":["d"],"from":"2026-06-01","purposes":["` + purposes[0] + `"],"role":"clerk","unit":"u","until":"2026-06-10"}`, "2026-06-10", "grant.revoked", "8 9"},
		{"system", "d", `{` + assessed + `,"fault":{"fault":"tilted","on":"2026-06-13"},"name":"Camera 2","systemKind":"camera"}`, "", "system.registered", "10 11 12 13 14 16"},
		{"dataset", "d", `{` + assessed + `,"title":"Reads"}`, "", "assessment.recorded", "0 13 14"},
	} {
		item, err := r.Item(c.register, c.id)
		if err != nil {
			t.Fatal(err)
		}
		var history []string
		for _, x := range item.History {
			history = append(history, fmt.Sprint(x.Position))
		}
		if got := string(item.Fields.Append(nil)); got != c.fields || item.Ended != c.ended || item.Latest.Kind != c.latest || strings.Join(history, " ") != c.history {
			t.Errorf("%s %s: %s\nwant %s\n%+v %v", c.register, c.id, got, c.fields, item.Latest, history)
		}
		if list, _, err := r.Items(c.register, "chicago", "", 0); err != nil || len(list) != 1 || list[0].ID != c.id {
			t.Errorf("the register %s has %v, %v", c.register, list, err)
		}
	}
}

// TestNobodyElseChangesAnObject: what others say of an organization's objects
// stands in their history, changes nothing, and is a finding each.
func TestNobodyElseChangesAnObject(t *testing.T) {
	own := func(w *world) {
		w.say("dataset.registered", "chicago", "2026-01-01T08:30:00Z", "{'dataset':'d','title':'Reads','classification':'Private'}")
		w.say("retention.set", "chicago", "2026-01-01T08:30:00Z", "{'dataset':'d','period':'P30D'}")
		w.say("system.registered", "chicago", "2026-01-01T08:30:00Z", "{'system':'s','name':'Node','kind':'camera'}")
	}
	foreign := [][2]string{
		{"dataset.registered", "{'dataset':'d','title':'Mine'}"},
		{"dataset.reclassified", "{'dataset':'d','classification':'Public'}"},
		{"dataset.retired", "{'dataset':'d'}"},
		{"retention.set", "{'dataset':'d','period':'P100Y'}"},
		{"assessment.recorded", "{'subject':'d','kind':'privacy'}"},
		{"system.registered", "{'system':'s','name':'Mine','kind':'camera','starts':'2020-01-01'}"},
		{"system.changed", "{'system':'s','name':'Mine','ends':'2026-01-02'}"},
		{"system.moved", "{'system':'s','place':{'lat':'1'}}"},
		{"system.fault", "{'system':'s','fault':'broken'}"},
		{"system.decommissioned", "{'system':'s','on':'2026-01-02'}"},
	}
	alone, beset := newWorld(t, 24), newWorld(t, 24)
	own(alone)
	own(beset)
	for _, x := range foreign {
		for _, who := range []string{"eugene-police", ExampleOrganization} {
			beset.say(x[0], who, "2026-02-01T08:30:00Z", x[1])
		}
	}
	for _, w := range []*world{alone, beset} {
		w.say("data.accessed", "chicago", "2026-02-02T08:30:00Z", "{'system':'s','dataset':'d','operation':'Query','outcome':'success','subjects':{'mode':'none'}}")
		// Afterwards it is still chicago's to change.
		w.say("system.changed", "chicago", "2026-03-01T08:30:00Z", "{'system':'s','model':'s'}")
	}
	want, got := foldedViews(t, alone.out).Now(), foldedViews(t, beset.out).Now()
	asOf := start.AddDate(0, 1, 0)
	for register, id := range map[string]string{"dataset": "d", "system": "s"} {
		a, errA := want.Item(register, id)
		b, errB := got.Item(register, id)
		changes := 0
		for _, c := range b.History {
			if c.Foreign != (c.Organization != "chicago") {
				t.Errorf("%+v", c)
			}
			if c.Foreign {
				changes++
			}
		}
		if errA != nil || errB != nil || len(b.History) != len(a.History)+changes || changes != len(foreign) {
			t.Fatalf("%s %s has %d changes by others, %v %v", register, id, changes, errA, errB)
		}
		a.History, b.History, a.Latest.Position, b.Latest.Position = nil, nil, 0, 0
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%+v\nwant %+v", b, a)
		}
		if list, _, err := got.Items(register, "eugene-police", "", 0); err != nil || list != nil {
			t.Errorf("another has %v, %v", list, err)
		}
	}
	counts, err := got.FindingCounts(asOf)
	if err != nil || counts["eugene-police"][RuleUnknown] != len(foreign) || counts[ExampleOrganization][RuleUnknown] != len(foreign) || counts["chicago"][RuleEnded] != 0 {
		t.Errorf("%v, %v", counts, err)
	}
	for _, f := range must(got.Findings(asOf, FindingFilter{Organization: "eugene-police"})) {
		if f.Code == "reference" {
			continue
		}
		if f.Code != "not-its-own" || f.Evidence["owner"] != "chicago" || f.Count != 1 {
			t.Errorf("%+v", f)
		}
	}
}

// TestAnAssessmentIsOfTheAssessorsOwn: of two objects with one id, in different
// registers, the one of the organization that assesses.
func TestAnAssessmentIsOfTheAssessorsOwn(t *testing.T) {
	w := newWorld(t, 25)
	at := "2026-01-01T08:30:00Z"
	w.say("system.registered", "chicago", at, "{'system':'x','name':'Node','kind':'camera'}")
	w.say("dataset.registered", "county", at, "{'dataset':'x','title':'Reads'}")
	w.say("assessment.recorded", "chicago", at, "{'subject':'x','kind':'privacy'}")
	r := foldedViews(t, w.out).Now()
	own, other := must(r.Item("system", "x")), must(r.Item("dataset", "x"))
	if _, ok := own.Fields.At("assessed.privacy"); !ok || len(own.History) != 2 || len(other.History) != 1 {
		t.Errorf("%+v %+v", own, other)
	}
	for _, f := range must(r.Findings(start, FindingFilter{Rule: RuleUnknown})) {
		if f.Code == "not-its-own" {
			t.Errorf("%+v", f)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
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
	w.say("data.accessed", "chicago", "2026-07-06T08:30:00Z", "{'system':'s','dataset':'chicago/air','operation':'Query','outcome':'success','subjects':{'mode':'unknown'},'actor':{'id':'ann','role':'clerk','unit':'u/1'}}")
	w.say("system.registered", "chicago", at, "{'system':'chicago/node','name':'Node','kind':'camera','starts':'2026-01-01'}")
	w.say("system.fault", ExampleOrganization, at, "{'system':'chicago/node','fault':'dark'}")
	w.say("assessment.recorded", "chicago", at, "{'subject':'chicago/node','kind':'privacy','expires':'2027-01-01'}")
	w.say("agreement.registered", "chicago", at, "{'agreement':'chicago/g','parties':['chicago','nobody'],'purposes':['"+purposes[0]+"'],'datasets':['chicago/air'],'expires':'2026-12-31'}")
	w.say("grant.issued", "chicago", at, "{'grant':'chicago/t','unit':'u/1','role':'clerk','datasets':['chicago/air'],'purposes':['"+purposes[0]+"'],'from':'2026-06-01','until':'2026-06-30'}")
	w.say("data.shared", "chicago", at, "{'dataset':'chicago/air','recipient':'nobody','subjects':{'mode':'unknown'},'agreement':'chicago/g','actor':{'id':'bob','role':'lead','unit':'u/1'}}")
	w.tell("emitter.onboarded", ExampleOrganization, at, "{'emitter':'example/app','rhythm':'P1D'}")
	w.tell("ledger.read", "chicago", at, "{'role':'officer','count':3,'reader':'ann','subjects':{'mode':'none'}}")
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
