package proof

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

// testRoot is somebody's root key, of public words.
func testRoot(words string) [32]byte {
	return sha256.Sum256([]byte("public test data: root of " + words))
}

// testEventKey is k_i as the keyring's documentation has it.
func testEventKey(words string, i uint64) [32]byte {
	root := testRoot(words)
	h := hmac.New(sha256.New, root[:])
	h.Write(binary.BigEndian.AppendUint64([]byte("daybook/event"), i))
	return [32]byte(h.Sum(nil))
}

func testSalt(words string) (s [16]byte) {
	sum := sha256.Sum256([]byte("public test data: salt of " + words))
	return [16]byte(sum[:])
}

// testUse is an entry about persons, each with a tag of a first key, and its
// disclosures: the exact time, the role, and who each of them is.
func testUse(t testing.TB, persons ...string) (entry []byte, open []events.Disclosure) {
	t.Helper()
	var keys [][32]byte
	for _, p := range persons {
		keys = append(keys, testEventKey(p, 1))
	}
	return testUseOf(t, "event", keys, persons...)
}

// testUseOf is an entry whose name is made of words, with the tags of those keys.
func testUseOf(t testing.TB, words string, keys [][32]byte, persons ...string) (entry []byte, open []events.Disclosure) {
	t.Helper()
	mode := []string{"single", "several"}[min(len(persons)-1, 1)]
	var named []events.Value
	for _, p := range persons {
		named = append(named, events.Nested(events.Object{{Name: "scheme", Value: events.String("email")}, {Name: "value", Value: events.String(p)}}))
	}
	data := events.Object{
		{Name: "operation", Value: events.String("Query")},
		{Name: "outcome", Value: events.String("success")},
		{Name: "subjects", Value: events.Nested(events.Object{{Name: "mode", Value: events.String(mode)}, {Name: "persons", Value: events.List(named...)}})},
		{Name: "system", Value: events.String("city/search")},
	}
	e, err := events.CheckEvent(events.Nested(events.Object{
		{Name: "data", Value: events.Nested(data)},
		{Name: "id", Value: events.String("1")},
		{Name: "source", Value: events.String("city/app")},
		{Name: "specversion", Value: events.String("1.0")},
		{Name: "time", Value: events.String("2026-06-24T08:30:00Z")},
		{Name: "type", Value: events.String(events.TypePrefix + "data.accessed" + events.TypeSuffix)},
	}))
	if err != nil {
		t.Fatal(err)
	}
	f := events.Facts{Name: events.EventName(testSalt(words)), Organization: "city", OccurredOn: "2026-06-24", RecordedOn: "2026-06-24"}
	open = []events.Disclosure{
		{Salt: testSalt("time"), Name: "occurredAt", Value: events.String("2026-06-24T08:30:00Z")},
		{Salt: testSalt("role"), Name: "actor.role", Value: events.String("clerk")},
	}
	for i, p := range persons {
		open = append(open, events.Disclosure{Salt: testSalt(p), Name: "subject", Value: named[i]})
		f.Tags = append(f.Tags, TagOf(keys[i]))
	}
	slices.SortFunc(f.Tags, func(a, b events.Tag) int { return strings.Compare(a.String(), b.String()) })
	for _, d := range open {
		f.Digests = append(f.Digests, d.Digest())
	}
	for i := len(f.Digests); i < e.Kind.Slots()+len(persons); i++ {
		f.Digests = append(f.Digests, sha256.Sum256([]byte{byte(i)}))
	}
	published, err := e.Entry(f)
	if err != nil {
		t.Fatal(err)
	}
	return published.Append(nil), open
}

// testPresentation is what ann gives away of an entry about her and others.
func testPresentation(t testing.TB, chosen []string, persons ...string) Presentation {
	t.Helper()
	entry, open := testUse(t, persons...)
	d := testEntries(5)
	d[3] = entry
	p := Presentation{EventKey: testEventKey(persons[0], 1), Proof: testProof(t, 3, d)}
	for _, x := range open {
		if slices.Contains(chosen, x.Name) {
			p.Disclosures = append(p.Disclosures, x)
		}
	}
	slices.SortFunc(p.Disclosures, func(a, b events.Disclosure) int { return strings.Compare(a.Encode(), b.Encode()) })
	return p
}

// show opens a file as whoever was given it would.
func show(t testing.TB, file []byte) (Presented, error) {
	t.Helper()
	p, err := ParsePresentation(file)
	if err != nil {
		return Presented{}, err
	}
	return p.Verify(logKey(t).Verifier)
}

