package proof

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// lastLine is the last line of s, with its newline.
func lastLine(s string) string {
	return s[strings.LastIndexByte(s[:len(s)-1], '\n')+1:]
}

func checkpointVectors(t *testing.T) (out []vector) {
	k, d := logKey(t), testEntries(7)
	w1, w2 := newTestKey(t, "witness1.example", "witness 1"), newTestKey(t, "witness2.example", "witness 2")
	next, stranger := newTestKey(t, testOrigin, "next log key"), newTestKey(t, testOrigin, "stranger")
	c := testCheckpoint(d)
	text := c.Text()
	root := base64.StdEncoding.EncodeToString(c.Root[:])
	msg, cosigned := signRaw(t, text, k), signRaw(t, text, k, w1, w2)
	add := func(name, want, reason, data string) {
		out = append(out, vector{"checkpoint-" + name + ".txt", "checkpoint", reason, want, data})
	}
	// signed adds a checkpoint whose text was changed before it was signed.
	signed := func(name, want, reason, old, new string) {
		t.Helper()
		add(name, want, reason, signRaw(t, edit(t, text, old, new), k))
	}
	largest := Checkpoint{Origin: testOrigin, Size: MaxSize, Root: c.Root}

	add("seven", "", "a log of seven entries", msg)
	add("empty", "", "an empty log", signRaw(t, testCheckpoint(nil).Text(), k))
	add("one", "", "a log of one entry", signRaw(t, testCheckpoint(d[:1]).Text(), k))
	add("largest", "", "a log of 2^53 entries", signRaw(t, largest.Text(), k))
	add("cosigned", "", "two unknown keys sign too", cosigned)
	add("next-key", "", "an unknown key of the same name signs first", signRaw(t, text, next, k))

	witnesses := make([]testKey, maxSignatures)
	for i := range witnesses {
		witnesses[i] = newTestKey(t, fmt.Sprintf("w%d.example", i), fmt.Sprint("witness ", i))
	}
	add("100-signatures", "", "as many signatures as there may be", signRaw(t, text, append(witnesses[1:], k)...))
	add("101-signatures", "more than 100", "a signature too many", signRaw(t, text, append(witnesses, k)...))

	signed("size-leading-zero", "leading zeros", "the size has a leading zero", "\n7\n", "\n07\n")
	signed("size-plus", "not a decimal number", "the size has a sign", "\n7\n", "\n+7\n")
	signed("size-negative", "not a decimal number", "the size is negative", "\n7\n", "\n-7\n")
	signed("size-hex", "not a decimal number", "the size is not decimal", "\n7\n", "\n0x7\n")
	signed("size-space", "not a decimal number", "the size is followed by a space", "\n7\n", "\n7 \n")
	signed("size-above-limit", "is above", "the size is 2^53 + 1", "\n7\n", "\n9007199254740993\n")
	signed("size-overflow", "not a decimal number", "the size is 2^64 + 7", "\n7\n", "\n18446744073709551623\n")
	signed("empty-with-root", "empty tree", "the size is 0 and the root is not that of the empty tree", "\n7\n", "\n0\n")
	add("root-spare-bits", "spare base64 bits", "the root has spare base64 bits", signRaw(t, spare(t, text, "\n7\n", "="), k))
	signed("root-short", "not the base64 of a SHA-256", "the root has 31 bytes", root, base64.StdEncoding.EncodeToString(c.Root[:31]))
	signed("root-long", "not the base64 of a SHA-256", "the root has 33 bytes", root, base64.StdEncoding.EncodeToString(append(c.Root[:], 0)))
	signed("root-unpadded", "not the base64 of a SHA-256", "the base64 of the root is not padded", root, strings.TrimRight(root, "="))
	signed("root-missing", "2 lines instead of 3", "there is no root", root+"\n", "")
	signed("extension", "4 lines instead of 3", "there is an extension line", root+"\n", root+"\nextension\n")
	signed("extension-empty", "4 lines instead of 3", "there is an empty extension line", root+"\n", root+"\n\n")
	signed("wrong-origin", "not the key's name", "the origin is not the name of the key", testOrigin, "other.example/log")
	signed("origin-empty", "it is empty", "the origin is empty", testOrigin, "")
	signed("origin-space", "has a space", "the origin has a space", testOrigin, "vectors.example log")
	signed("origin-plus", "or a plus", "the origin has a plus", testOrigin, "vectors.example+log")
	signed("line-before", "not a decimal number", "there is a line before the origin", testOrigin, "a-line\n"+testOrigin)
	add("is-receipt", "no signature by key", "a receipt, as the receipt key signed it", signRaw(t, testReceipt(d).Text(), receiptKey(t)))
	add("is-receipt-by-log-key", "not a decimal number", "a receipt signed by the log key",
		signRaw(t, testReceipt(d).Text(), k))

	add("other-root", "invalid signature", "the root was changed after signing",
		edit(t, msg, root, base64.StdEncoding.EncodeToString(treeRootOf(d[:6]))))
	add("other-size", "invalid signature", "the size was changed after signing", edit(t, msg, "\n7\n", "\n8\n"))
	add("stranger", "no signature by key", "only another key of the same name signs", signRaw(t, text, stranger))
	add("cosigners-only", "no signature by key", "only unknown keys sign", signRaw(t, text, w1, w2))
	return append(out, noteVectors(t, "checkpoint", msg, cosigned)...)
}

