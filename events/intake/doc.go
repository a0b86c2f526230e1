// Package intake is how events come in: the HTTP door that checks and answers,
// the one writer that numbers, seals and appends, and the writer's book.
//
// # One writer
//
// [Writer.Run] takes what is queued, at most 997 events, into one batch: it
// looks every event up in the book, resolves references, draws tags, enrols new
// persons, seals the boxes and appends the batch to the history. While the
// batch is being stored the next one gathers. Nothing is acknowledged before
// the history is durable.
//
// A crash before the append loses nothing acknowledged: keys minted for new
// persons stay pending and are used again. A crash after it loses only the
// answers; the emitter sends again and gets the same positions. When the history
// refuses the writer as stale, or does not say what became of a batch, the
// writer stops for good and every door answers 503.
//
// # Book
//
// The [Book] is a fold of the history in Pebble: event name → sequence, entry
// hash and content; handle → tags so far; known references; time zones. It is written without fsync and replayed from its cursor
// to the end before the doors open, so a crash costs only time.
//
// Keys:
//
//	v                        daybook/book@2; a book of another format is filled again
//	c                        cursor, u64
//	e ‖ event name           u64 sequence ‖ entry hash ‖ content ‖ [handle of its one person]
//	p ‖ handle               u64 tags so far; present means enrolled
//	r ‖ register ‖ 0 ‖ id    empty; present means registered
//	z ‖ organization         the time zone it was last given, which counts once it is registered
//
// # Door
//
// POST /v1/events takes CloudEvents over HTTP in binary, structured and batch
// mode. One event answers with one result and its status. A readable batch
// answers 200 with a result for each event, in order, whatever became of it.
// A result is
//
//	{"status":201,"position":…,"event":"…","entryHash":"…"}   accepted; 200 when it was there before
//	{"status":409,"problem":{…}}                              refused
//
// A single result also has "receipt", a batch has one for all. With
// ?wait=anchored each accepted result has "proof" when it is published within
// five seconds.
//
// # Desk
//
// The [Desk] is where officers and auditors have sealed details opened. It says
// ledger.read first, [Writer.Say], and hands out nothing before that is durable.
// The reading of an entry about one person carries her next tag, so that her
// trail shows who looked.
//
// # Tokens
//
// A token is bound to a role, an organization and sources. The directory holds
// one file for each, named by the token's SHA-256, so that a token made by
// another process works at once and a copied directory gives no token away.
package intake
