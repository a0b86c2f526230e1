// Package api is what people and programs see: pages, JSON and the public log's
// files. It reads, and changes things only through the door that every service
// uses.
//
// # Promise
//
// Nothing is served but what a route was made for; everything else is refused.
// Every answer speaks of what the published checkpoint covers. There are three
// parts, and each is public by construction, because its only sources are public
// entries and the public log:
//
//	/checkpoint, /tile/…     the log's files (c2sp.org/tlog-tiles)
//	/v1/…                    JSON, see package v1
//	/ /entries /register …   pages, see package web
//	POST /v1/events          the door, given in Config
//
// Full tiles and bundles never change and say so; partial ones may be kept for
// minutes; a checkpoint and everything derived from it is asked for anew. A tile
// has one address; any other spelling is 404, as is what the log has not got.
//
// # Refusals
//
// A refusal is an RFC 9457 problem, or a page for whoever asks for one: 404
// without a route, 405 with Allow where the address takes other methods. A
// handler that panics answers 500, or breaks the connection when part of the
// answer is out; the log gets the stack and never what was sent. Only the door
// reads a body.
//
// # Security headers
//
// Every answer forbids scripts, frames, other sites' content, sniffing of types,
// and referrers.
//
// # Crash
//
// Nothing is written here, so a crash loses nothing.
//
// # Not promised
//
// A stolen or subverted server can leave out, delay or invent what it shows; it
// cannot make a false proof verify. Who doubts a page checks the proof.
package api
