package adapt

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/itchyny/gojq"

	"github.com/daybook-ledger/daybook/events"
)

// The bounds of what one row may take and give.
const (
	defaultLimit = 10 * time.Second
	maxGiven     = 1000
)

//go:embed maps/*.jq
var shipped embed.FS

//go:embed prelude.jq
var prelude string

// Map is a compiled mapping program. It is safe for use by several goroutines.
type Map struct {
	Name string

	// Source is the source of events whose program names none. Changing it
	// changes what the ledger takes for the same event.
	Source string

	// Format is how the source's files are laid out.
	Format Format

	// Edition says that the rows state what a register should hold, and what
	// happened is how that differs from what it held before.
	Edition bool

	// Limit bounds the time one row may take; zero is ten seconds, which no row
	// needs and a busy machine does not reach.
	Limit time.Duration

	code *gojq.Code
}

// Maps are the names of the maps that come with the program, sorted.
func Maps() []string {
	files, _ := fs.Glob(shipped, "maps/*.jq")
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".jq")
	}
	slices.Sort(files)
	return files
}

// Load compiles the map of that name among [Maps]; the error wraps
// fs.ErrNotExist when there is none.
func Load(name string) (*Map, error) {
	program, err := fs.ReadFile(shipped, "maps/"+name+".jq")
	if err != nil {
		return nil, fmt.Errorf("reading the map %s: %w", name, err)
	}
	return Compile(name, string(program))
}

// Compile reads a mapping program; name is for messages. Programs reach
// neither files nor environment nor clock, and include no other.
func Compile(name, program string) (*Map, error) {
	query, err := gojq.Parse(program)
	if err != nil {
		return nil, fmt.Errorf("reading the map %s: %w", name, place(program, err))
	}
	if len(query.Imports) > 0 {
		return nil, fmt.Errorf("reading the map %s: a map stands alone and imports nothing", name)
	}
	m := &Map{Name: name}
	if err := m.describe(query.Meta); err != nil {
		return nil, fmt.Errorf("reading the map %s: %w", name, err)
	}
	before, err := gojq.Parse(prelude + ".")
	if err != nil {
		return nil, fmt.Errorf("reading the prelude: %w", err)
	}
	query.Meta, query.FuncDefs = nil, append(before.FuncDefs, query.FuncDefs...)
	if m.code, err = gojq.Compile(query, functions()...); err != nil {
		return nil, fmt.Errorf("compiling the map %s: %w", name, err)
	}
	return m, nil
}

// place says on which line of the program parsing stopped.
func place(program string, err error) error {
	var p *gojq.ParseError
	if !errors.As(err, &p) || p.Offset > len(program) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+strings.Count(program[:p.Offset], "\n"), err)
}

// describe takes what the program's module directive says of its source.
func (m *Map) describe(meta *gojq.ConstObject) error {
	if meta == nil {
		return nil
	}
	for name, value := range meta.ToValue() {
		switch v := value.(type) {
		case string:
			if p, known := map[string]*string{"source": &m.Source, "records": &m.Format.Records}[name]; known {
				*p = v
				continue
			}
		case bool:
			if name == "edition" {
				m.Edition = v
				continue
			}
		case []any:
			if name == "columns" {
				m.Format.Columns = make([]string, len(v))
				for i, c := range v {
					m.Format.Columns[i], _ = c.(string)
				}
				continue
			}
		}
		return fmt.Errorf("module says %q, which is not text source or records, a list columns or edition", name)
	}
	return nil
}

// Apply maps one row to the events it tells of, in order, all checked as the
// ledger checks them. A row that has nothing to tell gives none. The error is
// about this row and does not carry its values.
func (m *Map) Apply(ctx context.Context, row any) ([]Event, error) {
	limit := m.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var out []Event
	for given := m.code.RunWithContext(bounded, row); ; {
		v, more := given.Next()
		if !more {
			return out, nil
		}
		if err, failed := v.(error); failed {
			if ctx.Err() == nil && bounded.Err() != nil {
				return nil, fmt.Errorf("mapping the row: it takes longer than %v", limit)
			}
			return nil, reason(err)
		}
		if len(out) == maxGiven {
			return nil, fmt.Errorf("mapping the row: it gives more than %d events", maxGiven)
		}
		e, err := m.event(v, row, len(out))
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
}

// refusal is why a function of ours takes no such value; it does not quote it.
type refusal string

func (r refusal) Error() string { return string(r) }

// reason is what a program said with error("…"), in its own words. The errors
// of jq itself quote values, which may be anybody's; of them only the kind is
// told.
func reason(err error) error {
	var own refusal
	var said gojq.ValueError
	if errors.As(err, &own) {
		return own
	}
	if errors.As(err, &said) {
		if text, ok := said.Value().(string); ok {
			return refusal(text)
		}
	}
	text := err.Error()
	if i := strings.IndexAny(text, `("[{:`); i >= 0 {
		text = strings.TrimSpace(text[:i])
	}
	return refusal("the program stops: " + text)
}

// event is one object a program gave for row, its nth. Data loses what is
// null or empty, which is how a program says nothing about a field.
func (m *Map) event(given, row any, n int) (Event, error) {
	o, ok := given.(map[string]any)
	if !ok {
		return Event{}, refusal("the program gave something that is no event")
	}
	e := Event{Source: m.Source}
	for name, to := range map[string]*string{"id": &e.ID, "source": &e.Source, "type": &e.Type, "time": &e.Time} {
		switch v := o[name].(type) {
		case nil:
		case string:
			*to = v
		default:
			return Event{}, refusal("the event's " + name + " is not text")
		}
	}
	if o["id"] == nil {
		e.ID = contentID(row, n)
	}
	if m.Edition {
		e.ID, e.Time = contentID(row, n), stated
	}
	if e.Data, _ = filled(o["data"]).(map[string]any); e.Data == nil {
		e.Data = map[string]any{}
	}
	var err error
	if e.text, err = e.MarshalJSON(); err != nil {
		return Event{}, refusal("the event cannot be written as JSON")
	}
	if _, err := events.ParseEvent(e.text); err != nil {
		return Event{}, err
	}
	if m.Edition && !e.OfRegister() {
		return Event{}, refusal("an edition states what is in a register, and the program gave an event of another kind")
	}
	return e, nil
}

// stated is the time of statements, which have none.
const stated = "1970-01-01T00:00:00Z"

// filled is v without what is null, "" or, then, an empty object or list; nil
// when nothing is left.
func filled(v any) any {
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			if value = filled(value); value != nil {
				out[name] = value
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, value := range v {
			if value = filled(value); value != nil {
				out = append(out, value)
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	}
	return v
}
