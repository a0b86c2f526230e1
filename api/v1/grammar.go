package v1

import (
	"cmp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
)

const schemas = "#/components/schemas/"

// refer is a reference to a schema of the document.
func refer(name string) *huma.Schema { return &huma.Schema{Ref: schemas + name} }

// grammarName is what the schema of a grammar is called.
func grammarName(t events.Type) string {
	return map[events.Type]string{
		events.Reference: "Reference", events.Date: "Date", events.Instant: "Instant", events.Period: "Period", events.Count: "Number",
		events.Number: "Number", events.Flag: "Flag", events.Link: "Link", events.Decimal: "Decimal", events.Hash: "Hash", events.Zone: "Zone",
		events.Prose: "Prose", events.Line: "Line", events.Persons: "Subjects", events.Name: "Counterpart",
		events.Named: "EventName", events.Quarter: "Quarter", events.Month: "Month", events.Key: "Key",
		events.WitnessKey: "WitnessKey", events.Policy: "Policy",
	}[t]
}

// plain is any character of a text. Control characters, and the marks that make
// text display in another order than it is stored, are in no text; line breaks
// and tabs only in prose.
const (
	plainLine  = "[^\x00-\x1f\x7f-\u009f\u202a-\u202e\u2066-\u2069]"
	plainProse = "[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\u009f\u202a-\u202e\u2066-\u2069]"
)

// Base64url of 16 and 32 bytes: the bits that no byte takes are zero.
const (
	bytes16 = "^[A-Za-z0-9_-]{21}[AQgw]$"
	bytes32 = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
)

func text(about, pattern string, least, most int, examples ...any) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: about, Pattern: pattern, MinLength: &least, MaxLength: &most, Examples: examples}
}

// grammars are the schemas of what a field can hold, by name: the grammars of
// package events, written as JSON Schema. A value that fits is accepted but where
// the description says more than the pattern can.
func grammars() map[string]*huma.Schema {
	link := text("An https URL in its normal form, without credentials, query or fragment.", `^https://[^\s?#@]+$`, 9, 512, "https://city.example/policy")
	link.Format = "uri"
	date := text("A day of the calendar.", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", 10, 10, "2026-06-24")
	date.Format = "date"
	instant := text("A time as RFC 3339 has it, with at most nine digits of fraction.",
		`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$`, 20, 35, "2026-06-24T08:30:00Z")
	instant.Format = "date-time"
	period := text("An ISO 8601 duration of whole numbers.",
		"^P([0-9]{1,9}Y)?([0-9]{1,9}M)?([0-9]{1,9}W)?([0-9]{1,9}D)?(T([0-9]{1,9}H)?([0-9]{1,9}M)?([0-9]{1,9}S)?)?$", 3, 32, "P30D")
	period.AllOf = []*huma.Schema{{Pattern: "[0-9][YMWDHS]$"}}
	return map[string]*huma.Schema{
		"Reference": text("Small letters, digits and . _ / @ -, beginning with a letter or digit.", "^[a-z0-9][a-z0-9._/@-]*$", 1, 96, "city/records"),
		"Date":      date,
		"Instant":   instant,
		"Period":    period,
		"Number":    positionSchema(),
		"Flag":      {Type: huma.TypeBoolean, Description: "True or false."},
		"Link":      link,
		"Quarter":   text("A quarter of a year.", "^[0-9]{4}-Q[1-4]$", 7, 7, "2026-Q4"),
		"Month":     text("A month of a year.", "^[0-9]{4}-[0-9]{2}$", 7, 7, "2026-06"),
		"WitnessKey": text("The verifier key of a witness: its name, the hash of its key, and the key (c2sp.org/signed-note).",
			"^[A-Za-z0-9][A-Za-z0-9._/:@-]*\\+[0-9a-f]{8}\\+[A-Za-z0-9+/=]+$", 12, 4096, "library.example+00000000+BAAA"),
		"Policy": text("Who cosigns, and which of them are a quorum (c2sp.org/tlog-policy).",
			"^((witness|group) [a-z0-9][ A-Za-z0-9._/:@+=-]*\n)*quorum [a-z0-9][a-z0-9._/@-]*\n$", 9, 8192, "quorum none\n"),
		"Decimal": text("A coordinate in degrees, as text so that its digits stay as given.", `^-?[0-9]{1,3}(\.[0-9]{1,15})?$`, 1, 20, "41.878"),
		"Hash":    text("A SHA-256, in hexadecimal.", "^[0-9a-f]{64}$", 64, 64, strings.Repeat("0", 63)+"1"),
		"Zone":    text("The name of an IANA time zone.", "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z][A-Za-z0-9_+-]*)*$", 1, 64, "America/Los_Angeles"),
		"Prose":   text("Text of one or more lines, without control characters.", "^"+plainProse+"*$", 1, 2000, "A few words."),
		"Line":    text("Text on one line, without control characters.", "^"+plainLine+"*$", 1, 512, "A few words."),
		"Identifier": text("The identifier of a person under a scheme. It is sealed for her and for officers; nobody else ever sees it.",
			"^"+plainLine+"*$", 1, 128, "invented-person-1"),
		"Id":          text("The emitter's own id of the event, unique with its source for ever.", "^"+plainLine+"*$", 1, 256, exampleID),
		"Scheme":      text("A scheme of identifiers, as plate or example.", "^[a-z0-9][a-z0-9._/@-]*$", 1, 32, "example"),
		"Person":      personSchema(),
		"Subjects":    subjectsSchema(),
		"Counterpart": counterpartSchema(),
		"EventName":   text("The public name of an event: a keyed hash of its source and id, base64url.", bytes16, 22, 22, "3nQ9xSgVdU2mB1rT8cYl4A"),
		"Tag":         text("A mark in a person's trail, base64url, which only her key tells from others.", bytes16, 22, 22, "p0ZkWc7GfRy5oJ2hNeXb1Q"),
		"Digest":      text("A SHA-256, base64url without padding.", bytes32, 43, 43),
		"Key":         text("A key of 32 bytes, base64url without padding.", bytes32, 43, 43),
		"Problem":     problemSchema(),
	}
}

// positionSchema is a whole number that every JSON parser keeps.
func positionSchema() *huma.Schema {
	least, most := 0.0, float64(1<<53-1)
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Description: "A whole number from 0 and below 2^53.", Minimum: &least, Maximum: &most}
}

