package v1

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/projections"
)

// API answers questions in JSON.
type API struct{ shown *Shown }

// New makes an API of what is shown.
func New(shown *Shown) *API { return &API{shown} }

func newEntryJSON(f projections.Found) (entryJSON, error) {
	e, err := events.ParseEntry(f.Entry)
	if err != nil {
		return entryJSON{}, err
	}
	return entryJSON{f.Position, e.Name().String(), f.Entry}, nil
}

// page finds the entries that q chooses, and the position behind which the next
// ones are.
func (a *API) page(q url.Values) (found []projections.Found, next *events.Index, err error) {
	f, err := Filter(q)
	if err != nil {
		return nil, nil, err
	}
	reader, _ := a.shown.Reader()
	return reader.Entries(f)
}

func (a *API) entries(w http.ResponseWriter, r *http.Request, q url.Values) {
	found, next, err := a.page(q)
	if err != nil {
		refused(w, r, err)
		return
	}
	out := entriesJSON{Entries: make([]entryJSON, len(found)), Next: next}
	for i, f := range found {
		if out.Entries[i], err = newEntryJSON(f); err != nil {
			refused(w, r, err)
			return
		}
	}
	write(w, r, out)
}

func (a *API) entry(w http.ResponseWriter, r *http.Request, _ url.Values) {
	found, err := a.shown.Entry(r.PathValue("entry"))
	if err != nil {
		refused(w, r, err)
		return
	}
	out, err := newEntryJSON(found)
	if err != nil {
		refused(w, r, err)
		return
	}
	write(w, r, out)
}

// proof answers with a proof file; with the parameter download a browser saves
// it under a name that says what it is.
func (a *API) proof(w http.ResponseWriter, r *http.Request, q url.Values) {
	found, err := a.shown.Entry(r.PathValue("entry"))
	var p proof.Proof
	if err == nil {
		p, err = a.shown.Ledger.Prove(r.Context(), found.Position)
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	if q.Has("download") {
		h.Set("Content-Disposition", `attachment; filename="`+ProofName(found.Position)+`"`)
	}
	body := p.Format()
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body) //nolint:errcheck // who asked is gone; there is nobody to tell
}

// ProofName is the file name of the proof of the entry at position i.
func ProofName(i events.Index) string {
	return "entry-" + strconv.FormatUint(uint64(i), 10) + ".tlog-proof"
}

func newChangeJSON(c projections.Change) changeJSON {
	return changeJSON{c.Position, c.Kind, c.OccurredAt, c.Organization, c.Foreign}
}

func newItemJSON(i projections.Item) itemJSON {
	out := itemJSON{
		i.Register, i.ID, i.Organization, i.Source, i.Ended,
		i.Fields.Append(nil), newChangeJSON(i.Latest), nil,
	}
	for _, c := range i.History {
		out.History = append(out.History, newChangeJSON(c))
	}
	return out
}

// list finds the items of the register in the path that q chooses, and the id
// behind which the next ones are.
func (a *API) list(r *http.Request, q url.Values) (items []projections.Item, next string, err error) {
	register := r.PathValue("register")
	if !slices.Contains(events.Registers(), register) {
		return nil, "", NotFound("no such register; there are " + strings.Join(events.Registers(), ", "))
	}
	limit, err := Limit(q)
	for _, name := range []string{"organization", "after"} {
		if err == nil && q.Get(name) != "" && !events.IsReference(q.Get(name)) {
			err = parameter(name, "must be a reference")
		}
	}
	if err != nil {
		return nil, "", err
	}
	reader, err := a.shown.ReaderAt(q.Get("at"))
	if err != nil {
		return nil, "", err
	}
	return reader.Items(register, q.Get("organization"), q.Get("after"), limit)
}

func (a *API) items(w http.ResponseWriter, r *http.Request, q url.Values) {
	items, next, err := a.list(r, q)
	if err != nil {
		refused(w, r, err)
		return
	}
	out := itemsJSON{Items: make([]itemJSON, len(items))}
	for i, item := range items {
		out.Items[i] = newItemJSON(item)
	}
	if next != "" {
		out.Next = &next
	}
	write(w, r, out)
}

func (a *API) item(w http.ResponseWriter, r *http.Request, q url.Values) {
	reader, err := a.shown.ReaderAt(q.Get("at"))
	var item projections.Item
	if err == nil {
		item, err = reader.Item(r.PathValue("register"), r.PathValue("id"))
	}
	if errors.Is(err, projections.ErrNotFound) {
		err = NotFound("the register has no such object")
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	write(w, r, newItemJSON(item))
}

func (a *API) totals(w http.ResponseWriter, r *http.Request, _ url.Values) {
	t, err := a.shown.Totals()
	if err != nil {
		refused(w, r, err)
		return
	}
	write(w, r, totalsJSON{t.Size, countsJSON(t.Real), countsJSON(t.Example)})
}

// ledger says who the log is, as entry 0 states it, and how far it goes.
func (a *API) ledger(w http.ResponseWriter, r *http.Request, _ url.Values) {
	e, err := a.shown.Opened()
	if err != nil {
		refused(w, r, err)
		return
	}
	policy, err := a.shown.Policy()
	if err != nil {
		refused(w, r, err)
		return
	}
	_, size := a.shown.Reader()
	at, _ := events.ParseInstant(e.Text("recordedAt"))
	signed, known := a.shown.Published()
	out := ledgerJSON{
		e.Text("origin"),
		keysJSON{e.Text("keys.log"), e.Text("keys.receipt"), e.Text("keys.index")},
		e.Text("vrf"), policy, e.Texts("formats"), at, size, signed.UTC(), nil, nil,
	}
	if known {
		age := max(0, a.shown.Time().Sub(signed).Seconds())
		out.Age = &age
	}
	if a.shown.Publishing != nil {
		p := a.shown.Publishing()
		out.Publishing = &p
	}
	write(w, r, out)
}

// write answers with v. An entry in it keeps its bytes: no character is
// escaped that JSON does not demand.
func write(w http.ResponseWriter, r *http.Request, v any) {
	body, err := encode(v)
	if err != nil {
		Fail(w, r, err)
		return
	}
	send(w, body)
}

// send answers with JSON, which any page may read.
func send(w http.ResponseWriter, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body) //nolint:errcheck // who asked is gone; there is nobody to tell
}
