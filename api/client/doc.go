// Package client reads a ledger over HTTP: the public log's files, proofs,
// entries and the ledger's own description. It links no database.
//
// # Promise
//
// Nothing a server answers is believed or kept: an answer has a size limit that
// fits what it can be, a proof is parsed strictly, and no method of [Client] verifies
// anything, which is for package proof with a key from elsewhere. [Client.Read]
// serves whoever audits a public log, as from a directory. [Published] reads one of
// which every byte is verified.
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
// # What is remembered
//
// A [Memory] is a ledger as somebody knows it: its keys, of which the log's came from
// elsewhere, whose cosignatures its checkpoints need, and the last checkpoints that
// were accepted of it and of its index. [Memory.Meet] holds what the ledger shows now
// against them, by its signed tiles ([ledger.Compare]): of one size with another root,
// or larger with another beginning, is evidence that a stranger can verify; smaller is
// refused. Only when all of that is right, and the policy is met, does the memory go on.
// So whoever used a ledger once cannot be shown another history later, and whoever
// compares memories, or files by [Memory.See], finds out that two were shown two; of one
// size also where no ledger answers ([Memory.Hold]). What
// the ledger showed before it was first met, nothing here knows.
//
//	context = "daybook/context@1" NL "url " url NL "log " vkey NL
//	          "index " vkey NL "receipt " vkey NL
//	          NL policy                        proof.Policy.Text
//	          NL checkpoint                    a signed note
//	          [NL index checkpoint]            a signed note
//
// It is parsed strictly (at most 256 KiB): refused is whatever would be written
// otherwise, and a checkpoint that the key beside it did not sign. [Memories] are files
// NAME.context in a directory, readable by their owner only. What is kept of a
// misbehaviour stands beside them, as NAME-<hash>.evidence.
//
// # Errors
//
// A 404 is fs.ErrNotExist; any other refusal is a [*Refusal] with its status and
// the problem's detail; whatever else goes wrong is the error of net/http.
// Nothing is tried again: the caller knows how long it wants to wait.
//
// # Crash
//
// Nothing is written but memories. A memory is replaced as a whole: a crash leaves the
// old one or the new, and perhaps a file .new-* that nothing reads. It is used under a
// lock that ends with the process, on systems that have flock; the empty file NAME.lock
// stays. Two processes at once therefore go on one after the other, and neither sets
// back what the other has seen.
package client
