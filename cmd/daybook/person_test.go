package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// stated is a statement as its reader has it.
type stated struct {
	LogKey  string
	Size    events.Size
	Reading events.Index
	Lines   []struct {
		Position    events.Index
		Proof       string
		EventKey    string
		EntryHash   string
		Disclosures []struct{ Name, Disclosure string }
		Head        *struct {
			Position    events.Index
			Proof       string
			Disclosures []struct{ Name, Disclosure string }
		}
	}
}

func (in *inside) stated(token, value string) (s stated) {
	in.t.Helper()
	in.folded()
	a := asking{url: in.url, token: token}
	q := personQuestion{Person: whom{"example", value}}
	if err := a.post(in.t.Context(), "/v1/officer/statement.json", q, &s); err != nil {
		in.t.Fatal(err)
	}
	return s
}

// TestStatementProvesEachLine makes a presentation of every line with every field,
// also of a part of a bulk event, and verifies it against the log's key alone.
func TestStatementProvesEachLine(t *testing.T) {
	in, _, _ := peopled(t)
	emitter, officer := in.token(events.Emitter, "city", "city/app"), in.token(events.Officer, "city")
	const both = `"persons":[{"scheme":"example","value":"Anna"},{"scheme":"example","value":"Ben","relation":"incidental"}]`
	in.say(emitter, "city/app",
		[2]string{"data.accessed", `{"system":"city/app","operation":"Query","outcome":"success","subjects":{"mode":"several",` + both + `}}`},
		[2]string{"data.shared", `{"recipient":"county","dataset":"city/people","actor":{"id":"secret-clerk","role":"clerk"},"subjects":{"mode":"bulk","parts":1}}`},
		[2]string{"data.shared", `{"recipient":"county","dataset":"city/people","subjects":{"mode":"bulk","partOf":"1","part":1,"parts":1,` + both + `}}`})
	s := in.stated(officer, "Anna")
	key, err := proof.ParseVerifierKey(s.LogKey)
	if err != nil || len(s.Lines) != 3 {
		t.Fatalf("%d lines, %v", len(s.Lines), err)
	}
	var notes []string
	check := func(text string, at events.Index) proof.Proof {
		p, err := proof.ParseProof([]byte(text))
		if err != nil || p.Index != at {
			t.Fatalf("the proof of %d: %v at %d", at, err, p.Index)
		}
		c, err := p.Verify(key)
		if err != nil || c.Size != s.Size {
			t.Fatalf("the proof of %d: %v, size %d of %d", at, err, c.Size, s.Size)
		}
		notes = append(notes, string(p.Note))
		return p
	}
	for _, l := range s.Lines {
		p := proof.Presentation{Proof: check(l.Proof, l.Position)}
		eventKey, err := base64.RawURLEncoding.DecodeString(l.EventKey)
		if err != nil {
			t.Fatal(err)
		}
		p.EventKey = [32]byte(eventKey)
		for _, d := range l.Disclosures {
			open, err := events.ParseDisclosure(d.Disclosure)
			if err != nil {
				t.Fatal(err)
			}
			p.Disclosures = append(p.Disclosures, open)
		}
		shown, err := p.Verify(key)
		if err != nil || len(p.Disclosures) == 0 || events.HashEntry(p.Proof.Extra).String() != l.EntryHash {
			t.Errorf("line %d with %d fields: %v", l.Position, len(p.Disclosures), err)
		}
		if part := shown.Entry.Text("subjects.partOf") != ""; part != (l.Head != nil) {
			t.Errorf("line %d: a part %t, with a head %t", l.Position, part, l.Head != nil)
		}
		if l.Head != nil {
			h := check(l.Head.Proof, l.Head.Position)
			e, err := events.ParseEntry(h.Extra)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range l.Head.Disclosures {
				open, err := events.ParseDisclosure(d.Disclosure)
				if err != nil || !slices.Contains(e.Texts("_sd"), open.Digest().String()) || open.Name == "actor.id" {
					t.Errorf("the head does not commit to %s: %v", d.Name, err)
				}
			}
			if len(l.Head.Disclosures) == 0 {
				t.Error("nothing is said of the head")
			}
		}
	}
	if len(notes) != 4 || len(slices.Compact(notes)) != 1 {
		t.Errorf("the proofs are of %d checkpoints", len(slices.Compact(notes)))
	}
}

// TestInquiriesAreChecked asks wrongly in many ways, which records nothing.
func TestInquiriesAreChecked(t *testing.T) {
	in, _, _ := peopled(t)
	officer, auditor := in.token(events.Officer, "city"), in.token(events.Auditor, "")
	in.folded()
	last := in.history.Last()
	for _, x := range []struct{ token, body, pointer string }{
		{officer, `{"limit":5}`, "/person"},
		{officer, `{"person":{"scheme":"example"}}`, "/person/value"},
		{officer, `{"person":{"scheme":"Example","value":"a"}}`, "/person/scheme"},
		{officer, `{"person":{"scheme":"nobodys","value":"a"}}`, "/person/value"},
		{officer, `{"person":{"scheme":"example","value":"a","relation":"minor"}}`, "/person/relation"},
		{officer, `{"person":{"scheme":"example","value":"a"},"limit":0}`, "/limit"},
		{officer, `{"person":{"scheme":"example","value":"a"},"limit":101}`, "/limit"},
		{officer, `{"person":{"scheme":"example","value":"a"},"limit":"5"}`, "/limit"},
		{officer, `{"person":{"scheme":"example","value":"a"},"after":-1}`, "/after"},
		{officer, `{"person":{"scheme":"example","value":"a"},"after":"x"}`, "/after"},
		{officer, `{"person":{"scheme":"example","value":"a"},"person":{"scheme":"example","value":"b"}}`, ""},
		{officer, `[`, ""},
		{auditor, `{"person":{"scheme":"example","value":"a"}}`, "/organization"},
		{auditor, `{"person":{"scheme":"example","value":"a"},"organization":"nowhere"}`, "/organization"},
	} {
		for _, path := range []string{"person", "statement.json", "statement.csv", "statement.html"} {
			a := asking{url: in.url, token: x.token}
			_, err := a.answer(context.Background(), "/v1/officer/"+path, json.RawMessage(x.body))
			if p, ok := err.(*problem); !ok && x.body != "[" || ok && (p.Status != http.StatusUnprocessableEntity || !strings.HasPrefix(p.Pointer, x.pointer)) {
				t.Errorf("%s %s: %v", path, x.body, err)
			}
		}
	}
	if in.history.Last() != last {
		t.Errorf("%d refusals were recorded", in.history.Last()-last)
	}
}
