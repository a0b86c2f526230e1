package v1

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// requestRoutes are what officers say about requests and errors.
func (o *Officers) requestRoutes(only func(ForOfficer) http.HandlerFunc) []Route {
	takes := func(name, about, body string, s *huma.Schema) []Content {
		return []Content{{Media: "application/json", Of: s, Examples: []Example{{name, about, body}}}}
	}
	list := []Route{
		{
			Path: "/v1/officer/requests", Name: "listRequests", Summary: "What persons asked for, by when it is due, and whom to tell of an erasure",
			Params: []*huma.Param{whoseParam()}, Answers: answers("The requests.", requestsJSON{}), Handler: only(o.requests),
			Who: []events.Role{events.Officer, events.Auditor},
		},
		{
			Method: "POST", Path: "/v1/officer/requests", Name: "receiveRequest", Summary: "Record that a person asked for something",
			Detail: "The clock counts from received, which is now when it is left out.",
			Takes: takes("erasure", "A person asks to be erased.", `{"person":{"scheme":"example","value":"anna"},"request":"erasure"}`,
				object("A request.", map[string]*huma.Schema{
					"person":  object("Who asked.", map[string]*huma.Schema{"scheme": refer("Scheme"), "value": refer("Identifier")}, "scheme", "value"),
					"request": refer(codeName(events.CodeRequest)), "received": refer(grammarName(events.Instant)),
				}, "person", "request")),
			Answers: answers("The request is recorded.", saidJSON{}), Handler: only(o.receive),
		},
		{
			Method: "POST", Path: "/v1/officer/requests/{request}/decision", Name: "decideRequest", Summary: "Decide a request; an erasure that is granted destroys her keys",
			Detail: "What is refused or granted partly needs a ground. A decision said again answers as before; another one is a conflict. " +
				"An erasure is refused with 409: postponed, while it cannot be now; other-organizations, while others recorded something about her and no officer of theirs joins, by a token in the header " + ApproverHeader + ".",
			Params: []*huma.Param{requestParam(), {
				Name: ApproverHeader, In: "header", Description: "A token of an officer of another organization that recorded something about her. It is given once for each.",
				Schema: &huma.Schema{Type: huma.TypeString},
			}},
			Takes: takes("refused", "Somebody objects, and may not.", `{"decision":"refused","ground":"LegallyExempted","statement":"The law asks us to keep it."}`,
				object("A decision.", map[string]*huma.Schema{
					"decision": refer(codeName(events.CodeDecision)), "ground": refer(codeName(events.CodeJustification)), "statement": refer(grammarName(events.Prose)),
				}, "decision")),
			Answers: answers("It is decided, and done.", decidedJSON{}), Handler: only(o.decide),
		},
		{
			Method: "POST", Path: "/v1/officer/requests/{request}/answer", Name: "answerRequest", Summary: "Record that a request was answered, or a recipient told of an erasure",
			Params: []*huma.Param{requestParam()},
			Takes: takes("told", "A recipient was told.", `{"recipient":"example/hospital"}`,
				object("An answer.", map[string]*huma.Schema{"recipient": refer(grammarName(events.Reference))})),
			Answers: answers("The answer is recorded.", saidJSON{}), Handler: only(o.answer),
		},
		{
			Method: "POST", Path: "/v1/officer/entries/{entry}/correction", Name: "correctEntry", Summary: "Record that an entry is wrong, and what is right",
			Detail: "Both stay, and the correction points back. It concerns whom the entry concerns.",
			Params: []*huma.Param{entryParam()},
			Takes: takes("correction", "The day was wrong.", `{"reason":"correction","statement":"It was the day before."}`,
				object("A correction.", map[string]*huma.Schema{
					"reason": refer(codeName(events.CodeAlterationReason)), "statement": refer(grammarName(events.Prose)),
				}, "reason", "statement")),
			Answers: answers("The correction is recorded.", saidJSON{}), Handler: only(o.correct),
		},
	}
	for i := range list {
		if list[i].Who == nil {
			list[i].Who = []events.Role{events.Officer}
		}
	}
	return list
}

