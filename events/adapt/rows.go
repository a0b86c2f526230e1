package adapt

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// row is one line of a CSV file, by column name.
type row struct {
	file   string
	line   int
	values map[string]string
}

// text is a value without the spaces around it.
func (r row) text(column string) string { return strings.TrimSpace(r.values[column]) }

// at names the row in an error about it.
func (r row) at(err error) error { return fmt.Errorf("reading %s line %d: %w", r.file, r.line, err) }

// instant reads a time written without a zone, as UTC.
func (r row) instant(column, layout string) (time.Time, error) {
	t, err := time.Parse(layout, r.text(column))
	if err != nil {
		return time.Time{}, r.at(err)
	}
	return t, nil
}

// readRows reads a CSV file with a header that has at least these columns. A
// file without rows is an error: the records are gone, not empty.
func readRows(fsys fs.FS, name string, columns ...string) ([]row, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading records: %w", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("reading the header of %s: %w", name, err)
	}
	for _, c := range columns {
		if !slices.Contains(header, c) {
			return nil, fmt.Errorf("reading the header of %s: no column %q", name, c)
		}
	}
	var rows []row
	for {
		values, err := r.Read()
		if errors.Is(err, io.EOF) && len(rows) > 0 {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		line, _ := r.FieldPos(0)
		rows = append(rows, row{file: name, line: line, values: byColumn(header, values)})
	}
}

func byColumn(header, values []string) map[string]string {
	m := make(map[string]string, len(header))
	for i, c := range header {
		m[c] = values[i]
	}
	return m
}
