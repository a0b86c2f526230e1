// Package intake is how events come in: the doors that check and answer, over
// HTTP and over NATS, the one writer that numbers, seals and appends, and the writer's book.
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
// writer stops for good and every door answers 503. An operator's rule may have
// it take nothing for a while: every door then answers 503 with the rule's own
// problem, and officers, whose readings could not be recorded, are shown nothing.
//
// # Book
//
// The [Book] is a fold of the history in Pebble: event name → sequence, entry
// hash and content; handle → tags so far and generation; known references; time zones. It is written without fsync and replayed from its cursor
// to the end before the doors open, so a crash costs only time. Its form is not for
// ever: a version with another fills it again.
//
// Keys:
//
//	v                        daybook/book@4; a book of another format is filled again
//	c                        cursor, u64
//	e ‖ event name           u64 sequence ‖ entry hash ‖ content ‖ [handles of its persons]
//	p ‖ handle               u64 tags so far ‖ u32 generation in use; present means enrolled
//	g ‖ handle ‖ u32 number  u64 the first tag of that generation
//	l ‖ label                empty; a label that was enrolled
//	f                        the handle enrolled last ‖ its tags by then ‖ its generation
//	r ‖ register ‖ 0 ‖ id    empty; present means registered
//	z ‖ organization         the time zone it was last given, which counts once it is registered
//	s ‖ handle ‖ seal name   organization LF fold header of the seal.placed, until event.disclosed
//	x ‖ handle ‖ seal name   the seal's end and review, as last extended
//	u ‖ handle ‖ seal name   empty; the seal is lifted
//	o ‖ hidden handle        handle of whose hidden trail it is
//	k ‖ u64 sequence         what a key.shredded orders: p ‖ handle, or m ‖ month SP organization
//	d ‖ the same             empty
//	h ‖ head name            u64 parts ‖ u64 seconds recorded ‖ kind SP organization SP case SP what its parts repeat
//	n ‖ head name ‖ u32 part empty; the part came
//
// # Trails, seals and parts
//
// An event that names persons takes the next tag of a trail for each: the
// person's own or, while a seal that covers a data event stands, that of the
// seal's hidden trail. Tags, boxes and fold persons stand in one order, the tags' as text.
// What an officer reads of a hidden event takes the hidden trail's next tag until
// the seal is lifted. seal.placed, .extended and .lifted are of the hidden trail,
// which they begin and end; event.disclosed is of her own and gives her the key.
//
// A trail goes on under another root key when its person lost the card that opens
// it. trail.rotated takes the last tag of the generation in use; right behind it, in
// the same batch, subject.enrolled begins the next, in which the counter goes on. The
// keys are durable before, and nothing uses them until the history says so: which
// generation a trail is at is folded from the history alone, so that a crash before
// the batch is stored changes nothing. The fold header of every event says which
// generation made each of its tags. Who reads the log sees that the tags of a
// trail.rotated and of the trail.issued behind it are of one person, and nothing else
// of her trail before or after.
//
// A seal is a standing order, not a mark on an event: [Desk.PlaceSeal] places it in
// the name of two officers' tokens of one organization, and from then on whatever
// that organization says of the person, with one of the seal's systems or in its
// case, takes tags of the hidden trail. Those entries are made as all others are;
// what is in the trail already stays in it. The id of a seal.placed is random or a
// keyed hash of a request's id, so that nobody who holds the VRF key can guess the
// hidden trail's label. A seal has a day by which it is looked at again, at most a
// year ahead, of which the public sees the quarter, and an end: a day, another
// event, or thirty days where nobody wrote the order down.
//
// A seal ends by seal.lifted, after which its trail grows no more and covers
// nothing, and then by event.disclosed, the next event of the person's own trail.
// [Desk.LiftSeal] says both, and [Desk.Lapse] does when the end has come. Their
// ids are made from the seal's name, so that whoever comes second adds nothing, and
// what a crash left between the two is made good by the next Lapse. Whose seal it
// is, is read from the person's own slot of seal.placed: a seal can be lifted when
// the key of the month in which it was placed is gone.
//
// Lifting says publicly which seal.placed it ends, and the disclosure follows it in
// the log, so that who looks learns that the tag of that entry is of somebody who
// was under that seal. Nobody learns whose the tag is, or of any other entry that it
// was sealed. Events that the organization recorded about the person before, or
// outside the systems and the case, are not hidden, and tell what they tell.
//
// A part of a bulk event is refused until its head is accepted, and when it says in
// public what its head does not: the head can be judged for all of them. It has no
// text. Each of its persons gets a key to what the head says to all. What one may
// see depends on how she stands to the matter, so the head has three person boxes,
// for principals (and minors), households (and proxies) and incidental persons, in
// this order, each under
//
//	HKDF(month key ‖ SHA-256(head's public name), "daybook/detail/<principal|household|incidental>/1")
//
// of the month in which the head was recorded. The slip of a person in a part has
// the one key that is hers and the disclosure that names her; [events.OpenDetail]
// opens the head's box with it. A part's officers' box is sealed under the month key
// alone, as it holds nothing of a person. A seal for a case covers whom the parts of
// a head of that case name, though a part says no case.
//
// A key.shredded is the last event of its batch and of the trail it ends. The entry
// is durable before the keys are destroyed, which is before it is answered: the
// history is what says that keys must go, so a crash in between, and keys put back
// from a copy, are made good by [Book.Shred] before the doors open. The other way
// round, a crash would leave keys gone and nobody able to say so under her last tag.
//
// # Speed
//
// Measured with cmd/hammer on two cores that also ran the four senders, end to end:
// accepted, durable, folded and under a signed checkpoint, in batches of 1,000.
//
//	register events                         8,100 a second
//	one person each, who is known           7,600
//	one person each, who is new             1,500; of 100, 3,300
//
// Ten thousand a second with known persons would leave 200 µs of processor time for
// an event, the sender's included; the server alone takes 210 to 260. Of these
// the writer (planning, HMACs, JSON) has a quarter, the views with parsing the entry
// again a fifth, Pebble's flushes, compactions and tables a sixth, the log with its
// own parsing a seventh, sealing, NATS and HTTP less than a tenth each. A new person
// costs 650 µs for the VRF alone, and every 4,096 of them a pause of 0.3 to 0.9 s,
// in which they are moved to their buckets.
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
// # NATS door
//
// [NATSDoor] takes the same events by request and reply, with the same checks,
// results, receipts and limits. The user's name is free, as the source; the
// password is the token, which may also stand alone (nats://TOKEN@host). With KEY
// for the SHA-256 of the token in lower-case hexadecimal,
//
//	daybook.v1.events.KEY   is where its holder sends, and nobody else can
//	_INBOX.KEY.>            is where its holder listens, and nobody else can
//
// so a client sets its inbox prefix to _INBOX.KEY. The subject is what says who
// speaks: the server lets only the connection that gave the token publish there.
// For every request the door looks the token up again by KEY, so that a token
// revoked is refused at once, on connections that are still open too; those end
// when the client goes. KEY gives the token away as little as its file's name does.
//
// A message is read as the CloudEvents NATS binding 1.0.2 has it, the event as
// JSON; a Content-Type of application/cloudevents+json says so, and
// application/cloudevents-batch+json makes it a batch. That binding knows no
// binary mode, because its NATS had no headers; here it is as in the HTTP binding:
// ce- headers with percent-encoded values, the data as the payload, its type,
// JSON, in ce-datacontenttype or Content-Type. Names of headers count in any case.
// Daybook-Wait: anchored is the ?wait=anchored of HTTP.
//
// The answer is the JSON that HTTP gives, with Content-Type application/json, or
// application/problem+json when nothing was looked at. A refusal has the headers
// Nats-Service-Error, the problem's code, and Nats-Service-Error-Code, its
// status; one that may be repeated has Retry-After. The door has at most 1,024
// requests and 64 MiB in hand and answers 429 to more. It answers only into the
// sender's inbox: a message whose reply subject lies elsewhere, or that has none,
// is not taken, since nobody would learn of its refusal. No answer at all
// means send it again, as a repeat gets the first one's position. Before the door
// opens and after it closes the server itself says that there are no responders.
//
// The door is a service in the sense of NATS: $SRV.PING and $SRV.INFO, alone or
// with .daybook, say what it is.
//
// It stands in this package, and not in one of its own, because both doors are
// one check with two ways in, none of which is anybody else's business. What is
// imported for it is a client, which brings neither server nor storage.
//
// # Desk
//
// The [Desk] is where officers and auditors have sealed details opened. It says
// ledger.read first, [Writer.Say], and hands out nothing before that is durable.
// The reading of an entry about one person carries her next tag, so that her
// trail shows who looked. It is also where they order what the ledger says of a
// person for them, as seals; a request's id makes the same order again the same one.
//
// [Desk.Dossier] opens what an organization recorded about one person, a page at a
// time. What her own trail and what a seal's hidden trail holds is read by two
// ledger.read, each with the next tag of its trail, since one entry with both tags
// would tell her of the hidden trail. They are said together, so they stand side by
// side in the log: whoever knows one of them to be hers can suspect its neighbour.
// Of an entry about several it opens what is hers alone. [Desk.Statement] opens her
// own slots with her own event keys, which is what she may see, and leaves out what a
// seal hides. Who is unknown here is answered like one of whom there is nothing, and
// that too is recorded, as a reading that names nobody.
//
// To an auditor who is bound to no organization [Desk.Closure] tells whose every tag
// is, which names nobody: trails have names made for one answer, and of persons whose
// keys are destroyed it does not say which label of an entry was theirs. What the
// keys here do not make as it is published ends it. [Desk.Leaf] opens one entry with
// the event keys of all its tags, for a sample that [Desk.Announce] put on record.
//
// It is also where officers say what is theirs to say. A request is received for a
// person, who is named once: whoever decides or answers it later finds her by the
// identifier box of the request.received, and once her keys are gone what is said of
// it names nobody. request.decided is one entry for the decision and one, before
// it, for its extension; each has an id made of the request's name, so that saying it
// again adds nothing.
//
// Granting an erasure says request.decided, data.deleted of the dataset
// daybook/details and key.shredded, of which no batch holds one without the others.
// It is refused with 409 postponed while a seal is over her that was not disclosed,
// since its trail would end undisclosed, and with 409 other-organizations while
// somebody else's entry is on her trail and no officer of theirs joins. The writer
// looks again when it plans the batch: her trail must have grown by nothing but the
// readings that the erasure itself made of her shares, to say whom to tell. What
// comes later about her begins her next generation. The public is shown ShredName
// instead of a handle, by which a public copy of the log can order the same of keys
// that were put back.
//
// [Desk.IssueCard] gives an officer the trail card of a person whom the office has
// identified, once trail.issued is durable in her trail: she sees who gave her keys
// away, when, and every time. Nothing else hands root keys out but the lifting of a
// seal. [Desk.RotateTrail] says trail.rotated and trail.issued, of which no batch holds
// one without the other. A card has no key of a seal's hidden trail and none that was
// destroyed; it is the same for somebody under a seal as for anybody.
//
// event.corrected points back and concerns whom the entry concerns, on the trails
// that took it; who was erased since is left out, and when the month's key is not
// kept any more there is no correction, as nobody could be named.
//
// # Tokens
//
// A token is bound to a role, an organization and sources, an emitter's perhaps
// to a rhythm. The directory holds one file for each, named by the token's
// SHA-256, so that a token made by another process works at once and a copied
// directory gives no token away. Revoking renames the file: the token ends at
// once, and that it was there stays known. Both are synced before they are told.
// Officers see a token by its [TokenName].
package intake
