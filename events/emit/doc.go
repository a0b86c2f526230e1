// Package emit is what a service links to record events. It links no database
// and no ledger code.
//
// A [Sender] posts CloudEvents to a ledger in batches and tries again when the
// ledger is busy or cannot be reached. Trying again is always safe: an event
// the ledger has already answers with its old position. The sender keeps
// nothing; what was not answered when the process ends must be sent again.
package emit
