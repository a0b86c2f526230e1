// Package records holds real records of other systems, with their licences.
// README.md says where each comes from.
package records

import "embed"

// Files is this directory: array-of-things and eugene-plate-reader, as the
// functions of events/adapt read them.
//
//go:embed README.md array-of-things eugene-plate-reader
var Files embed.FS
