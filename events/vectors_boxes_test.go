package events

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// sampleDisclosures are of every type of value there is.
func sampleDisclosures() []Disclosure {
	return []Disclosure{
		{publicSalt("id"), "id", String("case 17")},
		{publicSalt("sequence"), "sequence", Integer(41)},
		{publicSalt("flag"), "oral", Boolean(false)},
		{publicSalt("text"), "reasonText", String("Why \"not\"?\nBecause – é 😀 \\ \u007f.")},
		{publicSalt("counts"), "counts", Nested(Object{{"records", Integer(24)}, {"scope.count", Integer(3)}})},
		{publicSalt("list"), "systems", Strings([]string{"city/app", "city/desk"})},
		{publicSalt("subject"), "subject", Nested(Person{"plate", "ABC 123", "household"}.Object())},
	}
}

func disclosureVectors(tb testing.TB) vectorFile {
	l := &vectorList{tb: tb}
	for _, d := range sampleDisclosures() {
		l.accept(d.Name, "its digest is "+d.Digest().String(), []byte(d.Encode()))
	}
	inner := func(json string) []byte { return []byte(binary64.EncodeToString([]byte(json))) }
	salt := binary64.EncodeToString(public("salt", 16))
	for _, c := range []struct{ name, reason, json string }{
		{"space", "a space between values", `["` + salt + `", "id","case 17"]`},
		{"two values", "salt, name and value", `["` + salt + `","id"]`},
		{"four values", "salt, name and value", `["` + salt + `","id","case 17",1]`},
		{"object", "no list", `{"id":"case 17"}`},
		{"salt of 15 bytes", "a salt has 16 bytes", `["` + binary64.EncodeToString(public("salt", 15)) + `","id","case 17"]`},
		{"salt with spare bits", "bits that no byte takes are zero", `["` + salt[:21] + string(salt[21]+1) + `","id","case 17"]`},
		{"salt of a number", "a salt is text", `[16,"id","case 17"]`},
		{"escape not needed", "the shortest escape is the one form", `["` + salt + `","id","c\u0061se 17"]`},
		{"members out of order", "members are sorted", `["` + salt + `","counts",{"scope.count":3,"records":24}]`},
		{"no name", "a name has a letter", `["` + salt + `","","case 17"]`},
		{"name of digests", "RFC 9901 keeps this name for itself", `["` + salt + `","_sd","case 17"]`},
		{"name of an element", "RFC 9901 keeps this name for itself", `["` + salt + `","...","case 17"]`},
		{"name of the format", "a name is letters, digits and dots", `["` + salt + `","$","case 17"]`},
		{"name too long", "a name has at most 64 characters", `["` + salt + `","` + strings.Repeat("a", 65) + `","case 17"]`},
		{"nothing", "no JSON", ``},
	} {
		l.reject(c.name, c.reason, inner(c.json))
	}
	whole := []byte(sampleDisclosures()[0].Encode())
	l.reject("padded", "base64url without padding", append(bytes.Clone(whole), '='))
	l.reject("standard alphabet", "base64url", []byte(strings.NewReplacer("-", "+", "_", "/").Replace(sampleDisclosures()[3].Encode())))
	l.reject("newline after", "a byte after the end", append(bytes.Clone(whole), '\n'))
	return l.file("disclosure, RFC 9901", "A disclosure opens one private field: base64url of [salt,name,value]. Its digest, SHA-256 of these characters, stands in the entry's _sd.")
}

func slipVectors(tb testing.TB) vectorFile {
	l := &vectorList{tb: tb}
	all := Slip(sampleDisclosures())
	l.accept("empty", "nothing is disclosed", Slip{}.Format())
	l.accept("one", "one field", all[:1].Format())
	l.accept("all", "every type of value", all.Format())
	b := all[:1].Format()
	for _, c := range []struct{ name, reason, from, to string }{
		{"other format", "of another version", "slip@1", "slip@2"},
		{"space", "a space between members", `","disclosures"`, `", "disclosures"`},
		{"another member", "it has two", `"disclosures"`, `"also":1,"disclosures"`},
		{"text for a list", "disclosures are a list", `["`, `"`},
		{"a detail key", "only the slip of a part has one", `"disclosures"`, `"detail":"` + Digest(public("detail", 32)).String() + `","disclosures"`},
	} {
		l.spoil(c.name, c.reason, b, c.from, c.to)
	}
	l.reject("malformed disclosure", "each is in its one form", FormatSlip([]string{all[0].Encode() + "="}))
	l.reject("cut off", "a byte less", b[:len(b)-1])
	return l.file(slipFormat, "What a box for a person, for officers, or of an identifier holds, opened.")
}