func requestParam() *huma.Param {
	return inPath("request", "The public name of the request.received, 22 characters, or its position in the log.", &huma.Schema{Type: huma.TypeString}, "AAAAAAAAAAAAAAAAAAAAAA")
}

type saidJSON struct {
	Event    string       `json:"event" doc:"The public name of what was said."`
	Position events.Index `json:"position" doc:"Where its entry stands in the log, counted from 0."`
}

func newSaidJSON(s Spoken) saidJSON { return saidJSON{s.Name.String(), s.Position} }

type decidedJSON struct {
	Event    string       `json:"event" doc:"The public name of the decision."`
	Position events.Index `json:"position" doc:"Where its entry stands in the log, counted from 0."`
	Notice   noticeJSON   `json:"notice" doc:"What a recipient names as the counterpart, with the organization, when it records that it was told."`
	Erased   *erasedJSON  `json:"erased" doc:"What was destroyed; null when nothing was."`
}

type noticeJSON struct {
	Source string `json:"source" doc:"The source of the decision."`
	ID     string `json:"id" doc:"Its id."`
}

type erasedJSON struct {
	Deleted      events.Index    `json:"deleted" doc:"The entry by which the ledger says that it deleted her details."`
	Shredded     events.Index    `json:"shredded" doc:"The entry by which it says that her keys are destroyed, the last of her trail."`
	BackupsUntil string          `json:"backupsUntil" format:"date" doc:"The day by which no copy of her keys is left that the ledger made."`
	Entries      int             `json:"entries" doc:"How many entries have details that nobody opens any more; 0 when it was done before."`
	Tell         []recipientJSON `json:"tell" nullable:"false" doc:"Whom her data was shared with, who have to be told; open tasks until they were."`
}

type recipientJSON struct {
	Organization string       `json:"organization" doc:"Who shared, and has to tell."`
	Recipient    string       `json:"recipient" doc:"With whom; ? when nobody can say."`
	Dataset      string       `json:"dataset,omitempty" doc:"Which data; absent when nobody can say."`
	Position     events.Index `json:"position" doc:"The entry of the share."`
}

func newDecidedJSON(d Decided) decidedJSON {
	out := decidedJSON{Event: d.Name.String(), Position: d.Position, Notice: noticeJSON{"daybook", d.Notice}}
	if e := d.Erased; e != nil {
		out.Erased = &erasedJSON{e.Deleted.Position, e.Shredded.Position, e.BackupsUntil, e.Entries, []recipientJSON{}}
		for _, t := range e.Tell {
			out.Erased.Tell = append(out.Erased.Tell, recipientJSON(t))
		}
	}
	return out
}

type requestsJSON struct {
	Organization string        `json:"organization" doc:"Whose requests these are."`
	AsOf         time.Time     `json:"asOf" doc:"When the clocks were read."`
	Requests     []requestJSON `json:"requests" nullable:"false" doc:"Undecided ones first, by the day they are due."`
	Tasks        []taskJSON    `json:"tasks" nullable:"false" doc:"Whom this organization has to tell of an erasure; open ones first."`
	Reading      events.Index  `json:"reading" doc:"The entry by which the ledger says that this was read."`
}

type requestJSON struct {
	Event    string        `json:"event" doc:"The public name of the request."`
	Position events.Index  `json:"position" doc:"Its entry."`
	Request  string        `json:"request" doc:"What was asked for."`
	Received string        `json:"received" format:"date" doc:"The day it was received."`
	Due      string        `json:"due" format:"date" doc:"The last day on which a decision is in time."`
	Overdue  bool          `json:"overdue" doc:"Whether it is undecided after that."`
	Extended *events.Index `json:"extended" doc:"The entry that gave two months more; null when none did."`
	Decided  *events.Index `json:"decided" doc:"The entry of the decision; null while there is none."`
	Decision string        `json:"decision,omitempty" doc:"The decision."`
	Answered *events.Index `json:"answered" doc:"The latest answer to the person; null while there is none."`
}

