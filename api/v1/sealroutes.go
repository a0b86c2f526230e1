package v1

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
)

// sealRoutes are what officers do about seals.
func (o *Officers) sealRoutes(only func(ForOfficer) http.HandlerFunc) []Route {
	writes := []events.Role{events.Officer}
	takes := func(name, about, body string, s *huma.Schema) []Content {
		return []Content{{Media: "application/json", Of: s, Examples: []Example{{name, about, body}}}}
	}
	request := &huma.Param{
		Name: RequestHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: new(int(256))},
		Description: "A name of this request. Sent again under the same name by the same token it orders nothing more, and is answered as before.",
	}
	approver := &huma.Param{
		Name: ApproverHeader, In: "header", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
		Description: "The token of a second officer of the same organization, who approves it.",
	}
	seal := inPath("seal", "The public name of the seal.placed.", refer("EventName"), "AAAAAAAAAAAAAAAAAAAAAA")
	date := refer(grammarName(events.Date))
	dates := map[string]*huma.Schema{"reviewBy": date, "until": date}
	return []Route{
		{
			Path: "/v1/officer/seals", Name: "listStandingSeals", Summary: "The seals that stand, by the day of their review",
			Detail: "Whom one is about, on what ground and in which case, is among the details of the entry that placed it.",
			Params: []*huma.Param{whoseParam()}, Answers: answers("The seals.", standingSealsJSON{}), Handler: only(o.seals),
		},
		{
			Method: "POST", Path: "/v1/officer/seals", Name: "placeSeal", Summary: "Hide from a person the uses of data about that person, from now on", Who: writes,
			Detail: "It hides what this organization records with one of the systems or in the case; without either all that it records. " +
				"Its end is until, the last day on which it stands, or the event releasedBy, whichever comes first; one that was ordered by word of mouth ends after 30 days. " +
				"It is looked at again by reviewBy, at most a year ahead.",
			Params: []*huma.Param{approver, request},
			Takes: takes("notary", "A notary looks into somebody's affairs in another's matter.",
				`{"person":{"scheme":"example","value":"anna"},"ground":"JudicialProceedingsImpaired","caseRef":"N-17","reviewBy":"2026-12-01","releasedBy":{"source":"city/records","id":"notice 17"}}`,
				object("An order.", map[string]*huma.Schema{
					"person": object("Whom it is about.", map[string]*huma.Schema{"scheme": refer("Scheme"), "value": refer("Identifier")}, "scheme", "value"),
					"ground": refer(codeName(events.CodeJustification)), "reviewBy": date, "until": date, "caseRef": refer(grammarName(events.Line)),
					"systems":    {Type: huma.TypeArray, Items: refer(grammarName(events.Reference)), MinItems: new(int(1)), MaxItems: new(int(events.MaxList))},
					"oral":       refer(grammarName(events.Flag)),
					"releasedBy": object("The event that ends it.", map[string]*huma.Schema{"source": refer(grammarName(events.Reference)), "id": refer("Id")}, "source", "id"),
				}, "person", "ground", "reviewBy")),
			Answers: answers("The seal stands.", sealSaidJSON{}), Handler: only(o.placeSeal),
		},
		{
			Method: "POST", Path: "/v1/officer/seals/{seal}/extend", Name: "extendSeal", Summary: "Give a seal other dates, in writing", Who: writes,
			Detail:  "A seal without an event that ends it needs until. One that was ordered by word of mouth does not lapse any more.",
			Params:  []*huma.Param{seal, approver, request},
			Takes:   takes("longer", "Another quarter.", `{"reviewBy":"2026-12-01","until":"2026-12-31"}`, object("The dates.", dates, "reviewBy")),
			Answers: answers("The seal stands as ordered.", sealSaidJSON{}), Handler: only(o.extendSeal),
		},
		{
			Method: "POST", Path: "/v1/officer/seals/{seal}/lift", Name: "liftSeal", Summary: "End a seal, and disclose to the person what it hid", Who: writes,
			Detail: "It takes no body. A seal that is lifted already answers as before.",
			Params: []*huma.Param{seal}, Answers: answers("It is lifted and disclosed.", sealLiftedJSON{}), Handler: only(o.liftSeal),
		},
	}
}

type sealSaidJSON struct {
	Seal     string       `json:"seal" doc:"The public name of the seal, by which it is extended and lifted." pattern:"^[A-Za-z0-9_-]{22}$"`
	Position events.Index `json:"position" doc:"Where the entry that says so stands in the log, counted from 0."`
	ReviewIn string       `json:"reviewIn" doc:"The quarter of the review, which the public sees." pattern:"^[0-9]{4}-Q[1-4]$"`
	Repeated bool         `json:"repeated" doc:"The same request was made before, and nothing was added."`
}

