package v1

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
)

// The media types that the door takes. The third is binary mode, with the
// attributes in ce- headers.
const (
	typeEvent = "application/cloudevents+json"
	typeBatch = "application/cloudevents-batch+json"
	typeData  = "application/json"
)

// LogRoutes describes the files of the public log, and of its completeness index,
// which these two serve.
func LogRoutes(checkpoint, tile http.HandlerFunc) []Route {
	out := logRoutes(checkpoint, tile)
	for i, r := range logRoutes(checkpoint, tile) {
		r.Path, r.Name, r.Summary = "/index"+r.Path, r.Name+"OfIndex", r.Summary+", of the completeness index"
		if r.Detail = "The same for the log whose leaves are the roots of the index; it has a key of its own."; i == 0 {
			r.Detail += " 404 before the first leaf."
		}
		out = append(out, r)
	}
	return out
}

func logRoutes(checkpoint, tile http.HandlerFunc) []Route {
	file := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	unchanged := Answer{Status: http.StatusNotModified, About: "If-None-Match names what would be sent."}
	return []Route{
		{
			Method: "GET", Path: "/checkpoint", Name: "getCheckpoint", Group: "log", Summary: "The published checkpoint",
			Detail:  "A signed note as c2sp.org/tlog-checkpoint has it. All other answers speak of this checkpoint. 404 before the first.",
			Answers: []Answer{{Status: http.StatusOK, About: "The checkpoint.", Content: []Content{{Media: "text/plain", Of: &huma.Schema{Type: huma.TypeString}}}}, unchanged},
			Handler: checkpoint,
		},
		{
			Method: "GET", Path: "/tile/{path...}", Name: "getTile", Group: "log", Summary: "A tile of hashes, or a bundle of entries",
			Detail: "As c2sp.org/tlog-tiles has them: tile/L/N and tile/entries/N, each with .p/W while partial. None ever changes. A tile has one address. Bundles are sent as gzip to those who accept it.",
			Params: []*huma.Param{{
				Name: "path", In: "path", Required: true, Description: "Level and number, with slashes as they are.",
				Schema: &huma.Schema{Type: huma.TypeString}, Example: "entries/000.p/1",
			}},
			Answers: []Answer{{Status: http.StatusOK, About: "The file.", Content: []Content{{Media: "application/octet-stream", Of: file}}}, unchanged},
			Handler: tile,
		},
	}
}

// DoorRoute describes the door, a handler of POST /v1/events that takes events as
// package intake says.
func DoorRoute(door http.Handler) Route {
	return Route{
		Method: "POST", Path: "/v1/events", Name: "sayEvents", Group: "door", Summary: "Say one event, or up to 1,000",
		Detail: "Takes the structured, batch and binary mode of CloudEvents over HTTP, at most 1 MiB. " +
			"Accepted means durable. An event said again with the same content is answered with its first position; with other content it is a conflict.",
		Who:    []events.Role{events.Emitter, events.Registrar},
		Params: doorParams(), Takes: doorTakes(), Answers: doorAnswers(), Handler: door,
	}
}

