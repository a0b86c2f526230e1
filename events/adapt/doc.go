// Package adapt turns records that other systems keep into events a Daybook
// accepts: rows in, CloudEvents out. It sends nothing; whoever calls it posts
// the events with a token of the right role, like any service.
//
// # The promise
//
// What a source does not say is left out, never guessed: a coordinate that is
// "TBD" or 0,0 is absent, a search without a reason has no reasonText, an
// activity whose legal basis nobody publishes has none. The pages then show
// "not filled in". The same records give the same events, byte for byte, with
// the same ids in the same order, so posting them twice is a repeat and not a
// second event.
//
// # Format
//
// An Event marshals as a CloudEvents 1.0 structured event:
//
//	{"specversion":"1.0","id":…,"source":…,"type":"org.daybook.<kind>.v1",
//	 "time":…,"datacontenttype":"application/json","data":{…}}
//
// Register events are for a registrar that belongs to no organization, and so
// name theirs in data.organization. Their source is array-of-things/register,
// eugene-police/register or example/register and their id the reference, a
// slash and what happened: registered, retention or commissioned. A reference
// stands behind the event that registers it. Access events are for an emitter
// whose token names the organization; they keep the id the source gave them.
//
// # Maps
//
// A [Map] is a jq program that says what one row of another system's records
// tells: it is given the row and gives no event, one or several, each an object
//
//	{id, source, type, time, data}
//
// as in CloudEvents; kind("data.accessed") is the type of a kind. Members of
// data that are null, "" or empty are left out, which is how a program says
// that its source does not say. A program stands alone: it reads no file,
// environment, clock, time zone or other row, imports nothing, and has a
// second and a thousand events for each row; [Map.Limit] is the second. Its
// memory is not bounded, so a program is trusted as its author is. What it
// rejects it says with error("…"); jq's own errors quote values and are told
// without them. Beside jq's functions it has
//
//	ref        a name in lower case, "-" for what a reference cannot have
//	ref("a")   the same behind a/
//	utc        2026-06-24 08:30:00.123 as RFC 3339, for sources that write UTC
//	millis     milliseconds since 1970 as RFC 3339
//	line       text as a sealed field of 512 characters on a line takes it
//	prose      text as one of 2,000 characters takes it
//	csv        the values of a line of CSV
//
// Null stays null in all of them. Before the program may stand a directive
//
//	module {"source": …, "records": …, "columns": […]};
//
// with the source of events that name none, the list in an object around the
// rows, and the columns of CSV that has no header.
//
// With "edition": true the rows are an edition of a register: what it should
// hold, and not what happened. Such a program gives register events without id
// and time, one that says an object whole and perhaps one that ends it. Whoever
// compares an edition with the register says what happened, and when.
//
// The id of an event is its source's own, or, where a program gives none, the
// hash of the row's content: names sorted, numbers as written. Rows with the
// same content are then one event, which is wanted, as duplicates are normal
// input. Whoever changes a program changes events that are already recorded:
// the ledger answers conflict and keeps what it had.
//
// Every event is checked with events.ParseEvent before it leaves; a row with
// one bad event is rejected whole, with the pointer to the field.
//
// [Rows] reads the rows, a bounded part of the file at a time: CSV, JSON a row
// a line, JSON lists, and lists inside an object. Text that is not UTF-8 is
// rejected row by row and never guessed at.
//
// # Times
//
// The envelope needs a time and registers seldom give one. A commissioning
// has its own, and a node of the earlier register is registered as of it, since
// nothing says that it was declared later. Everything else of the Array of
// Things carries the latest commissioning the files hold, since the register
// cannot have been published earlier; everything Eugene registers carries the
// start of the UTC day of the first search, since it existed by then.
// Commissionings name no time zone and are dates in fact; they are written as
// midnight UTC and, in starts, as the date. The events of ExampleOrganization
// are invented, their time too.
//
// # On bad records
//
// The functions over testdata are strict: a missing column, a time or a number
// that does not parse, or an identifier that is no reference, ends the
// adaptation with an error that names file and line. There is no half result.
package adapt
