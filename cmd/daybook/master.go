package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events/keyring"
)

// master says where the master key of a data directory is.
type master struct{ spec string }

func (m *master) flag(c *cobra.Command) {
	c.Flags().StringVar(&m.spec, "master", "", "where the master key of the keys is: file:PATH, env:NAME, or age:IDENTITYFILE for a file encrypted to that identity; default a file beside the data directory")
}

// open returns the place and its name in words.
func (m *master) open(dir string) (keyring.Master, string, error) {
	kind, where, _ := strings.Cut(m.spec, ":")
	beside := keyring.DefaultMaster(dir)
	switch {
	case m.spec == "":
		return keyring.FileMaster(beside), beside, nil
	case where == "":
	case kind == "file" && isBelow(where, dir):
		return nil, "", exitWith(exitUsage, "the master key %s would lie inside the data directory, where every copy takes it along; keep it elsewhere", where)
	case kind == "file":
		return keyring.FileMaster(where), where, nil
	case kind == "env":
		return keyring.EnvMaster(where), "the environment variable " + where, nil
	case kind == "age":
		return keyring.AgeMaster(beside+".age", where), fmt.Sprintf("%s, which the identity in %s decrypts", beside+".age", where), nil
	}
	return nil, "", exitWith(exitUsage, "the master key cannot be in %q: file:PATH, env:NAME or age:IDENTITYFILE", m.spec)
}

// isBelow reports whether path is below dir.
func isBelow(path, dir string) bool {
	path, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// openKeyring opens the keys of a data directory.
func (m *master) openKeyring(dir, origin string) (*keyring.Keyring, error) {
	kept, _, err := m.open(dir)
	if err != nil {
		return nil, err
	}
	return keyring.Open(keyring.Config{Dir: keysOf(dir), Origin: origin, Master: kept})
}

func keysOf(dir string) string { return filepath.Join(dir, "keys") }

// warning is what has to be known about the two.
func (m *master) warning(dir string) string {
	_, words, err := m.open(dir)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s; whoever has it and %s can open everything", words, keysOf(dir))
}
