// Package projections says what the history means: views folded from it, a
// file a view, kept in one Pebble database and answering what people ask.
//
// # Promise
//
// A view is a function of the history alone. Folding reads the public entry of
// every message in order and, for the officers' views, the opened fold header
// beside it; no other box or key, no clock and no time-zone table. The same
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
//	sharing   who was given what by which right, how much a month; what its receiver recorded
//	retention per dataset the rule in force and the latest deletion
//	recorded  up to where the log went on a day
//	bulk      heads of bulk events, and which of their parts came
//	coverage  per source what it recorded by day, and what the ledger said of it; systems that uses name
//	seals     per seal its group, when it was placed, is looked at again, and ended
//	trail     for officers: uses by actor, role, unit, kind, system, dataset, organization and local day
//	findings  for officers: what the rules found; how many, for everybody
//	corrections by entry what corrects it
//	requests  for officers: what persons asked for and by when it was decided; who is to be told of an erasure
//	persons   for officers: what concerns a person, by handle; gone when her keys are destroyed
//
// The officers' views are kept where [Config] has the means to open fold headers.
// They hold no identifier and no free text, but they do hold who, as a pseudonym,
// used what at which hour: what shows them answers for it. That a key.shredded
// deletes a person's rows is a fold like any: the batch that folds it holds the
// deletion, and a view folded again ends without her too.
//
// # Whose an object is
//
// An object of a register belongs to the organization that registered it first,
// for good: no other can take its id over, change it, end it or note anything
// about it. What another says of it, the invented organization included, stands
// in the object's history as foreign, alters nothing and is a finding of rule 1.
// Nor does it move a dataset's retention whether another says to have collected or
// deleted it: a processor's work is its controller's to state. A registrar that
// may act for each organization says for which.
//
// Registered again by its own organization an object begins anew, and keeps what
// was noted about it: a dataset's retention, {period, trigger, method, authority};
// a system's latest fault, {fault, on}; of each kind the latest assessment, as
// assessed.<kind>, {expires, on, sha256}. An assessment names an id and no
// register: it is noted on each object of that id that is the assessor's own, and
// is foreign to all where none is.
//
// The example's objects and entries are told apart by their organization. What the
// ledger says itself, of an emitter or of a reading, names the organization it is
// about, but is nothing that organization did: it is counted by kind alone, and
// no finding.
//
// # Findings
//
// Nothing is refused for breaking a rule; [Rules] lists what is looked for
// afterwards. An entry is judged by what was registered before it, so a legal
// basis declared later excuses no earlier use. What is alike is one finding with
// a count: a rule that speaks a thousand times about one matter is not read.
//
//	 1  each register entry; of uses, each source, kind and fields; an unregistered organization;
//	    not-its-own: each entry about another's object; late: each system registered after the day it started
//	 2  each activity and purpose; purposes are compared word for word
//	 3  each activity, or system where none is named; uses that concern nobody need no basis
//	 4  each recipient, dataset, agreement and reason; exigent where the emitter claims an emergency
//	 5  a look back: each dataset, system and periods; overdue: each dataset, judged when read
//	 6  each register entry
//	 7  each unit, role and dataset, where an organization has ever issued a grant
//	 8  run: each actor and maximal run of at least [LongRun] local days;
//	    off-hours: each actor, of uses from [NightFrom] to [NightUntil] by who is in the habit of working by day;
//	    burst: each actor, of local hours with at least [BurstUses] uses
//	 9  each source, while numbers are missing; each silence longer than the source's rhythm, judged when read;
//	    parts: each head of a bulk event of which parts are missing when the day after it is over, judged when read
//	10  each seal whose quarter of review is over, judged when read
//	11  each system and end; the day itself is still allowed
//	12  each request that is undecided a month after its day, three when it was extended, judged when read
//	14  each share or receipt whose other side is not there [ReceiptGrace] days later, judged when read
//	15  each activity
//
// The parts of a bulk event repeat their head for more persons: it is the head that
// is a share or a deletion, and that rules judge.
//
// An agreement allows a share on a day up to its expiry, and to that of its end,
// when it names the dataset and the recipient, and is the sharer's own or names
// it as a party. Approvals are not recorded yet, so none stands in for it. A
// grant allows its unit and role its datasets from its first day to its last, for
// its purposes where the use states one. Rule 8 leaves out what was automated. It
// takes for a habit at least [HabitDays] days with a use by day, and
// [HabitPerNight] of them for each with one at night, among what the log had by
// then, so a night shift is none.
//
// Rules that a clock decides compare local days with the day it is in each
// organization's own time zone, which is looked up when a question is answered
// and never while folding; UTC where the organization is not registered.
//
// A run of days grows, joins another or is told late; it keeps its ID while its
// first day stays. Of one source's gaps the latest hundred are followed, and what
// is missing in older ones counts as missing for good.
//
// # Format
//
// A key is text; <position> is eight bytes, <name> and <handle> sixteen, all big-endian, and 0
// a zero byte, which no reference, kind or day contains.
//
//	!layout                                 daybook/views@1
//	!view/<view>                            {"cursor":…,"prefix":"…","version":…}
//	ep<position>                            the entry's bytes
//	en<name>                                its position
//	ei(k|o|s|d|t)<value>0<position>         empty: kind, organization, system, dataset, day
//	rs<register>0<id>0<position>            the state after that entry, see below
//	rx<register>0<id>0<position>            kind, occurredAt, organization of what another said of it
//	ro<register>0<organization>0<id>        empty: who registered it first
//	tk(real|example)0<organization>0<kind>  how many, as decimal text
//	td(real|example)0<day>                  how many, as decimal text
//	ss<position>                            a share: agreement, dataset, day, disclosureClass, legalStandard, name, organization, recipient
//	si(o|r|d|c|l|a)<value>0<position>       empty: organization, recipient, dataset, class, standard, agreement
//	sc<month>0<o>0<r>0<d>0<c>0<l>0<a>0      how many, as decimal text
//	sr<position>                            a receipt: counterpart, dataset, day, organization
//	sm<name>                                position of the share of that name
//	sq<name><organization>0                 position of that receiver's first receipt of it; without one, of anybody's
//	su<position>, sv<position>              empty: a share without a receipt, a receipt without a share
//	dr<dataset>0<position>                  deleted, deletedBy, deletions, ended, organization, since and the rule, after that entry
//	bh<position>                            a head: day, kind, name, organization, parts, source
//	bn<name>                                <position> of the head of that name and how many parts came, eight bytes
//	bp<name><part>                          <position> of the part; <part> is four bytes
//	bo<position>                            empty: a head whose parts are not all there
//	bc<position>                            of the part that came last: <position> of its head
//	cd<day>                                 position of the last entry recorded on that UTC day that says when it was
//	vc<organization>0<source>0<day>         how many uses recorded on that day, as decimal text
//	vu<organization>0<source>0<day>         of them those whose persons nobody named
//	vs<organization>0<source>0<position>    what the ledger said of the source, after that entry
//	vy<system>                              position of the first use that names it
//	ls<organization>0<name>0<position>      a seal: group, how, lifted, liftedIn, placed, placedIn, reviewIn, saidBy, after that entry
//	ar<position>                            a use: actor, dataset, day, hasReason, hour, kind, organization, role, system, unit
//	ai(a|d|k|o|r|s|t|u)<value>0<position>   empty: actor, dataset, kind, organization, role, system, local day, unit
//	am[<organization>]0<day>                <position><position> of the first and the last use of that local day
//	fs<organization>0<rule>0<id>0<position> code, count, evidence, first and last day of a finding, after that entry
//	fr<register>0<id>0                      what rules need of a register, as a state
//	fg<organization>0                       empty: it has issued a grant
//	fg<organization>0<unit>0<role>0         the grants that ever named them, a space after each
//	fd<organization>0<actor>0<day>          position of the day's first use, a byte (1 by day, 2 at night, 3 both), first and
//	                                        last day of the run it ends or begins
//	fh<organization>0<actor>0               days with a use by day, and at night; decimal text
//	fb<organization>0<actor>0<day><hour>    uses within that local hour, one byte, no more than [BurstUses] and one
//	fq<organization>0<source>0              lowest and highest number, how many are lost, ends of the gaps; decimal text
//	k<name>0<position>                      empty: that entry corrects the one of the name
//	qn<name>                                whose the request of that name is
//	qs<organization>0<name>0<position>      of a request: answered, day, decided, decision, extended, position, request, after that entry
//	qt<organization>0<name>0<recipient>0<position>  whom it has to tell for that request: closed, count, first, opened, after that entry
//	qd<name>                                of a request.decided that opened those: its request, and who has to tell, a space between
//	qh<handle>                              whom that person's data was shared with: count, first, organization, recipient of each
//	qo<handle>                              <handle> of each hidden trail of hers
//	ph<handle><position>                    kind, organization, relation and which of the trail's tags, a space between
//	pt<handle>                              of each hidden trail of hers <handle>, <name> of the seal.placed, its <position>, and
//	                                        <position> of the event.disclosed, all ones until then
//
// In the keys k and q a name is the text of 22 characters. A recipient of what was
// shared that names the request.decided as the counterpart of a data.received or
// data.deleted closes its task; so does a request.answered of who has to tell it.
//
// A state is an object in the form of RFC 8785 with the members ended (a day),
// fields, kind, occurredAt, organization (the object's own) and source; what is
// absent is left out.
//
// None of this lasts: a later version fills its views again in whatever form it has,
// and answers of the same history as before. What lasts is the history.
//
// # What has been published
//
// Folding runs ahead of the published checkpoint, and nobody should be shown
// what no checkpoint covers yet. So every question is put to a [Reader], and
// [Views.At] makes one that knows only the first entries of the log, as if
// folding had stopped there: later entries are not found, registers stand as
// they stood, totals leave them out. [Reader.AsOf] goes back to a day.
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
