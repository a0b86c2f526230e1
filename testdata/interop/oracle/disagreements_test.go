package oracle

import "slices"

// disagreement is a reason for which oracles say something else than the index about
// files. Where nothing else is said, the oracle accepts and we refuse.
type disagreement struct {
	reason  string
	oracles []string
	files   []string
}

// differing are the files about which an oracle says something else, with the reason.
// It is of formats that the oracle judges alone.
func differing(o Oracle) map[string][]string {
	out := map[string][]string{}
	for _, d := range disagreements {
		for _, file := range d.files {
			if slices.Contains(d.oracles, o.Name) {
				out[file] = append(out[file], d.reason)
			}
		}
	}
	return out
}

// All four open notes with golang.org/x/mod/sumdb/note.
var (
	everyone  = []string{"x/mod", "torchwood", "formats", "tessera"}
	provers   = []string{"x/mod", "torchwood", "formats"}
	scanners  = []string{"x/mod", "formats"} // proof files as formats reads them
	unmarshal = []string{"formats", "tessera"}
	torchOnly = []string{"torchwood"}
	logPolicy = []string{"formats", "tessera"}
	policies  = []string{"torchwood", "formats", "tessera"}
	notesOnly = []string{"x/mod"}
)

var disagreements = []disagreement{
	{"note.Open decodes signatures without looking at spare bits, so that one note has several spellings", everyone, []string{
		"checkpoint-signature-spare-bits.txt", "checkpoint-cosignature-spare-bits.txt",
	}},
	{"note.Open decodes signatures without looking at spare bits, in proof files too", provers, []string{
		"proof-signature-spare-bits.tlog-proof", "proof-cosignature-spare-bits.tlog-proof",
	}},
	{"note.Open leaves out further signatures of a key without verifying them; we refuse what a verifier must skip", everyone, []string{
		"checkpoint-doubled-signature.txt", "checkpoint-second-signature.txt", "checkpoint-doubled-cosignature.txt",
	}},
	{"note.Open leaves out further signatures of a key, in proof files too", provers, []string{"proof-doubled-signature.tlog-proof"}},
	{"the specification allows extension lines; this log has none, so that nobody is asked to sign what no monitor can check", everyone, []string{
		"checkpoint-extension.txt",
	}},
	{"the specification allows extension lines, in proof files too", provers, []string{"proof-extension.tlog-proof"}},
	{"the rest of the text behind the third line is not looked into, though an extension line must not be empty", []string{"x/mod", "formats", "tessera"}, []string{
		"checkpoint-extension-empty.txt",
	}},
	{"the root is decoded without looking at spare bits", everyone, []string{"checkpoint-root-spare-bits.txt"}},
	{"the root is decoded without looking at spare bits, in proof files too", provers, []string{"proof-root-spare-bits.tlog-proof"}},
	{"nobody asks whether a log without entries has the root of the empty tree", everyone, []string{"checkpoint-empty-with-root.txt"}},
	{"sizes have up to 63 or 64 bits; ours have 53, so that a program in JavaScript reads them exactly", everyone, []string{"checkpoint-size-above-limit.txt"}},
	{"the root may have any length until somebody compares it", unmarshal, []string{"checkpoint-root-short.txt", "checkpoint-root-long.txt"}},
	{"the size may have leading zeros, which the specification forbids", unmarshal, []string{"checkpoint-size-leading-zero.txt"}},

	{"the entry and the path are decoded without looking at spare bits", provers, []string{
		"proof-extra-spare-bits.tlog-proof", "proof-path-spare-bits.tlog-proof",
	}},
	{"the position may have leading zeros, which the specification forbids", provers, []string{"proof-index-leading-zero.tlog-proof"}},
	{"the position may have a sign, which the specification does not foresee", torchOnly, []string{"proof-index-plus.tlog-proof"}},
	{"lines are cut by bufio.Scanner, which takes CRLF and the lack of the last newline, and the note is put together again from them", scanners, []string{
		"proof-crlf.tlog-proof", "proof-no-final-newline.tlog-proof",
	}},

	{"lines are cut by bufio.Scanner, which takes none of 64 KiB: it refuses the proof of an entry of more than 48 KiB", scanners, []string{
		"proof-largest-entry.tlog-proof",
	}},
	{"an entry may be longer than tlog-tiles has room for", torchOnly, []string{"proof-larger-entry.tlog-proof"}},

	{"a time of zero says that the tree need not be the largest; a policy of ours asks for that", []string{"torchwood", "formats"}, []string{
		"cosigned-time-zero.txt", "cosigned-time-zero-post-quantum.txt",
	}},
	{"a time above 2^63 - 1 is read as a negative number, though the specification forbids it", []string{"formats"}, []string{
		"cosigned-time-above.txt", "cosigned-time-above-post-quantum.txt",
	}},

	{"there may be any number of witnesses", policies, []string{"policy-65-witnesses.policy"}},
	{"torchwood knows no ML-DSA-44: it refuses a policy that we accept", torchOnly, []string{"policy-two-of-three.policy"}},
	{"witnesses and logs may have the same key under two names, or twice, which the specification forbids", policies, []string{
		"policy-key-twice-renamed.policy", "policy-log-twice.policy",
	}},
	{"two names may have the same key, which torchwood notices when it verifies a signature of it", logPolicy, []string{"policy-key-twice.policy"}},
	{"the hash in a key may have capitals, though the specification writes it in lower case", policies, []string{"policy-key-hash-case.policy"}},
	{"the quorum is looked up at the end, so that it may stand before what it names", policies, []string{"policy-quorum-later.policy"}},
	{"what follows the address of a witness is ignored", torchOnly, []string{"policy-witness-four-fields.policy"}},
	{"the hash in a key is computed anew and not compared", logPolicy, []string{"policy-key-hash.policy"}},
	{"a key is decoded without looking at spare bits", logPolicy, []string{"policy-key-spare-bits.policy"}},
	{"a log's key is taken for the same key as a witness's", logPolicy, []string{"policy-witness-log-key.policy"}},
	{"lines about logs are skipped, since who reads the policy is the log", logPolicy, []string{
		"policy-log-alone.policy", "policy-log-witness-key.policy",
	}},
	{"members may be in several groups, or twice in one, which the specification forbids", logPolicy, []string{
		"policy-member-of-two.policy", "policy-member-twice.policy",
	}},
	{"how many are needed may be zero, and have leading zeros", logPolicy, []string{"policy-need-zero.policy", "policy-need-leading-zero.policy"}},
	{"the last of several quorums counts, though there must be exactly one", logPolicy, []string{"policy-quorum-twice.policy"}},
	{"every Unicode space separates, where the specification has spaces and tabs", logPolicy, []string{
		"policy-vertical-tab.policy", "policy-no-break-space.policy", "policy-carriage-return.policy",
	}},
	{"the last line need not end", logPolicy, []string{"policy-no-newline.policy"}},

	{"a receipt is a note to it, and its text is not looked into", notesOnly, []string{
		"receipt-hash-hex.txt", "receipt-hash-padded.txt", "receipt-hash-spare-bits.txt", "receipt-hash-standard-alphabet.txt",
		"receipt-header-space.txt", "receipt-is-checkpoint-by-receipt-key.txt", "receipt-line-between.txt", "receipt-no-origin.txt",
		"receipt-no-time.txt", "receipt-nothing-promised.txt", "receipt-origin-two-spaces.txt", "receipt-other-version.txt",
		"receipt-position-above-limit.txt", "receipt-position-alone.txt", "receipt-position-descends.txt",
		"receipt-position-leading-zero.txt", "receipt-position-negative.txt", "receipt-position-twice.txt",
		"receipt-third-column.txt", "receipt-time-comma.txt", "receipt-time-leap-second.txt", "receipt-time-lower-case.txt",
		"receipt-time-nanoseconds.txt", "receipt-time-no-such-day.txt", "receipt-time-offset.txt", "receipt-time-seconds.txt",
		"receipt-two-spaces.txt", "receipt-wrong-origin.txt",
	}},
	{"note.Open decodes signatures without looking at spare bits, of receipts too", notesOnly, []string{
		"receipt-signature-spare-bits.txt", "receipt-cosignature-spare-bits.txt",
	}},
	{"note.Open leaves out further signatures of a key, of receipts too", notesOnly, []string{
		"receipt-doubled-signature.txt", "receipt-second-signature.txt", "receipt-doubled-cosignature.txt",
	}},
}
