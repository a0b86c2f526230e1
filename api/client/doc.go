// Package client reads a ledger over HTTP: the public log's files, proofs,
// entries and the ledger's own description. It links no database.
//
// # Promise
//
// Nothing a server answers is believed or kept: an answer has a size limit that
// fits what it can be, a proof is parsed strictly, and no method verifies
// anything, which is for package proof with a key from elsewhere. [Client.Read]
// serves whoever audits a public log, as from a directory.
//
// # Errors
//
// A 404 is fs.ErrNotExist; any other refusal is a [*Refusal] with its status and
// the problem's detail; whatever else goes wrong is the error of net/http.
// Nothing is tried again: the caller knows how long it wants to wait.
//
// # Crash
//
// It writes nothing.
package client
