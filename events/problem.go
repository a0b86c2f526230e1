package events

import (
	"fmt"
	"strconv"
)

// Problem is a refusal as RFC 9457 shapes it. Detail names fields and rules,
// never the value that was sent: a problem may be logged.
type Problem struct {
	Status  int    // HTTP status
	Code    string // stable, as kind-not-open
	Detail  string // what is wrong and what would be right
	Pointer string // RFC 6901, into the event as structured JSON; "" for the whole
}

func (p *Problem) Error() string {
	if p.Pointer == "" {
		return fmt.Sprintf("%s: %s", p.Code, p.Detail)
	}
	return fmt.Sprintf("%s at %s: %s", p.Code, p.Pointer, p.Detail)
}

// Append writes p as application/problem+json.
func (p *Problem) Append(dst []byte) []byte {
	o := Object{}.With("type", String("urn:daybook:problem:"+p.Code)).With("title", String(p.Code)).
		With("status", Integer(int64(p.Status))).With("detail", String(p.Detail))
	if p.Pointer != "" {
		o = o.With("pointer", String(p.Pointer))
	}
	return o.Append(dst)
}

// MarshalJSON writes p as application/problem+json.
func (p *Problem) MarshalJSON() ([]byte, error) { return p.Append(nil), nil }

func refuse(code, at, format string, args ...any) *Problem {
	return &Problem{Status: 422, Code: code, Pointer: at, Detail: fmt.Sprintf(format, args...)}
}

func index(at string, i int) string { return at + "/" + strconv.Itoa(i) }
