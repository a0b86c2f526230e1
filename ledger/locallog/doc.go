// Package locallog is the verifiable log inside this process: Trillian's own
// log code, called directly, over a storage of its own in Pebble.
//
// # What it is
//
// [Log] is what the ledger needs of a log: its head, and adding entries at a
// known place. Behind it stand Trillian's log server (AddSequencedLeaves,
// GetLatestSignedLogRoot, InitLog) and its sequencer (IntegrateBatch), both
// unchanged, working on one tree of type PREORDERED_LOG. What Trillian calls
// a storage provider, log storage and admin storage both, is implemented here
// in full for that type; a tree of type LOG can be created and read, and
// whatever would queue leaves for it answers Unimplemented.
//
// Trillian's flags, its process-wide metrics and klog output, and its gRPC
// status codes stop at this package: no exported name mentions them, errors
// carry their words without their codes, and klog writes nowhere from the
// first [Open] on.
//
// # The promise
//
//   - [Log.Append] returns after the entries, their tree and its root are
//     fsynced. The root is the RFC 6962 root of exactly the entries given, in
//     their order, whatever the split into calls.
//   - An entry is never replaced: adding the same bytes again at an index is
//     accepted, other bytes are refused, and so is an index that would leave a
//     gap.
//   - A clock that steps back does not stop the log. Trillian refuses a root
//     that is not younger than the last, so the time it is given is the later
//     of the clock and one nanosecond after the last root.
//
// # Format
//
// All integers are big-endian. Keys in Pebble:
//
//	"T" tree                      the tree's record, a trillian.Tree message
//	"L" tree "h"                  the latest root, a LogRootV1 as Trillian serializes it
//	"L" tree "l" index            a leaf
//	"L" tree "i" identity         the index of the leaf with that identity
//	"L" tree "t" level tileindex  a tile
//
// where tree, index and tileindex are u64 and level is u8. A leaf is
//
//	i64 queued ‖ i64 integrated ‖ merkle leaf hash (32)
//	‖ u8 n ‖ identity (n = 0 or 32) ‖ u32 m ‖ value (m) ‖ extra data (the rest)
//
// with times in nanoseconds since 1970. Trillian wants an identity hash that
// is unique in its tree; with the default, the hash of the entry, the second
// of two equal entries could never be stored and would stop integration for
// good. So the identity of an entry of [Log] says where it stands:
//
//	SHA-256("daybook/leaf-identity@1\n" ‖ u64 index)
//
// A leaf with this identity needs no proof that it is unique: n is 0, and
// there is no "i" key. Other identities are stored and looked up.
//
// A tile is 1 to 256 hashes of 32 bytes, flat. At level 0 they are the Merkle
// leaf hashes, and hash j of tile t at level l is the root of the perfect
// subtree over the 256^l leaves from (256 t + j) 256^l on. Only the last tile
// of a level is shorter than 256 hashes; it is written again when it grows.
// The nodes between the levels are recomputed when asked for, from one tile
// each. The last tile of each level is kept in memory for the writer.
//
// # What happens on a crash
//
// A transaction is one Pebble batch, written and fsynced as one: the tiles and
// the root they add up to appear together or not at all. Append is two kinds
// of transaction, leaves first, then their integration. A crash between them
// leaves the earlier root and leaves beyond its size, which are invisible
// until the same Append is made again: it finds them identical and integrates
// them. Because an Append never integrates beyond its own last entry, its
// root does not depend on what an interrupted one left behind.
//
// The leaves are written to the same write-ahead log as the integration, and
// before it, so one fsync covers both.
//
// # What it does not promise
//
// It does not sign, does not check entries, and is not the truth: it is built
// from the history and may be deleted and built again. If the history was
// rolled back under it, Append refuses the other bytes and stays refused;
// deleting its directory is then the operator's decision, after finding out
// why. An error of the disk while writing ends the process, since what is in
// memory would no longer be what is stored. One process opens a directory at
// a time.
package locallog
