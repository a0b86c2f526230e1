package intake

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

const (
	maxBody  = 1 << 20
	maxBatch = 1000
)

const (
	typeEvent = "application/cloudevents+json"
	typeBatch = "application/cloudevents-batch+json"
)

// body is what a request carries, one value for each event.
type body struct {
	events []events.Value
	sizes  []int
	batch  bool
}

// readRequest reads a request in the mode its content type names, as the
// CloudEvents HTTP binding 1.0.2 defines them.
func readRequest(w http.ResponseWriter, r *http.Request) (body, *events.Problem) {
	mediaType, ok := mediaOf(r.Header.Get("Content-Type"))
	known := mediaType == typeEvent || mediaType == typeBatch || events.IsJSON(mediaType) && r.Header.Get("ce-specversion") != ""
	if !ok || !known {
		return body{}, unsupported()
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return body{}, oversized()
	}
	if err != nil {
		return body{}, &events.Problem{Status: 400, Code: "cut-off", Detail: "the body ended early"}
	}
	return parseBody(mediaType, r.Header, raw)
}

// mediaOf is the media type of a content type in UTF-8; false when it is no
// content type or names another charset.
func mediaOf(contentType string) (string, bool) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	charset := params["charset"]
	return mediaType, err == nil && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

func unsupported() *events.Problem {
	return &events.Problem{Status: 415, Code: "unsupported-media-type", Detail: "send " + typeEvent + ", " + typeBatch + ", or application/json with ce- headers, in UTF-8"}
}

func oversized() *events.Problem {
	return &events.Problem{Status: 413, Code: "too-large", Detail: "a request has at most 1 MiB"}
}

// parseBody reads the payload of a known media type. What is not one of the two
// structured types is the data of binary mode.
func parseBody(mediaType string, h http.Header, raw []byte) (body, *events.Problem) {
	v, err := events.ParseValue(raw)
	if err != nil {
		return body{}, events.SyntaxProblem(err)
	}
	switch mediaType {
	case typeBatch:
		return batchBody(v, len(raw))
	case typeEvent:
		return body{events: []events.Value{v}, sizes: []int{len(raw)}}, nil
	}
	return binaryBody(h, v, len(raw))
}

func batchBody(v events.Value, size int) (body, *events.Problem) {
	items, ok := v.AsList()
	switch {
	case !ok:
		return body{}, &events.Problem{Status: 422, Code: "wrong-type", Detail: "a batch is a JSON array of events"}
	case len(items) > maxBatch:
		return body{}, &events.Problem{Status: 413, Code: "too-large", Detail: "a batch has at most 1,000 events"}
	}
	b := body{events: items, sizes: make([]int, len(items)), batch: true}
	for i := range items {
		b.sizes[i] = size / len(items)
	}
	return b, nil
}

// headerText is the value of a ce- header: quotes with their backslashes first,
// as older senders write them, then percent-encoding, each undone once.
func headerText(s string) (string, error) {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		var b strings.Builder
		for i, inner := 0, s[1:len(s)-1]; i < len(inner); i++ {
			if inner[i] == '\\' && i+1 < len(inner) {
				i++
			}
			b.WriteByte(inner[i])
		}
		s = b.String()
	}
	return url.PathUnescape(s)
}

// binaryBody takes the attributes from ce- headers.
func binaryBody(h http.Header, data events.Value, size int) (body, *events.Problem) {
	o := events.Object{}
	for _, name := range []string{"specversion", "id", "source", "type", "time"} {
		values := h.Values("ce-" + name)
		if len(values) == 0 {
			continue
		}
		text, err := headerText(values[0])
		if err != nil || len(values) > 1 {
			return body{}, &events.Problem{Status: 422, Code: "malformed", Pointer: "/" + name, Detail: "the header must stand once, percent-encoded"}
		}
		o = o.With(name, events.String(text))
	}
	return body{events: []events.Value{events.Nested(o.With("data", data))}, sizes: []int{size}}, nil
}
