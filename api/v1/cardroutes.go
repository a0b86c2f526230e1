package v1

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
)

// cardRoutes are how officers give a person the card that opens her trail.
func (o *Officers) cardRoutes(only func(ForOfficer) http.HandlerFunc) []Route {
	takes := []Content{{
		Media: "application/json",
		Of: object("Whose card, and what it says.", map[string]*huma.Schema{
			"person": object("Who was identified.", map[string]*huma.Schema{"scheme": refer("Scheme"), "value": refer("Identifier")}, "scheme", "value"),
			"url":    {Type: huma.TypeString, Format: "uri", MaxLength: new(int(256)), Description: "Where the ledger answers, for the card's link; as the request came when it is left out."},
		}, "person"),
		Examples: []Example{{"anna", "A person asks for a card.", `{"person":{"scheme":"example","value":"anna"},"url":"https://ledger.example.org"}`}},
	}}
	const detail = "Identify the person first: whoever has the card sees what the person may see. That it was given away stands in the trail, which the person sees. " +
		"The answer is kept nowhere here; hand it over and keep no copy."
	return []Route{
		{
			Method: "POST", Path: "/v1/officer/cards", Name: "issueCard", Summary: "Give a person the card that opens that person's trail", Detail: detail,
			Takes: takes, Answers: answers("The card.", issuedJSON{}), Handler: only(o.card(false)), Who: []events.Role{events.Officer},
		},
		{
			Method: "POST", Path: "/v1/officer/cards/rotate", Name: "replaceCard", Summary: "Give a person another card in place of one that was lost",
			Detail: "The lost one opens nothing that is recorded from now on. " + detail,
			Takes:  takes, Answers: answers("The card.", issuedJSON{}), Handler: only(o.card(true)), Who: []events.Role{events.Officer},
		},
	}
}

type issuedJSON struct {
	Card     string        `json:"card" doc:"The card, as text: daybook/card@1."`
	Link     string        `json:"link" doc:"The card as an address; the secret is behind the #, which no browser sends."`
	Position events.Index  `json:"position" doc:"The entry of the person's trail that says that the card was given away."`
	Rotated  *events.Index `json:"rotated" doc:"The last entry that a lost card opens; null when no card was replaced."`
}

func (o *Officers) card(replace bool) ForOfficer {
	return func(w http.ResponseWriter, r *http.Request, who Officer) {
		err := onlyOfficers(who)
		c := CardOrder{Replace: replace}
		var body events.Object
		if err == nil {
			body, err = order(r, "person", "url")
		}
		if err == nil {
			err = orderTexts(body, map[string]*string{"url": &c.URL})
		}
		if err == nil {
			c.Person, err = orderPerson(body)
		}
		if c.URL == "" {
			c.URL = o.office.Address(r)
		}
		var out Issued
		if err == nil {
			out, err = o.office.Card(r.Context(), who, c)
		}
		if err != nil {
			refused(w, r, err)
			return
		}
		writePrivate(w, r, "", issuedJSON{string(out.Card.Text()), out.Card.Link(), out.Position, out.Rotated})
	}
}
