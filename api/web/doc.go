// Package web is the pages people read: plain sentences first, numbers and
// hashes last.
//
// # Promise
//
// A public page is made from the public entries below the published checkpoint
// and from nothing else. It works without scripts, cookies or anything from another site, on a phone, on paper
// and for a screen reader. What an organization left out is shown as "not filled
// in", a reference nobody registered as "not in the register", and every record
// of the invented organization bears the words "invented example" and is never
// counted with real ones. All text is escaped where it is shown.
//
// One page has a script: /trail, which opens the card of a person in her browser. A
// link to it has the card behind its "#", which a browser keeps to itself. The script
// finds what the card leads to, checks all of it with the verifier of package verify,
// shows it, and gives it to her as a file; the card is not sent, nor kept when the page
// is left. Without the script there is a form. It is sent by a person who agreed that
// this server opens the card, which is used for this one answer, neither kept nor
// logged, and the answer is marked as not to be stored.
//
// /verify is a page of another kind: one file with its script, which checks whatever a
// ledger gave to somebody, can reach nobody, and is the same in every ledger of one
// version. It is meant to be kept, so that it need not be believed because it came from
// here; [VerifierHash] is its fingerprint.
//
// # Pages
//
//	/                            what this is, totals, last signature, newest entries
//	/entries                     all entries, oldest first, with a form to choose
//	/entries/{entry}             one entry, by position or event name, with its proof
//	/register                    the registers
//	/register/{register}         one register
//	/register/{register}/{id}    who, what, where, when and why; faults, assessments, and how it came to this
//	/sharing                     who received what, on what ground
//	/deletions                   which datasets are overdue, due or done
//	/coverage                    which services report, which are silent, systems nobody reports on
//	/seals                       what a seal is, how many stand, which are overdue
//	/findings                    how many findings, by organization and question
//	/trail                       opens a card, in the browser; POST: here, for who agreed
//	/checking                    how to check, and what a check does not show
//	/verify                      a page that checks files in the browser; /verify.html is the same, to keep
//	/api                         every address for programs, from the document at /openapi.json
//
//	/officer/sign-in             takes an officer's or auditor's token
//	/officer                     the desk: what can be asked
//	/officer/trail               who used which data, with facets; .csv and .json to save
//	/officer/findings            what the rules found, in words; .csv and .json to save
//	/officer/findings/{finding}  one finding, its evidence, its entries and their proofs
//	/officer/seals               the seals that stand, to place, extend (…/extend) and lift (…/lift) them: POST
//	/officer/cards               gives away a card: POST, answered with a letter to print, or a file
//	/officer/details             POST: what was sealed in one entry
//	/officer/person              asks whom; POST: what is recorded about one person, under seal or not
//	/officer/statement           POST: her statement, to print, as a table or with proofs
//
// The pages under /officer are for who has signed in, and each says as which entry
// its reading is recorded; package api says the rest. Values there are shown as
// they were sent, and escaped like all text.
//
// The register, each register and each item take ?at=2026-06-24 and are then as
// they were recorded by the end of that UTC day; the page says so. Without it, what
// is expired or past due is judged by the day where the organization is.
//
// The style sheet and the icon have their hash in their address and may be kept
// for ever; pages are asked for anew each time.
//
// # Errors
//
// A page that cannot be made is a page that says so: 404, 422 for a parameter
// that is malformed or unknown, 503 with Retry-After for what is not published
// yet. A page goes out whole or not at all.
//
// # Not promised
//
// The wording may change at any time; programs use the JSON. The words for codes
// are ours, the codes those of their vocabularies: both are shown where they
// differ on the page of an entry.
package web
