// Package events says what may happen: the kinds of event, the grammar of every
// field and who may see it, the public entry, and the message the history
// keeps. It is pure: no clock, no randomness, no key, no disk.
//
// # From submission to entry
//
// A service sends an [Event], a CloudEvents 1.0 object whose type is
// org.daybook.<kind>.v1 and whose data fits the table of that [Kind]. Anything
// else is refused with a [Problem] that points at the field. The writer adds
// [Facts] and makes an [Entry], the public part, and [Slot]s, the private ones.
//
// # Entry
//
// An entry is one JSON object in the form of RFC 8785, restricted: names are
// ASCII, there is no null, no fraction, no doubled name, numbers are integers
// below 2^53, and the members are exactly those of the kind. The first member is
// "$":"daybook/entry@1". It has at most 16 KiB; subject.enrolled at most 65,535
// bytes. [ParseEntry] accepts exactly what [Entry.Append] writes.
//
// Members of register and data entries:
//
//	_sd           digests of the private fields, base64url, sorted as text; absent where a kind has none
//	event         the public name, 22 characters
//	kind          as data.accessed
//	occurredAt    coarse kinds: the day in the organization's zone, of a seal the quarter; others: as given
//	organization  the token's, or named by a registrar without one; absent in key.rotated
//	recordedAt    coarse kinds: the day, of a seal the quarter; others: UTC time
//	source        one of the token's; "daybook" for what the ledger says
//	unresolved    sorted names of references shown as "?", as datasets/1
//
// and the public fields of the kind's table, nested where the path has a dot; the
// field kind of an organization or a system is organizationKind or systemKind
// there, since kind is the event's; an assessment's is assessmentKind.
// Counts are buckets. subjects is, by mode,
//
//	{mode}                                       none, unknown
//	{mode, tags[1]}                              single; then references to datasets are private
//	{mode, tags[2 to 10]}                        several
//	{mode, parts}                                bulk, the head
//	{mode, part, partOf, parts, tags[1 to 850]}  bulk, a part
//
// with tags sorted as text, each once, partOf the head's public name, and part from
// 1 to parts. A head and each of its parts are events of their own; that the parts
// name somebody twice, or that one is missing, an entry alone cannot tell. A part
// has at most 65,535 bytes.
//
// Coarse are the data kinds, what officers say, event.disclosed, key.shredded and
// ledger.read, whose exact time would tell when an officer looked at whom. Seals
// tell quarters, because the day on which one is placed or lifted tells of a case.
// What officers say has the source daybook. seal.extended and seal.lifted name
// the seal.placed, event.corrected the entry it corrects, request.decided and
// request.answered the request.received, all by public names. seal.placed shows
// organization, group and the quarter of its review; what it covers, it does not.
// key.shredded shows under shred a name of the destroyed keys that the keyring
// computes from a handle, or organization and month.
//
// ledger.opened and subject.enrolled have the members of [Opened] and [Pair].
// subject.enrolled says the UTC day alone, because it stands in the same batch as
// a person's first event and would give that event's exact time away. The other
// ledger kinds are made like any event, with the source daybook, so that they
// are numbered once, sealed and tagged in one way; their organization is the one
// they are about. Of emitter.counted the numbers are exact: anybody can count
// the same entries.
//
// # Private fields
//
// _sd holds SHA-256 digests of RFC 9901 disclosures (see [Disclosure]), a fixed
// number for the kind, 13 for data (14 for data.derived, which has inputs and an
// output for a dataset), 3 for register kinds, and for the other coarse kinds as
// many as the table has private fields, with the id, both times, and where there
// can be any, counts and unresolved: [Kind.Slots]. Each tag has one more; random
// decoys stand for what is absent. Digests and pairs are sorted as
// text, not as bytes, so that a reader can check the order without decoding. The name
// of a field is 1 to 64 letters, digits and dots, a letter first. An exact time is
// disclosed under the name that its day has in the entry; RFC 9901 wants disclosed
// names to be no others of the object, so its disclosures and digests are those of
// SD-JWT, and an entry as a whole is no payload of one.
//
// # Message
//
// [Message] is what the history stores: the entry and sealed boxes. [Fold] and
// [Slip] are the plaintexts of boxes; who holds the keys is the keyring's
// matter. Boxes of persons stand in the order of the tags. What each is given
// depends on how she stands to the matter: [Sees]. An interval occurredAt/occurredUntil is private as the ISO 8601
// interval of both; the person concerned sees exact times, officers too.
//
// # What stays
//
// Entries, private fields, messages and boxes are read for ever as they are written
// here: testdata/histories has ledgers that have to open with the same bytes and
// roots. Kinds may be added. Whatever would be written otherwise is of another
// version, which its first bytes say, with a reader of its own beside this one.
package events
