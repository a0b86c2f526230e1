// Package verify is the verifier of people who have no program: TypeScript that a
// browser runs, and the tests that hold it against package ledger/proof.
//
// # Promise
//
// What a file shows to who trusts a key, a card or a policy is judged here a second
// time, by other code in another language, from the formats that ledger/proof and
// events document. Both come to the same verdict on every file: the tests ask both
// about all vectors, and about thousands of files that were changed in one place. A
// file that is not valid for one and valid for the other is a fault of one of them.
//
// Verifying nothing is never valid. What could not be checked is called unchecked:
// without a key, with a key of an unknown type, or where a cosignature of ML-DSA-44
// would be needed, which is not checked here and counts as not given; the page of a
// trail counts one that is there, and says so. Where fewer cosigned than a policy asks
// for, the verdict is incomplete: an honest ledger that lost a witness looks like one
// that shows a person something else than others.
//
// # What it is
//
//	core.ts        verify(file, trust) tells what was checked and what was not, in words and
//	               with the arithmetic; check(format, file, trust) says only why not
//	account.ts     what is told
//	primitives.ts  hashes and signatures, by noble; crypto.ts what they are used for
//	bytes.ts       strings of bytes, base64, UTF-8, numbers: one spelling each
//	note.ts        signed notes, keys, checkpoints
//	tree.ts        the tree of RFC 6962
//	json.ts        JSON in its canonical form
//	entry.ts       entries and disclosures; grammar.ts their values; kinds.ts, generated, the kinds
//	proof.ts receipt.ts prefix.ts indexproof.ts card.ts bundle.ts trail.ts evidence.ts policy.ts
//	               the formats of their names
//	page/ trail/   the pages: verify.html, one file that can be kept, and what /trail runs
//	noble/         hashes and curve arithmetic by others, unmodified, with a list of hashes
//
// It needs neither document nor network, no clock, no WebCrypto and no text decoder:
// it runs wherever JavaScript of 2020 does. Text is read byte by byte, so that no
// engine's tolerance counts. Cheap checks come before signatures.
//
// # How it is built
//
// Package build bundles core.ts to ../dist/verify.js, whose only global is daybook, and
// the pages beside it. The files are committed, so building the daybook program needs no
// compiler of TypeScript, and a test fails when they are stale:
//
//	go test ./api/web/verify -run Dist -update
//
// esbuild leaves types out unread. They are checked by make check, with TypeScript's
// compiler in Go and the options in tsconfig.json.
//
// # Crashes
//
// Nothing is written, so a crash here loses nothing.
//
// # Not promised
//
// That the page a server gives out is this one: its hash is in the ledger, and a copy
// that was kept does not change. The words of reports may change at any time. Keys,
// cards and files stay where the page is; what else runs there could read them. The
// arithmetic takes as long as it takes: nothing here is secret from who measures it.
package verify