// noteVectors are mistakes in the note around any text.
func noteVectors(t *testing.T, format, msg, cosigned string) (out []vector) {
	add := func(name, want, reason, data string) {
		out = append(out, vector{format + "-" + name + ".txt", format, reason, want, data})
	}
	line := lastLine(msg)
	name := strings.Fields(line)[1]
	junk := "— " + name + " " + base64.StdEncoding.EncodeToString(append(signatureKey(t, line), 1, 2, 3)) + "\n"

	add("crlf", "control character", "lines end in CRLF", strings.ReplaceAll(msg, "\n", "\r\n"))
	add("no-final-newline", "does not end in a newline", "the last newline is missing", msg[:len(msg)-1])
	add("newline-after", "no signature", "an empty line follows the signatures", msg+"\n")
	add("line-after", "not a signature line", "a line follows the signatures", msg+"more\n")
	add("no-empty-line", "no signature", "the line before the signatures is missing", edit(t, msg, "\n\n", "\n"))
	add("unsigned", "no signature", "there is no signature", strings.TrimSuffix(msg, line))
	add("doubled-signature", "more than one signature", "the signature is there twice", msg+line)
	add("second-signature", "more than one signature", "the key has a second signature, which is not valid", msg+junk)
	add("doubled-cosignature", "more than one signature", "the signature of an unknown key is there twice", cosigned+lastLine(cosigned))
	add("signature-spare-bits", "spare base64 bits", "the signature has spare base64 bits", spareNote(t, msg))
	add("cosignature-spare-bits", "spare base64 bits", "the signature of an unknown key has spare base64 bits", spareNote(t, cosigned))
	add("signature-trailing-space", "not base64", "a space follows the signature", msg[:len(msg)-1]+" \n")
	add("signature-hyphen", "not a signature line", "the signature line begins with a hyphen", edit(t, msg, "— ", "- "))
	add("signature-short", "only 4 bytes", "the signature is only a key hash", edit(t, msg, line,
		"— "+name+" "+base64.StdEncoding.EncodeToString(signatureKey(t, line))+"\n"))
	add("byte-order-mark", "invalid signature", "a byte order mark comes first", "\ufeff"+msg)
	add("not-utf8", "not UTF-8", "a byte is not UTF-8", "\xff"+msg)
	add("zero-byte", "control character", "there is a zero byte", "\x00"+msg)
	add("nothing", "no signature", "the file is empty", "")
	return out
}

// signatureKey is the key hash in a signature line.
func signatureKey(t *testing.T, line string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.Fields(line)[2])
	if err != nil {
		t.Fatal(err)
	}
	return b[:4]
}

// spareNote sets a spare bit in the last signature.
func spareNote(t *testing.T, msg string) string {
	t.Helper()
	return spare(t, msg, strings.TrimRight(lastLine(msg), "=\n"), "=\n")
}

func treeRootOf(d [][]byte) []byte {
	h := treeRoot(d)
	return h[:]
}