type taskJSON struct {
	Request   string        `json:"request" doc:"The public name of the request."`
	Recipient string        `json:"recipient" doc:"Who has to be told; ? for those that no register knew."`
	Shares    int           `json:"shares" doc:"How many times her data was shared with it."`
	First     events.Index  `json:"first" doc:"The first of these."`
	Opened    events.Index  `json:"opened" doc:"The decision that erased her."`
	Closed    *events.Index `json:"closed" doc:"The entry that says that the recipient knows; null while the task is open."`
}

func newTaskJSON(t projections.Task) taskJSON {
	return taskJSON{t.Request.String(), t.Recipient, t.Shares, t.First, t.Opened, t.Closed}
}

func (o *Officers) requests(w http.ResponseWriter, r *http.Request, who Officer) {
	found, err := o.office.Requests(r, who)
	if err != nil {
		refused(w, r, err)
		return
	}
	out := requestsJSON{found.Organization, found.AsOf.UTC(), []requestJSON{}, []taskJSON{}, found.Reading}
	for _, x := range found.Requests {
		out.Requests = append(out.Requests, requestJSON{
			x.Name.String(), x.Position, x.Request, x.Day, x.Due, x.Overdue, x.Extended, x.Decided, x.Decision, x.Answered,
		})
	}
	for _, t := range found.Tasks {
		out.Tasks = append(out.Tasks, newTaskJSON(t))
	}
	writePrivate(w, r, "", out)
}

// said answers with where something is kept, or why it is not.
func said(w http.ResponseWriter, r *http.Request, s Spoken, err error) {
	if err != nil {
		refused(w, r, err)
		return
	}
	writePrivate(w, r, "", newSaidJSON(s))
}

func (o *Officers) receive(w http.ResponseWriter, r *http.Request, who Officer) {
	body, err := order(r, "person", "request", "received")
	var request, received string
	if err == nil {
		err = orderTexts(body, map[string]*string{"request": &request, "received": &received})
	}
	var person events.Person
	if err == nil {
		person, err = orderPerson(body)
	}
	var at time.Time
	if err == nil {
		at, err = orderTime(received, "/received")
	}
	var s Spoken
	if err == nil {
		s, err = o.office.Receive(r.Context(), who, person, request, at)
	}
	said(w, r, s, err)
}

func (o *Officers) decide(w http.ResponseWriter, r *http.Request, who Officer) {
	body, err := order(r, "decision", "ground", "statement")
	var d Decision
	if err == nil {
		err = orderTexts(body, map[string]*string{"decision": &d.Decision, "ground": &d.Ground, "statement": &d.Statement})
	}
	var out Decided
	if err == nil {
		out, err = o.office.Decide(r.Context(), who, r.PathValue("request"), d, r.Header.Values(ApproverHeader))
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	writePrivate(w, r, "", newDecidedJSON(out))
}

func (o *Officers) answer(w http.ResponseWriter, r *http.Request, who Officer) {
	body, err := order(r, "recipient")
	var recipient string
	if err == nil {
		err = orderTexts(body, map[string]*string{"recipient": &recipient})
	}
	var s Spoken
	if err == nil {
		s, err = o.office.Answer(r.Context(), who, r.PathValue("request"), recipient)
	}
	said(w, r, s, err)
}

func (o *Officers) correct(w http.ResponseWriter, r *http.Request, who Officer) {
	body, err := order(r, "reason", "statement")
	var reason, statement string
	if err == nil {
		err = orderTexts(body, map[string]*string{"reason": &reason, "statement": &statement})
	}
	var s Spoken
	if err == nil {
		s, err = o.office.Correct(r.Context(), who, r.PathValue("entry"), reason, statement)
	}
	said(w, r, s, err)
}
