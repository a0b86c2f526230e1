// Package locallog is the verifiable log inside this process: Trillian's own
// log code, called directly, over a storage of its own in Pebble.
//
// # What it is
//
// [Log] is what the ledger needs of a log: its head, and adding entries at a
// known place. Behind it stand Trillian's log server (AddSequencedLeaves,
// GetLatestSignedLogRoot, InitLog) and its sequencer (IntegrateBatch), both
// unchanged, working on one tree of type PREORDERED_LOG. What Trillian calls a
// storage provider, log storage and admin storage both, is implemented here in
// full, for trees of that type and of type LOG, whose leaves wait in a queue
// until Trillian's signer gives them their places. A [Log] has no tree of type
// LOG; they exist so that Trillian's own suites run over this storage
// unchanged.
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
//   - [Log.Head], like whatever Trillian's server answers, speaks of a root that
//     is fsynced. A reader sees the tree as of one root, the latest that was
//     complete when it began, and waits for no writer: while an Append is under
//     way it sees the tree before it.
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
//	"L" tree "q" place identity   a leaf in the queue of a tree of type LOG
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
// A place in the queue is
//
//	i64 queued, its highest bit inverted so that places sort by time ‖ u32 n
//
// with n counting the leaves of one call, and until the leaf has an index its
// "i" key holds the place instead. Taking it from the queue, giving it its
// index and storing the tree with it are one transaction.
//
// A tile is 1 to 256 hashes of 32 bytes, flat. At level 0 they are the Merkle
// leaf hashes, and hash j of tile t at level l is the root of the perfect
// subtree over the 256^l leaves from (256 t + j) 256^l on. Only the last tile
// of a level is shorter than 256 hashes; it is written again when it grows.
// The nodes between the levels are recomputed when asked for, from one tile
// each.
//
// Directories written since the first version of this package open as they
// are: "q" keys are new, no other key or value has changed, and a test holds
// the bytes.
//
// # What is kept in memory
//
//   - The latest root and its edge, the last tile of each level, for the writer
//     and for readers alike; at most 128 KiB a tree, read once after opening.
//   - Full tiles that were read, with the nodes computed from them, the last
//     used ones up to [Config.TileCache] bytes, 16 MiB by default. A full tile
//     never changes, so it serves every transaction in whose tree it is full.
//   - Pebble's own: 32 MiB for what was written last, twice while that is
//     flushed, and 8 MiB of blocks.
//
// Finding a leaf by its Merkle hash, which [Log] never does, has no index and
// reads all the tiles of the lowest level.
//
// # What happens on a crash
//
// A transaction is one Pebble batch, written and fsynced as one: the tiles and
// the root they add up to appear together or not at all, and tiles without a
// root are refused. Pebble shows a batch to readers before its fsync is done,
// so readers are given the snapshot taken after the last one that was. Append
// is two kinds of transaction, leaves first, then their integration. A crash
// between them leaves the earlier root and leaves beyond its size, which are
// invisible until the same Append is made again: it finds them identical and
// integrates them. Because an Append never integrates beyond its own last
// entry, its root does not depend on what an interrupted one left behind.
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
// why. In a tree of type LOG a leaf queued before the clock stepped back waits
// until the clock has caught up, as Trillian wants it. An error of the disk
// while writing ends the process, since what is in memory would no longer be
// what is stored. One process opens a directory at a time.
//
// # Measured
//
// BenchmarkLog, on a virtual machine with two Intel Xeon processors of 2.0
// GHz, 23 GiB of memory and one virtual disk, ext4; entries of 600 bytes that
// do not compress. Other programs were using between a tenth and a half of the
// processors, which moves single figures by a third either way. Entries a
// second, every batch fsynced, on a log that holds so many entries already:
//
//	batch          0     100,000   1,000,000   5,000,000
//	     1     1,700       1,800       1,700         560
//	    10    15,000      12,000      13,000      11,000
//	   100    27,000      55,000      76,000      63,000
//	 1,000    63,000      85,000     109,000      88,000
//	 4,096   101,000      97,000      81,000     103,000
//	10,000    91,000      89,000     101,000      72,000
//
// With the processors nearly free, batches of 4,096 reach 126,000 on an empty
// log and 154,000 on one of 100,000. What limits them is the processor: 9 to
// 12 µs an entry, flushes and compactions included, of which hashing and
// copying are an eighth each. Below 100 it is the fsync, half a millisecond,
// and 0.4 ms of work that each Append does whatever its size.
//
// An inclusion proof of a random entry, by a call of Trillian's server in this
// process, half of them faster than the first figure and 99 of 100 faster than
// the second, in µs:
//
//	tiles in memory        100,000     1,000,000     5,000,000
//	none                179  1,236    200  2,703    209  1,385
//	the default's        82    193    126    230    116  1,190
//	all that it needs    40    175     28     99     22     79
//
// The blocks of the disk are in the system's memory throughout. The process
// takes 110 MiB after 100,000 entries and 390 MiB after 5,000,000, with the
// benchmark's own entries and what waits for the garbage collector in it.
package locallog
