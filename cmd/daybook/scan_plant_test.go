package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

const (
	scanCity  = "scan-city"
	scanZone  = "Asia/Tokyo" // never daylight saving, and another day than UTC's for nine hours
	scanKnown = scanCity + "/known"
)

// garden makes events whose every private value is a marker of its own, and
// keeps the markers.
type garden struct {
	n       int
	secrets []marker
	texts   []marker // of fields written for publication: these must be found
	zone    *time.Location
}

// word is a new core that passes every encoding of text unchanged.
func (g *garden) word() string {
	g.n++
	return fmt.Sprintf("zq%04dxwvkjpty", g.n)
}

// reference is a marker in the grammar of references.
func (g *garden) reference(name string) string {
	w := g.word()
	g.secrets = append(g.secrets, marker{name: name, spellings: []string{w, strings.ToUpper(w)}})
	return scanCity + "/" + w
}

// text is a marker with signs that every format escapes in its own way.
func (g *garden) text(name string, into *[]marker) string {
	w := g.word()
	whole := w + ` "<é>&'+\ §`
	*into = append(*into, marker{name: name, spellings: []string{w, whole}})
	return whole
}

// identifier is a marker that names a person in a scheme.
func (g *garden) identifier(name, scheme string) string {
	w := g.word()
	value := map[string]string{
		"example": w + ` "<>&'+`, "email": w + "+x@example.org", "plate": w, "phone": fmt.Sprintf("+1541%09d", 700_000_000+g.n*7_919),
	}[scheme]
	spellings := []string{w, strings.ToUpper(w), value, strings.ToUpper(value)}
	if scheme == "phone" {
		spellings = []string{value, value[1:]}
	}
	g.secrets = append(g.secrets, marker{name: name, spellings: spellings})
	return value
}

// number is a whole number nobody writes by chance.
func (g *garden) number(name string) int64 {
	g.n++
	n := 7_300_000_000_003 + int64(g.n)*982_451_653
	m := marker{name: name, spellings: numberSpellings(n)}
	for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
		m.raw = append(m.raw, order.AppendUint64(nil, uint64(n)))
	}
	g.secrets = append(g.secrets, m)
	return n
}

func numberSpellings(n int64) []string {
	out := []string{fmt.Sprint(n), fmt.Sprintf("%x", n)}
	for _, sep := range []string{",", ".", "'", " ", "\u00a0", "\u202f", "\u2009"} {
		s := fmt.Sprint(n)
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + sep + s[i:]
		}
		out = append(out, s)
	}
	return out
}

// instant is a moment of its own, down to the nanosecond.
func (g *garden) instant(name string) string {
	g.n++
	at := time.Date(2025, 11, 1+g.n%28, g.n%24, g.n*7%60, g.n*13%60, 100_000_007+g.n*7_368_787%899_999_900, time.UTC)
	g.secrets = append(g.secrets, marker{name: name, spellings: instantSpellings(at, g.zone)})
	return at.Format(time.RFC3339Nano)
}

// instantSpellings tell t to the second or better.
func instantSpellings(t time.Time, local *time.Location) []string {
	out := []string{fmt.Sprint(t.Unix()), fmt.Sprint(t.UnixMilli())}
	if t.Nanosecond()%1000 != 0 {
		out = append(out, fmt.Sprintf("%09d", t.Nanosecond()))
	}
	for _, zone := range []*time.Location{time.UTC, local} {
		for _, layout := range []string{"2006-01-02T15:04:05", time.DateTime, "20060102T150405", "02 Jan 2006 15:04:05", "2 January 2006 15:04:05"} {
			out = append(out, t.In(zone).Format(layout))
		}
	}
	return out
}

// mode is how a planted event names persons: one, or in the modes several and
// bulk a few, of every scheme and relation.
type mode struct {
	name, scheme, relation string
	of                     map[string]any // bulk: the head, when it is a part
}

func (m mode) String() string {
	out := strings.TrimSpace(m.name + " " + m.scheme + " " + m.relation)
	if m.of != nil {
		out += " part"
	}
	return out
}

// head is what the head says in public, which its part repeats, as far as that is
// not shown as unknown.
func (m mode) head(f events.Field) any {
	if m.of == nil || f.Class != events.Public || f.Type == events.Persons || f.Type == events.Count || f.List {
		return nil
	}
	var v any = m.of["data"]
	for name := range strings.SplitSeq(f.Path, ".") {
		o, _ := v.(map[string]any)
		v = o[name]
	}
	return v
}

