package emit

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// Event is what a service has to say. Kind is the ledger's name without prefix
// and version, as data.accessed; package events has the table of kinds.
type Event struct {
	ID     string    // unique for the source, for ever; empty: a new random one
	Source string    // one of the token's
	Kind   string    // as data.accessed
	Time   time.Time // when it happened; zero: now
	Data   any       // the kind's fields: a map, struct or json.RawMessage that is a JSON object
}

// MarshalJSON writes e as a structured CloudEvents 1.0 object, as it is: an empty
// ID stays empty.
func (e Event) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		SpecVersion string `json:"specversion"`
		ID          string `json:"id"`
		Source      string `json:"source"`
		Type        string `json:"type"`
		Time        string `json:"time"`
		Data        any    `json:"data"`
	}{"1.0", e.ID, e.Source, events.TypePrefix + e.Kind + events.TypeSuffix, e.Time.Format(time.RFC3339Nano), e.Data})
}

// NewID is a random id that begins with the time, a version 7 UUID of RFC 9562.
// Whoever wants to emit again after an error gives the event its id first.
func NewID(now time.Time) string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	binary.BigEndian.PutUint64(b[:], uint64(now.UnixMilli())<<16|uint64(b[6])<<8|uint64(b[7]))
	b[6] = 0x70 | b[6]&0x0f
	b[8] = 0x80 | b[8]&0x3f
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// fill marshals e with what it leaves to us.
func (e Event) fill(now time.Time) ([]byte, error) {
	if e.ID == "" {
		e.ID = NewID(now)
	}
	if e.Time.IsZero() {
		e.Time = now
	}
	b, err := json.Marshal(e)
	if err != nil {
		return nil, &events.Problem{Status: 422, Code: "malformed", Pointer: "/data", Detail: "must marshal to JSON: " + err.Error()}
	}
	return b, nil
}

// check refuses what no ledger takes, and returns raw on one line. The checks
// are those of the door that need no token and no register.
func check(raw []byte) ([]byte, error) {
	if _, err := events.ParseEvent(raw); err != nil {
		return nil, err
	}
	var line bytes.Buffer
	if err := json.Compact(&line, raw); err != nil {
		return nil, errors.New("reading an event: it is not JSON")
	}
	if line.Len()+2 > MaxBytes {
		return nil, &events.Problem{Status: 413, Code: "too-large", Detail: "a request has at most 1 MiB"}
	}
	return line.Bytes(), nil
}
