// Package exampleday holds one invented day of an invented city, to show and to
// test what no real records show. README.md says what each part is for.
package exampleday

import "embed"

// Files is this directory: register.yaml as daybook register apply takes it, and
// events.ndjson with a structured CloudEvent a line, in order of time.
//
//go:embed register.yaml events.ndjson
var Files embed.FS
