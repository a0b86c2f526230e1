package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// deskScan is what officers and the ledger itself say in a scanned ledger.
type deskScan struct {
	*garden
	in     *inside
	person map[string]any // whom all of it is about
	hidden intake.Subject // the trail of the seal over her
}

// TestScanDesk plants a marker in every private field of what officers say and of
// what the ledger says of keys, about somebody under a seal, and looks for all of
// them wherever the public can read.
func TestScanDesk(t *testing.T) {
	zone, err := time.LoadLocation(scanZone)
	if err != nil {
		t.Fatal(err)
	}
	in := openInside(t)
	d := &deskScan{garden: &garden{zone: zone}, in: in}
	in.say(in.token(events.Registrar, scanCity, scanCity+"/register"), scanCity+"/register",
		[2]string{"organization.registered", `{"organization":"` + scanCity + `","name":"Scan","kind":"city","timeZone":"` + scanZone + `"}`})
	d.under()
	placed := d.say("seal.placed", map[string]any{"until": nil}) // it must not end by itself meanwhile
	d.say("seal.extended", map[string]any{"seal": placed, "until": nil})
	d.sealedEvent()
	d.say("seal.lifted", map[string]any{"seal": placed})
	root := d.hidden.Root()
	d.say("event.disclosed", map[string]any{"seal": placed, "key": base64.RawURLEncoding.EncodeToString(root[:])})
	d.secrets = append(d.secrets, marker{name: "the key of the hidden trail", raw: [][]byte{root[:]}})
	d.say("event.corrected", map[string]any{"corrects": placed})
	received := d.say("request.received", nil)
	d.say("request.decided", map[string]any{"about": received})
	d.say("request.answered", map[string]any{"about": received})
	d.say("key.shredded", map[string]any{"month": nil})
	in.folded()
	d.search(t)
}

// under names somebody, and gives her the trail of a seal to come.
func (d *deskScan) under() {
	d.person = map[string]any{"scheme": "plate", "value": d.identifier("her plate", "plate"), "relation": "principal"}
	value, _ := d.person["value"].(string)
	her := events.Person{Scheme: "plate", Value: value, Relation: "principal"}
	if _, err := d.in.keys.Prepare([]events.Person{her}, nil); err != nil {
		d.in.t.Fatal(err)
	}
	var err error
	seal := "seal/" + d.word()
	d.secrets = append(d.secrets, marker{name: "id of the seal", spellings: []string{seal}})
	if d.hidden, err = d.in.keys.Hide(her, seal); err != nil {
		d.in.t.Fatal(err)
	}
	handle := d.hidden.Handle()
	d.secrets = append(d.secrets, marker{name: "handle of the hidden trail", raw: [][]byte{handle[:]}})
}

// say has the ledger say a kind about her with everything filled in, and what is
// given, and returns the event's public name. Those of seals stand in the hidden trail.
func (d *deskScan) say(kind string, given map[string]any) string {
	d.in.t.Helper()
	k, _ := events.FindKind(kind)
	e := d.event(k, mode{name: "none"})
	data, _ := e["data"].(map[string]any)
	data["subjects"] = map[string]any{"mode": "single", "persons": []any{d.person}}
	for name, v := range given {
		if data[name] = v; v == nil {
			delete(data, name)
		}
	}
	body, err := json.Marshal(data)
	if err != nil {
		d.in.t.Fatal(err)
	}
	v, err := events.ParseValue(body)
	if err != nil {
		d.in.t.Fatal(err)
	}
	id, _ := e["id"].(string)
	at, _ := e["time"].(string)
	when, _ := events.ParseInstant(at)
	own := intake.Own{Kind: kind, ID: id, Organization: scanCity, Time: when, Data: v.Object()}
	if k.Seals {
		own.Trails = []events.Handle{d.hidden.Handle()}
	}
	out, err := d.in.writer.Say(d.in.t.Context(), own)
	if err != nil || out[0].Status != 201 {
		d.in.t.Fatalf("%s is answered %+v, %v\n%s", kind, out, err, body)
	}
	return out[0].Name.String()
}

// sealedEvent posts a use of data that falls under the seal.
func (d *deskScan) sealedEvent() {
	d.in.t.Helper()
	accessed, _ := events.FindKind("data.accessed")
	e := d.event(accessed, mode{name: "none"})
	data, _ := e["data"].(map[string]any)
	data["subjects"] = map[string]any{"mode": "single", "persons": []any{d.person}}
	delete(data, "sequence")
	body, err := json.Marshal(data)
	if err != nil {
		d.in.t.Fatal(err)
	}
	d.in.say(d.in.token(events.Emitter, scanCity, scanCity+"/app"), scanCity+"/app", [2]string{"data.accessed", string(body)})
}

// search reads all that is public and looks for the markers.
func (d *deskScan) search(t *testing.T) {
	t.Helper()
	c := &collection{T: t, url: d.in.url, seen: map[string]bool{}}
	size := uint64(d.in.history.Last().Size())
	c.tiles(size)
	c.routes(size)
	c.tables([]string{scanCity}, []string{"2025-11-03"})
	for i := range size {
		c.must("page", fmt.Sprintf("/entries/%d", i))
	}
	for _, path := range []string{"/", "/entries", "/coverage", "/findings", "/register", "/sharing", "/deletions"} {
		c.must("page", path)
	}
	search, found := newSearch(d.secrets), map[string]bool{}
	for _, at := range c.surfaces {
		for _, h := range search.in(at) {
			if !found[h.marker+h.encoding] {
				t.Errorf("%v", h)
			}
			found[h.marker+h.encoding] = true
		}
	}
	d.shown(t, c)
	t.Logf("%d entries, %d markers, %d surfaces", size, len(d.secrets), len(c.surfaces))
}

// shown is the other half: each kind was read, with its tag and nothing private.
func (d *deskScan) shown(t *testing.T, c *collection) {
	t.Helper()
	seen := map[string]int{}
	for _, b := range c.entries {
		e, err := events.ParseEntry(b)
		if err != nil {
			t.Fatal(err)
		}
		seen[e.Kind.Name]++
		if e.Kind.By == events.Officer && len(e.Texts("subjects.tags")) != 1 {
			t.Errorf("it has no tag: %s", b)
		}
		for _, private := range []string{"Impaired", "scan-city/zq", "oral"} {
			if e.Kind.Seals && strings.Contains(string(b), private) {
				t.Errorf("the entry of a seal has %s: %s", private, b)
			}
		}
	}
	for _, k := range events.Kinds() {
		if k.Open && (k.By == events.Officer || k.Name == "event.disclosed" || k.Name == "key.shredded") && seen[k.Name] < 3 {
			t.Errorf("%s was read %d times", k.Name, seen[k.Name])
		}
	}
	if len(d.secrets) < 40 {
		t.Errorf("only %d markers", len(d.secrets))
	}
}
