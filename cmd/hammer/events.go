package main

import (
	"context"
	"fmt"
	"strconv"
)

// source makes the next event.
type source func() []byte

// event is a CloudEvent of a kind, with an id of its own.
func (h *hammer) event(kind, format string, args ...any) []byte {
	b := fmt.Appendf(nil, `{"specversion":"1.0","id":"hammer-%d","source":"%s","type":"org.daybook.%s.v1","time":"2026-06-24T08:30:00.25+02:00",`+
		`"datacontenttype":"application/json","data":`, h.last.Add(1), organization, kind)
	return append(fmt.Appendf(b, format, args...), '}')
}

// system registers a new camera, in about 600 bytes.
func (h *hammer) system() []byte {
	n := h.last.Load()
	return h.event("system.registered", `{"system":"hammer/camera-%d","name":"Camera %d at the corner of First Avenue and Main Street",`+
		`"kind":"camera","description":"Counts vehicles by lane and class; pictures are not kept","operator":"hammer",`+
		`"capabilities":["counting","classification"],"datasets":["hammer/counts"],"starts":"2026-06-24",`+
		`"place":{"address":"First Avenue %d","lat":"41.878377","lon":"-87.627678"}}`, n, n, n%1000)
}

// access is a look at the data of one of the persons, in about 600 bytes.
func (h *hammer) access() []byte { return h.accessOf(int(h.last.Load()) % h.persons) }

func (h *hammer) accessOf(person int) []byte { return h.accessTo(strconv.Itoa(person), person) }

// stranger is a look at the data of somebody whom no event named before.
func (h *hammer) stranger() []byte {
	n := h.last.Load()
	return h.accessTo("new-"+strconv.FormatInt(n, 10)+"-"+strconv.FormatInt(h.strangers.Add(1), 10), int(n)%h.persons)
}

func (h *hammer) accessTo(name string, person int) []byte {
	return h.event("data.accessed", `{"system":"hammer/app","operation":"Consult","outcome":"success","dataset":"hammer/people",`+
		`"activity":"hammer/permits","scope":{"unit":"record","count":3},"lookBack":"P30D","reasonText":"parking permit, renewal",`+
		`"actor":{"id":"officer-%d","role":"hammer/clerk","unit":"hammer/desk-1"},"caseRef":"case-%d",`+
		`"subjects":{"mode":"single","persons":[{"scheme":"example","value":"resident-%s"}]}}`, person%50, person%500, name)
}

// prepare registers what the events refer to and has every person enrolled, so
// that the measurements show the usual case.
func (h *hammer) prepare(ctx context.Context) error {
	_, err := h.send(ctx, h.registrar, [][]byte{
		h.event("organization.registered", `{"organization":"%s","name":"Hammer City","kind":"city","timeZone":"America/Los_Angeles"}`, organization),
		h.event("dataset.registered", `{"dataset":"hammer/people","title":"Residents"}`),
		h.event("dataset.registered", `{"dataset":"hammer/counts","title":"Vehicle counts"}`),
		h.event("activity.registered", `{"activity":"hammer/permits","title":"Parking permits","datasets":["hammer/people"]}`),
		h.event("system.registered", `{"system":"hammer/app","name":"Permit desk","kind":"application"}`),
	})
	for first := 0; first < h.persons && err == nil; first += batchOfPersons {
		var batch [][]byte
		for i := first; i < min(first+batchOfPersons, h.persons); i++ {
			batch = append(batch, h.accessOf(i))
		}
		_, err = h.send(ctx, h.token, batch)
	}
	if err != nil {
		return fmt.Errorf("preparing the ledger: %w", err)
	}
	return nil
}

const batchOfPersons = 500
