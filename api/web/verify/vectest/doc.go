// Package vectest has what tests ask every verifier: the vectors of testdata/vectors
// with what is trusted and what Go says of them, and any number of files that were
// changed in one place.
//
// # Promise
//
// The same seed gives the same changes. Of a changed file no verifier may be
// convinced, unless it states what the original does: see [States]. Only tests use
// this package.
package vectest
