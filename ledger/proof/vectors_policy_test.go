package proof

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

// testWitness is the key of a witness, made of public words.
func testWitness(t testing.TB, name string, kind byte) *CosignerSigner {
	t.Helper()
	seed := sha256.Sum256([]byte("public test data, protects nothing: " + name))
	s, err := newCosignerSigner(name, kind, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testLibrary(t testing.TB) *CosignerSigner {
	return testWitness(t, "library.example/w1", CosignerEd25519)
}

func testNewspaper(t testing.TB) *CosignerSigner {
	return testWitness(t, "newspaper.example", CosignerEd25519)
}

func testUniversity(t testing.TB) *CosignerSigner {
	return testWitness(t, "university.example/pq", CosignerMLDSA44)
}

// testPolicy accepts the log of the vectors with two of three witnesses.
func testPolicy(t testing.TB) string {
	return fmt.Sprintf("# two of three\nlog %s\n\nwitness library %s https://library.example/witness\nwitness\tnewspaper %s\n  witness university %s  \n"+
		"group two 2 library newspaper university\nquorum two\n", logKey(t).vkey, testLibrary(t).Cosigner, testNewspaper(t).Cosigner, testUniversity(t).Cosigner)
}

var cosignedAt = time.Date(2026, 6, 24, 8, 30, 0, 0, time.UTC)

// line is the cosignature of a text, a number of seconds after cosignedAt.
func (s *CosignerSigner) line(t testing.TB, text string, seconds int) string {
	t.Helper()
	out, err := s.Cosign(text, cosignedAt.Add(time.Duration(seconds)*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// lineAt is a cosignature at a time that Cosign refuses.
func (s *CosignerSigner) lineAt(text string, seconds uint64) string {
	msg := must(cosigned(s.Type(), s.name, text, seconds))
	sig := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, s.hash), seconds)
	if s.pq == nil {
		sig = append(sig, ed25519.Sign(ed25519.NewKeyFromSeed(s.seed), msg)...)
	} else {
		sig = append(sig, must(s.pq.SignDeterministic(msg, nil))...)
	}
	return signaturePrefix + s.name + " " + base64.StdEncoding.EncodeToString(sig) + "\n"
}

func policyVectors(t *testing.T) (out []vector) {
	good := testPolicy(t)
	add := func(name, want, reason, data string) {
		out = append(out, vector{"policy-" + name + ".policy", "policy", reason, want, data})
	}
	changed := func(name, want, reason, old, new string) { add(name, want, reason, edit(t, good, old, new)) }
	library := "witness library " + testLibrary(t).Cosigner.String() + "\n"
	newspaper := "witness newspaper " + testNewspaper(t).Cosigner.String() + "\n"
	hash := fmt.Sprintf("%08x", testLibrary(t).KeyHash())
	public := base64.StdEncoding.EncodeToString(testLibrary(t).key)

	add("two-of-three", "", "two of three witnesses, one of them post-quantum", good)
	add("none", "", "nobody has to cosign", "quorum none\n")
	add("none-with-witnesses", "", "witnesses are named and none is needed", library+"quorum none\n")
	add("one", "", "the quorum is a witness", library+"quorum library\n")
	add("groups", "", "groups of groups", library+newspaper+"group a any library\ngroup b all newspaper\ngroup both all a b\nquorum both\n")
	add("names", "", "names may be any bytes without spaces", edit(t, edit(t, library+"quorum K\n", " library ", " \xe2\x84\xaa "), "quorum K", "quorum \xe2\x84\xaa"))
	add("order", "", "the quorum comes before a witness that it does not need", "quorum none\n"+library)

	many := func(n int) (out string) {
		for i := range n {
			out += fmt.Sprintf("witness w%d %s\n", i, testWitness(t, fmt.Sprintf("w%d.example", i), CosignerEd25519).Cosigner)
		}
		return "quorum none\n" + out
	}
	add("64-witnesses", "", "as many witnesses as there may be", many(64))

	add("65-witnesses", "more than 64", "a witness too many", many(65))
	add("empty", `no quorum line: "quorum none" asks nobody`, "it is empty", "\n")
	add("nothing", "it is empty", "no bytes", "")
	changed("no-quorum", "no quorum line", "there is no quorum", "quorum two\n", "")
	changed("quorum-twice", "a quorum already", "there are two quorums", "quorum two\n", "quorum two\nquorum two\n")
	changed("quorum-unknown", "the quorum is not one name", "nobody has the name of the quorum", "quorum two", "quorum three")
	add("quorum-later", "the quorum is not one name", "the quorum is defined after it is named", "quorum library\n"+library)
	changed("quorum-two-names", "the quorum is not one name", "the quorum has two names", "quorum two", "quorum two library")
	changed("kelvin", "the quorum is not one name", "a name of other bytes that look alike", "quorum two", "quorum tw\xef\xbd\x8f")
	changed("no-newline", "does not end in a newline", "the last line has no end", "quorum two\n", "quorum two")
	changed("carriage-return", "line 8: it ends as lines on Windows do", "a line ends in a carriage return", "quorum two\n", "quorum two\r\n")
	changed("vertical-tab", "line 8: it has a control character", "a vertical tab separates", "quorum two", "quorum\vtwo")
	changed("no-break-space", "is neither log, witness", "a no-break space separates", "quorum two", "quorum\xc2\xa0two")
	changed("unknown-word", "is neither log, witness", "a line begins with another word", "quorum two", "needs two")
	changed("need-zero", "is neither any, all", "the group needs nobody", "group two 2", "group two 0")
	changed("need-four", "is neither any, all", "the group needs more than it has", "group two 2", "group two 4")
	changed("need-leading-zero", "is neither any, all", "the number has a leading zero", "group two 2", "group two 02")
	changed("need-word", "is neither any, all", "the group needs no number", "group two 2", "group two most")
	changed("member-twice", "is a member already", "a member is there twice", "newspaper university\n", "newspaper newspaper\n")
	changed("member-unknown", "is not the name of a witness", "a member is nobody", "newspaper university\n", "newspaper academy\n")
	changed("member-none", "is not the name of a witness", "none is no member", "newspaper university\n", "newspaper none\n")
	changed("member-itself", "is not the name of a witness", "a group is its own member", "newspaper university\n", "newspaper two\n")
	changed("member-of-two", "is a member already", "a witness is in two groups", "quorum two", "group again any library\nquorum two")
	changed("no-members", "how many of its members", "a group has no members", "group two 2 library newspaper university", "group two 2")
	changed("name-twice", "is there already", "two have one name", "group two", "group library")
	changed("name-none", `"none" cannot be a name`, "a witness is named none", "witness library", "witness none")
	changed("key-twice", "has the key of the witness", "two witnesses have one key", "quorum two\n", "witness again "+testLibrary(t).Cosigner.String()+"\nquorum two\n")
	add("key-twice-renamed", "has the key of the witness", "two witnesses have one key under two names", library+"witness again "+must(newCosigner("other.example", testLibrary(t).key)).String()+"\nquorum none\n")
	add("witness-log-key", "a witness's key cosigns", "the key of a witness is one of a log", "witness library "+logKey(t).vkey+"\nquorum library\n")
	add("log-witness-key", "unknown verifier algorithm", "the key of a log is one of a witness", "log "+testLibrary(t).Cosigner.String()+"\nquorum none\n")
	add("log-twice", "is there already", "a log is there twice", "log "+logKey(t).vkey+"\nlog "+logKey(t).vkey+" https://log.example\nquorum none\n")
	add("log-alone", "a log is a key", "a log has no key", "log\nquorum none\n")
	add("witness-no-key", "a witness is a name", "a witness has no key", "witness library\nquorum none\n")
	add("witness-four-fields", "a witness is a name", "a witness has a fourth field", edit(t, library, "\n", " https://a.example more\n")+"quorum none\n")
	add("key-hash", "its hash is not that of its key", "the hash is not that of the key", edit(t, library, hash, "00000000")+"quorum none\n")
	add("key-hash-case", "not in its one form", "the hash has capitals", edit(t, library, hash, strings.ToUpper(hash))+"quorum none\n")
	long := "witness university " + testUniversity(t).Cosigner.String() + "\n"
	add("key-spare-bits", "spare base64 bits", "the key has spare base64 bits", spare(t, long, long[len(long)-9:len(long)-4], "=\n")+"quorum none\n")
	add("key-short", "neither an Ed25519 nor", "the key has 31 bytes", edit(t, library, public, base64.StdEncoding.EncodeToString(testLibrary(t).key[:32]))+"quorum none\n")
	return out
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// cosignedVectors are checkpoints judged by accept/policy-two-of-three.policy.
func cosignedVectors(t *testing.T) (out []vector) {
	d := testEntries(7)
	c := testCheckpoint(d)
	text := c.Text()
	library, newspaper, university := testLibrary(t), testNewspaper(t), testUniversity(t)
	msg := signRaw(t, text, logKey(t))
	add := func(name, want, reason, data string) {
		out = append(out, vector{"cosigned-" + name + ".txt", "cosigned", reason, want, data})
	}
	both := msg + library.line(t, text, 0) + newspaper.line(t, text, 1)
	add("two", "", "two witnesses", both)
	add("two-with-stranger", "", "an unknown key signs too", msg+testWitness(t, "stranger.example", CosignerEd25519).line(t, text, 0)+library.line(t, text, 0)+newspaper.line(t, text, 1))
	add("order", "", "the log signs last", text+"\n"+library.line(t, text, 0)+newspaper.line(t, text, 1)+lastLine(msg))
	add("post-quantum", "", "the second cosigns with ML-DSA-44", msg+library.line(t, text, 0)+university.line(t, text, 1))
	add("three", "", "all three", both+university.line(t, text, 2))

	add("log-alone", "no witness of the policy", "nobody cosigns", msg)
	add("one", "only library cosigned", "one of two", msg+library.line(t, text, 0))
	add("one-twice", "more than one signature", "one of two, twice", msg+library.line(t, text, 0)+library.line(t, text, 1))
	add("witnesses-alone", "no signature by key", "the log did not sign", text+"\n"+library.line(t, text, 0)+newspaper.line(t, text, 1))
	other := Checkpoint{c.Origin, c.Size - 1, Hash(treeRootOf(d[:6]))}.Text()
	add("of-another", "the cosignature of newspaper.example is not valid", "one cosigned another size", msg+library.line(t, text, 0)+newspaper.line(t, other, 1))
	add("post-quantum-of-another", "the cosignature of university.example/pq is not valid", "one cosigned another size with ML-DSA-44", both+university.line(t, other, 1))
	line := newspaper.line(t, text, 1)
	raw := must(base64.StdEncoding.DecodeString(strings.Fields(line)[2]))
	remade := func(change func(b []byte) []byte) string {
		b := change(append([]byte{}, raw...))
		return msg + library.line(t, text, 0) + "— newspaper.example " + base64.StdEncoding.EncodeToString(b) + "\n"
	}
	invalid := "the cosignature of newspaper.example is not valid"
	add("other-time", invalid, "the time was changed", remade(func(b []byte) []byte { b[11]++; return b }))
	for _, at := range []struct {
		name, reason string
		seconds      uint64
	}{{"time-zero", "the time is zero", 0}, {"time-above", "the time is above 2^63 - 1", 1 << 63}} {
		add(at.name, invalid, at.reason+", and signed", msg+library.line(t, text, 0)+newspaper.lineAt(text, at.seconds))
		add(at.name+"-post-quantum", "the cosignature of university.example/pq is not valid", at.reason+", and signed with ML-DSA-44",
			msg+library.line(t, text, 0)+university.lineAt(text, at.seconds))
	}
	add("signature-bit", invalid, "a bit of the signature", remade(func(b []byte) []byte { b[40] ^= 1; return b }))
	add("signature-longer", invalid, "a byte follows the signature", remade(func(b []byte) []byte { return append(b, 0) }))
	add("no-time", invalid, "the signature alone, without a time", remade(func(b []byte) []byte { return append(b[:4], b[12:]...) }))
	add("other-key-hash", "only library cosigned", "the hash is that of no key", remade(func(b []byte) []byte { b[0] ^= 1; return b }))
	as := must(newCosigner("library.example/w1", testNewspaper(t).key))
	add("other-name", "only library cosigned", "one key under another name", msg+library.line(t, text, 0)+
		strings.Replace(line, "newspaper.example", as.Name(), 1))
	return out
}
