// Package emit is what a service links to record events. It links no database
// and no ledger code: the events' grammar, which is pure, and the proofs.
//
// An [Emitter] keeps events in a directory, its outbox, until a ledger has
// answered them; the service goes on whether the ledger is up or not. A [Sender]
// only posts, and keeps nothing: what was not answered when the process ends
// must be sent again.
//
// # Promise
//
//   - When [Emitter.Emit] returns nil the events are durable on this machine and
//     reach the ledger as long as the directory lives: after a crash, a power
//     loss, a day without network.
//   - Each event is in the history once. What may have been sent is sent again;
//     the ledger answers an event it already has with its old position.
//   - Events are sent in the order in which Emit made them durable. While the
//     ledger cannot take one, those behind it wait.
//   - What no ledger takes, Emit refuses with an [events.Problem], before anything
//     is written. What this ledger refuses, as a source that is not the token's,
//     is put aside with the reason and holds nobody up.
//   - The ledger's receipts are kept, and [Emitter.CheckReceipts] holds them
//     against the public log. A broken promise is a [Violation], evidence that
//     convicts the ledger before anyone with its keys.
//   - The outbox is bounded. When it is full, Emit says [ErrOutboxFull] and the
//     service decides.
//
// [Open] starts nothing. The service runs [Emitter.Run] in a goroutine of its own
// and so learns when it ends and why: by itself only for an answer that is final
// for the whole request, as a token nobody knows, or a disk that fails. Many
// goroutines may emit; those that come while a write is under way share the next
// fsync.
//
// # Many persons
//
// What is done with the data of many persons at once is one bulk event, which
// [Bulk] divides into a head and parts. Through [Emitter.EmitJSON] they reach the
// ledger in the order in which they are emitted, the head first; a [Sender] may
// post several parts at once when the head is answered.
//
// # Sending
//
// A request carries the next events of one segment, up to [MaxBatch] and
// [MaxBytes]. Without network, on 429 and 5xx, alone or for one event, and on an
// answer that is not whole, the request is sent again, for ever: after 100 ms,
// then twice as long each time up to 30 s, at random between half of that and
// all, and no earlier than Retry-After asks, up to 10 s. A whole request that is refused with 400, 413 or
// 422 is halved until the event that is the cause stands alone; that one is put
// aside. An answer counts when every result is final and the receipt promises
// each accepted event.
//
// # Directory
//
//	outbox-<first>   segments: events, a line each; first is the number of the
//	                 first, 20 digits; numbers begin with 1 and never start anew
//	receipts         what was answered
//	refused          what the ledger does not take
//	lock             held by the one process that has the directory open
//
// All but the lock are files of lines:
//
//	file     = {line}
//	line     = sum " " json "\n"          at most 1 MiB and 64 KiB
//	sum      = CRC-32C of json, 8 lower-case hexadecimal digits
//	event    = a CloudEvents 1.0 JSON object
//	receipts = {"through":number,"receipt":note}
//	refused  = {"number":number,"status":status,"problem":problem,"event":event}
//
// json has no newline. A receipts line says that every event up to number through
// is answered; its note, see [proof.Receipt], promises those accepted since the
// line before and is absent when there are none. cut -c 10- makes JSON lines of
// any of them.
//
// Segments hold what the service knows of people, so they are removed as soon as
// all their events are answered, the last one too. refused holds such events as
// well: whoever has seen to them removes the file. receipts hold positions and
// hashes alone, some 60 bytes an event, and only grow; both files may be moved
// away while the directory is not open. Everything is readable by its owner only.
//
// # Crashes
//
// An event is acknowledged after its line is fsynced. Opening cuts off the tail
// of the last segment from the first line that is torn; nothing in it was
// acknowledged. An answer is recorded in this order, each step durable before the
// next:
//
//	refused events  →  receipts line  →  segment removed
//
// A crash before the receipts line has the batch sent again, and its refused
// lines, whose numbers lie beyond through, are cut off. A crash after it leaves a
// segment that is removed when the directory is opened. A new segment is created,
// and its name durable, before anything is written to it. A write that fails is
// taken back; when that fails too, or an fsync, nobody knows what the disk has,
// and every call fails until the directory is opened again.
//
// A line that is damaged and not at the end was durable once: in a segment it is
// an error when opening, which names the place; in receipts it is counted by
// CheckReceipts.
//
// # Not promised
//
// Emit does not know the register, the token's rights or what the ledger has: a
// nil says that an event is kept, not that it is accepted. A damaged line in the
// last segment cannot be told from a torn one. An event emitted again
// under another id is another event. The kinds are those of this version: a kind
// opened later needs a newer one. CheckReceipts speaks of what was answered; that
// the log it sees is the one all others see, witnesses must say.
package emit
