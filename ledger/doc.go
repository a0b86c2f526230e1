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
//   - With [Cosigners], the public sees a checkpoint only once a quorum of witnesses
//     has cosigned it, and the journal comes before the witnesses.
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
// With Cosigners they are asked between the journal and checkpoint.new; see below. A
// crash before the journal's line is whole leaves files longer than the last
// line says: [Open] checks the right edge against that line and cuts the rest
// off. A torn last line was never published and is cut off too. A crash after it
// leaves a signed checkpoint nobody has seen: Open publishes it before anything
// else, unless Cosigners are set. The Log may come back behind us, and gets our entries again, or ahead,
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
// # Witnesses
//
// What is published is the journalled note with the witnesses' signature lines behind
// ours. Two notes are the same checkpoint if they agree up to there: who compares notes
// leaves the cosignatures out, and at one size the file may have others than before.
//
// The witnesses are asked beside the integrating, one checkpoint at a time, so a slow one
// delays publishing alone. Below the quorum what was published stays: it goes on being
// proved from, and what came since waits. The same checkpoint is asked for again after
// a second, or a larger one, journalled first, when entries came meanwhile; some
// witnesses may then have cosigned what is never published, which contradicts nothing.
// There is no giving up and no publishing without.
//
// The journal comes first because a witness who cosigned is a witness against us: were
// it asked before, a crash could leave it with a checkpoint that we forgot, and the next
// one we sign might not continue it. So after a crash the journal is never behind a
// witness, and one that is ahead of it is evidence that we were set back. Open leaves a
// journalled checkpoint unpublished, as it cannot know whether a quorum has it, and
// shows the file as it was, if that is a beginning of what was journalled. Run asks for
// the journalled one before it signs another.
//
// A witness that refuses brings what it holds. If our key signed it and our log does not
// continue it, Run ends with a [ForkError]: somebody else signs with our key, or we were
// set back. Whoever asks for us is not believed further than that: the note that comes
// back must be the one that was asked for, and have its quorum.
//
// A cosignature says when. If nothing new comes for RefreshEvery, the published
// checkpoint is cosigned again and replaced in the file, at the same size, so that a
// stale view can be told from an idle log.
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
// # A copy
//
// A [Copy] is the log as a stranger has it, who has neither the history nor a secret:
// fetched from whoever shows it. Its directory has a layout that any web server can
// show, without knowing what it is, to any client of c2sp.org/tlog-tiles:
//
//	checkpoint                    the signed note
//	tile/<level>/<n>              256 hashes, never fewer
//	tile/<level>/<n>.p/<width>    the first of them, while there are no 256
//	tile/entries/<n>[.p/<width>]  entries, likewise
//	index/                        the log of the index, likewise
//
// A file is whole when it has its name, and then never changes. Partial ones are those
// of the sizes that were shown here, and go when the full one is shown. A checkpoint is
// kept first beside the directory, as what was seen; then each bundle is fetched, with
// its entries held against the tiles that lead to the signed root; then come
//
//	partial tiles and bundles  →  sync  →  write checkpoint.new, sync  →  rename  →
//	sync the directory  →  remove partial forms of what is full
//
// A crash leaves a copy of the checkpoint before, and files beyond it that are taken up
// once they are found to be what is signed, or fetched again. [Compare] holds each new
// checkpoint against the newest one seen: what cannot be of one log comes back as
// evidence, and the copy stays as it is. Of one log a Copy is a witness's memory, not a
// witness: it signs nothing. [Public] reads both layouts.
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
// # What stays
//
// The public directory and the journal are read for ever as they are described here, and
// lead to the same roots: testdata/histories has them as they were. The directory is
// made again from the history byte for byte.
//
// # Not promised
//
// Without Cosigners, that everybody sees the same checkpoint: Heads are asked at Open
// alone, and whoever holds the log key can sign a second history elsewhere, which only
// comparing checkpoints shows. With them, that a checkpoint is published soon: who can
// keep the witnesses from answering can delay it. That the
// entries are true. That a whole public log that was damaged far from its right
// edge is noticed at Open: Prove refuses to prove from it, and Audit finds it. On
// systems without flock the journal is not locked.
package ledger
