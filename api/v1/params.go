package v1

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// The parameters that more than one route takes. A value of the schema's grammar
// is never refused as malformed, and any other is.

// inPath is a part of the path.
func inPath(name, about string, s *huma.Schema, example any) *huma.Param {
	return &huma.Param{Name: name, In: "path", Required: true, Description: about, Schema: s, Example: example}
}

// inQuery is a parameter after the question mark, which may be left out or empty.
func inQuery(name, about string, s *huma.Schema, example any) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: about, Schema: s, Example: example, AllowEmptyValue: true}
}

func entryParam() *huma.Param {
	return inPath("entry", "A position in the log, counted from 0, or the public name of an event: 22 characters.", &huma.Schema{Type: huma.TypeString}, "0")
}

func registerParam() *huma.Param {
	return inPath("register", "The register.", &huma.Schema{Type: huma.TypeString, Enum: terms(events.Registers())}, "system")
}

func kindParam() *huma.Param {
	return inQuery("kind", "Only events of this kind.", refer("Kind"), "data.accessed")
}

// referenceParam chooses by a reference.
func referenceParam(name, about, example string) *huma.Param {
	return inQuery(name, about, refer(grammarName(events.Reference)), example)
}

// knownParam chooses by a reference, which ? also may be.
func knownParam(name, about, example string) *huma.Param {
	return inQuery(name, about+" ? chooses those the register does not know.", orUnknown(), example)
}

func codeParam(name, about string, c *events.Code) *huma.Param {
	return inQuery(name, about, refer(codeName(c)), c.Terms()[0])
}

func dayParam() *huma.Param {
	return inQuery("day", "Only what happened on this day, in the organization's time zone for data kinds.", refer(grammarName(events.Date)), "2025-06-24")
}

func monthParam(name, about string) *huma.Param {
	return inQuery(name, about, &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9]{4}-(0[1-9]|1[0-2])$"}, "2026-06")
}

func limitParam() *huma.Param {
	one, most := 1.0, float64(projections.MaxLimit)
	return inQuery("limit", "How many a page has at most.",
		&huma.Schema{Type: huma.TypeInteger, Minimum: &one, Maximum: &most, Default: projections.DefaultLimit}, 10)
}

// afterPosition goes on from a page of entries.
func afterPosition() *huma.Param {
	return inQuery("after", "Only what stands behind this position in the log, as next of the page before says.", positionSchema(), 0)
}

// afterReference goes on from a page of a register.
func afterReference() *huma.Param {
	return referenceParam("after", "Only what follows this reference, as next of the page before says.", "city")
}

func atParam() *huma.Param {
	return inQuery("at", "The register as it was recorded by the end of this UTC day, which may not be after today.", refer(grammarName(events.Date)), "2026-01-01")
}

// entryParams choose entries.
func entryParams() []*huma.Param {
	return []*huma.Param{
		kindParam(),
		referenceParam("organization", "Only entries of this organization.", "example"),
		referenceParam("system", "Only entries about this system.", "example/app"),
		referenceParam("dataset", "Only entries about this dataset; those of which exactly one person is concerned do not say theirs.", "example/records"),
		dayParam(), limitParam(), afterPosition(),
	}
}

// itemParams choose what is in a register.
func itemParams() []*huma.Param {
	return []*huma.Param{
		registerParam(), referenceParam("organization", "Only what this organization registered.", "example"), limitParam(), afterReference(), atParam(),
	}
}

// shareParams choose shares.
func shareParams() []*huma.Param {
	shared, _ := events.FindKind("data.shared")
	code := func(name, about string) *huma.Param {
		f, _ := shared.Field(name)
		return codeParam(name, about, f.Code)
	}
	return []*huma.Param{
		knownParam("organization", "Only shares by this organization.", "example"),
		knownParam("recipient", "Only shares with this organization.", "example"),
		knownParam("dataset", "Only shares of this dataset.", "example/records"),
		code("disclosureClass", "Only shares permitted in this way."),
		code("legalStandard", "Only shares on this ground."),
		knownParam("agreement", "Only shares under this agreement.", "example/agreement"),
		monthParam("from", "Not before this month."), monthParam("to", "Not after this month."),
		limitParam(), afterPosition(),
	}
}

func terms(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// codeName is what the schema of a code list is called.
func codeName(c *events.Code) string { return "code." + strings.ReplaceAll(c.Name(), " ", "-") }
