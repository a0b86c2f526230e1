package v1

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// Routes are the routes of o; only finds out who asks.
func (o *Officers) Routes(only func(ForOfficer) http.HandlerFunc) []Route {
	list := []Route{
		{
			Path: "/v1/officer/trail", Name: "searchTrail", Summary: "Who used which data, with facets",
			Params: append(trailParams(), limitParam(), afterPosition()), Answers: answers("A page of uses.", trailJSON{}), Handler: only(o.trail),
		},
		{
			Path: "/v1/officer/trail.json", Name: "saveTrail", Summary: "All uses chosen, to be saved", Detail: exportDetail,
			Params: trailParams(), Answers: answers("The uses.", trailJSON{}), Handler: only(o.office.TrailJSON),
		},
		{
			Path: "/v1/officer/trail.csv", Name: "saveTrailAsTable", Summary: "All uses chosen as a table", Detail: exportDetail,
			Params: trailParams(), Answers: table("The uses.", useColumns()), Handler: only(o.office.TrailCSV),
		},
		{
			Path: "/v1/officer/findings", Name: "listFindings", Summary: "Findings with their evidence and proofs",
			Params: append(findingParams(), limitParam(), afterFinding()), Answers: answers("A page of findings.", findingListJSON{}), Handler: only(o.findings),
		},
		{
			Path: "/v1/officer/findings.json", Name: "saveFindings", Summary: "All findings chosen, to be saved", Detail: exportDetail,
			Params: findingParams(), Answers: answers("The findings.", findingListJSON{}), Handler: only(o.office.FindingsJSON),
		},
		{
			Path: "/v1/officer/findings.csv", Name: "saveFindingsAsTable", Summary: "All findings chosen as a table", Detail: exportDetail,
			Params: findingParams(), Answers: table("The findings.", foundColumns()), Handler: only(o.office.FindingsCSV),
		},
		{
			Path: "/v1/officer/findings/{finding}", Name: "getFinding", Summary: "One finding",
			Params: []*huma.Param{
				inPath("finding", "The id of the finding.", &huma.Schema{Type: huma.TypeString}, "AAAAAAAAAAAAAAAAAAAAAA"), whoseParam(),
			},
			Answers: answers("The finding.", oneFindingJSON{}), Handler: only(o.finding),
		},
		{
			Method: "POST", Path: "/v1/officer/entries/{entry}/details", Name: "openDetails", Summary: "Open what is sealed in an entry",
			Detail: "The person concerned will see that it was opened. It takes no body.",
			Params: []*huma.Param{entryParam()}, Answers: answers("The details.", detailsJSON{}), Handler: only(o.details),
		},
	}
	if o.office.Clerk != nil {
		list = append(list, o.requestRoutes(only)...)
	}
	if o.office.Seals != nil {
		list = append(list, o.sealRoutes(only)...)
	}
	if o.office.Cards != nil {
		list = append(list, o.cardRoutes(only)...)
	}
	if o.office.Auditing != nil {
		list = append(list, o.auditRoutes(only)...)
	}
	list = append(list, o.personRoutes(only)...)
	for i := range list {
		r := &list[i]
		r.Group = "officers"
		if r.Who == nil {
			r.Who = []events.Role{events.Officer, events.Auditor}
		}
		if r.Method == "" {
			r.Method = http.MethodGet
		}
	}
	return list
}

const exportDetail = "More than 10,000 rows are refused, not cut."

// whoseParam is the organization that a reading is recorded for.
func whoseParam() *huma.Param {
	return referenceParam("organization", "Whose records to read: the token's when left out. An auditor of all names one.", "example")
}

// trailParams choose uses, as trailFilter reads them.
func trailParams() []*huma.Param {
	var names []string
	for _, k := range events.Kinds() {
		if k.IsData() {
			names = append(names, k.Name)
		}
	}
	day := func(name, about string) *huma.Param {
		return inQuery(name, about, refer(grammarName(events.Date)), "2025-06-24")
	}
	return []*huma.Param{
		whoseParam(),
		knownParam("system", "Only uses with this system.", "example/app"), knownParam("dataset", "Only uses of this dataset.", "example/records"),
		inQuery("actor", "Only uses by the member of staff of this pseudonym.", &huma.Schema{Type: huma.TypeString, Pattern: pseudonym.String()}, "AAAAAAAAAAAAAAAAAAAAAA"),
		knownParam("unit", "Only uses for this unit.", "example/desk"), knownParam("role", "Only uses in this role.", "example/clerk"),
		inQuery("kind", "Only uses of this kind.", &huma.Schema{Type: huma.TypeString, Enum: terms(names)}, "data.accessed"),
		day("day", "Only uses on this day, in the organization's time zone."), day("from", "Not before this day."), day("to", "Not after this day."),
	}
}

// findingParams choose findings, as findingFilter reads them.
func findingParams() []*huma.Param {
	var numbers []any
	for _, rule := range projections.Rules() {
		numbers = append(numbers, rule.Number)
	}
	return []*huma.Param{whoseParam(), inQuery("rule", "Only findings by the rule of this number.", &huma.Schema{Type: huma.TypeInteger, Enum: numbers}, projections.RuleBasis)}
}

func afterFinding() *huma.Param {
	return inQuery("after", "Only what follows the finding of this id, as next of the page before says.", &huma.Schema{Type: huma.TypeString, Pattern: pseudonym.String()}, "AAAAAAAAAAAAAAAAAAAAAA")
}
