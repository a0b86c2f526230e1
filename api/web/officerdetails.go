package web

import (
	"net/http"
	"strings"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
)

// detail is one sealed field in words.
type detail struct {
	Label  string
	Values []string
}

// detailLabels say what sealed fields are.
var detailLabels = map[string]string{
	"id": "The sender’s own number", "sequence": "Number in the sender’s sequence", "occurredAt": "When exactly", "recordedAt": "When it was recorded",
	"dataset": "Dataset", "inputs": "Made from", "output": "What was made", "actor.id": "Who acted", "actor.role": "In which role", "actor.unit": "In which unit",
	"reasonText": "Reason given", "caseRef": "Case", "query": "What was searched for", "counts": "Exact counts",
	"unresolved": "As written, and not in the register", "subject": "Person concerned",
	"reader": "Token of the reader", "filter": "What was asked for", "positions": "Entries read",
}

// details opens one entry. It is a POST, as opening has an effect: whoever the
// entry is about will see that it was opened.
func (o *officers) details(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	if err := r.ParseForm(); err != nil {
		o.fail(w, r, &events.Problem{Status: http.StatusUnprocessableEntity, Code: "malformed-form", Detail: "the form cannot be read"})
		return
	}
	i, opened, err := o.office.Open(r.Context(), who, strings.TrimSpace(r.PostForm.Get("entry")))
	if err != nil {
		o.fail(w, r, err)
		return
	}
	reader, _ := o.shown.Reader()
	l := newLookup(reader)
	e := opened.Entry
	b := o.bar(l, who, e.Text("organization"))
	sentence := l.sentence(e)
	if e.Kind.Coarse {
		sentence = dated(e, sentence)
	}
	if l.err != nil {
		o.fail(w, r, l.err)
		return
	}
	o.show(w, r, http.StatusOK, "officer-details", frame{Title: "Details of entry " + number(uint64(i)), Section: "officer", Body: struct {
		Bar      bar
		Position events.Index
		Title    string
		Example  bool
		Sentence phrase
		Details  []detail
		Sealed   string
		Noted    noted
		Reasons  []choice // to correct it; none for who may not
	}{b, i, title(e.Kind.Name), isExample(e), sentence, detailRows(opened.Details), opened.Sealed, noted{"This reading", opened.Reading}, reasonsToCorrect(who, e, o.office)}})
}

func detailRows(list []events.Disclosure) []detail {
	out := make([]detail, len(list))
	for i, d := range list {
		name := detailLabels[d.Name]
		if name == "" {
			name = d.Name
		}
		out[i] = detail{name, detailValues(d.Name, d.Value)}
	}
	return out
}

// detailValues is what a sealed field says, a line each.
func detailValues(name string, v events.Value) []string {
	if o := v.Object(); o != nil {
		var out []string
		for _, m := range o {
			out = append(out, m.Name+": "+strings.Join(detailValues("", m.Value), ", "))
		}
		return out
	}
	if items := v.Items(); items != nil {
		var out []string
		for _, item := range items {
			out = append(out, detailValues("", item)...)
		}
		return out
	}
	if s := v.Text(); s != "" {
		if name == "recordedAt" {
			return []string{moment(s) + " (" + s + ")"}
		}
		return []string{s}
	}
	return []string{string(v.Append(nil))}
}

// reasonsToCorrect are those that an officer of the organization chooses from.
func reasonsToCorrect(who v1.Officer, e *events.Entry, office *v1.Office) []choice {
	if office.Clerk == nil || who.Role != events.Officer || e.Kind.By == events.RoleLedger {
		return nil
	}
	return terms(events.CodeAlterationReason)
}