// orUnknown is a reference, or the mark of one that the register does not know.
func orUnknown() *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{refer("Reference"), {Type: huma.TypeString, Const: events.Unknown}}}
}

func object(about string, properties map[string]*huma.Schema, required ...string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Description: about, Properties: properties, Required: required, AdditionalProperties: false}
}

func personSchema() *huma.Schema {
	return object("One person, as the emitter knows her.", map[string]*huma.Schema{
		"scheme": refer("Scheme"), "value": refer("Identifier"), "relation": refer(codeName(events.CodeRelation)),
	}, "scheme", "value")
}

func counterpartSchema() *huma.Schema {
	return object("The event of the other side, which the entry names without telling its id.", map[string]*huma.Schema{
		"organization": refer("Reference"), "source": refer("Reference"), "id": refer("Id"),
	}, "organization", "source", "id")
}

// problemSchema is a refusal, as RFC 9457 shapes it.
func problemSchema() *huma.Schema {
	return object("A refusal, as RFC 9457 shapes it. It names fields and rules, never what was sent.", map[string]*huma.Schema{
		"type":    {Type: huma.TypeString, Pattern: "^urn:daybook:problem:[a-z0-9-]+$", Description: "The kind of problem; stable."},
		"title":   {Type: huma.TypeString, Description: "The end of type, as malformed-parameter."},
		"status":  {Type: huma.TypeInteger, Description: "The status of the answer, or in a batch the one it would have alone."},
		"detail":  {Type: huma.TypeString, Description: "What is wrong, and what would be right."},
		"pointer": {Type: huma.TypeString, Description: "Where: an RFC 6901 pointer into the event, or ?name for a parameter."},
	}, "type", "title", "status", "detail")
}

// codeSchema is a code list.
func codeSchema(c *events.Code) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "The code list " + c.Name() + ".", Enum: terms(c.Terms())}
}

// codes are all code lists that a field of an open kind uses.
func codes() []*events.Code {
	out := []*events.Code{events.CodeRelation}
	for _, k := range events.Kinds() {
		for _, f := range k.Fields {
			if k.Open && f.Code != nil && !slices.Contains(out, f.Code) {
				out = append(out, f.Code)
			}
		}
	}
	slices.SortFunc(out, func(a, b *events.Code) int { return cmp.Compare(a.Name(), b.Name()) })
	return out
}