func partSlipVectors(tb testing.TB) vectorFile {
	l := &vectorList{tb: tb}
	all := Slip(sampleDisclosures())
	detail := [32]byte(public("detail", 32))
	b := FormatPartSlip(all[6:].encode(), detail)
	l.accept("subject", "what names her, and the key to what the head says", b)
	l.accept("zero key", "any 32 bytes are a key", FormatPartSlip(all[6:].encode(), [32]byte{}))
	key := binary64.EncodeToString(detail[:])
	for _, c := range []struct{ name, reason, from, to string }{
		{"no key", "a part's slip has one", `"detail":"` + key + `",`, ``},
		{"short key", "a key has 32 bytes", key, key[:42]},
		{"key with spare bits", "bits that no byte takes are zero", key, key[:42] + string(key[42]+1)},
		{"null key", "a part's slip has one", `"` + key + `"`, `null`},
		{"other name", "it is called detail", `"detail"`, `"key"`},
	} {
		l.spoil(c.name, c.reason, b, c.from, c.to)
	}
	member := []byte(`"detail":"` + key + `",`)
	l.reject("not sorted", "members are sorted", append(append(bytes.TrimSuffix(bytes.Replace(b, member, nil, 1), []byte("}")), ","...), append(bytes.TrimSuffix(member, []byte(",")), '}')...))
	l.reject("slip", "the slip of an event that is no part", all.Format())
	return l.file(slipFormat+" of a part", "What the box of a person named in a part of a bulk event holds, opened: the key of one of the head's boxes for persons besides.")
}

func foldVectors(tb testing.TB) vectorFile {
	l := &vectorList{tb: tb}
	f := sealedFold()
	b := f.Format()
	l.accept("seal", "everything, with a seal", b)
	plain := f
	plain.Seal = nil
	l.accept("persons", "two persons, no seal", plain.Format())
	plain.Persons, plain.Actor, plain.Case, plain.Role, plain.Unit, plain.Dataset, plain.Sequence = nil, "", "", "", "", "", -1
	l.accept("nobody", "what is absent is left out", plain.Format())
	rotated := f
	rotated.Persons = slices.Clone(f.Persons)
	rotated.Persons[0].Generation, rotated.Persons[1].Generation = 1, 2
	second := rotated.Format()
	l.accept("second generation", "the tag is of her second root key; the first is left out", second)
	rotated.Persons[1].Generation = 1<<32 - 1
	l.accept("last generation", "a generation has 32 bits", rotated.Format())
	lifted := f
	lifted.Seal = &FoldSeal{Name: f.Seal.Name, Trail: f.Seal.Trail}
	l.accept("lifted", "of a seal that is lifted, its name and trail", lifted.Format())
	for _, c := range []struct{ name, reason, from, to string }{
		{"other format", "of another version", "fold@1", "fold@2"},
		{"space", "a space between members", `","case"`, `", "case"`},
		{"another member", "no such member", `"day":`, `"date":"x","day":`},
		{"empty text", "what is absent is left out", `"actor":"abc"`, `"actor":""`},
		{"counter in text", "a counter is a number", `"counter":1`, `"counter":"1"`},
		{"first generation", "the first is left out", `"counter":1,`, `"counter":1,"generation":1,`},
		{"generation 0", "generations begin with 1", `"counter":1,`, `"counter":1,"generation":0,`},
		{"generation below 0", "generations begin with 1", `"counter":1,`, `"counter":1,"generation":-1,`},
		{"generation of 33 bits", "a generation has 32 bits", `"counter":1,`, `"counter":1,"generation":4294967298,`},
		{"generation in text", "a generation is a number", `"counter":1,`, `"counter":1,"generation":"2",`},
		{"short handle", "a handle has 16 bytes", `"handle":"` + Handle{2}.String(), `"handle":"` + binary64.EncodeToString(make([]byte, 15))},
		{"seal without its person", "a seal has all its members", `"of":"` + Handle{6}.String() + `",`, ``},
		{"seal with a member more", "no such member", `"oral":true`, `"oral":true,"placedBy":"jo"`},
		{"systems in text", "systems are a list", `"systems":["city/app"]`, `"systems":"city/app"`},
		{"local time", "times are UTC", `"recordedAt":"2026-06-24T09:00:00Z"`, `"recordedAt":"2026-06-24T11:00:00+02:00"`},
		{"no content", "it has the keyed hash of what was submitted", `"content":"` + f.Content.String() + `",`, ``},
	} {
		l.spoil(c.name, c.reason, b, c.from, c.to)
	}
	l.spoil("generation out of order", "members are sorted", second, `"counter":1,"generation":2,`, `"generation":2,"counter":1,`)
	return l.file(foldFormat, "What the first box of every message holds, opened: what the views fold from.")
}

