// Package projections says what the history means: views folded from it, a
// file a view, kept in one Pebble database and answering what people ask.
//
// # Promise
//
// A view is a function of the history alone. Folding reads the public entry of
// every message in order, and no box, key, clock or time-zone table; the same
// messages give the same keys and values, whatever batches they came in, after
// however many restarts. [Views.Dump] shows it. Nothing here is truth: delete
// the directory, start again, and the same contents come back.
//
// # Views
//
// Each view has a name, a version, a prefix for its keys and its own cursor, the
// sequence of the last message folded into it.
//
//	entries   an entry by position and by name; what exists by kind, organization, system, dataset and day
//	register  what is registered, as it stands and how it came to
//	totals    how many entries, by organization and kind, and by day
//
// # Format
//
// A key is text; <position> is eight bytes, <name> sixteen, all big-endian, and 0
// a zero byte, which no reference, kind or day contains.
//
//	!layout                                 daybook/views@1
//	!view/<view>                            {"cursor":…,"prefix":"…","version":…}
//	ep<position>                            the entry's bytes
//	en<name>                                its position
//	ei(k|o|s|d|t)<value>0<position>         empty: kind, organization, system, dataset, day
//	rs<register>0<id>0<position>            the state after that entry, see below
//	ro<register>0<organization>0<id>        empty: who registered it
//	tk(real|example)0<organization>0<kind>  how many, as decimal text
//	td(real|example)0<day>                  how many, as decimal text
//
// A state is an object in the form of RFC 8785 with the members ended (a day),
// fields, kind, occurredAt, organization and source; what is absent is left out.
//
// # What has been published
//
// Folding runs ahead of the published checkpoint, and nobody should be shown
// what no checkpoint covers yet. So every question is put to a [Reader], and
// [Views.At] makes one that knows only the first entries of the log, as if
// folding had stopped there: later entries are not found, registers stand as
// they stood, totals leave them out.
//
// # Crash
//
// The data of a batch and the cursors move in one Pebble batch. There is no
// write-ahead log and nothing is synced: after a crash the database holds the
// batches up to some earlier one, whole, and folding goes on from the cursors
// found there. Close writes everything out. A view whose version differs from
// the one stored is deleted and folded again from the first message; a layout
// nobody here knows is deleted entirely.
//
// A message that is malformed or missing stops folding with an error that names
// its sequence; everything before it stays folded. So do views that are ahead of
// the history, which then is not the one they were folded from.
//
// # Not promised
//
// Views are not evidence: who doubts an answer checks the entry's proof. An
// answer may lag behind the history; [Views.WaitFor] waits. While a view is
// being folded again its answers are those of a shorter history, and
// [Views.Cursor] says of which.
package projections
