// Package trail is why nothing about you is missing: the completeness index of a
// ledger.
//
// # The promise
//
// Each tag in a public entry, and the label of each person who is enrolled, stands in
// one of two prefix trees, and the roots of both stand in a log of their own. Who
// knows the tags that her events would have asks the index for all of them and for
// the next ones: it answers with what is there, and shows that what is not there is
// not there. It computes nothing from secrets. Anyone makes the same trees from the
// public entries alone ([Audit]), and two roots for one size of the ledger convict
// whoever signed them.
//
//   - What a leaf of the log says follows from the first entries of a ledger's
//     published log: as many as it names, whose root it names too.
//   - For each position of the log there is one leaf, ever, and sizes ascend.
//   - There is a leaf for everything new at most a second (Config.Every) after the
//     last one and what computing takes, and none without news.
//   - An answer is of one published leaf, the newest that is published; what the
//     ledger has taken up since is not in it.
//   - A tag or a label that stands twice stops the index with a [DuplicateError];
//     nothing is overwritten.
//
// The hashing, the form of a leaf and that of an answer are in package proof
// (TagLabel, PersonLabel, IndexValue, BuildTree, IndexLeaf, IndexProof).
//
// # The trees
//
// Both lie in one Pebble database, in label order, which is the order of the tree:
//
//	"t" ‖ label, "l" ‖ label   u64 position ‖ value          an item
//	"T", "L" ‖ depth ‖ path    u16 ‖ u16 ‖ hashes            a page
//	"state"                    format, both roots, how many items, and the
//	                           right edge of the ledger's own tree
//	"m" ‖ u64 size             of a mirror: the leaf that the trees lead to there,
//	                           until that is shown
//
// Numbers are big-endian. A page stands for a subtree of more than 32 items whose
// labels begin with the same path of so many digits of four bits. It holds the hash
// of the node over the items with each next digit, after two sets of bits: which
// digits have items, and which have a page. Of smaller subtrees nothing is kept: they
// are read and hashed again. What is stored is a function of the items alone, in
// whichever batches they came.
//
// A batch goes down the tree once, in label order, so that each page it meets is read,
// hashed and written once; it is committed with the state and the ledger's right edge,
// whose root must be the published one where the batch ends at a checkpoint. So an
// entry that a disk garbled is never indexed.
//
// # The log
//
// The log of the index is a C2SP log as the ledger's, with the origin
// <origin>/index and the index key that entry 0 names, in the same layout below
// index/ of the public directory. A [ledger.Anchor] makes it: the second computation,
// journal, tiles and publishing are those of the ledger. Its history is the journal of
// leaves: a [LeafFile], or a stream of its own.
//
//	publish the ledger  →  add to the trees  →  leaf: journal, sync  →
//	integrate twice, compare  →  tiles, sync  →  sign  →  journal, sync  →  publish
//
// With witnesses (Config.Cosigners) they are asked before it is published, as those of
// the ledger are. An answer has the newest cosignatures of its checkpoint: by them it is
// told from one of an index that stands still.
//
// # What a crash leaves
//
//   - After the ledger's checkpoint: trees behind it. They are brought up to it.
//   - After a batch: nothing or all of it, since it is one Pebble batch. Batches are
//     not synced: what a power cut takes back is computed again.
//   - While a leaf is written: a part of a line, which is cut off. That leaf was
//     nowhere else. After it is durable, the same leaf is integrated at the next
//     start, and the trees must lead to it.
//   - From there on, what package ledger says.
//
// If the trees are lost they are computed again from the public entries, up to the
// last leaf, and must have its roots: otherwise the index stops with an error, as it
// does when the trees that are there have not got them. A log beside us that is lost
// gets its leaves back. If the journal of leaves is lost, what was signed of it is
// taken back out of the public files, all of which must lead to the journalled root.
//
// # A mirror
//
// A [Mirror] makes the same trees from a ledger as it is mirrored here, and the same
// index log from the leaves that somebody shows, with nothing secret. It shows a
// checkpoint once its key is the one that entry 0 names here, the leaves lead to its
// root, those shown before are the first of them, and each new leaf has the ledger's
// root and both trees' roots as the entries here lead to them: the ledger here must
// have come so far. A leaf that is signed and wrong, or has nothing new, is a [Violation], and ends it, as
// do two roots for one size; nothing of that is shown.
//
// A crash leaves what is shown where its checkpoint file says, and the trees there,
// behind it or further. Trees behind it are brought up to it. Trees that are further
// have noted what they were at each leaf that is not shown yet, so that each is still
// checked; there are no answers until the last leaf they were led by is shown. Trees
// and files can be deleted, each by itself, and are made again.
//
// # Memory
//
// Pebble's cache (Config.Cache, 128 MiB) and its memtables (32 MiB), and a batch: at
// most 32,768 items and an entry's more. It does not grow with the ledger. An answer
// shows at most [MaxAsked] labels and ranges and [MaxShown] items.
//
// # An audit
//
// [Audit] computes ledger and index again from the files of anyone who shows them. It
// reads the checkpoint of the index, then that of the ledger, then each file of both
// once, the leaves beside the entries they cover. The ledger's root in a leaf is
// compared at once. Items are kept in temporary files, sorted by the first byte of
// their labels, each with the leaf that covers it first. Then each of these 256 parts
// grows in memory from leaf to leaf, and what its node was as of each leaf where it
// changed goes to a file; and then the nodes above the parts are computed for one leaf
// after the other, and their roots are compared. So each node is hashed once for each
// leaf that changes it, nothing is looked for on a disk, and an index may have as many
// leaves as it has items.
//
// In memory there are at once, for each processor, one part of 300 bytes for each
// item; before, 32,000 bytes for each part; and some 50 bytes for the name of each
// event, which stands once, too. A million entries with a tag each take 110 MB, and
// 75 MB of the disk.
//
// What is wrong is a [Violation]. It is one only if both logs are otherwise whole, so
// that a damaged copy accuses nobody, or if there is evidence, which needs nothing
// else. Evidence can be made of
//
//   - a tag or a label that stands twice: both entries;
//   - a leaf that does not cover more than the one before: both;
//   - a leaf with another root than the checkpoint that is published, of one size;
//   - a wrong root of a tree, if it is that of the tree without one item new in the
//     leaf, or with it at the place of another new entry: this tree, pruned to the
//     item, and the entry.
//
// Of a tree that is wrong otherwise a root alone does not show where: then whoever
// doubts the finding audits as well, or the person whom it concerns asks for a proof
// of her tag, which is signed.
//
// # Not promised
//
// That everything was recorded: the index speaks of what was. That a tag belongs to a
// person who was enrolled, since only keys lead from one to the other. That everybody
// is shown the same log of the index: for that compare checkpoints, or ask witnesses.
// That an index is as new as the ledger: a leaf says up to which size it speaks.
package trail
