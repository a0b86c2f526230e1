// Package witness is who beside the ledger signs its checkpoints: a witness that a
// library or a newspaper runs, and the asking of such witnesses.
//
// # The promise
//
//   - A [Witness] cosigns a checkpoint of a log only if it continues the one that it
//     cosigned last of that log: so no two of them contradict each other, and sizes and
//     times never go back.
//   - What it answers is on the disk before.
//   - What shows that a log signed two histories is kept, in a form that convicts the
//     log without the witness.
//   - A [Circle] gives a checkpoint back only with cosignatures of a quorum of its
//     policy, and brings what witnesses hold against it.
//
// # The protocol
//
// It is c2sp.org/tlog-witness, with one prefix for submission and monitoring.
//
//	POST /add-checkpoint               request → {signature line}
//	GET  /<origin hash>/checkpoint     the note cosigned last
//	GET  /                             what it is, its keys and logs, for people
//
//	request     = "old " size LF {b64(hash) LF} LF note     at most 63 hashes
//	origin hash = lower-case hexadecimal SHA-256 of the origin
//
//	200  cosigned: a line for each key of the witness (c2sp.org/tlog-cosignature)
//	400  malformed, too long, or the old size is above the checkpoint's
//	403  no key of the log signed it, or a signature under such a key's name is wrong
//	404  the log is not witnessed here; for GET also: nothing of it was cosigned
//	405  another method
//	409  another size was cosigned last: it is the body, of type text/x.tlog.size
//	422  the proof is wrong, or at one size the root is another
//	500  the disk refused
//
// Everything is read strictly: base64 with padding and no spare bits, decimals without
// leading zeros, a newline behind each line. The checkpoint that was cosigned last is
// cosigned again with a new time, when it is sent with its own size as the old one.
// Checkpoints with extension lines are malformed here, as Daybook writes none, and the
// optional sign-subtree is not served.
//
// # The directory
//
//	lock                           held by one process
//	<origin hash>/checkpoint       the note: text, signatures of the log, cosignatures
//	<origin hash>/evidence-<n>     a proof.Evidence of the kind fork or inconsistent
//	<origin hash>/unproven-<n>     two notes, one after the other, of which the second
//	                               did not come with a path that shows its beginning
//
// At most 64 files of evidence and as many unproven pairs are kept of a log, each pair
// of notes once. Anybody can bring about an unproven pair, by sending a public
// checkpoint with a path made up: it is a reason to look, and shows nothing.
//
// # What a crash leaves
//
// Under a lock for each log: compare, then write checkpoint.new, sync it, rename it,
// sync the directory, and only then answer. A crash leaves the checkpoint before or the
// new one, whole. The new one may be one that nobody was answered; [Open] makes it
// durable before it is shown or built upon. If the renaming or the last sync fails,
// nobody knows what the disk holds, and nothing more of that log is cosigned until the
// witness is opened again. A file that does not say what this witness cosigned stops the
// start.
//
// # Asking
//
// A [Circle] sends a checkpoint to all witnesses at once, over connections that stay
// open, with the path from the size each cosigned last: its answer says if that is
// another, and it is asked once more. When a quorum has answered the rest have a moment
// more. Whoever fails is left alone for a while, longer each time. A refusal (422, or
// 409 with a size above ours) is looked into: the checkpoint that the witness shows, if
// our own key signed it, goes to the log, which compares it and stops if it is of
// another history. What else it shows counts as a cosignature not given. Of an answer no
// more is read than a note can have.
//
// # Not promised
//
// A witness does not read the log: whether its entries are true, or well-formed, it does
// not know. A witness whose directory is set back to an older copy does not notice: it
// then cosigns what contradicts what it cosigned since, so it is never restored from a
// backup but begun anew, with another key. One that is asked over plain HTTP can be kept
// from answering, but an answer cannot be forged: what is signed is verified. On systems
// without flock the directory is not locked.
package witness