// event is one event of kind k with every field filled in.
func (g *garden) event(k *events.Kind, m mode) map[string]any {
	at := k.Name + " " + m.String() + " "
	e := map[string]any{
		"specversion": "1.0", "id": g.text(at+"id", &g.secrets), "type": events.TypePrefix + k.Name + events.TypeSuffix,
		"source": scanCity + "/app", "time": "2025-11-02T03:04:05Z",
	}
	data := map[string]any{}
	if k.By != events.Registrar {
		e["time"] = g.instant(at + "time")
	} else {
		e["source"] = scanCity + "/register"
		data["organization"] = scanCity
	}
	for _, f := range k.Fields {
		text := f.Path == "reasonText" || f.Path == "caseRef" || f.Path == "query"
		if f.Path == "organization" || text && m.of != nil { // a part carries no text
			continue
		}
		v := g.value(k, f, m, at+f.Path)
		if said := m.head(f); said != nil {
			v = said
		}
		if f.List {
			v = []any{v, g.value(k, f, m, at+f.Path+"/1")}
		}
		set(data, f.Path, v)
	}
	e["data"] = data
	return e
}

// set puts v at a dotted path.
func set(o map[string]any, path string, v any) {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		o[name] = v
		return
	}
	inner, ok := o[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		o[name] = inner
	}
	set(inner, rest, v)
}

// alwaysPrivate are private whatever the table says of them, so that a slip in
// the table is found too.
var alwaysPrivate = []string{"actor.id", "actor.role", "actor.unit", "caseRef", "query", "reasonText", "sequence"}

// shownOfDesk is all that the public learns of what officers say, code lists aside.
var shownOfDesk = []string{"about", "corrects", "decision", "group", "how", "reason", "recipient", "request", "reviewIn", "seal", "subjects"}

// value fills one field in: private ones with a marker, public ones with what
// their grammar allows.
func (g *garden) value(k *events.Kind, f events.Field, m mode, name string) any {
	private := f.Class != events.Public && (f.Class != events.PublicText || k.By != events.Registrar) || slices.Contains(alwaysPrivate, f.Path) ||
		k.By == events.Officer && !slices.Contains(shownOfDesk, f.Path)
	switch f.Type {
	case events.Named, events.Key:
		if private {
			return g.binary(name, map[events.Type]int{events.Named: 16, events.Key: 32}[f.Type])
		}
	case events.Date:
		if private {
			return g.day(name)
		}
	case events.Coded:
		return f.Code.Terms()[0]
	case events.Reference:
		unregistered := k.Object == f.Path && f.Register == "" // what the event itself registers
		if hidden := f.Path == "dataset" && m.name == "single"; private || hidden || f.Register != "" && !unregistered {
			return g.reference(name)
		}
		g.n++
		return fmt.Sprintf("%s/open-%d", scanCity, g.n)
	case events.Count, events.Number:
		return g.number(name)
	case events.Instant:
		return g.instant(name)
	case events.Prose, events.Line:
		if private || f.Class != events.PublicText {
			return g.text(name, &g.secrets)
		}
		return g.text(name, &g.texts)
	case events.Persons:
		return g.subjects(m, name)
	case events.Name:
		return map[string]any{"organization": g.reference(name + ".organization"), "source": g.reference(name + ".source"), "id": g.text(name+".id", &g.secrets)}
	}
	return map[events.Type]any{
		events.Date: "2025-11-03", events.Period: "P30D", events.Flag: true, events.Decimal: "41.878",
		events.Link: "https://scan.example/notice", events.Hash: strings.Repeat("0a", 32), events.Named: strings.Repeat("A", 22), events.Key: strings.Repeat("A", 43), events.Quarter: "2026-Q4", events.Month: "2026-06", events.WitnessKey: "library.example/w1+3f1a9c04+BAo2bzXzhNlyv9bT4ZrG0uGm5YQ8n3Qq7c1kq0F5b0Zu", events.Policy: "quorum none\n", events.Zone: scanZone,
	}[f.Type]
}