func TestPresentationShowsWhatWasChosen(t *testing.T) {
	for _, chosen := range [][]string{nil, {"occurredAt"}, {"occurredAt", "actor.role", "subject"}} {
		p := testPresentation(t, chosen, "ann")
		file := p.Format()
		if !IsPresentation(file) || IsPresentation(p.Proof.Format()) {
			t.Error("a presentation is not told apart")
		}
		got, err := show(t, file)
		if err != nil {
			t.Fatal(err)
		}
		if want := len(got.Entry.Texts("_sd")) - len(chosen); got.Hidden != want || got.Checkpoint.Size != 5 {
			t.Errorf("%d are hidden, not %d, at size %d", got.Hidden, want, got.Checkpoint.Size)
		}
		for _, secret := range []string{"occurredAt", "actor.role"} {
			d := events.Disclosure{Name: secret}
			for _, x := range p.Disclosures {
				if x.Name == secret {
					d = x
				}
			}
			if is := strings.Contains(string(file), d.Encode()); is != slices.Contains(chosen, secret) {
				t.Errorf("%s is in the file: %t", secret, is)
			}
		}
	}
}

// TestEventKeyOpensNoOther holds one key against all others of the same person,
// and of somebody else.
func TestEventKeyOpensNoOther(t *testing.T) {
	seen := map[events.Tag]string{}
	for _, who := range []string{"ann", "ben"} {
		for i := range uint64(200) {
			key := testEventKey(who, i+1)
			tag := TagOf(key)
			if seen[tag] != "" {
				t.Fatalf("two events have the tag %s", tag)
			}
			seen[tag] = who
			p := testPresentation(t, nil, "ann", "cid")
			p.EventKey = key
			if _, err := p.Verify(logKey(t).Verifier); (err == nil) != (who == "ann" && i == 0) {
				t.Fatalf("key %d of %s: %v", i+1, who, err)
			}
			box, err := events.SealBox(events.BoxKey("person", key[:]), bytes.NewReader(make([]byte, 12)), nil, []byte("hers"))
			if err != nil {
				t.Fatal(err)
			}
			next := testEventKey(who, i+2)
			if _, err := events.OpenBox(events.BoxKey("person", next[:]), nil, box); err == nil {
				t.Fatal("another event's key opens her slot")
			}
		}
	}
}

// TestNoChangedByteVerifies changes every byte of a presentation in three ways,
// drops it, and doubles it.
func TestNoChangedByteVerifies(t *testing.T) {
	file := testPresentation(t, []string{"occurredAt", "subject"}, "ann", "ben").Format()
	if _, err := show(t, file); err != nil {
		t.Fatal(err)
	}
	try := func(i int, changed []byte) {
		if _, err := show(t, changed); err == nil {
			t.Errorf("verified with byte %d changed: %q", i, changed[max(0, i-20):min(len(changed), i+20)])
		}
	}
	for i := range file {
		for _, with := range []byte{file[i] ^ 1, file[i] ^ 0x20, file[i] + 1} {
			changed := bytes.Clone(file)
			changed[i] = with
			try(i, changed)
		}
		try(i, slices.Delete(bytes.Clone(file), i, i+1))
		try(i, slices.Insert(bytes.Clone(file), i, file[i]))
	}
}

// presentationVector is one file with the verdict of whoever is given it.
type presentationVector struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict"` // accept or reject
	Reason  string `json:"reason"`
	File    string `json:"file"` // the text of the presentation

	want string // that the error says
}

