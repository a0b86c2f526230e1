package adapt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// Event is one CloudEvents 1.0 event with a JSON payload.
type Event struct {
	ID, Source string
	Type       string         // org.daybook.<kind>.v1
	Time       string         // RFC 3339, UTC
	Data       map[string]any // strings, integers, lists and objects of these

	text []byte // the structured form of what a map gave, nil when nobody wrote it yet
}

// Text is the structured form of the event. That of an event from a [Map] was
// written when it was checked; who changes such an event marshals it instead.
func (e Event) Text() ([]byte, error) {
	if e.text != nil {
		return e.text, nil
	}
	return e.MarshalJSON()
}

// MarshalJSON is the structured form of the event.
func (e Event) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		SpecVersion     string         `json:"specversion"`
		ID              string         `json:"id"`
		Source          string         `json:"source"`
		Type            string         `json:"type"`
		Time            string         `json:"time"`
		DataContentType string         `json:"datacontenttype"`
		Data            map[string]any `json:"data"`
	}{"1.0", e.ID, e.Source, e.Type, e.Time, "application/json", e.Data})
}

// OfRegister says that the event is about the register, whose events must be
// sent in order.
func (e Event) OfRegister() bool {
	k, ok := events.FindKind(strings.TrimSuffix(strings.TrimPrefix(e.Type, events.TypePrefix), events.TypeSuffix))
	return ok && k.By == events.Registrar
}

// Lines is the events as NDJSON: one structured event a line, in order.
func Lines(all []Event) ([]byte, error) {
	var b bytes.Buffer
	for _, e := range all {
		line, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("writing event %s of %s: %w", e.ID, e.Source, err)
		}
		b.Write(append(line, '\n'))
	}
	return b.Bytes(), nil
}

// register is what the register events of one source share.
type register struct {
	source string
	time   time.Time
}

// event says data of the object the reference names. Its id is the reference
// and what happened.
func (r register) event(kind, reference, happened, organization string, data map[string]any) Event {
	data["organization"] = organization
	return Event{
		ID:     reference + "/" + happened,
		Source: r.source,
		Type:   kindType(kind),
		Time:   r.time.UTC().Format(time.RFC3339),
		Data:   data,
	}
}

func kindType(kind string) string { return events.TypePrefix + kind + events.TypeSuffix }

// reference is the parts joined by slashes, if that is a reference.
func reference(parts ...string) (string, error) {
	ref := strings.Join(parts, "/")
	if !events.IsReference(ref) {
		return "", fmt.Errorf("reading the reference %q: want [a-z0-9][a-z0-9._/@-]{0,95}", ref)
	}
	return ref, nil
}
