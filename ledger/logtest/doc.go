// Package logtest is what every log behind the ledger must satisfy, as a test
// suite: the log inside this process, and the one elsewhere.
//
// [Run] checks a log against roots computed here, from the entries, with the
// tree code of golang.org/x/mod/sumdb/tlog, which has nothing in common with
// Trillian's. It checks that
//
//   - an empty log has size 0 and the root of RFC 6962;
//   - the root is right on both sides of every size where a tree gains a
//     level or a tile is filled, up to 65537 entries;
//   - any split of the same entries into calls gives the same root;
//   - equal entries at different indexes are entries like any others;
//   - the same entry again at its index is accepted and changes nothing;
//   - other bytes at an occupied index, and an index that leaves a gap, are
//     refused and change nothing;
//   - a log that was closed and opened again goes on where it was.
//
// It does not check what a crash leaves behind: how to crash is particular to
// the log.
package logtest
