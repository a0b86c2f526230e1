// Package api is what people and programs see: pages, JSON and the public log's
// files. It reads, and changes things only through the door that every service
// uses.
//
// # Promise
//
// Nothing is served but what a route was made for; everything else is refused.
// Every answer speaks of what the published checkpoint covers. Three parts are
// public by construction, because their only sources are public entries and the
// public log:
//
//	/checkpoint, /tile/…     the log's files (c2sp.org/tlog-tiles)
//	/index/checkpoint, …     the same of the log of the completeness index
//	/v1/…                    JSON, see package v1
//	/openapi.json, /api      what programs can ask, and the same as a page
//	/ /entries /register …   pages, see package web
//	POST /v1/events          the door, given in Config
//	/v1/officer/… /officer/… for officers and auditors, where Config has a desk;
//	                         what officers order goes through it, and is an event
//
// # The public log's files
//
// /checkpoint and /tile/…, and both below /index/, are what c2sp.org/tlog-tiles asks for, so that whoever
// reads one such log reads this one. A tile has one address; any other spelling is
// 404, and so is what the log has not got, which nobody keeps: it may be there in a
// moment. Of a bundle or tile every width inside the published size is there. Tiles
// never change and say so, partial ones with a day to be kept and full ones with a
// year; a checkpoint and everything derived from it is asked for anew. A file that
// is shorter than its tile, as on a damaged disk, is 503 and not kept.
//
// Bundles go out as gzip to those who accept it and as they are to all others, with
// Vary: Accept-Encoding either way; hashes cannot be made shorter. Every file has
// an ETag of its content, and If-None-Match with it is answered 304; that of the
// zipped form is weak. HEAD answers as GET does. Ranges are not served. Any page of
// any site may read the files.
//
// # Officers
//
// An officer is shown what her organization recorded, an auditor the same, or
// everything when bound to no organization; then each request names one. Nobody
// else is shown anything, and both rest on [events.Role.MayRead]. Before an answer
// to either is given, the ledger holds a ledger.read that says so, and where the
// answer is what was sealed in an entry about somebody, with the next tag of her
// trail. So an answer that got lost on its way is on record, and none is that was
// refused as malformed or forbidden. To read is to ask with GET: who loads a page
// again is recorded again, and what a browser fetches before anybody wants it is
// refused. To open the details of an entry takes a POST.
//
// There are two ways in, and neither opens the other. Programs show a bearer token
// at /v1/officer/… with each request. People exchange a token for a session at
// /officer/sign-in: 256 random bits in a cookie that scripts cannot read and other
// sites cannot make a browser send, bound to this host where the request came by
// TLS. By plain HTTP only this very machine may sign in. Sessions are kept by the
// hash of their id in memory, so a restart ends them; 30 minutes without use and
// eight hours in all end them too, and so does revoking the token, which is looked
// up again on each request. A token has ten sessions at most, and all together a
// thousand: the longest idle makes room.
//
// Attempts to sign in are limited by address (ten, then one in six seconds) and in
// all (200, then ten a second), with 429 and Retry-After beyond. Every token that
// does not let in gets the same answer. Tokens and sessions are looked up by hash,
// so that how long it takes says nothing of others.
//
// What a page of another site makes a browser send is refused on every route that
// is not a GET. Requests to /v1/ with a bearer token are let through: a browser
// never adds one by itself, so they have only the authority they show.
//
// Answers to officers are kept by nobody (no-store), not even pages that refuse.
//
// # Refusals
//
// A refusal is an RFC 9457 problem, or a page for whoever asks for one: 404
// without a route, 405 with Allow where the address takes other methods. A
// handler that panics answers 500, or breaks the connection when part of the
// answer is out; the log gets the stack and never what was sent. Only the door
// and what officers send read a body.
//
// # Security headers
//
// Every answer forbids scripts, frames, other sites' content, sniffing of types,
// and referrers.
//
// # Crash
//
// Nothing is written here, so a crash loses nothing but sessions: officers sign in
// again.
//
// # Not promised
//
// A stolen or subverted server can leave out, delay or invent what it shows; it
// cannot make a false proof verify. Who doubts a page checks the proof. It can
// also use the tokens that are shown to it, and what runs beside the keyring can
// open what is sealed without a word: readings are recorded by an honest server.
// A stolen session reads until it ends, and each of its readings is on record
// under the name of the token.
package api
