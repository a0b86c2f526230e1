package proof

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// testReceipt promises positions 2, 3 and 6 of the log d.
func testReceipt(d [][]byte) Receipt {
	r := Receipt{Origin: testOrigin, Time: time.Date(2031, 2, 3, 4, 5, 6, 7e6, time.UTC)}
	for _, i := range []int{2, 3, 6} {
		r.Lines = append(r.Lines, ReceiptLine{events.Index(i), sha256.Sum256(d[i])})
	}
	return r
}

func receiptVectors(t *testing.T) (out []vector) {
	k, d := receiptKey(t), testEntries(7)
	r := testReceipt(d)
	text := r.Text()
	hash := base64.RawURLEncoding.EncodeToString(r.Lines[1].EntryHash[:])
	msg, cosigned := signRaw(t, text, k), signRaw(t, text, k, newTestKey(t, "witness1.example", "witness 1"))
	add := func(name, want, reason, data string) {
		out = append(out, vector{"receipt-" + name + ".txt", "receipt", reason, want, data})
	}
	signed := func(name, want, reason, old, new string) {
		t.Helper()
		add(name, want, reason, signRaw(t, edit(t, text, old, new), k))
	}
	one := r
	one.Lines = r.Lines[:1]
	last := r
	last.Lines = []ReceiptLine{{events.Index(MaxSize) - 1, r.Lines[0].EntryHash}}

	add("three", "", "three positions", msg)
	add("one", "", "one position", signRaw(t, one.Text(), k))
	add("last-position", "", "the last position there can be, 2^53 - 1", signRaw(t, last.Text(), k))
	add("cosigned", "", "an unknown key signs too", cosigned)

	add("is-checkpoint", "no signature by key", "a checkpoint, as the log key signed it", signRaw(t, testCheckpoint(d).Text(), logKey(t)))
	add("is-checkpoint-by-receipt-key", "the first line is not", "a checkpoint signed by the receipt key", signRaw(t, testCheckpoint(d).Text(), k))
	add("by-log-key", "no signature by key", "the log key signs", signRaw(t, text, logKey(t)))
	signed("wrong-origin", "is not the receipt key of", "the origin is not that of the key", "origin "+testOrigin, "origin other.example/log")
	signed("other-version", "the first line is not", "the version is unknown", "receipt@1", "receipt@2")
	signed("header-space", "the first line is not", "a space follows the first line", "receipt@1\n", "receipt@1 \n")
	signed("no-origin", "no origin line", "there is no origin", "origin ", "")
	signed("origin-two-spaces", "has a space", "two spaces follow the word origin", "origin ", "origin  ")
	signed("no-time", "no time line", "there is no time", "time 2031-02-03T04:05:06.007Z\n", "")
	signed("nothing-promised", "no position is promised", "there is no position", text[strings.Index(text, "\n2 ")+1:], "")

	signed("time-seconds", "time:", "the time has no milliseconds", "06.007Z", "06Z")
	signed("time-nanoseconds", "time:", "the time has nine decimals", "06.007Z", "06.007000000Z")
	signed("time-comma", "time:", "the time has a comma", "06.007Z", "06,007Z")
	signed("time-offset", "time:", "the time has an offset", "06.007Z", "06.007+00:00")
	signed("time-lower-case", "time:", "the time has a lower-case t", "03T04", "03t04")
	signed("time-no-such-day", "time:", "there is no such day", "02-03T", "02-30T")
	signed("time-leap-second", "time:", "the time is a leap second", "05:06.007Z", "05:60.007Z")

	signed("position-leading-zero", "leading zeros", "a position has a leading zero", "\n3 ", "\n03 ")
	signed("position-negative", "not a decimal number", "a position is negative", "\n3 ", "\n-3 ")
	signed("position-above-limit", "is above", "a position is 2^53", "\n6 ", "\n9007199254740992 ")
	signed("position-twice", "does not ascend", "a position is there twice", "\n3 ", "\n2 ")
	signed("position-descends", "does not ascend", "the positions do not ascend", "\n3 ", "\n9 ")
	signed("position-alone", "not a position and a hash", "a position has no hash", "\n3 "+hash, "\n3")
	add("hash-spare-bits", "spare base64 bits", "a hash has spare base64 bits", signRaw(t, spare(t, text, "\n3 ", "\n"), k))
	signed("hash-padded", "not the base64 of a SHA-256", "a hash is padded", hash, hash+"=")
	signed("hash-standard-alphabet", "not base64", "a hash has a character of the other alphabet", hash, "/"+hash[1:])
	signed("hash-hex", "not the base64 of a SHA-256", "a hash is hexadecimal", hash, strings.Repeat("0a", 32))
	signed("two-spaces", "not the base64 of a SHA-256", "two spaces follow a position", "\n3 ", "\n3  ")
	signed("third-column", "not the base64 of a SHA-256", "a word follows a hash", hash, hash+" more")
	signed("line-between", "not a position and a hash", "there is an empty line", "\n3 ", "\n\n3 ")
	add("other-hash", "invalid signature", "a hash was changed after signing",
		edit(t, msg, hash, base64.RawURLEncoding.EncodeToString(r.Lines[0].EntryHash[:])))
	return append(out, noteVectors(t, "receipt", msg, cosigned)...)
}
