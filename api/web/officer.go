package web

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// Fail says in a page what is wrong.
func (p *Pages) Fail(w http.ResponseWriter, r *http.Request, err error) { p.fail(w, r, err) }

// SignIn shows the form that takes a token, with what has to be said first.
func (p *Pages) SignIn(w http.ResponseWriter, r *http.Request, status int, say string) {
	p.show(w, r, status, "officer-sign-in", frame{Title: "Sign in", Section: "officer", Body: struct{ Say string }{say}})
}

// officers are the pages of who is signed in. Office records before it answers.
type officers struct {
	*Pages
	office *v1.Office
}

// MountOfficers adds the routes of officers; only finds out who asks.
func (p *Pages) MountOfficers(mux v1.Mux, office *v1.Office, only func(v1.ForOfficer) http.HandlerFunc) {
	o := &officers{p, office}
	mux.HandleFunc("GET /officer", only(o.desk))
	mux.HandleFunc("GET /officer/trail", only(o.trail))
	mux.HandleFunc("GET /officer/trail.csv", only(office.TrailCSV))
	mux.HandleFunc("GET /officer/trail.json", only(office.TrailJSON))
	mux.HandleFunc("GET /officer/findings", only(o.list))
	mux.HandleFunc("GET /officer/findings.csv", only(office.FindingsCSV))
	mux.HandleFunc("GET /officer/findings.json", only(office.FindingsJSON))
	mux.HandleFunc("GET /officer/findings/{finding}", only(o.finding))
	mux.HandleFunc("POST /officer/details", only(o.details))
	mux.HandleFunc("GET /officer/person", only(o.personForm))
	mux.HandleFunc("POST /officer/person", only(o.person))
	mux.HandleFunc("POST /officer/statement", only(o.statement))
	if office.Seals != nil {
		mux.HandleFunc("GET /officer/seals", only(o.sealList))
		mux.HandleFunc("POST /officer/seals", only(o.placeSeal))
		mux.HandleFunc("POST /officer/seals/extend", only(o.extendSeal))
		mux.HandleFunc("POST /officer/seals/lift", only(o.liftSeal))
	}
	if office.Cards != nil {
		mux.HandleFunc("GET /officer/cards", only(o.cardForm))
		mux.HandleFunc("POST /officer/cards", only(o.card))
	}
	o.mountRequests(mux, only)
}

// bar is what every page of officers has at its top.
type bar struct {
	Who             string // in which role, of which organization
	Trail, Findings string // addresses
	Seals           string // "" where there are none, or for no organization yet
	Requests        string // "" where officers say nothing
	Cards           string // "" where there are none, or for who gives none away
}

// bar leads on within the organization that the page is about, "" for none yet.
func (o *officers) bar(l *lookup, who v1.Officer, organization string) bar {
	as := "an officer"
	if who.Role == events.Auditor {
		as = "an auditor"
	}
	b := bar{Who: as + " of all organizations", Trail: "/officer#trail", Findings: "/officer#findings"}
	if who.Organization != "" {
		b.Who = as + " of " + l.organization(who.Organization).Short()
		organization = who.Organization
	}
	if o.office.Cards != nil && who.Role == events.Officer {
		b.Cards = "/officer/cards"
	}
	if organization != "" {
		if o.office.Seals != nil {
			b.Seals = o.href("/officer/seals", who, organization, nil)
		}
		b.Trail, b.Findings = o.href("/officer/trail", who, organization, nil), o.href("/officer/findings", who, organization, nil)
		if o.office.Clerk != nil {
			b.Requests = o.href("/officer/requests", who, organization, nil)
		}
	}
	return b
}

// href is an address with what chooses, and with the organization where the token
// does not say it.
func (o *officers) href(path string, who v1.Officer, organization string, q url.Values) string {
	out := url.Values{}
	for name, v := range q {
		if v[0] != "" {
			out.Set(name, v[0])
		}
	}
	out.Del("organization")
	if who.Organization == "" && organization != "" {
		out.Set("organization", organization)
	}
	if len(out) == 0 {
		return path
	}
	return path + "?" + out.Encode()
}

// with is q with one parameter more, on the first page.
func with(q url.Values, name, value string) url.Values {
	out := url.Values{}
	for n, v := range q {
		out[n] = v
	}
	out.Del("after")
	out.Del("limit")
	out.Set(name, value)
	return out
}

// desk is the first page. It shows nothing that the public is not shown.
func (o *officers) desk(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	if _, err := v1.Query(r); err != nil {
		o.fail(w, r, err)
		return
	}
	reader, _ := o.shown.Reader()
	l := newLookup(reader)
	var organizations []choice
	var err error
	if who.Organization == "" {
		organizations, err = l.organizationChoices("")
	}
	b := o.bar(l, who, "")
	if err == nil {
		err = l.err
	}
	if err != nil {
		o.fail(w, r, err)
		return
	}
	o.show(w, r, http.StatusOK, "officer", frame{Title: "Your desk", Section: "officer", Body: struct {
		Bar           bar
		Organizations []choice // to choose from; empty when the token has one
		Token         string
		Rules         []projections.Rule
	}{b, organizations, who.Name, projections.Rules()}})
}

// noted is where a reading is on record.
type noted struct {
	What    string
	Reading events.Index
}

// position writes a position as addresses have it.
func position(i events.Index) string { return strconv.FormatUint(uint64(i), 10) }
