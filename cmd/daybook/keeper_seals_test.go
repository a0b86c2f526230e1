package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/emit"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// sealed is a ledger on a clock, with two officers of a city in Tallinn.
type sealed struct {
	*timed
	emitter         string
	officer, second intake.Reader
}

func newSealed(t *testing.T) *sealed {
	k := &sealed{timed: newTimed(t)}
	registrar := k.mint(intake.Grant{Role: events.Registrar, Sources: []string{"city/register"}})
	k.timed.emit(registrar, emit.Event{ID: "1", Source: "city/register", Kind: "organization.registered", Time: k.clock(), Data: map[string]any{
		"organization": "city", "name": "City", "kind": "city", "timeZone": "Europe/Tallinn",
	}})
	k.emitter = k.mint(intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}})
	grant := intake.Grant{Role: events.Officer, Organization: "city"}
	k.officer, k.second = intake.Reader{Grant: grant, Name: "marker-first"}, intake.Reader{Grant: grant, Name: "marker-second"}
	return k
}

// place places a seal over a person, changed from one until the end of the year.
func (k *sealed) place(person string, change func(*intake.SealOrder)) intake.Placed {
	k.t.Helper()
	o := intake.SealOrder{
		Person: events.Person{Scheme: "example", Value: person}, Ground: "PublicSecurityImpaired", ReviewBy: "2026-09-30", Until: "2026-12-31",
	}
	change(&o)
	placed, err := k.desk().PlaceSeal(k.t.Context(), k.officer, k.second, o)
	if err != nil {
		k.t.Fatal(err)
	}
	return placed
}

// ends waits until the ledger's own keeper has lifted and disclosed as many seals
// as are named, lets other keepers look as well, and holds what ended each.
func (k *sealed) ends(want map[events.EventName]string) {
	k.t.Helper()
	for range 100 {
		if len(k.said("event.disclosed")) >= len(want) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if err := newKeeper(k.system).lapse(k.t.Context()); err != nil {
				k.t.Error(err)
			}
		})
	}
	all.Wait()
	lifted := k.said("seal.lifted")
	for _, e := range lifted {
		name, _ := events.ParseEventName(e.Text("seal"))
		if want[name] != e.Text("how") {
			k.t.Errorf("a seal was ended by %q, want %q", e.Text("how"), want[name])
		}
	}
	if n := len(k.said("event.disclosed")); len(lifted) != len(want) || n != len(want) {
		k.t.Errorf("at %v %d seals are lifted and %d disclosed, want %d", k.clock(), len(lifted), n, len(want))
	}
}

// TestSealsEndOnTime lets the clock of a whole ledger pass: a seal ends with its
// last day where the city is, by word of mouth after thirty days, and when what it
// waits for is recorded; a ledger that stood still ends what fell due meanwhile.
func TestSealsEndOnTime(t *testing.T) {
	k := newSealed(t)
	want := map[events.EventName]string{}
	dated := k.place("anna", func(o *intake.SealOrder) { o.Until = "2026-06-30" })
	oral := k.place("berta", func(o *intake.SealOrder) { o.Oral, o.Until = true, "" })
	waits := k.place("carl", func(o *intake.SealOrder) { o.Until, o.Source, o.ID = "", "city/app", "release1" })
	written := k.place("dora", func(o *intake.SealOrder) { o.Oral = true })
	if _, err := k.desk().ExtendSeal(t.Context(), k.officer, k.second, written.Seal, intake.SealDates{ReviewBy: "2026-09-30", Until: "2026-08-01"}); err != nil {
		t.Fatal(err)
	}
	k.at("2026-06-30T20:59:00Z") // still June in Tallinn
	time.Sleep(2 * keepPoll)
	k.ends(want)
	k.at("2026-06-30T21:00:00Z")
	want[dated.Seal] = "date"
	k.ends(want)

	k.timed.emit(k.emitter, k.uses("release", 0, 1)...)
	want[waits.Seal] = "release"
	k.ends(want)

	k.stop()
	k.at("2026-08-02T12:00:00Z")
	k.start()
	want[oral.Seal], want[written.Seal] = "lapse", "date"
	k.ends(want)
	k.stop()
	k.at("2026-12-02T12:00:00Z")
	k.start()
	k.ends(want)
	if _, err := auditURL(k.url, k.keys.LogKey()); err != nil {
		t.Error(err)
	}
}

