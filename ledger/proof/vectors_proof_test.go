package proof

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

func proofVectors(t *testing.T) (out []vector) {
	k, d := logKey(t), testEntries(7)
	c := testCheckpoint(d)
	good := testProof(t, 4, d) // the path has three hashes
	file := string(good.Format())
	w1 := newTestKey(t, "witness1.example", "witness 1")
	add := func(name, want, reason, data string) {
		out = append(out, vector{"proof-" + name + ".tlog-proof", "proof", reason, want, data})
	}
	// changed adds a proof of which one field was changed.
	changed := func(name, want, reason string, change func(*Proof)) {
		t.Helper()
		p := good
		p.Path = append([]Hash(nil), good.Path...)
		change(&p)
		add(name, want, reason, string(p.Format()))
	}
	noted := func(name, want, reason, msg string) {
		t.Helper()
		changed(name, want, reason, func(p *Proof) { p.Note = []byte(msg) })
	}

	add("fifth-of-seven", "", "position 4 of a log of seven entries", file)
	add("first-of-seven", "", "position 0 of a log of seven entries", string(testProof(t, 0, d).Format()))
	add("last-of-seven", "", "the last position, whose path is shorter", string(testProof(t, 6, d).Format()))
	add("only-of-one", "", "the only entry, whose path is empty", string(testProof(t, 0, d[:1]).Format()))
	noted("cosigned", "", "an unknown key signs too", signRaw(t, c.Text(), k, w1))

	largest := bytes.Repeat([]byte("0123456789abcdef"), MaxEntry/16+1)
	add("largest-entry", "", "an entry of 65,535 bytes, on a line of more than 64 KiB", string(testProof(t, 0, [][]byte{largest[:MaxEntry]}).Format()))
	add("larger-entry", "65536 bytes instead of", "an entry of 65,536 bytes", string(testProof(t, 0, [][]byte{largest}).Format()))

	changed("extra-missing", "carries no entry", "the entry is missing", func(p *Proof) { p.Extra = nil })
	changed("extra-other-entry", "does not lead to the root", "the entry is another of the log", func(p *Proof) { p.Extra = d[5] })
	changed("extra-longer", "does not lead to the root", "a newline was added to the entry", func(p *Proof) { p.Extra = append(append([]byte(nil), d[4]...), '\n') })
	changed("index-other", "does not lead to the root", "the position is another", func(p *Proof) { p.Index = 5 })
	changed("index-outside", "is outside a log of size 7", "the position is the size", func(p *Proof) { p.Index = 7 })
	changed("index-above-limit", "is above", "the position is 2^53", func(p *Proof) { p.Index = events.Index(MaxSize) })
	changed("path-shorter", "does not lead to the root", "the last hash is missing", func(p *Proof) { p.Path = p.Path[:2] })
	changed("path-longer", "does not lead to the root", "there is a spare hash", func(p *Proof) { p.Path = append(p.Path, c.Root) })
	changed("path-order", "does not lead to the root", "two hashes changed places", func(p *Proof) { p.Path[0], p.Path[1] = p.Path[1], p.Path[0] })
	changed("path-64", "more than 63", "the path has 64 hashes", func(p *Proof) { p.Path = make([]Hash, 64) })

	smaller := signRaw(t, testCheckpoint(d[:6]).Text(), k)
	noted("other-size", "does not lead to the root", "the checkpoint is of another size", smaller)
	noted("stranger", "no signature by key", "another key of the same name signs", signRaw(t, c.Text(), newTestKey(t, testOrigin, "stranger")))
	noted("wrong-origin", "not the key's name", "the origin is not the name of the key", signRaw(t, edit(t, c.Text(), testOrigin, "other.example/log"), k))
	noted("extension", "4 lines instead of 3", "the checkpoint has an extension line", signRaw(t, c.Text()+"extension\n", k))
	noted("receipt", "not a decimal number", "a receipt stands for the checkpoint", signRaw(t, testReceipt(d).Text(), receiptKey(t)))
	noted("doubled-signature", "more than one signature", "the signature is there twice", string(good.Note)+lastLine(file))
	noted("signature-spare-bits", "spare base64 bits", "the signature has spare base64 bits", spareNote(t, string(good.Note)))
	noted("cosignature-spare-bits", "spare base64 bits", "the signature of an unknown key has spare base64 bits", spareNote(t, signRaw(t, c.Text(), k, w1)))
	noted("unsigned", "no signature", "the checkpoint has no signature", c.Text()+"\n")
	noted("root-spare-bits", "spare base64 bits", "the root has spare base64 bits", signRaw(t, spare(t, c.Text(), "\n7\n", "="), k))
	return append(out, proofLineVectors(t, file)...)
}