// binary is a marker of n bytes, as names of events and keys are.
func (g *garden) binary(name string, n int) string {
	g.n++
	sum := sha256.Sum256(fmt.Append(nil, "marker ", g.n))
	g.secrets = append(g.secrets, marker{name: name, raw: [][]byte{sum[:n]}})
	return base64.RawURLEncoding.EncodeToString(sum[:n])
}

// day is a day of its own, in a year that nothing else here is in.
func (g *garden) day(name string) string {
	g.n++
	at := time.Date(2061, 1, g.n%300, 0, 0, 0, 0, time.UTC)
	g.secrets = append(g.secrets, marker{name: name, spellings: []string{at.Format(time.DateOnly), at.Format("20060102"), at.Format("2 January 2006"), at.Format("02 Jan 2006")}})
	return at.Format(time.DateOnly)
}

func (g *garden) subjects(m mode, name string) any {
	out := map[string]any{"mode": m.name}
	person := func(scheme, relation string) map[string]any {
		return map[string]any{"scheme": scheme, "value": g.identifier(name+".value of "+scheme, scheme), "relation": relation}
	}
	everybody := func() []any {
		return []any{
			person("example", "principal"), person("email", "incidental"), person("plate", "household"), person("phone", "minor"), person("example", "proxy"),
		}
	}
	switch {
	case m.name == "single":
		out["persons"] = []any{person(m.scheme, m.relation)}
	case m.name == "several":
		out["persons"] = everybody()
	case m.name == "bulk":
		out["parts"] = 1
		if m.of != nil {
			out["part"], out["partOf"], out["persons"] = 1, m.of["id"], everybody()
		}
	}
	return out
}

// refused are events no ledger takes, each with markers where the fault lies
// and beside it.
func (g *garden) refused() []map[string]any {
	accessed, _ := events.FindKind("data.accessed")
	registered, _ := events.FindKind("dataset.registered")
	var out []map[string]any
	for i, spoil := range []func(e, data map[string]any, secret string){
		func(_, data map[string]any, s string) { data["note"] = s },
		func(_, data map[string]any, s string) { data[s] = s },
		func(_, data map[string]any, s string) { data["purpose"] = s },
		func(_, data map[string]any, s string) { data["dataset"] = s },
		func(_, data map[string]any, s string) { data["operation"] = map[string]any{s: s} },
		func(_, data map[string]any, s string) { data["scope"] = s },
		func(_, data map[string]any, s string) { data["reasonText"] = strings.Repeat(s, 200) },
		func(_, data map[string]any, s string) { data["caseRef"] = s + "\n" },
		func(_, data map[string]any, s string) { data["subjects"] = map[string]any{"mode": s} },
		func(_, data map[string]any, s string) {
			data["subjects"] = map[string]any{"mode": "several", "persons": []any{map[string]any{"scheme": "example", "value": s}}}
		},
		func(_, data map[string]any, s string) {
			data["subjects"] = map[string]any{"mode": "single", "persons": []any{map[string]any{"scheme": "email", "value": s}}}
		},
		func(_, data map[string]any, s string) {
			data["subjects"] = map[string]any{"mode": "single", "persons": []any{map[string]any{"scheme": "example", "value": s}}}
		},
		func(e, _ map[string]any, s string) { e["type"] = events.TypePrefix + s },
		func(e, _ map[string]any, s string) {
			e["type"] = events.TypePrefix + "review.recorded" + events.TypeSuffix
		},
		func(e, _ map[string]any, s string) { e["source"] = s },
		func(e, _ map[string]any, s string) { e["time"] = s },
		func(e, _ map[string]any, s string) { e["id"] = strings.Repeat(s, 20) },
		func(e, _ map[string]any, s string) { e["data"] = s },
		func(e, _ map[string]any, s string) { e["specversion"] = s },
		func(_, data map[string]any, s string) { data["title"] = s },
	} {
		e := g.event(accessed, mode{name: "unknown"})
		data := e["data"].(map[string]any)
		spoil(e, data, g.text(fmt.Sprintf("refused %d", i), &g.secrets))
		out = append(out, e)
	}
	wrong := g.event(registered, mode{}) // an emitter says nothing for the register
	g.secrets = append(g.secrets, g.texts[len(g.texts)-1])
	g.texts = g.texts[:len(g.texts)-1]
	return append(out, wrong)
}
