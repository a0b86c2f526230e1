// Package client reads a ledger over HTTP: the public log's files, proofs,
// entries and the ledger's own description. It links no database.
//
// # Promise
//
// Nothing a server answers is believed or kept: an answer has a size limit that
// fits what it can be, a proof is parsed strictly, and no method of [Client] verifies
// anything, which is for package proof with a key from elsewhere. [Client.Read]
// serves whoever audits a public log, as from a directory.
//
// # A trail
//
// [Trail.Collect] follows a trail card to the end of everything it opens, and returns
// what it found as a proof.Bundle that it has verified: that is the one thing here
// that is believed. It asks the index for tags until [proof.LookAhead] of them are
// absent, reads the entries, opens what is sealed in them, and follows the hidden
// trails whose keys it finds there. All answers of the index must be at one leaf; when
// it goes on meanwhile, asking begins anew.
//
// What is learned by who answers:
//
//   - The files of the log: which bundles of 256 entries were read. Of a copy of the
//     whole log, nothing.
//   - The index, by ranges: how the labels of the tags begin. At least 256 tags begin
//     so, and enrolments are asked for in the same way. Somebody with the keys of all
//     persons who sees many ranges can tell whose tags lie in each.
//   - The index, padded: 64 tags at a time, at most half of which are hers. The others
//     are of the newest entries, or nobody's, chosen by her key and so the same each
//     time. Somebody with the keys of all persons knows hers among them.
//   - The slots: which entries are of one person. Without them nothing is opened that
//     was not before.
//
// The card is not sent to anyone.
//
// What was published behind the last leaf of the index is read too, whole, up to
// 16,384 entries: a [Tail] says whether any of it is hers. So an old state of the index
// hides nothing, from somebody who looks for the first time either.
//
// What was proved before is compared: both logs must go on from the checkpoints in it,
// and no event of hers may be missing from the index. A [Misbehaviour] has what shows
// it to others, if anything does.
//
// # Errors
//
// A 404 is fs.ErrNotExist; any other refusal is a [*Refusal] with its status and
// the problem's detail; whatever else goes wrong is the error of net/http.
// Nothing is tried again: the caller knows how long it wants to wait.
//
// # Crash
//
// It writes nothing.
package client
