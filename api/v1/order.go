package v1

import (
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

// ApproverHeader names a token of somebody who agrees to what is asked; it is
// given once for each.
const ApproverHeader = "Daybook-Approver"

// maxOrder bounds what an officer sends.
const maxOrder = 64 << 10

// order reads the JSON object that r carries, with no other members than these.
func order(r *http.Request, names ...string) (events.Object, error) {
	if _, err := Query(r); err != nil {
		return nil, err
	}
	if !events.IsJSON(r.Header.Get("Content-Type")) {
		return nil, &events.Problem{Status: http.StatusUnsupportedMediaType, Code: "media-type", Detail: "send application/json"}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxOrder+1))
	switch {
	case err != nil:
		return nil, &events.Problem{Status: http.StatusBadRequest, Code: "incomplete", Detail: "the body ended early"}
	case len(body) > maxOrder:
		return nil, &events.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too-large", Detail: "the body has more than 64 KiB"}
	}
	v, err := events.ParseValue(body)
	if err != nil {
		return nil, events.SyntaxProblem(err)
	}
	return members(v, "", names...)
}

// members is the object v, with no other members than these.
func members(v events.Value, pointer string, names ...string) (events.Object, error) {
	o := v.Object()
	if v.Append(nil)[0] != '{' {
		return nil, &events.Problem{Status: 422, Code: "wrong-type", Pointer: pointer, Detail: "must be an object with the members " + strings.Join(names, ", ")}
	}
	for _, m := range o {
		if !slices.Contains(names, m.Name) {
			return nil, &events.Problem{Status: 422, Code: "unknown-field", Pointer: pointer + "/" + clip(m.Name), Detail: "there are " + strings.Join(names, ", ")}
		}
	}
	return o, nil
}

// orderTexts reads members of o that are texts; what is not there is "".
func orderTexts(o events.Object, into map[string]*string) error {
	for name, text := range into {
		v, given := o.Get(name)
		if *text = v.Text(); given && *text == "" {
			return &events.Problem{Status: 422, Code: "wrong-type", Pointer: "/" + name, Detail: "must be text that is not empty"}
		}
	}
	return nil
}

// orderPerson reads the member person of o.
func orderPerson(o events.Object) (events.Person, error) {
	v, given := o.Get("person")
	if !given {
		return events.Person{}, &events.Problem{Status: 422, Code: "missing-field", Pointer: "/person", Detail: "say who it is, by scheme and value"}
	}
	m, err := members(v, "/person", "scheme", "value")
	if err != nil {
		return events.Person{}, err
	}
	var p events.Person
	for name, into := range map[string]*string{"scheme": &p.Scheme, "value": &p.Value} {
		v, _ := m.Get(name)
		if *into = v.Text(); *into == "" {
			return p, &events.Problem{Status: 422, Code: "missing-field", Pointer: "/person/" + name, Detail: "a person needs scheme and value, as text"}
		}
	}
	return p, nil
}
