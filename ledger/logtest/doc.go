// Package logtest is what every log behind the ledger must satisfy, as a test
// suite: the log inside this process, and the one elsewhere.
//
// [Run] checks a log against roots computed here, from the entries, with the
// tree code of golang.org/x/mod/sumdb/tlog, which has nothing in common with
// Trillian's. It checks that
//
//   - an empty log has size 0 and the root of RFC 6962, and takes no empty
//     entry;
//   - the root is right on both sides of every size where a tree gains a
//     level or a tile is filled, up to 65537 entries;
//   - any split of the same entries into calls gives the same root, also when
//     one call is larger than one gRPC message;
//   - entries are bytes: those that look like a leaf, a node or a message are
//     entries like any others, and equal ones at different indexes are too;
//   - the log keeps none of the caller's memory;
//   - the same entry again at its index is accepted and changes nothing;
//   - other bytes at an occupied index, and an index that leaves a gap, are
//     refused and change nothing;
//   - the same entries from several sides at once are accepted from each;
//   - a head read while entries are added is one the log had, and heads do not
//     go back;
//   - a call given up can be made again;
//   - a log that was closed and opened again goes on where it was.
//
// After every step an auditor reads the head. From a log that is a [Prover] it
// also asks for inclusion and consistency proofs, at sizes past and present,
// and for entries, and verifies them against its own roots.
//
// It does not check what a crash leaves behind: how to crash is particular to
// the log.
package logtest