func messageVectors(tb testing.TB) vectorFile {
	l := &vectorList{tb: tb}
	share, _ := FindKind("data.shared")
	entry := sampleEntry(tb, sampleEvent(tb, share, false, sampleModes()[1][1]), true)
	box := func(k BoxKind) Box { return Box{k, append(public("box "+k.String(), 28), public("its text", 12)...)} }
	format := func(boxes ...BoxKind) []byte {
		m := Message{Entry: entry}
		for _, k := range boxes {
			m.Boxes = append(m.Boxes, box(k))
		}
		return m.Format()
	}
	l.accept("fold", "of ledger.opened and the like", format(BoxFold))
	l.accept("nobody", "a fold header, and a box for officers", format(BoxFold, BoxOfficers))
	l.accept("three persons", "boxes of one kind stand in the order of the tags", format(BoxFold, BoxPerson, BoxPerson, BoxPerson, BoxOfficers, BoxIdentifier, BoxIdentifier, BoxIdentifier))
	l.accept("empty box", "a nonce and a tag around nothing", Message{Entry: entry, Boxes: []Box{{BoxFold, public("box", 28)}}}.Format())
	for _, c := range []struct {
		name, reason string
		boxes        []BoxKind
	}{
		{"no box", "every message has a fold header", nil},
		{"no fold", "it is first", []BoxKind{BoxPerson}},
		{"two folds", "there is one", []BoxKind{BoxFold, BoxFold}},
		{"descending", "kinds never descend", []BoxKind{BoxFold, BoxOfficers, BoxPerson}},
		{"unknown kind", "kinds are 1 to 4", []BoxKind{BoxFold, 5}},
		{"kind 0", "kinds are 1 to 4", []BoxKind{0, BoxFold}},
	} {
		l.reject(c.name, c.reason, format(c.boxes...))
	}
	whole := format(BoxFold, BoxPerson)
	l.reject("other format", "it begins with DB1 and a line feed", append([]byte("DB2\n"), whole[4:]...))
	l.reject("cut off", "a byte less", whole[:len(whole)-1])
	l.reject("byte after", "a byte after the last box", append(bytes.Clone(whole), 0))
	l.reject("no entry", "an entry has a byte", Message{Boxes: []Box{box(BoxFold)}}.Format())
	l.reject("short box", "a box has 28 bytes or more", Message{Entry: entry, Boxes: []Box{{BoxFold, public("box", 27)}}}.Format())
	l.reject("length beyond the end", "lengths are those of what follows", append([]byte("DB1\n\xff\xff\xff\xff"), entry...))
	return l.file("DB1", "What the history stores: the entry and its boxes. The entry is not judged here, nor are the boxes opened.")
}

// boxVector seals, or does not open.
type boxVector struct {
	Name       string   `json:"name"`
	Verdict    string   `json:"verdict"`
	Reason     string   `json:"reason"`
	Box        string   `json:"box"`
	Keys       []string `json:"keys"`
	Key        string   `json:"key"` // derived of them
	Associated string   `json:"associated"`
	Sealed     string   `json:"sealed"`
	Plain      string   `json:"plain,omitempty"` // of what opens
}

type boxFile struct {
	Format  string      `json:"format"`
	About   string      `json:"about"`
	Vectors []boxVector `json:"vectors"`
}

