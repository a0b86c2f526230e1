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
// a ConfigError that names it, and so are fewer replicas than Config.Replicas, which
// it creates the stream with. DenyDelete guards messages, not the stream itself:
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
//	it does not exist                see below
//	no answer                        asked again, for Config.Patience
//
// Absence proves that nothing is stored, ErrNotStored, when one server alone has the
// stream and the connection to it was never lost. Otherwise it proves nothing: what
// an old connection carried may still arrive, and a proposal can outlive its leader.
// Then the same batch is sent again under its own id. It names the same last
// sequence, so of all its sendings the stream takes one; and should two of them mix
// on their way, they are the same messages. A sending that is refused settles
// nothing by itself: the message after the last known one is read again. A batch that
// nobody received, because the servers are choosing a leader, is sent again likewise,
// and is ErrNotStored after Config.Patience.
//
// What is still unknown after Config.Patience is ErrUncertain, for good. The writer is
// to be started again then: Open takes the stream's state as it is by that time, and
// repeats are found by event id, not here. A batch that is found without an
// acknowledgement counts only if Config.Healthy, when given, has no objection: a
// server whose fsync failed does not answer, and still shows what it could not make
// durable.
//
// # Several servers
//
// [Connect] leads to servers elsewhere. A stream on three of them goes on while two
// are there. Reads that fail because a server is away, or because one that answers
// has not caught up, are repeated for Config.Patience, from where they stopped; on
// several servers that includes a hole, which may be a replica's alone.
//
// A [Follower] reads beside the writer. It sees the stream only up to what it was
// told is settled, since a server may show a batch before it is acknowledged.
// [Inspect] says what can be seen of the servers' side of the promise, and what not.
//
// # Replay
//
// Messages are read in ranges by direct get, without their headers. A range ends
// with the number of its last message; ascending numbers that start and end right
// and are as many as they should be have no hole. A range that does not add up is
// read once more, message by message from the leader, which names the hole.
//
// With Config.Tail the last messages appended are kept in memory and replayed from
// there: what follows the writer, as the log and the views do, then costs the server
// nothing. A message that somebody deletes from under the history is missed by those
// who read it later, as it is without a tail when it was read before.
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
// an external cluster the operator does, and its servers tell at their monitoring
// addresses. Nor that a history survives the loss of a majority of its disks, nor that
// a publisher with access to the subject is kept out; account permissions do that, and
// what it would store is found as a foreign message by the next append.
package stream
