package adapt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// document reads rows from JSON that is not a row a line. After bad JSON it
// cannot go on.
type document struct {
	bytes   *meter
	lines   lineCount
	json    *json.Decoder
	records string
	yield   func(Row, error) bool
}

func documentRows(in io.Reader, records string, yield func(Row, error) bool) error {
	d := &document{records: records, yield: yield, bytes: &meter{in: in, left: MaxRow}}
	d.json = json.NewDecoder(io.TeeReader(d.bytes, &d.lines))
	for {
		err := d.value()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return d.at(err)
		}
	}
}

// at says on which line reading stopped.
func (d *document) at(err error) error {
	if errors.Is(err, errStop) {
		return err
	}
	return fmt.Errorf("near line %d: %w", d.lines.of(d.json.InputOffset()), err)
}

// value reads one value at the top: a list of rows, or a row.
func (d *document) value() error {
	token, err := d.json.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('['):
		return inside(d.list())
	case json.Delim('{'):
		return inside(d.object())
	}
	return errors.New("a value that is no object stands at the top")
}

// inside is the error of what has begun and must end.
func inside(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// list reads the rows of a list that has begun.
func (d *document) list() error {
	for d.json.More() {
		var raw json.RawMessage
		d.bytes.left = MaxRow
		if err := d.json.Decode(&raw); err != nil {
			return err
		}
		if err := d.row(d.json.InputOffset()-int64(len(raw)), raw); err != nil {
			return err
		}
	}
	_, err := d.json.Token()
	return err
}

// object reads an object that has begun: a row, unless it holds the records.
func (d *document) object() error {
	start := d.json.InputOffset() - 1
	d.bytes.left = MaxRow
	text, held := []byte{'{'}, false
	for d.json.More() {
		name, err := d.json.Token()
		if err != nil {
			return err
		}
		if name == d.records && d.records != "" {
			if token, err := d.json.Token(); err != nil || token != json.Delim('[') {
				return errors.Join(err, fmt.Errorf("%s is not a list", d.records))
			}
			if err := d.list(); err != nil {
				return err
			}
			held = true
			continue
		}
		var raw json.RawMessage
		if err := d.json.Decode(&raw); err != nil {
			return err
		}
		if text, err = appendMember(text, name, raw); err != nil {
			return err
		}
	}
	if _, err := d.json.Token(); err != nil || held {
		return err
	}
	return d.row(start, append(text, '}'))
}

func appendMember(text []byte, name json.Token, raw []byte) ([]byte, error) {
	quoted, err := json.Marshal(name)
	if err != nil {
		return nil, err
	}
	if len(text) > 1 {
		text = append(text, ',')
	}
	return append(append(append(text, quoted...), ':'), raw...), nil
}

func (d *document) row(start int64, raw []byte) error {
	row := Row{Line: d.lines.of(start), raw: raw}
	row.Value, row.Problem = decode(raw)
	if !d.yield(row, nil) {
		return errStop
	}
	return nil
}

// lineCount says on which line an offset lies, of offsets that never go back.
// It forgets the line ends it has passed.
type lineCount struct {
	ends   []int64
	read   int64
	passed int
}

func (l *lineCount) Write(p []byte) (int, error) {
	for at := 0; ; at++ {
		i := bytes.IndexByte(p[at:], '\n')
		if i < 0 {
			l.read += int64(len(p))
			return len(p), nil
		}
		at += i
		l.ends = append(l.ends, l.read+int64(at))
	}
}

func (l *lineCount) of(offset int64) int {
	n := 0
	for n < len(l.ends) && l.ends[n] < offset {
		n++
	}
	l.passed += n
	l.ends = append(l.ends[:0], l.ends[n:]...)
	return l.passed + 1
}