// TestSealsEndWithoutWitnesses: while nothing is published, because a witness is away,
// seals end on their day.
func TestSealsEndWithoutWitnesses(t *testing.T) {
	k := newSealed(t)
	k.place("anna", func(o *intake.SealOrder) { o.Until = "2026-06-30" })
	k.stop()
	policy, err := proof.ParsePolicy([]byte("witness library " + invitedKey(t, "library.example") + " http://127.0.0.1:1/w\nquorum library\n"))
	if err != nil {
		t.Fatal(err)
	}
	k.asks = policy
	k.start()
	time.Sleep(3 * keepPoll) // by now the keeper has said who is asked, and waits for that to be published
	size := k.history.Last().Size()
	k.at("2026-06-30T21:00:00Z")
	for range 100 {
		if k.history.Last().Size() >= size+2 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("nothing was recorded behind entry %d", size)
}

// TestSealKilledBetween ends a ledger between the lifting of a seal and its
// disclosure: the next start discloses it, once.
func TestSealKilledBetween(t *testing.T) {
	k := newSealed(t)
	placed := k.place("anna", func(*intake.SealOrder) {})
	data, err := k.history.Read(t.Context(), placed.Position.Seq())
	if err != nil {
		t.Fatal(err)
	}
	msg, err := events.ParseMessage(data)
	if err != nil {
		t.Fatal(err)
	}
	fold, err := intake.FoldOpener(k.keys.FoldKey())(msg)
	if err != nil {
		t.Fatal(err)
	}
	subjects := events.Object{}.With("mode", events.String("single")).With("persons", events.List(events.Nested(events.Person{Scheme: "example", Value: "anna", Relation: "principal"}.Object())))
	out, err := k.writer.Say(t.Context(), intake.Own{
		Kind: "seal.lifted", ID: "seal.lifted/" + placed.Seal.String(), Organization: "city", Time: k.clock(), Trails: []events.Handle{fold.Persons[0].Handle},
		Data: events.Object{}.With("how", events.String("officer")).With("seal", events.String(placed.Seal.String())).With("subjects", events.Nested(subjects)),
	})
	if err != nil || out[0].Problem != nil {
		t.Fatal(out, err)
	}
	k.stop()
	k.start()
	k.ends(map[events.EventName]string{placed.Seal: "officer"})
}

// TestSealsPublicly looks for the ground, the case and the system of seals, and
// for the days of their review and end, wherever the public can read, and finds
// their numbers and the names of the overdue.
func TestSealsPublicly(t *testing.T) {
	k := newSealed(t)
	secret := func(o *intake.SealOrder) {
		o.Systems, o.Case, o.ReviewBy, o.Until = []string{"marker/system"}, "MARKER case", "2026-08-17", "2026-11-19"
	}
	late := k.place("anna", secret)
	extended := k.place("berta", secret)
	if _, err := k.desk().ExtendSeal(t.Context(), k.officer, k.second, extended.Seal, intake.SealDates{ReviewBy: "2026-10-13", Until: "2026-11-20"}); err != nil {
		t.Fatal(err)
	}
	lifted := k.place("carl", secret)
	if _, err := k.desk().LiftSeal(t.Context(), k.officer, lifted.Seal); err != nil {
		t.Fatal(err)
	}
	k.at("2026-10-02T12:00:00Z")
	if _, err := newKeeper(k.system).published(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := &collection{T: t, url: k.url, seen: map[string]bool{}}
	c.tiles(uint64(k.history.Last()))
	c.routes(uint64(k.history.Last()))
	c.must("json", "/v1/seals")
	c.must("table", "/v1/seals.csv")
	c.must("json", "/v1/findings")
	c.crawl()
	k.stop()
	c.files(filepath.Join(k.dir, "public"))
	for _, at := range c.surfaces {
		if slices.Contains([]string{"/openapi.json", "/api", "/verify", "/verify.html"}, at.name) || strings.HasPrefix(at.name, "/assets/trail-") {
			continue // they list all terms of every code list
		}
		for _, word := range []string{"marker", "MARKER", "SecurityImpaired", "2026-08-17", "2026-11-19", "2026-10-13", "2026-11-20", "17 August", "19 November", "13 October", "20 November"} {
			if strings.Contains(string(at.body), word) {
				t.Errorf("%s shows %q", at.name, word)
			}
		}
	}
	var shown struct {
		Real []struct {
			Standing int
			Overdue  []struct{ Seal, Group string }
			Quarters []struct {
				Quarter          string
				Placed, Standing int
				ByEnd            map[string]int
			}
		}
	}
	page := ""
	for _, at := range c.surfaces {
		switch at.name {
		case "/v1/seals":
			if err := json.Unmarshal(at.body, &shown); err != nil && at.class == "json" {
				t.Fatal(err)
			}
		case "/seals":
			page += string(at.body)
		}
	}
	if len(shown.Real) != 1 || shown.Real[0].Standing != 2 || len(shown.Real[0].Overdue) != 1 || shown.Real[0].Overdue[0].Seal != late.Seal.String() || shown.Real[0].Overdue[0].Group != "security" {
		t.Fatalf("the public sees %+v", shown)
	}
	if q := shown.Real[0].Quarters; len(q) != 1 || q[0].Quarter != "2026-Q2" || q[0].Placed != 3 || q[0].ByEnd["officer"] != 1 {
		t.Errorf("the public sees %+v", q)
	}
	if !strings.Contains(page, late.Seal.String()) || strings.Contains(page, extended.Seal.String()) {
		t.Error("the page does not name what is overdue, or something else")
	}
}

// TestSealKilled kills the real program at moments around the lifting of a seal:
// after the next start each lifted seal is disclosed once, and none that stands.
func TestSealKilled(t *testing.T) {
	program, err := exec.LookPath("daybook")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	token := func() string {
		_, token, _ := runHere(t, "token", "--dir", dir, "--role", "officer", "--org", "city")
		return strings.TrimSpace(token)
	}
	officer, second := token(), token()
	day := time.Now().AddDate(0, 1, 0).Format(time.DateOnly)
	for i := range 4 {
		s, err := startServer(program, dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.stop(syscall.SIGKILL) })
		x := sealing{url: s.url, token: officer, approver: second}
		var placed struct{ Seal string }
		order := fmt.Sprintf(`{"person":{"scheme":"example","value":"p%d"},"ground":"LegallyExempted","reviewBy":%q,"until":%q}`, i, day, day)
		v, err := events.ParseValue([]byte(order))
		if err != nil {
			t.Fatal(err)
		}
		if err := x.ask(t.Context(), http.MethodPost, "/v1/officer/seals", v.Object(), &placed); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var answered sync.WaitGroup
		answered.Go(func() {
			var lifted struct{}
			_ = x.ask(ctx, http.MethodPost, "/v1/officer/seals/"+placed.Seal+"/lift", nil, &lifted) // killed or not
		})
		time.Sleep(time.Duration(i) * 3 * time.Millisecond)
		s.stop(syscall.SIGKILL)
		cancel()
		answered.Wait()
	}
	s, err := startServer(program, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(syscall.SIGKILL) })
	count := func(kind string) int {
		body, err := fetch(s.url + "/v1/entries?limit=1000&kind=" + kind)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(body), `"position"`)
	}
	for range 100 {
		if count("event.disclosed") == count("seal.lifted") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(2 * keepPoll)
	if lifted, disclosed := count("seal.lifted"), count("event.disclosed"); lifted != disclosed || count("seal.placed") != 4 {
		t.Errorf("%d seals were lifted and %d disclosed", lifted, disclosed)
	}
	if _, err := auditURL(s.url, s.key); err != nil {
		t.Error(err)
	}
}
