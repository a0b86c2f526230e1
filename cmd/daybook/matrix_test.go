package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// Whom a route is for.
const (
	everyone    = "everyone"
	anybody     = "everyone, who says in a body what is asked"
	nobodysCard = "everyone, and that is no card"
	door        = "who may say the event"
	letsIn      = "who may sign in"
	cityReaders = "who reads the city, having signed in"
	signedIn    = "who has signed in"
	programs    = "who reads the city, with a token"

	orders        = "an officer of the city, having signed in"
	programOrders = "an officer of the city, with a token"
	lifts         = "an officer of the city, having signed in, who alone learns that there is a seal"
	programLifts  = "the same with a token"
	speakers      = "an officer, having signed in"
	anyOfficer    = "an officer, with a token"
	auditsAll     = "an auditor of all, with a token"
)

// route is one address under a pattern, with whom it is for.
type route struct{ path, whom string }

// expected says whom each route is for. A route that is not here fails the test.
func expected(entry, finding, seal, request string) map[string]route {
	out := map[string]route{
		"GET /{$}": {"/", everyone}, "GET /register": {"/register", everyone}, "GET /register/{register}": {"/register/system", everyone},
		"GET /register/{register}/{id...}": {"/register/system/city/app", everyone}, "GET /entries": {"/entries", everyone},
		"GET /entries/{entry}": {"/entries/" + entry, everyone}, "GET /sharing": {"/sharing", everyone}, "GET /deletions": {"/deletions", everyone},
		"GET /coverage": {"/coverage", everyone}, "GET /findings": {"/findings", everyone}, "GET /verify": {"/verify", everyone}, "GET /verify.html": {"/verify.html", everyone}, "GET /checking": {"/checking", everyone}, "GET /api": {"/api", everyone},
		"GET /checkpoint": {"/checkpoint", everyone}, "GET /tile/{path...}": {"/tile/0/000.p/1", everyone}, "GET /openapi.json": {"/openapi.json", everyone},
		"GET /index/checkpoint": {"/index/checkpoint", everyone}, "GET /index/tile/{path...}": {"/index/tile/0/000.p/1", everyone},

		"GET /v1/entries/{entry}": {"/v1/entries/" + entry, everyone}, "GET /v1/entries/{entry}/proof": {"/v1/entries/" + entry + "/proof", everyone},
		"GET /v1/register/{register}":         {"/v1/register/system", everyone},
		"GET /v1/register/{register}/{id...}": {"/v1/register/system/city/app", everyone}, "GET /v1/ledger": {"/v1/ledger", everyone},

		"GET /trail": {"/trail", everyone}, "POST /trail": {"/trail", nobodysCard},
		"POST /v1/index/proofs": {"/v1/index/proofs", anybody}, "POST /v1/trail/slots": {"/v1/trail/slots", anybody},

		"POST /v1/events":         {"/v1/events", door},
		"GET /officer/sign-in":    {"/officer/sign-in", everyone},
		"POST /officer/sign-in":   {"/officer/sign-in", letsIn},
		"POST /officer/sign-out":  {"/officer/sign-out", everyone},
		"GET /officer":            {"/officer", signedIn},
		"GET /officer/trail":      {"/officer/trail?organization=city", cityReaders},
		"GET /officer/trail.csv":  {"/officer/trail.csv?organization=city", cityReaders},
		"GET /officer/trail.json": {"/officer/trail.json?organization=city", cityReaders},

		"GET /officer/findings":           {"/officer/findings?organization=city", cityReaders},
		"GET /officer/findings.csv":       {"/officer/findings.csv?organization=city", cityReaders},
		"GET /officer/findings.json":      {"/officer/findings.json?organization=city", cityReaders},
		"GET /officer/findings/{finding}": {"/officer/findings/" + finding + "?organization=city", cityReaders},
		"POST /officer/details":           {"/officer/details", cityReaders},
		"GET /officer/person":             {"/officer/person", signedIn},
		"GET /officer/cards":              {"/officer/cards", signedIn},
		"POST /officer/cards":             {"/officer/cards", speakers},
		"POST /v1/officer/cards":          {"/v1/officer/cards", anyOfficer},
		"POST /v1/officer/cards/rotate":   {"/v1/officer/cards/rotate", anyOfficer},
		"POST /officer/person":            {"/officer/person", cityReaders},
		"POST /officer/statement":         {"/officer/statement", cityReaders},
		"GET /seals":                      {"/seals", everyone},
		"GET /officer/seals":              {"/officer/seals?organization=city", cityReaders},
		"POST /officer/seals":             {"/officer/seals", orders},
		"POST /officer/seals/extend":      {"/officer/seals/extend", orders},
		"POST /officer/seals/lift":        {"/officer/seals/lift", lifts},

		"GET /v1/officer/seals":                {"/v1/officer/seals?organization=city", programs},
		"POST /v1/officer/seals":               {"/v1/officer/seals", programOrders},
		"POST /v1/officer/seals/{seal}/extend": {"/v1/officer/seals/" + seal + "/extend", programOrders},
		"POST /v1/officer/seals/{seal}/lift":   {"/v1/officer/seals/" + seal + "/lift", programLifts},

		"GET /v1/officer/trail": {"/v1/officer/trail?organization=city", programs}, "GET /v1/officer/trail.csv": {"/v1/officer/trail.csv?organization=city", programs},
		"GET /v1/officer/trail.json":               {"/v1/officer/trail.json?organization=city", programs},
		"GET /v1/officer/findings":                 {"/v1/officer/findings?organization=city", programs},
		"GET /v1/officer/findings.csv":             {"/v1/officer/findings.csv?organization=city", programs},
		"GET /v1/officer/findings.json":            {"/v1/officer/findings.json?organization=city", programs},
		"GET /v1/officer/findings/{finding}":       {"/v1/officer/findings/" + finding + "?organization=city", programs},
		"POST /v1/officer/entries/{entry}/details": {"/v1/officer/entries/" + entry + "/details", programs},
		"POST /v1/officer/person":                  {"/v1/officer/person", programs},

		"POST /v1/auditor/closure":              {"/v1/auditor/closure", auditsAll},
		"POST /v1/auditor/spot":                 {"/v1/auditor/spot", auditsAll},
		"POST /v1/auditor/entries/{entry}/leaf": {"/v1/auditor/entries/" + entry + "/leaf", auditsAll},
	}
	for _, as := range []string{"json", "csv", "html"} {
		out["POST /v1/officer/statement."+as] = route{"/v1/officer/statement." + as, programs}
	}
	for pattern, whom := range map[string]string{
		"GET /officer/requests": cityReaders, "GET /v1/officer/requests": programs,
		"POST /officer/requests": speakers, "POST /v1/officer/requests": anyOfficer,
		"POST /officer/requests/decision": orders, "POST /v1/officer/requests/{request}/decision": programOrders,
		"POST /officer/requests/answer": orders, "POST /v1/officer/requests/{request}/answer": programOrders,
		"POST /officer/correction": orders, "POST /v1/officer/entries/{entry}/correction": programOrders,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		if method == "GET" {
			path += "?organization=city"
		}
		out[pattern] = route{strings.NewReplacer("{request}", request, "{entry}", entry).Replace(path), whom}
	}
	for _, view := range []string{"entries", "totals", "sharing", "retention", "findings", "coverage", "seals"} {
		out["GET /v1/"+view] = route{"/v1/" + view, everyone}
		out["GET /v1/"+view+".csv"] = route{"/v1/" + view + ".csv", everyone}
	}
	for _, register := range events.Registers() {
		out["GET /v1/register/"+register+".csv"] = route{"/v1/register/" + register + ".csv", everyone}
	}
	return out
}

