package v1

import (
	"net/http"

	"github.com/daybook-ledger/daybook/events"
)

type dossierJSON struct {
	Organization string         `json:"organization" doc:"Whose records these are."`
	Entries      []matterJSON   `json:"entries" nullable:"false" doc:"In the order of the log."`
	Next         *events.Index  `json:"next" doc:"The after of the next page; null on the last."`
	Readings     []events.Index `json:"readings" nullable:"false" doc:"The entry by which the ledger says that this was read."`
}

type matterJSON struct {
	Position  events.Index `json:"position" doc:"Where the entry stands in the log, counted from 0."`
	Kind      string       `json:"kind" doc:"Its kind, as data.accessed."`
	Relation  string       `json:"relation" doc:"How the person stands to the matter."`
	UnderSeal string       `json:"underSeal,omitempty" doc:"The public name of the seal that hides it from the person; absent when she sees it."`
	Others    int          `json:"others,omitempty" doc:"How many persons it concerns beside her. What they share stays closed here; open the entry for that."`
	Entry     entryBytes   `json:"entry" doc:"The public entry, byte for byte."`
	Details   []Detail     `json:"details" nullable:"false" doc:"What was sealed, and is opened here."`
	Sealed    string       `json:"sealed,omitempty" doc:"Why nothing could be opened; absent when something was."`
	Head      *headJSON    `json:"head,omitempty" doc:"Of a part of a bulk event: what it shares with the other parts."`
	Proof     string       `json:"proof" doc:"The address of its proof."`
}

type headJSON struct {
	Position events.Index `json:"position" doc:"Where the head stands in the log."`
	Entry    entryBytes   `json:"entry" doc:"The head's public entry, byte for byte."`
	Details  []Detail     `json:"details" nullable:"false" doc:"What was sealed in the head, and is opened here."`
}

func newDetails(list []events.Disclosure) []Detail {
	out := make([]Detail, len(list))
	for i, d := range list {
		out[i] = Detail{d.Name, d.Value.Append(nil), d.Encode()}
	}
	return out
}

func newMatterJSON(m Matter) matterJSON {
	out := matterJSON{
		Position: m.Position, Kind: m.Kind, Relation: m.Relation, Others: m.Others, Entry: m.Entry.Append(nil),
		Details: newDetails(m.Details), Sealed: m.Sealed, Proof: proofHref(m.Position),
	}
	if m.Hidden() {
		out.UnderSeal = m.Seal.String()
	}
	if m.Head != nil {
		out.Head = &headJSON{m.HeadAt, m.Head.Append(nil), newDetails(m.HeadDetails)}
	}
	return out
}

func (o *Officers) person(w http.ResponseWriter, r *http.Request, who Officer) {
	q, err := o.office.Inquiry(r, who)
	if err != nil {
		refused(w, r, err)
		return
	}
	d, err := o.office.Dossier(r, who, q)
	if err != nil {
		refused(w, r, err)
		return
	}
	out := dossierJSON{d.Organization, make([]matterJSON, len(d.Matters)), d.Next, append([]events.Index{}, d.Readings...)}
	for i, m := range d.Matters {
		out.Entries[i] = newMatterJSON(m)
	}
	writePrivate(w, r, "", out)
}
