// Package remotelog is the verifiable log elsewhere: a Trillian log server that
// somebody runs beside its signer and its database, asked over gRPC.
//
// # What it is
//
// [Log] is what the ledger needs of a log, its head and adding entries at a
// known place, done by a server's AddSequencedLeaves, GetLatestSignedLogRoot
// and GetLeavesByRange on one tree of type PREORDERED_LOG. The same history
// has the same roots here as in a log in this process, so a ledger may change
// from one to the other between two starts: what the other log lacks it is
// given again.
//
// Trillian's gRPC status codes stop at this package: no exported name mentions
// them, and errors carry their words.
//
// # The promise
//
//   - [Log.Append] returns when the server's head covers the entries given. Then
//     the server has stored them, as durably as its database does. The root is
//     its root: whoever calls compares it with a root of their own.
//   - Adding the same bytes again at an index is accepted. Other bytes are
//     refused, and so is an index that would leave a gap.
//   - What passes is waited for: a server that does not answer, one that is
//     busy, a signer that is behind. The wait between two calls grows from a
//     tenth of a second to ten. It ends with the context, or with an answer
//     that another try cannot change. Config.Delayed hears why it takes long.
//   - A request stays below the 4 MiB that a gRPC server takes by default.
//   - Without TLS a server is asked on this machine only.
//
// # The tree
//
// [Open] makes the tree where there is none, and remembers its number in a
// file:
//
//	file = "daybook/trillian-tree@1\n" tree "\n"
//
// tree is decimal, between 1 and 2^63-1. The tree's description on the server
// is the ledger's origin, and a tree that says otherwise is refused: two
// ledgers never share one.
//
// # Entries that are there already
//
// Trillian wants an identity hash that is unique in its tree; with the default,
// the hash of the entry, the second of two equal entries could never be stored
// and would stop integration for good. So the identity of an entry says where
// it stands, as in a log in this process:
//
//	SHA-256("daybook/leaf-identity@1\n" ‖ u64 index, big-endian)
//
// A server answers FailedPrecondition to a leaf whose index is taken, be it by
// the same bytes or by others, and shows no leaf that its signer has not
// integrated yet. So entries that the head covers are never added again but
// read back and compared; and entries that a server says it has, which happens
// after a crash or when an answer was lost, are read back once the head covers
// them. What is read back is the server's word for it. The root decides, and
// the caller's comparison of it.
//
// # What happens on a crash
//
// Of this process: entries may be stored that nobody asked about. The signer
// integrates them, and the head may so be ahead of the caller, who adds the
// same entries again. A crash between making a tree and writing its number
// leaves an empty tree on the server that nothing uses, and the next Open makes
// another one. Of the server, its signer or its database: calls are made again
// until they are back.
//
// # What it does not promise
//
// It is not the truth: it can be built again from the history, by removing the
// file that names the tree. A server set back to an earlier head while this
// process runs makes Append refuse, for it would leave a gap; opening the
// ledger again gives it what it lost. If the clock of the signer steps back it
// signs nothing until time is past its last root, and Append waits. Other bytes
// that this process gave a server before it crashed stay there, and Append
// refuses from then on. One process works on a tree at a time; nothing here
// holds a second one off, but the roots of two will not agree with both.
package remotelog
