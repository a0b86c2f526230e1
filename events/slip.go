package events

import (
	"bytes"
	"fmt"
)

// Slip is the opened content of a person's, officers' or identifier box: the
// disclosures it holds, as canonical JSON with their encoded forms in order.
type Slip []Disclosure

const slipFormat = "daybook/slip@1"

// Format writes s in its one form.
func (s Slip) Format() []byte { return FormatSlip(s.encode()) }

func (s Slip) encode() []string {
	list := make([]string, len(s))
	for i, d := range s {
		list[i] = d.Encode()
	}
	return list
}

// FormatSlip is Slip.Format for disclosures encoded before.
func FormatSlip(encoded []string) []byte { return formatSlip(encoded, nil) }

// FormatPartSlip is the slip of a person named in a part of a bulk event. It has
// the key, 32 bytes, of the head's box for the persons concerned besides: what is
// the same for all of them is sealed once.
func FormatPartSlip(encoded []string, detail [32]byte) []byte { return formatSlip(encoded, detail[:]) }

func formatSlip(encoded []string, detail []byte) []byte {
	n := 128
	for _, s := range encoded {
		n += len(s) + 3
	}
	out := append(make([]byte, 0, n), `{"$":"`+slipFormat+`",`...)
	if detail != nil {
		out = append(binary64.AppendEncode(append(out, `"detail":"`...), detail), `",`...)
	}
	out = append(out, `"disclosures":[`...)
	for i, s := range encoded {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendString(out, s)
	}
	return append(out, ']', '}')
}

// ParseSlip reads what Format writes and nothing else.
func ParseSlip(b []byte) (Slip, error) {
	s, err := parseSlip(b)
	if err != nil || !bytes.Equal(s.Format(), b) {
		return nil, fmt.Errorf("parsing a box: it is not in the one form it has")
	}
	return s, nil
}

// ParsePartSlip reads what FormatPartSlip writes and nothing else.
func ParsePartSlip(b []byte) (Slip, [32]byte, error) {
	var detail [32]byte
	s, err := parseSlip(b)
	if err == nil {
		v, _ := ParseValue(b)
		decode(detail[:], v.Object().text("detail"))
	}
	if err != nil || !bytes.Equal(FormatPartSlip(s.encode(), detail), b) {
		return nil, detail, fmt.Errorf("parsing the box of a part: it is not in the one form it has")
	}
	return s, detail, nil
}

func parseSlip(b []byte) (Slip, error) {
	v, err := ParseValue(b)
	if err != nil {
		return nil, err
	}
	list, _ := v.Object().Get("disclosures")
	s := Slip{}
	for _, text := range list.Texts() {
		d, err := ParseDisclosure(text)
		if err != nil {
			return nil, err
		}
		s = append(s, d)
	}
	return s, nil
}