// boxVectors are boxes of every kind, and boxes that do not open.
func boxVectors(tb testing.TB) boxFile {
	out := boxFile{
		Format: "box", About: "Boxes, bytes in base64url without padding: nonce, AES-256-GCM ciphertext, tag. The key is HKDF-SHA256 of the keys joined, without salt, with the info daybook/<box>/1; associated is the SHA-256 of the entry.",
	}
	month, k1, k2, detail := public("month key", 32), public("event key 1", 32), public("event key 2", 32), public("detail key", 32)
	seal := func(name, reason, box, plain string, keys ...[]byte) boxVector {
		key, ad := BoxKey(box, keys...), HashEntry([]byte("the entry of "+name))
		sealed, err := SealBox(key, bytes.NewReader(public("nonce of "+name, 12)), ad[:], []byte(plain))
		if err != nil {
			tb.Fatal(err)
		}
		v := boxVector{Name: name, Verdict: "accept", Reason: reason, Box: box, Key: binary64.EncodeToString(key[:]), Associated: ad.String(), Sealed: binary64.EncodeToString(sealed), Plain: plain}
		for _, k := range keys {
			v.Keys = append(v.Keys, binary64.EncodeToString(k))
		}
		return v
	}
	officers := seal("officers", "few persons: the month's key and the event keys of all, in the order of the tags", "officers", string(Slip(sampleDisclosures()[:2]).Format()), month, k1, k2)
	out.Vectors = append(out.Vectors,
		seal("fold", "the ledger's fold key", "fold", string(sealedFold().Format()), public("fold key", 32)),
		seal("person", "her event key", "person", string(Slip(sampleDisclosures()[:1]).Format()), k1),
		officers,
		seal("officers, nobody", "the month's key alone", "officers", string(Slip{}.Format()), month),
		seal("identifier", "the month's key and her event key", "identifier", string(Slip(sampleDisclosures()[6:]).Format()), month, k1),
		seal("head", "a head's box for persons, under a detail key", "person", string(Slip(sampleDisclosures()[3:4]).Format()), detail),
		seal("part", "a part's box for a person", "person", string(FormatPartSlip(Slip(sampleDisclosures()[6:]).encode(), [32]byte(detail))), k2),
	)
	spoil := func(name, reason string, change func(v *boxVector)) {
		v := officers
		v.Name, v.Reason, v.Verdict, v.Plain = name, reason, "reject", ""
		v.Keys = append([]string{}, officers.Keys...)
		change(&v)
		out.Vectors = append(out.Vectors, v)
	}
	rekey := func(v *boxVector, keys ...[]byte) {
		key := BoxKey(v.Box, keys...)
		v.Keys, v.Key = nil, binary64.EncodeToString(key[:])
		for _, k := range keys {
			v.Keys = append(v.Keys, binary64.EncodeToString(k))
		}
	}
	spoil("keys in another order", "the order of the tags counts", func(v *boxVector) { rekey(v, month, k2, k1) })
	spoil("without one person's key", "erasing anybody's ends it", func(v *boxVector) { rekey(v, month, k1) })
	spoil("without the month's key", "the end of the month's key ends it", func(v *boxVector) { rekey(v, k1, k2) })
	spoil("as another box", "the name of the box counts", func(v *boxVector) { v.Box = "identifier"; rekey(v, month, k1, k2) })
	spoil("of another entry", "a box belongs to its entry", func(v *boxVector) { v.Associated = HashEntry([]byte("another")).String() })
	flip := func(at int) func(v *boxVector) {
		return func(v *boxVector) {
			b, _ := binary64.DecodeString(v.Sealed)
			b[(at+len(b))%len(b)] ^= 1
			v.Sealed = binary64.EncodeToString(b)
		}
	}
	spoil("other nonce", "a bit of the nonce", flip(0))
	spoil("other text", "a bit of the ciphertext", flip(12))
	spoil("other tag", "a bit of the tag", flip(-1))
	spoil("cut off", "shorter than a nonce and a tag", func(v *boxVector) { v.Sealed = v.Sealed[:36] })
	return out
}

// TestBoxVectors derives each key, and opens each box or does not.
func TestBoxVectors(t *testing.T) {
	made := boxVectors(t)
	b := indented(t, made)
	if *update {
		if err := os.WriteFile(vectorPath("boxes"), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(vectorPath("boxes"))
	if err != nil || !bytes.Equal(kept, b) {
		t.Fatalf("the file is not what -update writes: %v", err)
	}
	var file boxFile
	if err := json.Unmarshal(kept, &file); err != nil {
		t.Fatal(err)
	}
	decoded := func(s string) []byte { b, _ := binary64.DecodeString(s); return b }
	for _, v := range file.Vectors {
		var keys [][]byte
		for _, k := range v.Keys {
			keys = append(keys, decoded(k))
		}
		key := BoxKey(v.Box, keys...)
		if !bytes.Equal(key[:], decoded(v.Key)) {
			t.Errorf("%s: the key is %x", v.Name, key)
		}
		plain, err := OpenBox(key, decoded(v.Associated), decoded(v.Sealed))
		if (err == nil) != (v.Verdict == "accept") || err == nil && string(plain) != v.Plain {
			t.Errorf("%s is to be %sed, as %s: %q, %v", v.Name, v.Verdict, v.Reason, plain, err)
		}
	}
}