type sealLiftedJSON struct {
	Seal      string       `json:"seal" doc:"The public name of the seal." pattern:"^[A-Za-z0-9_-]{22}$"`
	Position  events.Index `json:"position" doc:"The entry that says that it is lifted."`
	Disclosed events.Index `json:"disclosed" doc:"The entry by which the person is given the key to what it hid."`
}

type sealStateJSON struct {
	Seal     string       `json:"seal" doc:"The public name of the seal." pattern:"^[A-Za-z0-9_-]{22}$"`
	Position events.Index `json:"position" doc:"The entry that placed it, among whose details is whom it is about."`
	Group    string       `json:"group" doc:"The group of its ground, which the public sees."`
	PlacedOn string       `json:"placedOn" format:"date" doc:"The day it was placed on."`
	ReviewBy string       `json:"reviewBy" format:"date" doc:"The day by which it is looked at again."`
	Overdue  bool         `json:"overdue" doc:"That day has passed."`
	LastDay  string       `json:"lastDay,omitempty" format:"date" doc:"The last day on which it stands; absent when only an event ends it."`
	Oral     bool         `json:"oral" doc:"Nobody has written the order down, so it lapses on the day after lastDay."`
	Systems  []string     `json:"systems" nullable:"false" doc:"The systems it is for."`
	OneCase  bool         `json:"oneCase" doc:"It is for a case."`
	Awaits   bool         `json:"awaits" doc:"An event ends it."`
}

type standingSealsJSON struct {
	Organization string          `json:"organization" doc:"Whose seals these are."`
	AsOf         string          `json:"asOf" format:"date" doc:"The day they are judged on, in the organization's time zone."`
	Seals        []sealStateJSON `json:"seals" nullable:"false" doc:"By the day of their review, overdue ones first."`
	Reading      events.Index    `json:"reading" doc:"The entry by which the ledger says that this was read."`
}

func (o *Officers) seals(w http.ResponseWriter, r *http.Request, who Officer) {
	s, err := o.office.Sealed(r, who)
	if err != nil {
		refused(w, r, err)
		return
	}
	out := standingSealsJSON{s.Organization, s.AsOf, make([]sealStateJSON, len(s.Seals)), s.Reading}
	for i, x := range s.Seals {
		out.Seals[i] = sealStateJSON{
			x.Seal.String(), x.Position, x.Group, x.PlacedOn, x.ReviewBy, x.Overdue, x.LastDay, x.Oral, append([]string{}, x.Systems...), x.OneCase, x.Awaits,
		}
	}
	writePrivate(w, r, "", out)
}

func (o *Officers) placeSeal(w http.ResponseWriter, r *http.Request, who Officer) {
	err := onlyOfficers(who)
	var ordered SealOrder
	if err == nil {
		ordered, err = sealOrder(r)
	}
	var said SealSaid
	if err == nil {
		said, err = o.office.PlaceSeal(r.Context(), who, r.Header.Get(ApproverHeader), ordered)
	}
	writeSeal(w, r, said, err)
}

func (o *Officers) extendSeal(w http.ResponseWriter, r *http.Request, who Officer) {
	err := onlyOfficers(who)
	var seal events.EventName
	if err == nil {
		seal, err = sealName(r)
	}
	d := SealDates{Request: r.Header.Get(RequestHeader)}
	if err == nil {
		var body events.Object
		if body, err = order(r, "reviewBy", "until"); err == nil {
			err = orderTexts(body, map[string]*string{"reviewBy": &d.ReviewBy, "until": &d.Until})
		}
	}
	var said SealSaid
	if err == nil {
		said, err = o.office.ExtendSeal(r.Context(), who, r.Header.Get(ApproverHeader), seal, d)
	}
	writeSeal(w, r, said, err)
}

func writeSeal(w http.ResponseWriter, r *http.Request, s SealSaid, err error) {
	if err != nil {
		refused(w, r, err)
		return
	}
	writePrivate(w, r, "", sealSaidJSON{s.Seal.String(), s.Position, s.ReviewIn, s.Repeated})
}

func (o *Officers) liftSeal(w http.ResponseWriter, r *http.Request, who Officer) {
	err := onlyOfficers(who)
	if err == nil {
		_, err = Query(r)
	}
	var seal events.EventName
	if err == nil {
		seal, err = sealName(r)
	}
	var lifted SealLifted
	if err == nil {
		lifted, err = o.office.LiftSeal(r.Context(), who, seal)
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	writePrivate(w, r, "", sealLiftedJSON{lifted.Seal.String(), lifted.Position, lifted.Disclosed})
}