// someone is a role with a token, and with a browser that tried to sign in.
type someone struct {
	name    string
	role    events.Role
	city    bool // reads what the city recorded
	token   string
	browser *http.Client
	reads   bool // anything at all
}

func (in *inside) everybody() []*someone {
	out := []*someone{
		{name: "nobody"},
		{name: "emitter", role: events.Emitter, token: in.token(events.Emitter, "city", "city/app")},
		{name: "registrar", role: events.Registrar, token: in.token(events.Registrar, "city")},
		{name: "officer", role: events.Officer, city: true, token: in.token(events.Officer, "city")},
		{name: "officer of the county", role: events.Officer, token: in.token(events.Officer, "county")},
		{name: "auditor", role: events.Auditor, city: true, token: in.token(events.Auditor, "")},
		{name: "auditor of the city", role: events.Auditor, city: true, token: in.token(events.Auditor, "city")},
		{name: "auditor of the county", role: events.Auditor, token: in.token(events.Auditor, "county")},
		{name: "admin", role: events.Admin, token: in.token(events.Admin, "")},
		{name: "stranger", token: "daybook_officer_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
	}
	for _, who := range out {
		status := 0
		who.browser, status = in.signIn(who.token)
		who.reads = who.role == events.Officer || who.role == events.Auditor
		if (status == http.StatusSeeOther) != who.reads {
			in.t.Errorf("%s signs in: %d", who.name, status)
		}
	}
	return out
}

// want is the status that a route answers who with, by a token or by a cookie.
func (who *someone) want(whom, method string, byToken bool) int {
	allowed := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}
	switch {
	case whom == anybody:
		return http.StatusOK
	case whom == nobodysCard:
		return http.StatusUnprocessableEntity
	case whom == everyone && method == "POST":
		return http.StatusSeeOther
	case whom == everyone:
		return http.StatusOK
	case whom == letsIn && who.reads:
		return http.StatusSeeOther
	case whom == letsIn:
		return http.StatusForbidden
	case whom == door && byToken && who.role == events.Emitter:
		return http.StatusOK // the event is there already
	case (whom == cityReaders || whom == signedIn) && !byToken && who.reads:
		return allowed[whom == signedIn || who.city]
	case whom == speakers && !byToken && who.reads, whom == anyOfficer && byToken && who.role != "":
		return allowed[who.role == events.Officer]
	case whom == auditsAll && byToken && who.role != "":
		return allowed[who.name == "auditor"]
	case whom == programs && byToken && who.role != "":
		return allowed[who.reads && who.city]
	case (whom == orders || whom == lifts) && !byToken && who.reads, (whom == programOrders || whom == programLifts) && byToken && who.role != "":
		if who.role == events.Officer && !who.city && (whom == lifts || whom == programLifts) {
			return http.StatusNotFound
		}
		return allowed[who.role == events.Officer && who.city]
	case whom == door && byToken && who.role != "":
		return http.StatusForbidden
	}
	return http.StatusUnauthorized
}