func doorParams() []*huma.Param {
	out := []*huma.Param{inQuery("wait", "Wait, up to five seconds, until the events are in a published checkpoint, and answer with their proofs.",
		&huma.Schema{Type: huma.TypeString, Enum: []any{"anchored"}}, nil)}
	for _, h := range []struct{ name, about string }{
		{"ce-specversion", "Binary mode: 1.0."},
		{"ce-id", "Binary mode: the id, percent-encoded."},
		{"ce-source", "Binary mode: the source."},
		{"ce-type", "Binary mode: the type."},
		{"ce-time", "Binary mode: when it happened."},
	} {
		out = append(out, &huma.Param{Name: h.name, In: "header", Description: h.about, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	return out
}

func doorTakes() []Content {
	most := 1000
	data := &huma.Schema{Description: "The data of one event, in binary mode. The header ce-type says whose."}
	named := map[string]*huma.Schema{}
	fill(named)
	var examples []Example
	for _, k := range Said() {
		data.AnyOf = append(data.AnyOf, refer(dataName(k)))
		examples = append(examples, Example{k.Name, "What " + k.Name + " needs.", string(exampleEvent(named, k))})
	}
	shared, _ := events.FindKind("data.shared")
	examples = append(examples, exampleModes(exampleEvent(named, shared))...)
	return []Content{
		{Media: typeEvent, Of: refer("Event"), Examples: examples},
		{Media: typeBatch, Of: &huma.Schema{
			Type: huma.TypeArray, Items: refer("Event"), MaxItems: &most,
			Description: "Each event is judged by itself; one that does not fit its schema is refused in its result.",
		}},
		{Media: typeData, Of: data},
	}
}

// resultJSON is what a sender learns of one event.
type resultJSON struct {
	Status    int           `json:"status" doc:"201 accepted; 200 accepted before; otherwise refused."`
	Position  *events.Index `json:"position,omitempty" doc:"Where the entry stands in the log, counted from 0."`
	Event     string        `json:"event,omitempty" pattern:"^[A-Za-z0-9_-]{22}$" doc:"The public name of the event."`
	EntryHash string        `json:"entryHash,omitempty" pattern:"^[A-Za-z0-9_-]{43}$" doc:"The SHA-256 of the entry."`
	Problem   problemBytes  `json:"problem,omitempty" doc:"Why it was refused."`
	Proof     string        `json:"proof,omitempty" doc:"The proof file, when it was waited for and published in time."`
	Receipt   string        `json:"receipt,omitempty" doc:"A signed note that promises the position; in a batch it stands beside the results."`
}

// batchJSON is what a sender learns of a batch.
type batchJSON struct {
	Results []resultJSON `json:"results" nullable:"false" doc:"One for each event, in the order sent."`
	Receipt string       `json:"receipt,omitempty" doc:"A signed note that promises the positions of all accepted; absent when none was."`
}

// problemBytes is a problem within an answer.
type problemBytes []byte

// Schema refers to the schema of a problem.
func (problemBytes) Schema(huma.Registry) *huma.Schema { return refer("Problem") }

func doorAnswers() []Answer {
	accepted := Content{Media: "application/json", Of: resultJSON{}}
	problem := Content{Media: "application/problem+json", Of: refer("Problem")}
	out := []Answer{
		{Status: http.StatusCreated, About: "One event was accepted, and is durable.", Content: []Content{accepted}},
		{Status: http.StatusOK, About: "A batch was judged, or one event had been accepted before.", Content: []Content{{Media: "application/json", Of: []any{batchJSON{}, resultJSON{}}}}},
	}
	for _, x := range []struct {
		status int
		about  string
		single bool // also what a single event is refused with, in its result
	}{
		{http.StatusBadRequest, "The body ended early.", false},
		{http.StatusUnauthorized, "No token, or one that this ledger does not know.", false},
		{http.StatusForbidden, "The token may not say this kind, or not for this source or organization.", true},
		{http.StatusConflict, "The id was used before for something else.", true},
		{http.StatusRequestEntityTooLarge, "More than 1 MiB, 1,000 events, or an entry can hold.", true},
		{http.StatusUnsupportedMediaType, "Another media type or charset.", false},
		{http.StatusUnprocessableEntity, "The event does not fit its kind; pointer says where.", true},
		{http.StatusTooManyRequests, "Too many events are waiting; Retry-After says when to send again.", false},
		{http.StatusServiceUnavailable, "The ledger is stopping, cannot write at the moment, or publishes too slowly to take more; send again.", true},
	} {
		content := []Content{problem}
		if x.single {
			content = append(content, accepted)
		}
		out = append(out, Answer{Status: x.status, About: x.about, Content: content})
	}
	return out
}
