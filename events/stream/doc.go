// Package stream is the history: append and replay over one JetStream stream.
//
// # The promise
//
//   - What Append returned without an error is fsynced on a quorum of the stream's
//     servers, in order and without gaps, and stays.
//   - One batch is stored whole or not at all, and readers on the writer's side
//     never see a part of it: Replay, Read and Wait stop at the last sequence whose
//     acknowledgement this History holds. A NATS server may show a prefix of a
//     batch that is still in flight; we do not look there.
//   - Two writers never interleave. Each batch names the last sequence its writer
//     knows; the stream refuses the one who is behind, nothing of its batch is
//     stored, and that History refuses all further appends (ErrStaleWriter).
//   - Messages are numbered from 1 without a hole. A hole found on the way is a
//     GapError, never skipped.
//
// # The stream
//
// One stream (Config.Name) with one subject (Config.Subject), file storage, limits
// retention with no limit set, discard new, DenyDelete, DenyPurge, atomic publish,
// direct get, the default persist mode. Open creates it when it is absent and
// always reads the configuration back from the server; a field that would let an
// acknowledged message disappear or a sequence be skipped is refused with
// a ConfigError that names it. DenyDelete guards messages, not the stream itself:
// who may delete the stream is a matter of account permissions.
//
// # On the wire
//
// Every append is one atomic batch, even of one message, of at most MaxBatch
// messages. Message k of n carries
//
//	Nats-Batch-Id:               22 characters, random, one per batch
//	Nats-Batch-Sequence:         k
//	Nats-Expected-Last-Sequence: the writer's last sequence     (k = 1 only)
//	Nats-Batch-Commit:           1                              (k = n only)
//
// and no message id: a batch cannot be stored twice because its expected last
// sequence matches once. Only the last message asks for a reply; the server stages
// the others and judges the whole batch at the commit, so a fault in any of them is
// the answer to the commit:
//
//	{"stream":NAME,"seq":S,"batch":ID,"count":N}     stored, the last message is S
//	{"error":{"err_code":C,"description":D}, …}      refused, nothing is stored
//
// S, ID and N must be what the writer computes itself, or it stops.
//
// # When the acknowledgement is missing
//
// Append asks what became of the batch. It first sends one more message under the
// same batch id with a batch sequence no batch can have. The server handles the
// messages of one connection in order, so its refusal proves that everything sent
// before has been judged, and it abandons the batch if the commit never arrived:
// from then on nothing of it can be stored. Then the message after the last known
// one is read from the leader:
//
//	it carries our batch id          the batch is stored: Append succeeds
//	it carries anything else         another writer: ErrStaleWriter, for good
//	it does not exist                nothing is stored: ErrNotStored
//	no answer                        unknown: ErrUncertain, for good
//
// Absence proves nothing, and is ErrUncertain too, when the connection was lost in
// between (what the old one carried may still arrive) or the stream has several
// replicas (a proposal can outlive its leader). After ErrUncertain the writer is to be started again: Open takes the
// stream's state as it is then, and repeats are found by event id, not here. A
// batch that is found without an acknowledgement counts only if Config.Healthy,
// when given, has no objection: a server whose fsync failed does not answer, and
// still shows what it could not make durable.
//
// # Replay
//
// Messages are read in ranges by direct get, without their headers. A range ends
// with the number of its last message; ascending numbers that start and end right
// and are as many as they should be have no hole. A range that does not add up is
// read once more, message by message from the leader, which names the hole.
//
// # A journal
//
// OpenJournal opens a second stream of this kind, elsewhere and in an account of
// its own, for the checkpoints a ledger signed: a History of one-message batches,
// with its expected last sequence as the compare-and-swap. It is never the stream
// of the history, which it guards.
//
// # After a crash
//
// This package keeps nothing on disk and nothing in memory that Open does not read
// back. A batch in flight when the writer died is there or not; a writer that
// starts again finds it below Last.
//
// # Not promised
//
// That the servers fsync before they answer: this is the server option
// "sync_interval: always", which no stream shows. The embedded broker sets it; for
// an external cluster the operator does. Nor that a publisher with access to the
// subject is kept out; account permissions do that, and what it would store is
// found as a foreign message by the next append.
package stream