func presentationVectors(t testing.TB) (out []presentationVector) {
	good := testPresentation(t, []string{"occurredAt", "subject"}, "ann")
	file := string(good.Format())
	accept := func(name, reason string, p Presentation) {
		out = append(out, presentationVector{name, "accept", reason, string(p.Format()), ""})
	}
	reject := func(name, want, reason, file string) {
		out = append(out, presentationVector{name, "reject", reason, file, want})
	}
	changed := func(name, want, reason string, change func(*Presentation)) {
		p := good
		p.Disclosures = slices.Clone(p.Disclosures)
		change(&p)
		reject(name, want, reason, string(p.Format()))
	}
	accept("two-fields", "the time and who she is", good)
	accept("no-field", "only that the event is hers", testPresentation(t, nil, "ann"))
	accept("several", "of an entry about three, hers", testPresentation(t, []string{"actor.role"}, "ben", "ann", "cid"))

	changed("other-event", "none of the entry's tags", "the key is of her next event", func(p *Presentation) { p.EventKey = testEventKey("ann", 2) })
	changed("other-person", "none of the entry's tags", "the key is somebody else's", func(p *Presentation) { p.EventKey = testEventKey("ben", 1) })
	changed("root-key", "none of the entry's tags", "the root key stands for the event's", func(p *Presentation) { p.EventKey = testRoot("ann") })
	changed("other-salt", "does not commit", "a disclosure has another salt", func(p *Presentation) { p.Disclosures[0].Salt[0]++ })
	changed("other-value", "does not commit", "a disclosure has another value", func(p *Presentation) { p.Disclosures[0].Value = events.String("2026-06-24T08:30:01Z") })
	changed("other-name", "does not commit", "a disclosure has another name", func(p *Presentation) { p.Disclosures[0].Name = "recordedAt" })
	changed("twice", "there twice", "a disclosure is there twice", func(p *Presentation) { p.Disclosures = append(p.Disclosures, p.Disclosures[0]) })
	changed("other-position", "does not lead to the root", "the proof is of another position", func(p *Presentation) { p.Proof.Index = 2 })
	changed("other-entry", "does not lead to the root", "the proof carries another entry", func(p *Presentation) { p.Proof.Extra = testEntries(5)[2] })
	changed("no-entry", "carries no entry", "the proof carries no entry", func(p *Presentation) { p.Proof.Extra = nil })
	changed("nobody-tagged", "parsing an entry", "the log's entry is none of a ledger", func(p *Presentation) { p.Proof = testProof(t, 2, testEntries(5)) })

	one, two := good.Disclosures[0].Encode(), good.Disclosures[1].Encode()
	reject("unsorted", "not sorted", "the disclosures are not sorted", edit2(t, file, one, two))
	reject("other-version", "is not daybook/presentation@1", "the version is unknown", strings.Replace(file, "presentation@1", "presentation@2", 1))
	reject("more", "not in its canonical form", "there is another member", strings.Replace(file, `"eventKey"`, `"d":1,"eventKey"`, 1))
	reject("no-disclosures", "not in its canonical form", "the disclosures are missing", file[:len(`{"$":"daybook/presentation@1",`)]+file[strings.Index(file, `"eventKey"`):])
	reject("space", "not in its canonical form", "there is a space between members", strings.Replace(file, `,"proof"`, `, "proof"`, 1))
	reject("newline-after", "not in its canonical form", "a newline follows", file+"\n")
	reject("escape", "not in its canonical form", "a character is escaped that need not be", strings.Replace(file, "tlog-proof", `tlog\u002dproof`, 1))
	reject("disclosure-number", "not sorted", "a disclosure is a number", strings.Replace(file, `"disclosures":[`, `"disclosures":[1,`, 1))
	reject("disclosure-padded", "disclosure", "a disclosure is padded", strings.Replace(file, one, one+"=", 1))
	reject("key-short", "not the base64url of 32 bytes", "the event key has 31 bytes", strings.Replace(file, `"eventKey":"`, `"eventKey":"A`, 1))
	reject("nothing", "", "the file is empty", "")
	reject("proof-alone", "", "a proof stands for the presentation", string(good.Proof.Format()))
	return out
}

// edit2 lets two parts of s change places.
func edit2(t testing.TB, s, a, b string) string {
	t.Helper()
	if strings.Count(s, a) != 1 || strings.Count(s, b) != 1 {
		t.Fatal("the parts are not there once")
	}
	return strings.NewReplacer(a, b, b, a).Replace(s)
}

// presentationFile is testdata/vectors/presentations.json.
type presentationFile struct {
	Key     string               `json:"vkey"` // of the log
	Vectors []presentationVector `json:"vectors"`
}

func TestPresentationVectors(t *testing.T) {
	made := presentationFile{logKey(t).vkey, presentationVectors(t)}
	for _, v := range made.Vectors {
		_, err := show(t, []byte(v.File))
		if v.Verdict == "reject" {
			wantError(t, err, v.want)
		} else if err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(made); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(vectorDir, "presentations.json")
	if *update {
		if err := os.WriteFile(file, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("presentations.json is not what -update writes: %v", err)
	}
}

func FuzzParsePresentation(f *testing.F) {
	for _, v := range presentationVectors(f) {
		f.Add([]byte(v.File))
	}
	v := logKey(f).Verifier
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := ParsePresentation(file)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Format(), file) {
			t.Errorf("%q is written as %q", file, p.Format())
		}
		if got, err := p.Verify(v); err == nil && got.Hidden+len(p.Disclosures) != len(got.Entry.Texts("_sd")) {
			t.Errorf("%d of %d digests are hidden, %d opened", got.Hidden, len(got.Entry.Texts("_sd")), len(p.Disclosures))
		}
	})
}
