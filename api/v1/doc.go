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
//	GET /v1/ledger                      {"origin","keys":{"log","receipt","index"},"vrf","policy","formats","openedAt","size","signedAt"}
//
// Entries are chosen with kind, organization, system, dataset, day, limit and
// after; items with organization, limit and after. Both come in ascending order,
// and next is the after of the following page, null on the last. A page can hold
// less than limit, or nothing, and still have a next. An empty parameter counts
// as absent.
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
