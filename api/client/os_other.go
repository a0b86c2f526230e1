//go:build !unix

package client

// syncDir does nothing: this system cannot sync a directory.
func syncDir(string) error { return nil }
