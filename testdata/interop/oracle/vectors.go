package oracle

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// File is a row of index.tsv, with the bytes of the file.
type File struct {
	Name, Format, Reason string
	Accept               bool
	Data                 []byte
}

// ReadFiles reads the index of a directory of vectors, and the files in it.
func ReadFiles(dir string) (out []File, err error) {
	all, err := rows(dir, "index.tsv", 4)
	if err != nil {
		return nil, err
	}
	for _, row := range all {
		data, err := os.ReadFile(filepath.Join(dir, row[0]))
		if err != nil {
			return nil, err
		}
		out = append(out, File{filepath.Base(row[0]), row[1], row[3], row[2] == "accept", data})
	}
	return out, nil
}

// ReadKeys reads the keys of a directory of vectors, those of the policy too by which
// files of the format "cosigned" are judged.
func ReadKeys(dir string) (k Keys, err error) {
	all, err := rows(dir, "keys.tsv", 2)
	if err != nil {
		return k, err
	}
	for _, row := range all {
		switch row[0] {
		case "checkpoint":
			k.Log = row[1]
		case "receipt":
			k.Receipt = row[1]
		}
	}
	policy, err := os.ReadFile(filepath.Join(dir, "accept/policy-two-of-three.policy"))
	if err != nil {
		return k, err
	}
	for line := range strings.Lines(string(policy)) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "witness" {
			k.Witnesses = append(k.Witnesses, f[2])
		}
	}
	if k.Log == "" || k.Receipt == "" || len(k.Witnesses) != 3 {
		return k, fmt.Errorf("the keys in %s are not those of the vectors", dir)
	}
	return k, nil
}

// rows are the lines of a table of vectors below the first.
func rows(dir, name string, columns int) (out [][]string, err error) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		row := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(row) != columns {
			return nil, fmt.Errorf("%s: %q has %d columns", name, line, len(row))
		}
		out = append(out, row)
	}
	return out[1:], nil
}
