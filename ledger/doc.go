// Package ledger is why the history can be believed: it anchors every entry in
// a log that anyone can read whole, and signs a checkpoint of it.
//
// # The promise
//
//   - Entry i of the log is the public part of message i+1 of the history, byte
//     for byte. A gap, or a message that is none, stops the [Anchor] with an error.
//   - A checkpoint is signed only after two computations of its root agree: ours
//     over the public directory, and that of the [Log], which shares no code with
//     it. If they differ the error is a [MismatchError] and nothing is signed.
//   - For each size there is one note, ever, and sizes never go back: a checkpoint
//     is journalled before anyone sees it, and the journal takes only what is
//     larger than all before.
//   - [Audit] checks all of it from the published files alone, with the log's key
//     and nothing else.
//
// # The public directory
//
//	checkpoint               the signed note, see proof.Checkpoint
//	tile/<level>/<n>         up to 256 hashes of 32 bytes
//	tile/entries/<n>         up to 256 entries, see proof.AppendBundle
//
// Names and contents are those of c2sp.org/tlog-tiles, except that a partial
// tile or bundle is the file its full form will be, and grows: partial width W
// is its first W hashes or entries. [Public] cuts them to what is asked for, so
// a server, a mirror and an auditor all work over the same files or a copy of
// them. Full files never change. What lies beyond the size in checkpoint is not
// published, may disappear again, and is never read. checkpoint.new is the
// temporary form of checkpoint.
//
// # The journal
//
//	journal = {line}
//	line    = size " " b64(root) " " b64(note) "\n"
//
// size is decimal, b64 the padded standard alphabet; the note's text states the
// same size and root. Lines are only appended, each larger in size, by one
// process at a time, which holds a lock on the file. The journal is what keeps
// this ledger from signing two histories after a restore, so it should live
// where no restore of the rest reaches. It can also be a [Journal], such as a
// stream in an account of its own: a message for each line, appended only behind
// the last one this process knows, so that a second process appends nothing.
// Inside the same directory the journal is allowed, and the protection ends there.
//
// # Who else has seen it
//
// [Heads] are the checkpoints others hold: a mirror's, or one that somebody
// kept. Open asks for them after it has compared journal, files and history and
// before it cuts, publishes or signs anything. Each must be signed by the key
// that entry 0 names, be no larger than the journal's last, and have our root
// at its size, which is computed from the tiles and proved to be a beginning of
// the journalled tree. Otherwise Open returns a [ForkError] with both notes.
// A journal that was restored with everything else is found out in this way
// alone.
//
// # Order, and what a crash leaves
//
// [Anchor.Run] takes what the history acknowledged in batches, gives each to the
// Log, compares, and writes bundles and tiles. When a checkpoint is due:
//
//	sync the files  →  sign  →  append to the journal, sync  →  write
//	checkpoint.new, sync  →  rename  →  sync the directory
//
// A crash before the journal's line is whole leaves files longer than the last
// line says: [Open] checks the right edge against that line and cuts the rest
// off. A torn last line was never published and is cut off too. A crash after it
// leaves a signed checkpoint nobody has seen: Open publishes it before anything
// else. The Log may come back behind us, and gets our entries again, or ahead,
// and then agrees once we have added the same ones.
//
// Open refuses, and changes nothing, when the files, the journal, the published
// checkpoint and the history contradict each other; a [DamageError] names the
// file. If the directory tile is absent while the journal has a checkpoint, the
// files are made again from the history and must lead to the journalled root.
//
// After any error Run is over and the Anchor must be opened again: after a failed
// sync nobody knows what the disk holds, except by reading it back.
//
// # A mirror
//
// A [Mirror] makes the same directory from the same history with the log's key and
// nothing secret, and shows as much of it as a checkpoint signed elsewhere covers:
// first the tree over the history's entries must have the signed root. Whoever
// serves from a Mirror has checked all that it serves. A crash leaves it where its
// checkpoint file says; it can always be deleted and made again. A mirror of a log of
// [Leaves] can ask, before it shows them, whether what was signed is true
// (MirrorConfig.Agree).
//
// # An audit
//
// Audit fetches the checkpoint, each bundle and each tile of every level, and
// computes all hashes again from the entries. Where a tile and the entries below
// it differ, the root tells which of them is wrong: if the entries lead to it the
// place named is the tile, otherwise the entry. Only the first difference is
// named. Each entry must parse, no event name, tag or label may stand twice, and
// entry 0 alone must be ledger.opened, with the origin and the key that signed.
//
// # A check
//
// [Check] is the operator's audit of a ledger that does not run. It goes the way
// of the data: each message in order, its entry and boxes; the leaf, bundle and
// tiles; the root of every line of the journal, whose signature it verifies; the
// checkpoint; what others hold; the entries and the root of the [Log]. The first
// [Difference] names the [Part] that is wrong: between a bundle and the history
// the tile's hash decides, between the files and the history the journalled root
// does. What a crash leaves is a note and no difference. [RepairJournal] is the
// one thing here that changes a file that cannot be made again, and keeps the
// old one.
//
// # Not promised
//
// That everybody sees the same checkpoint: Heads are asked at Open alone, and whoever holds the log key can sign a
// second history elsewhere, which only comparing checkpoints shows. That the
// entries are true. That a whole public log that was damaged far from its right
// edge is noticed at Open: Prove refuses to prove from it, and Audit finds it. On
// systems without flock the journal is not locked.
package ledger
