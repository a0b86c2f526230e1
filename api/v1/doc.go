// Package v1 answers questions about the published ledger in JSON.
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
//	GET /v1/findings.csv                the counts, and so sharing.csv (the totals) and retention.csv: RFC 4180 with
//	                                    a header row; the column example is true for the invented organization
//	GET /v1/ledger                      {"origin","keys":{"log","receipt","index"},"vrf","policy","formats","openedAt","size","signedAt"}
//
// Entries are chosen with kind, organization, system, dataset, day, limit and
// after; items with organization, limit and after. Both come in ascending order,
// and next is the after of the following page, null on the last. A page can hold
// less than limit, or nothing, and still have a next. An empty parameter counts
// as absent. Shares are chosen with organization, recipient, dataset,
// disclosureClass, legalStandard, agreement, from and to (months, as 2026-06),
// limit and after; the totals leave limit and after out.
//
// Registers take at, a day as 2026-06-24: they are then as they were recorded by
// the end of that UTC day. Findings and retention are judged on the UTC day that
// asOf names. Of findings the public sees how many there are by organization and
// rule, never which entries or whom they are about; a server that does not look
// for them answers 404.
//
// # Refusals
//
// Every refusal is an RFC 9457 problem: 404 not-found, 405 method-not-allowed,
// 422 for a parameter that is unknown, doubled or malformed, which the member
// pointer names as ?limit, and 503 with Retry-After for what is recorded and not
// published yet. Problems never say why our disk could not be read.
//
// # Not promised
//
// Answers are not evidence; proofs are. Views can lag a moment behind the
// checkpoint, and a list is then that much shorter.
package v1