// secrets are what the events below seal.
var secrets = []string{"SECRET reason", "SECRET query", "SECRET case", "SECRET statement", "secret-clerk", "secret/role", "secret/unit"}

const theAccess = `{"specversion":"1.0","id":"9","source":"city/app","type":"org.daybook.data.accessed.v1","time":"2026-06-24T08:30:00Z","data":{"system":"city/app",` +
	`"operation":"Consult","outcome":"success","dataset":"city/people","reasonText":"SECRET reason","query":"SECRET query","caseRef":"SECRET case",` +
	`"actor":{"id":"secret-clerk","role":"secret/role","unit":"secret/unit"},"subjects":{"mode":"single","persons":[{"scheme":"example","value":"Anna"}]}}}`

// peopled is a ledger of two organizations with one access to be found.
func peopled(t *testing.T) (in *inside, access events.Index, finding string) {
	t.Helper()
	in = openInside(t)
	in.say(in.token(events.Registrar, "", "register"), "register",
		[2]string{"organization.registered", `{"organization":"city","name":"The City","kind":"city","timeZone":"Europe/Tallinn"}`},
		[2]string{"organization.registered", `{"organization":"county","name":"The County","kind":"county","timeZone":"UTC"}`},
		[2]string{"dataset.registered", `{"organization":"city","dataset":"city/people","title":"Residents","classification":"Private","pii":"direct"}`},
		[2]string{"system.registered", `{"organization":"city","system":"city/app","name":"Desk","kind":"application"}`})
	req, err := http.NewRequest("POST", in.url+"/v1/events", strings.NewReader(theAccess))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+in.token(events.Emitter, "city", "city/app"))
	req.Header.Set("Content-Type", "application/cloudevents+json")
	var said struct{ Position events.Index }
	if status, body := in.do(http.DefaultClient, req); status != http.StatusCreated || json.Unmarshal([]byte(body), &said) != nil {
		t.Fatalf("the access: %d %s", status, body)
	}
	access = said.Position
	in.folded()
	all, err := in.views.Now().Findings(in.now(), projections.FindingFilter{Organization: "city"})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d findings, %v", len(all), err)
	}
	return in, access, all[0].ID
}

