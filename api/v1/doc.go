// Package v1 answers questions about the published ledger in JSON and as tables.
//
// # Promise
//
// An answer speaks of what the published checkpoint covers and of nothing
// recorded after it, so whatever is shown can be proved. The member entry is the
// public entry byte for byte: its SHA-256 is the entry hash of the receipt and
// its RFC 6962 leaf hash is in the log.
//
// # Addresses
//
//	GET /v1/entries                     {"entries":[{"position","event","entry"}],"next"}
//	GET /v1/entries/{entry}             {"position","event","entry"}; {entry} is a position or event name
//	GET /v1/entries/{entry}/proof       a c2sp.org/tlog-proof; with ?download to be saved
//	GET /v1/register/{register}         {"items":[{"register","id","organization","source","ended","fields","latest"}],"next"}
//	GET /v1/register/{register}/{id}    one item with its "history"; the id may contain slashes
//	GET /v1/totals                      {"size","real":{"entries","byKind","byOrganization","byDay"},"example":{…}}
//	GET /v1/findings                    {"asOf","rules":[{"number","name","question"}],"real":{"findings","byOrganization":{organization:{rule:count}}},"example":{…}}
//	GET /v1/sharing                     {"real":{"count","totals":[…]},"example":{…},"shares":[{"position","event",…,"receivedBy"}],"next"}
//	GET /v1/retention                   {"asOf","real":[{"dataset","period","deleted","due","status",…}],"example":[…]}
//	GET /v1/coverage                    {"asOf","real":{"sources":[{"organization","source","status","since","events","unnamed","missing",…}],"systems":[{"organization","registered","unheard"}]},"example":{…}}
//	GET /v1/seals                       {"asOf","real":[{"organization","standing","overdue":[{"seal","position",…}],"quarters":[…]}],"example":[…]}
//	GET /v1/{list}.csv                  the same as a table, see Tables
//	GET /v1/ledger                      {"origin","keys":{"log","receipt","index"},"vrf","policy","formats","openedAt","size","signedAt","age","publishing":{"every","rate","maxAge","overdue"}}
//
// Entries are chosen with kind, organization, system, dataset, day, limit and
// after; items with organization, limit and after. Both come in ascending order,
// and next is the after of the following page, null on the last. A page can hold
// less than limit, or nothing, and still have a next. An empty parameter counts
// as absent. Shares are chosen with organization, recipient, dataset,
// disclosureClass, legalStandard, agreement, from and to (months, as 2026-06),
// limit and after; the totals leave limit and after out.
//
// Of /v1/ledger, age and publishing are of the moment of asking. How many events
// wait for the next checkpoint is not in them: who asked often would learn when
// each was recorded, which longer intervals between checkpoints are there to blur.
//
// Registers take at, a day as 2026-06-24: they are then as they were recorded by
// the end of that UTC day. Findings and retention are judged on the UTC day that
// asOf names; coverage at the time of asking, by each organization's calendar. Of findings the public sees how many there are by organization and
// rule, never which entries or whom they are about; a server that does not look
// for them answers 404.
//
// # Tables
//
// entries.csv, register/{register}.csv, totals.csv, sharing.csv (its totals),
// retention.csv, findings.csv, coverage.csv and seals.csv are RFC 4180 in UTF-8 with CRLF
// and a header row. They take the parameters of the list in JSON. Entries and
// registers come in the same pages, of at most 1,000 rows, and a header Link:
// <…>; rel="next" has the address of the next one; the others come whole, since
// they have a row for a sum and not for an entry. The column example is true
// for the invented organization. A cell that begins as a formula does (= + - @,
// a tab or line end, and the wide forms) has an apostrophe before it, unless it
// is a number; a name of an event or a hash can be such a cell. No register's
// name has a dot, and {id} stands a segment deeper, so {register}.csv is the
// address of nothing else.
//
// # Contract
//
// Addresses are a list of [Route]s, each with its handler and its description.
// [Mount] and [NewContract] take the same list, so GET /openapi.json, an OpenAPI
// 3.1 document, describes what is served and nothing else. A route's parameters
// are the ones its handler is given: another is refused before it. Schemas of
// answers are made from the Go types that are encoded; those of events, entries,
// grammars and code lists from [events.Kinds]. The handlers stay plain
// http.Handlers; of huma only the types of the document and its reading of Go
// types are used. A pattern cannot say that a day exists or a time zone does: what
// fits a schema can still be refused for that, and its description says so.
//
// # Officers
//
// With Authorization: Bearer TOKEN of an officer or auditor. Each answer has the
// member reading, the position of the ledger.read that was durable before it was
// given; package api says who is shown what.
//
//	GET  /v1/officer/trail                     {"organization","uses":[{"position","kind",…,"actor","role","unit","day","hour","entry","proof"}],"facets":{…},"next","reading"}
//	GET  /v1/officer/findings                  {"organization","asOf","findings":[{"rule","id","code","count","positions","proofs","evidence",…}],"next","reading"}
//	GET  /v1/officer/findings/{finding}        {"asOf","finding","reading"}
//	GET  /v1/officer/trail.csv                 all of it, and so trail.json, findings.csv and findings.json; more than
//	                                           [MaxExport] rows are refused, not cut
//	POST /v1/officer/entries/{entry}/details   {"position","event","entry","details":[{"name","value","disclosure"}],"sealed","reading"}
//	POST /v1/auditor/closure                   lines of JSON, the format closure of package proof; an auditor of all
//	POST /v1/auditor/spot                      {"reading"}
//	POST /v1/auditor/entries/{entry}/leaf      {"position","tags":[{"generation","counter","eventKey","shredded"}],"disclosures","sealed","reading"}
//	GET  /v1/officer/seals                     {"organization","asOf","seals":[{"seal","position","reviewBy","lastDay","overdue",…}],"reading"}
//	POST /v1/officer/seals                     an order, in JSON: {"seal","position","reviewIn","repeated"}
//	POST /v1/officer/seals/{seal}/extend       other dates: the same
//	POST /v1/officer/seals/{seal}/lift         {"seal","position","disclosed"}
//	POST /v1/officer/cards                     {"person","url"}: {"card","link","position","rotated":null}
//	POST /v1/officer/cards/rotate              in place of a lost one: the same, with rotated
//
// Placing and extending a seal takes the token of a second officer of the same
// organization in the header Daybook-Approver. With the header Idempotency-Key a
// request sent again orders nothing more. Persons are named in bodies, never in an
// address, which would be in logs. What is said for an officer is an event and no
// reading, so these answers have none.
//
//	POST /v1/officer/person                    {"organization","entries":[{"position","kind","relation","underSeal","others","entry","details","sealed","head","proof"}],"next","readings"}
//	POST /v1/officer/statement.json            [Statement]; .csv its lines, and .html a page to print
//
// The last two take {"person":{"scheme","value"},"organization","after","limit"}, as
// no identifier has a place in an address. A dossier lists what seals of the
// organization hide and does not open it; POST /v1/officer/entries/{entry}/details
// does, on record in the hidden trail.
//
// A statement, daybook/statement@1, is for the person: it holds her event keys. Each
// of its lines has the entry, the proof in the format c2sp.org/tlog-proof, the event
// key and the disclosures that are hers, which together are what
// [proof.Presentation] is made of; all proofs, those of the heads of bulk events
// included, have one checkpoint. Sections refer to lines by position. It is made of
// what her own slots hold and what the public sees, so no member of staff is in it.
// Readers must pass over members they do not know.
//
// Uses are chosen with system, dataset, actor (a pseudonym), unit, role, kind, day,
// from and to (days, local to the organization), limit and after; findings with
// rule, limit and after. An auditor of all also gives organization. Facets count
// all uses chosen, whatever the page. Details are disclosures to which the entry
// commits; sealed says why there are none, and that was recorded all the same.
//
// # Refusals
//
// Every refusal is an RFC 9457 problem: 404 not-found, 405 method-not-allowed,
// 422 for a parameter that is unknown, doubled or malformed, which the member
// pointer names as ?limit, and 503 with Retry-After for what is recorded and not
// published yet. Officers also get 401 no-token and unknown-token, 403 role,
// organization, approver and prefetch, 409 conflict and not-standing, 422
// same-approver, approver, too-many and nothing-sealed, and 503 not-recorded
// when the ledger does not take the reading: then nothing is shown. Problems never say why our disk could not be read.
//
// # Not promised
//
// Answers are not evidence; proofs are. Views can lag a moment behind the
// checkpoint, and a list is then that much shorter.
package v1
