package adapt

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"unicode/utf8"
)

// MaxRow bounds one row in bytes, so that a file of any size needs little
// memory.
const MaxRow = 4 << 20

// sniffed is how much of a file decides what it is.
const sniffed = 64 << 10

// Format is how the files of a source are laid out.
type Format struct {
	// Columns names the columns of a CSV file that has no header.
	Columns []string

	// Records names the list, in a JSON object around all of them, that holds
	// the rows, as "Records". "" takes each object as a row.
	Records string
}

// Row is one record of a file.
type Row struct {
	Line    int   // on which it begins, from 1
	Value   any   // of CSV an object of text by column, of JSON what it says, numbers as json.Number
	Problem error // why Value cannot be read; the rows after it can

	raw  []byte
	size int
}

// Size is about what the row takes in the file, in bytes.
func (r Row) Size() int { return r.size + len(r.raw) }

// Raw is the row as JSON, or, if it is not JSON, its text as a JSON string.
func (r Row) Raw() json.RawMessage {
	if r.Problem == nil && r.raw != nil {
		return r.raw
	}
	if r.raw != nil {
		r.Value = string(r.raw)
	}
	b, err := json.Marshal(r.Value)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}

// Kept is the row without its value where Raw does without, for who keeps many.
func (r Row) Kept() Row {
	if r.raw != nil {
		r.Value = nil
	}
	return r
}

// Rows reads the rows of a file in order. JSON is a list, an object with
// [Format].Records, or objects one after the other, which resume at the next
// line after a bad one when they are a line each; everything else is CSV. The
// last element alone may have an error: reading cannot go on.
func Rows(in io.Reader, f Format) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		buffered := bufio.NewReaderSize(in, sniffed)
		head, err := buffered.Peek(sniffed)
		if err != nil && !errors.Is(err, io.EOF) {
			yield(Row{}, fmt.Errorf("reading rows: %w", err))
			return
		}
		if bytes.HasPrefix(head, []byte("\ufeff")) {
			_, _ = buffered.Discard(3)
			head = head[3:]
		}
		switch {
		case len(f.Columns) > 0 || !isJSON(head):
			err = csvRows(buffered, f.Columns, yield)
		case isDocument(head, f.Records):
			err = documentRows(buffered, f.Records, yield)
		default:
			err = lineRows(buffered, yield)
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(Row{}, fmt.Errorf("reading rows: %w", err))
		}
	}
}

// errStop says that nobody wants more rows.
var errStop = errors.New("no more rows are wanted")

func isJSON(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	return len(head) == 0 || head[0] == '{' || head[0] == '['
}

// isDocument says that the rows are not a line each: they are in a list, or
// the first line is only the beginning of a value.
func isDocument(head []byte, records string) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	if len(head) == 0 || head[0] == '[' {
		return len(head) > 0
	}
	if records != "" && regexp.MustCompile(`"`+regexp.QuoteMeta(records)+`"\s*:\s*\[`).Match(head) {
		return true
	}
	line, _, whole := bytes.Cut(head, []byte("\n"))
	line = bytes.TrimRight(line, " \t\r")
	return whole && !json.Valid(line) && bytes.IndexByte([]byte("{[,"), line[len(line)-1]) >= 0
}

// lineRows reads one JSON value a line.
func lineRows(in *bufio.Reader, yield func(Row, error) bool) error {
	for n := 1; ; n++ {
		line, long, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			row := Row{Line: n, raw: text}
			if long {
				row.raw, row.Problem = nil, fmt.Errorf("the row is longer than %d bytes", MaxRow)
			} else {
				row.Value, row.Problem = decode(text)
			}
			if !yield(row, nil) {
				return errStop
			}
		}
		if err != nil {
			return nil
		}
	}
}

// readLine is the next line in memory of its own; of one that is too long only
// the beginning.
func readLine(in *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if long = long || len(line)+len(part) > MaxRow; !long {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}

// csvRows reads CSV as RFC 4180 has it, with a header unless columns are
// named.
func csvRows(in io.Reader, columns []string, yield func(Row, error) bool) error {
	limited := &meter{in: in, left: MaxRow}
	r := csv.NewReader(limited)
	r.FieldsPerRecord = -1
	if len(columns) == 0 {
		header, err := r.Read()
		if err != nil {
			return fmt.Errorf("the header: %w", err)
		}
		columns = header
	}
	if sorted := slices.Sorted(slices.Values(columns)); len(slices.Compact(sorted)) != len(columns) {
		return errors.New("the header: two columns have one name")
	}
	for {
		limited.left = MaxRow
		values, err := r.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.As(err, &bad):
			return err
		}
		if !yield(csvRow(r, columns, values, bad), nil) {
			return errStop
		}
	}
}

func csvRow(r *csv.Reader, columns, values []string, bad *csv.ParseError) Row {
	if bad != nil {
		return Row{Line: bad.StartLine, Problem: fmt.Errorf("the row is not CSV: %w", bad.Err)}
	}
	line, _ := r.FieldPos(0)
	object := make(map[string]any, len(columns))
	valid, size := true, 0
	for i, v := range values {
		valid = valid && utf8.ValidString(v)
		size += len(v)
		if i < len(columns) {
			object[columns[i]] = v
		}
	}
	row := Row{Line: line, Value: object, size: size}
	switch {
	case len(values) != len(columns):
		row.Problem = fmt.Errorf("the row has %d values, not %d", len(values), len(columns))
	case !valid:
		row.Problem = errNotUTF8
	}
	return row
}

// meter ends with an error when more than left bytes are read of one row.
type meter struct {
	in   io.Reader
	left int
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, fmt.Errorf("a row is longer than %d bytes", MaxRow)
	}
	n, err := m.in.Read(p)
	m.left -= n
	return n, err
}