const theRequest = `{"person":{"scheme":"example","value":"Anna"},"request":"access"}`

// order sends JSON with a token.
func (in *inside) order(token, path, body string) (int, string) {
	in.t.Helper()
	req, err := http.NewRequest("POST", in.url+path, strings.NewReader(body))
	if err != nil {
		in.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	return in.do(http.DefaultClient, req)
}

const theCard = `{"person":{"scheme":"example","value":"Anna"},"url":"https://ledger.example.org"}`

const theInquiry = `{"organization":"city","person":{"scheme":"example","value":"Anna"}}`

// requestForms are what an officer says of requests in each place, as JSON and as
// a form.
func requestForms(access events.Index, request string) map[string]string {
	return map[string]string{
		"POST /v1/officer/requests": theRequest, "POST /officer/requests": "scheme=example&value=Anna&request=access&received=2026-01-02T10:00",
		"POST /v1/officer/requests/{request}/decision": `{"decision":"extended"}`, "POST /officer/requests/decision": "about=" + request + "&decision=extended",
		"POST /v1/officer/requests/{request}/answer": `{}`, "POST /officer/requests/answer": "about=" + request,
		"POST /v1/officer/entries/{entry}/correction": `{"reason":"correction","statement":"SECRET statement"}`,
		"POST /v1/officer/person":                     theInquiry, "POST /officer/person": "organization=city&scheme=example&value=Anna",
		"POST /v1/officer/statement.json": theInquiry, "POST /v1/officer/statement.csv": theInquiry, "POST /v1/officer/statement.html": theInquiry,
		"POST /officer/cards":    "scheme=example&value=Anna&what=issue&as=letter&url=https://ledger.example.org&identified=yes",
		"POST /v1/officer/cards": theCard, "POST /v1/officer/cards/rotate": theCard,
		"POST /v1/index/proofs":    `{"ranges":["0:"],"labelRanges":["0:"]}`,
		"POST /v1/trail/slots":     `{"slots":[{"tag":"AAAAAAAAAAAAAAAAAAAAAA","ticket":"AAAAAAAAAAAAAAAAAAAAAA"}]}`,
		"POST /trail":              "consent=yes&card=none",
		"POST /officer/statement":  "organization=city&scheme=example&value=Anna",
		"POST /v1/auditor/closure": `{"organization":"city","size":1}`, "POST /v1/auditor/spot": `{"organization":"city","size":1,"sample":1}`,
		"POST /officer/correction": fmt.Sprintf("entry=%d&reason=correction&statement=SECRET+statement", access),
	}
}

// TestMatrix walks every route as everybody, with a token and with a cookie: what
// is not said to be for somebody is refused, and gives nothing away.
func TestMatrix(t *testing.T) {
	in, access, finding := peopled(t)
	in.twoSeals()
	status, body := in.order(in.token(events.Officer, "city"), "/v1/officer/requests", theRequest)
	var asked struct{ Event string }
	if status != http.StatusOK || json.Unmarshal([]byte(body), &asked) != nil {
		t.Fatalf("the request: %d %s", status, body)
	}
	request := asked.Event
	in.folded()
	if err := in.index.WaitFor(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	table := expected(fmt.Sprint(access), finding, in.seals[0], request)
	all := in.everybody()
	walked := 0
	for _, pattern := range in.routes() {
		x, ok := table[pattern]
		if strings.HasPrefix(pattern, "GET /assets/") {
			x, ok = route{strings.TrimPrefix(pattern, "GET "), everyone}, true
		}
		if !ok {
			t.Errorf("nobody has said whom %s is for", pattern)
			continue
		}
		walked++
		for _, who := range all {
			for _, byToken := range []bool{true, false} {
				in.walk(pattern, x, who, byToken, access, request)
			}
		}
	}
	if walked < len(table) {
		t.Errorf("%d routes are expected, and %d are there", len(table), walked)
	}
}

// walk asks for one route in one way.
func (in *inside) walk(pattern string, x route, who *someone, byToken bool, access events.Index, request string) {
	in.t.Helper()
	method, _, _ := strings.Cut(pattern, " ")
	body, contentType := "", "application/x-www-form-urlencoded"
	switch pattern {
	case "POST /v1/events":
		body, contentType = theAccess, "application/cloudevents+json"
	case "POST /officer/sign-in":
		return // by everybody, when they came; more attempts have to wait
	case "POST /officer/details":
		body = fmt.Sprintf("entry=%d", access)
	default:
		if strings.Contains(pattern, "/officer/seals") && method == http.MethodPost {
			body, contentType = in.sealBody(pattern)
		}
	}
	if order, ok := requestForms(access, request)[pattern]; ok {
		if body = order; order[0] == '{' {
			contentType = "application/json"
		}
	}
	req, err := http.NewRequest(method, in.url+x.path, strings.NewReader(body))
	if err != nil {
		in.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Daybook-Approver", in.approver)
	req.Header.Set("Idempotency-Key", "the same")
	c := who.browser
	if byToken || pattern == "POST /officer/sign-out" { // whose cookie is needed for the rest
		c = person(in.t)
	}
	if byToken && who.token != "" {
		req.Header.Set("Authorization", "Bearer "+who.token)
	}
	resp, err := c.Do(req)
	if err != nil {
		in.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		in.t.Fatal(err)
	}
	what := fmt.Sprintf("%s as %s, by token %v", pattern, who.name, byToken)
	if want := who.want(x.whom, method, byToken); resp.StatusCode != want {
		in.t.Errorf("%s: %d, want %d", what, resp.StatusCode, want)
	}
	in.checkAnswer(what, x, resp, string(answer))
}

// checkAnswer looks at what an answer must be, whatever its status.
func (in *inside) checkAnswer(what string, x route, resp *http.Response, body string) {
	in.t.Helper()
	h := resp.Header
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	if resp.StatusCode >= 400 && x.whom != door && kind != "application/problem+json" && kind != "text/html" {
		in.t.Errorf("%s: an error is %s", what, kind)
	}
	if strings.Contains(x.path, "officer") && (h.Get("Cache-Control") != "no-store" || h.Get("Access-Control-Allow-Origin") != "") {
		in.t.Errorf("%s: %v", what, h)
	}
	actor, err := in.keys.Pseudonym("city", "actor", "secret-clerk")
	if err != nil {
		in.t.Fatal(err)
	}
	for _, secret := range append(secrets, actor) {
		if (resp.StatusCode >= 400 || x.whom != cityReaders && x.whom != programs) && strings.Contains(body, secret) {
			in.t.Errorf("%s: the answer has %q", what, secret)
		}
	}
}