// proofLineVectors are mistakes in the lines before the checkpoint.
func proofLineVectors(t *testing.T, file string) (out []vector) {
	add := func(name, want, reason, data string) {
		out = append(out, vector{"proof-" + name + ".tlog-proof", "proof", reason, want, data})
	}
	// The entry has 46 bytes, one more than a multiple of three.
	extra := file[strings.Index(file, "extra "):strings.Index(file, "index ")]
	afterIndex := strings.Index(file, "index 4\n") + len("index 4\n")
	hash := file[afterIndex : afterIndex+45]

	add("other-version", "the first line is not", "the version is unknown", edit(t, file, "proof@v1", "proof@v2"))
	add("version-longer", "the first line is not", "the version has another digit", edit(t, file, "proof@v1", "proof@v10"))
	add("line-before", "the first line is not", "an empty line comes first", "\n"+file)
	add("extra-empty", "0 bytes instead of", "there is an extra line without data", edit(t, file, extra, "extra \n"))
	add("extra-word-alone", "no index line", "there is only the word extra", edit(t, file, extra, "extra\n"))
	add("extra-twice", "no index line", "the entry is there twice", edit(t, file, extra, extra+extra))
	add("extra-after-index", "no index line", "the entry comes after the position", edit(t, file, extra+"index 4\n", extra[6:]+"index 4\n"+extra))
	add("extra-two-spaces", "not base64", "two spaces follow the word extra", edit(t, file, "extra ", "extra  "))
	add("extra-unpadded", "not base64", "the base64 of the entry is not padded", edit(t, file, extra, strings.TrimRight(extra, "=\n")+"\n"))
	add("extra-spare-bits", "spare base64 bits", "the entry has spare base64 bits", spare(t, file, "extra ", "="))
	add("index-missing", "no index line", "there is no position", edit(t, file, "index 4\n", ""))
	add("index-leading-zero", "leading zeros", "the position has a leading zero", edit(t, file, "index 4", "index 04"))
	add("index-plus", "not a decimal number", "the position has a sign", edit(t, file, "index 4", "index +4"))
	add("index-empty", "not a decimal number", "the position is empty", edit(t, file, "index 4", "index "))
	add("index-capital", "no index line", "the word index has a capital", edit(t, file, "index 4", "Index 4"))
	add("path-spare-bits", "spare base64 bits", "a hash has spare base64 bits", spare(t, file, "index 4\n", "="))
	add("path-short-hash", "not the base64 of a SHA-256", "a hash has 31 bytes", edit(t, file, hash, base64.StdEncoding.EncodeToString(make([]byte, 31))+"\n"))
	add("path-trailing-space", "not the base64 of a SHA-256", "a space follows a hash", edit(t, file, hash, hash[:44]+" \n"))
	add("path-empty-line", "checkpoint:", "an empty line stands within the path", edit(t, file, hash, hash+"\n"))
	add("no-empty-line", "hash 4 of the path", "the line before the checkpoint is missing", edit(t, file, "\n\n"+testOrigin, "\n"+testOrigin))
	add("two-empty-lines", "origin: it is empty", "two lines stand before the checkpoint", edit(t, file, "\n\n"+testOrigin, "\n\n\n"+testOrigin))
	add("crlf", "the first line is not", "lines end in CRLF", strings.ReplaceAll(file, "\n", "\r\n"))
	add("no-final-newline", "does not end in a newline", "the last newline is missing", file[:len(file)-1])
	add("newline-after", "no signature", "an empty line follows the signatures", file+"\n")
	add("line-after", "not a signature line", "a line follows the signatures", file+"more\n")
	add("head-only", "no empty line", "the checkpoint is missing", file[:strings.Index(file, "\n\n")+1])
	add("checkpoint-only", "the first line is not", "a checkpoint without a proof", file[strings.Index(file, "\n\n")+2:])
	add("nothing", "the first line is not", "the file is empty", "")
	return out
}
