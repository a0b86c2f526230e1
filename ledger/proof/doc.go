// Package proof is what anyone can check about the log with no server: that a
// checkpoint was signed by the log, that an entry stands at a position of it,
// that one checkpoint extends another, and that a receipt was given.
//
// # Promise
//
// Every format here has exactly one encoding of each value. A parser refuses
// whatever its formatter would not write, so for every input x that parses,
// Format(Parse(x)) is x byte for byte: two people who hold the same statement
// hold the same file, and a changed byte is a changed statement or an error.
// The functions are pure. They read no clock, file or network, keep no state,
// and no input makes them panic or run long: lengths are bounded before
// anything is decoded.
//
// # Formats
//
// All text is UTF-8 and every line ends in one newline (U+000A), the last
// included. A number is decimal without sign or leading zero and at most
// [MaxSize]; a position (the zero-based index of an entry) is below it. A name
// has no Unicode space, control character or plus; an origin is a name of 1 to
// 200 bytes. "b64" is the padded standard alphabet of RFC 4648 section 4,
// "b64url" the one of section 5 without padding, both with zero spare bits.
//
//	note       = text NL signature {signature}      at most 64 KiB, 100 signatures
//	signature  = "— " name " " b64(key hash ‖ signature bytes) NL
//
// A note (c2sp.org/signed-note) is refused unless each of its signature lines
// equals its own re-encoding, those of unknown keys included, and unless the
// expected key signs it once. No key may appear twice. Lines of unknown keys
// are otherwise ignored, as that specification demands: whoever passes a note
// on may add or drop them, and this package says nothing about them.
//
//	checkpoint = origin NL number NL b64(root) NL
//
// A checkpoint (c2sp.org/tlog-checkpoint, without extension lines) is the note
// text that states the size and the RFC 6962 root hash of the log. The name of
// the signing key is the origin. Of size 0 only the root of the empty tree is
// accepted.
//
//	cosignature = "— " name " " b64(key hash ‖ u64 seconds since 1970 ‖ signature) NL
//
// A witness cosigns a checkpoint with a line of its own beside the log's
// (c2sp.org/tlog-cosignature), by an Ed25519 key (type 0x04, over "cosignature/v1" NL
// "time " seconds NL and the text) or an ML-DSA-44 key (type 0x06, over the structure
// cosigned_message of the whole tree). It says that at that time it knew no larger
// checkpoint of the log. The time is not zero.
//
//	policy     = {line NL}                          at most 64 KiB, 64 logs, 64 witnesses and groups
//	line       = "log " vkey [url] | "witness " name " " vkey [url]
//	           | "group " name ("all" | "any" | number) name {name} | "quorum " name
//
// A policy (c2sp.org/tlog-policy) says whose cosignatures a checkpoint needs. As a
// file it may have blanks, comments and addresses; where another format holds one, it
// is in the one form of [Policy.Text]: witnesses, groups with a number, the quorum.
// [Policy.Check] refuses a line under the name and hash of a witness that it did not
// make.
//
//	proof      = "c2sp.org/tlog-proof@v1" NL
//	             ["extra " b64(entry) NL]
//	             "index " position NL
//	             {b64(hash) NL}                     at most 63, leaf to root
//	             NL
//	             note                               whose text is a checkpoint
//
// A proof (c2sp.org/tlog-proof, at most 256 KiB) carries the bytes of the entry
// as extra, so that one file can be verified alone. The specification leaves
// extra unauthenticated; [Proof.Verify] hashes it as the leaf, and nothing in
// it may be believed before that succeeds. A proof without extra parses and
// does not verify.
//
//	receipt    = "daybook/receipt@1" NL
//	             "origin " origin NL
//	             "time " time NL                    2006-01-02T15:04:05.000Z
//	             line {line}                        positions ascend strictly
//	line       = position " " b64url(SHA-256 of the entry) NL
//
// A receipt is the note text that promises positions to entries. Its key is
// named origin "/receipt" and signs nothing else. Its second line is never a
// number, so no checkpoint parser takes it for a checkpoint. The time is UTC
// with exactly three decimals. The hash is over the bytes of the entry alone;
// the leaf hash of the log has the prefix RFC 6962 gives it.
//
//	presentation = canonical JSON, at most 768 KiB, of the members
//	  $            "daybook/presentation@1"
//	  disclosures  list of RFC 9901 disclosures in base64url, sorted as text, none twice
//	  eventKey     b64url(k_i), 32 bytes
//	  proof        the text of a proof
//
// A presentation is one event that the person whom it concerns gives to somebody.
// [Presentation.Verify] shows that the log has the entry, that the key is of one of
// its tags, HMAC-SHA256(k_i, "tag")[:16], and that the entry commits to each
// disclosure. k_i is a leaf of her root key: it leads to no other event of hers.
// Of an entry that names several, or of a part of a bulk event, it shows hers alone.
//
// The completeness index says what is not in the log. It has two prefix trees, one
// over the tags of all entries and one over all enrolments:
//
//	label   = SHA-256(0x01 ‖ tag), or SHA-256(0x02 ‖ VRF output)
//	value   = SHA-256(u64 position ‖ leaf hash of the entry there)
//	leaf    = H(value, 256, label)
//	inner   = H(SHA-256(left ‖ right), bits, the bits that all labels below begin with)
//	root    = inner with 0 bits; H(SHA-256(0x00), 0, 0…) of an empty tree
//	H(v, n, p) = SHA-256(v ‖ SHA-256(u32 n ‖ p, 32 bytes with zeros behind n bits))
//
// with left and right by the first bit that differs, and in place of the root's
// missing child H(H(SHA-256(0x00), 0, e), 0, e), e being 32 times 0x01. That is the
// configuration whatsapp_v1 of akd without epochs, as filippo.io/torchwood/prefix
// v0.9.0 has it.
//
//	pruned  = 0x00                                  no child, below the root alone
//	        | 0x01 hash                             nothing is shown
//	        | 0x02 u8 bits, path bytes, value       a prefix is shown, no child
//	        | 0x03 label, value                     a leaf
//	        | 0x04 u8 bits, pruned, pruned          both children are shown
//
// A pruned tree (at most 4 MiB) answers for any labels, there or not, and for all
// labels with a common beginning. The path of a node that shows its children is the
// beginning of the labels below, of which at least one is shown.
//
//	index leaf  = "daybook/index@1" NL number NL b64(ledger root) NL
//	              b64(root over tags) NL b64(root over enrolments) NL
//	index proof = "daybook/index-proof@1" NL index leaf {b64(hash) NL}
//	              ["tags " b64url(pruned) NL] ["labels " b64url(pruned) NL]
//	              NL note
//
// The index log is a log of such leaves under the origin and key name origin
// "/index". An index proof shows that the leaf is the last of it, and what the trees
// of that leaf have.
//
//	card    = "daybook/card@1" NL "log " vkey NL "index " vkey NL
//	          "vrf " b64url NL "url " url NL "scheme " scheme NL
//	          {"gone " generation " " b64url(VRF proof) NL}
//	          {"trail " generation " " first " " b64url(K) " " b64url(VRF proof) NL}
//	          "next " b64url(VRF proof) NL NL policy
//
// A card (at most 6,144 bytes) is what a person holds: the ledger's keys and policy
// (c2sp.org/tlog-policy), and for each generation of her trail, from 1, its root key
// and the number of its first event, or that its keys are destroyed. A VRF proof
// (C2SP vrf-r255, 80 bytes) gives the label, and with the identifier, which is not in
// the card, shows that it is the label of it. As a link it is url "/trail#"
// b64url(card).
//
//	trail bundle = "daybook/bundle@1" NL {held}     positions ascend strictly
//	               "nodes " b64url({hash}) NL NL
//	               note                             of the ledger's checkpoint
//	               index proof
//	held         = position NL entry NL {disclosure NL}
//
// A trail bundle (at most 64 MiB) is what a person keeps: entry 0, the enrolments of
// the generations on her card, every entry about her and the heads of those that are
// parts, and nothing else, each with the private fields that she has opened, which
// are the JSON texts of RFC 9901 disclosures. The nodes are all the hashes that lead
// from these entries to the checkpoint's root, and that show that the ledger the
// index leaf speaks of is its beginning: those of full subtrees without one of the
// entries, from left to right, each once ([EntryNodes]). [Bundle.Verify] shows, to
// who has the card, that both checkpoints are cosigned as its policy needs; that each
// tag of her trail from the first on is in one of the entries, in ascending positions and where the index has it; that the next
// [LookAhead] tags of every generation are in none; that the generations are
// enrolled with the keys of the card, and which one is not. A hidden trail whose key
// an event.disclosed gave her is followed in the same way, has as many tags as
// that says, and begins with the seal.placed that it names. It holds none of her keys, and all that they open.
//
//	tile       = "tile/" level "/" number3 [".p/" width]
//	bundle     = "tile/entries/" number3 [".p/" width]
//	number3    = {"x" 3digit "/"} 3digit            no leading "x000"
//
// Tiles and entry bundles are those of c2sp.org/tlog-tiles: level 0 to 63, 256
// hashes or entries when full, and a width of 1 to 255 when partial. In a
// bundle each entry follows its length as a big-endian 16-bit number. An entry
// has 1 to 65,535 bytes.
//
// Verifier keys are the strings of golang.org/x/mod/sumdb/note,
// "name+hash+keydata", in the one form [ParseVerifierKey] accepts.
//
//	closure  = head {line} end             each canonical JSON, with a newline
//	head     "$" "daybook/closure@1", origin, reading (position of the ledger.read), size
//	line     at (position), and as the entry has it: enrols, mark, tags
//	  enrols   list of {generation, label (b64url, absent when the keys are destroyed), trail}, by trail
//	  tags     list of {counter, trail}, in the order of the entry
//	  mark     {kind, trail}: which trail a seal.placed opens as a hidden one, or a seal.lifted,
//	           key.shredded or trail.rotated has the last tag of
//	end      lines, stopped (why it is not whole, or ""), tags
//
// A closure is what a ledger tells an auditor in confidence: whose every tag is. Each
// trail has a name of 16 random bytes, b64url, in that closure alone. [Closure] holds
// it against the public log: every tag is the next of exactly one trail, every trail
// is enrolled before, and every enrolment is of one trail. The labels of erased
// persons are not told apart within one entry: nobody can any more.
//
//	evidence = canonical JSON, at most 1 MiB, of "$", kind, opened and what its kind has
//	  $         "daybook/evidence@1"
//	  kind      see below
//	  opened    the text of a proof of entry 0, which names the index and receipt keys; may be absent
//	  notes     list of signed notes
//	  proofs    list of the texts of proofs of entries
//	  leaves    list of the texts of proofs of leaves of the index log
//	  tags      b64url of a pruned tree whose root the last leaf states; labels likewise
//	  entry     b64url of an entry, with its path (list of b64url) and position below
//	            the ledger root that the last leaf states
//	  root      b64url(K), the root key of a trail
//	  numbers   list of the numbers of events of that trail, ascending, from 1
//	  beginning b64url of the root that the larger log has at the smaller size, and the path from
//	            there to the larger root
//
// # What stays
//
// The formats are frozen: what was well-formed once and verified does so for ever, as
// the files in testdata/histories have to, which residents kept. Another version of a
// format has another first line, and a reader of its own beside this one.
//
// # Misbehaviour
//
// Two validly signed checkpoints of one size with different roots are a
// [Fork]: a value that carries both notes, which anyone with the log's key can
// check again.
//
// [Evidence] is the same for all that can be shown to a stranger: statements that
// were signed and cannot stand beside each other. What it needs is the log's key. The
// others are found in entry 0, which the log key signed; what the index says about
// itself needs the index key alone, and then opened may be absent.
//
//	fork             2 notes: checkpoints of one log, or of the index log, of one size with two roots
//	inconsistent     2 notes, beginning, path: checkpoints of one log, the larger of which begins with
//	                 another root than the smaller states
//	two-entries      2 proofs, by one key: other entries at one position, whatever the sizes
//	duplicate-event  2 proofs: one event name at two positions
//	duplicate-tag    2 proofs: one tag at two positions
//	duplicate-label  2 proofs: a person enrolled at two positions
//	receipt-broken   1 note, 1 proof: a receipt promises the position to another entry
//	receipt-late     2 notes, 1 proof: a receipt, and a checkpoint that is too small for it, which
//	                 witnesses without whom there is no quorum cosigned more than MergeDelay later;
//	                 the proof is of the witness.added or witness.removed with the policy that says
//	                 so, within that checkpoint
//	index-root       1 note, 1 leaf: a checkpoint of the ledger, and a leaf that states another root
//	                 of the same size
//	index-back       2 leaves: the later one covers no more of the ledger
//	index-tag        1 leaf, tags, entry: an entry below the leaf's own ledger root, and its tag is
//	                 not in the tree, or with another value
//	index-label      1 leaf, labels, entry: likewise of an enrolment
//	gap              1 leaf, tags, root, 3 numbers: the tree has the first and the third tag, and not
//	                 the second
//	order            2 proofs, root, 2 numbers: the later event of a trail does not stand behind the
//	                 earlier
//	not-enrolled     2 proofs, root, 1 number: an event of a trail stands before the entry that commits
//	                 to the trail's root key
//
// Of all of these receipt-late alone rests on somebody else. A witness that cosigns knows
// nothing larger, so by the policy that the ledger recorded nothing larger was published
// then. Since that entry the policy may be another: witnesses that are not asked any more
// cosign the old checkpoint anew for whoever shows it to them. It is a reason to ask the
// ledger for a checkpoint of that time which holds the entry, or a later change of its
// witnesses; either ends the matter.
//
// The last three give the root key away: an event key shows neither its number nor
// that two of them are of one trail. Who has K opens every event of that generation,
// so such a file is for a court or an auditor rather than for everybody. Nobody but
// the ledger can make such a file of a ledger that did nothing: tags have 128 bits,
// so no key is found for a tag that is there. A first event that is missing is no
// gap: which event a generation begins with is not public.
//
// Two checkpoints of different sizes that are not consistent show nothing by
// themselves, since a proof that would join them may just be missing. What shows it
// are the tiles of the larger one, which lead to another root at the smaller size: that
// is inconsistent. Who was refused them has only the refusal. Nor can a stranger be shown that a person
// was given two trails, that a trail was never enrolled, or that the index has a tag
// that no entry has: the first is seen with the card, the others by whoever reads the
// whole log.
//
// # Explanations
//
// Each verification has an Explain beside it, which says as [Step]s how a file leads
// from its bytes to the signatures, or where it does not: what was hashed and with which
// result, so that anybody can compute it again. A step fails when the function that
// verifies says so; if the steps and the verdict ever come to different ends, the last
// step is that.
//
// # Spot checks
//
// [Sample] draws which entries an auditor has opened, by the text of a checkpoint that
// comes after the auditor said over which entries. Who signs checkpoints chooses what
// to record before, and so has some choice of the sample, as far as no witness
// cosigned what was recorded until then.
//
// # Crashes
//
// Nothing is written, so a crash here loses nothing.
//
// # Not promised
//
// A proof shows that the log holds an entry, not that the entry is true, nor
// that the log shows everyone the same history: for that compare checkpoints
// with others or ask witnesses. A cosignature is the word of its witness, and several
// are that of several; whether these are independent, who chose the policy must know.
// A presentation does not show who gave it away:
// whoever got the file can pass it on. A trail bundle shows that nothing is missing
// of what was recorded under her trail, not that everything was recorded, nor what a seal hides that stands; and
// that its labels are hers only with the identifier ([Card.CheckIdentifier]).
// A verifier must be given the log's key, and a policy, by a way it trusts.
package proof
