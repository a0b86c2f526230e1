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
// # Times
//
// The envelope needs a time and registers seldom give one. A commissioning
// has its own. Everything else of the Array of Things carries the latest
// commissioning the files hold, since the register cannot have been published
// earlier; everything Eugene registers carries the start of the UTC day of
// the first search, since it existed by then. Commissionings name no time
// zone and are dates in fact; they are written as midnight UTC and, in
// starts, as the date. The events of ExampleOrganization are invented, their
// time too.
//
// # On bad records
//
// A missing column, a time or a number that does not parse, or an identifier
// that is no reference, ends the adaptation with an error that names file and
// line. There is no half result.
package adapt
