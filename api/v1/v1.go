package v1

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/projections"
)

// API answers questions in JSON.
type API struct{ shown *Shown }

// New makes an API of what is shown.
func New(shown *Shown) *API { return &API{shown} }

// Mount adds the routes of a.
func (a *API) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/entries", a.entries)
	mux.HandleFunc("GET /v1/entries/{entry}", a.entry)
	mux.HandleFunc("GET /v1/entries/{entry}/proof", a.proof)
	mux.HandleFunc("GET /v1/register/{register}", a.items)
	mux.HandleFunc("GET /v1/register/{register}/{id...}", a.item)
	mux.HandleFunc("GET /v1/totals", a.totals)
	mux.HandleFunc("GET /v1/findings", a.findings)
	mux.HandleFunc("GET /v1/sharing", a.sharing)
	mux.HandleFunc("GET /v1/retention", a.retention)
	mux.HandleFunc("GET /v1/findings.csv", a.findingsCSV)
	mux.HandleFunc("GET /v1/sharing.csv", a.sharingCSV)
	mux.HandleFunc("GET /v1/retention.csv", a.retentionCSV)
	mux.HandleFunc("GET /v1/ledger", a.ledger)
}

type entryJSON struct {
	Position events.Index    `json:"position"`
	Event    string          `json:"event"`
	Entry    json.RawMessage `json:"entry"`
}

func newEntryJSON(f projections.Found) (entryJSON, error) {
	e, err := events.ParseEntry(f.Entry)
	if err != nil {
		return entryJSON{}, err
	}
	return entryJSON{f.Position, e.Name().String(), f.Entry}, nil
}

func (a *API) entries(w http.ResponseWriter, r *http.Request) {
	q, err := Query(r, "kind", "organization", "system", "dataset", "day", "limit", "after")
	if err != nil {
		refused(w, r, err)
		return
	}
	f, err := Filter(q)
	if err != nil {
		refused(w, r, err)
		return
	}
	reader, _ := a.shown.Reader()
	found, next, err := reader.Entries(f)
	if err != nil {
		refused(w, r, err)
		return
	}
	out := struct {
		Entries []entryJSON   `json:"entries"`
		Next    *events.Index `json:"next"`
	}{Entries: make([]entryJSON, len(found)), Next: next}
	for i, f := range found {
		if out.Entries[i], err = newEntryJSON(f); err != nil {
			refused(w, r, err)
			return
		}
	}
	write(w, r, out)
}

func (a *API) entry(w http.ResponseWriter, r *http.Request) {
	if _, err := Query(r); err != nil {
		refused(w, r, err)
		return
	}
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
func (a *API) proof(w http.ResponseWriter, r *http.Request) {
	q, err := Query(r, "download")
	if err != nil {
		refused(w, r, err)
		return
	}
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

type changeJSON struct {
	Position   events.Index `json:"position"`
	Kind       string       `json:"kind"`
	OccurredAt string       `json:"occurredAt"`
}

type itemJSON struct {
	Register     string          `json:"register"`
	ID           string          `json:"id"`
	Organization string          `json:"organization"`
	Source       string          `json:"source"`
	Ended        string          `json:"ended,omitempty"`
	Fields       json.RawMessage `json:"fields"`
	Latest       changeJSON      `json:"latest"`
	History      []changeJSON    `json:"history,omitempty"`
}

func newItemJSON(i projections.Item) itemJSON {
	out := itemJSON{
		i.Register, i.ID, i.Organization, i.Source, i.Ended,
		i.Fields.Append(nil), changeJSON(i.Latest), nil,
	}
	for _, c := range i.History {
		out.History = append(out.History, changeJSON(c))
	}
	return out
}

func (a *API) items(w http.ResponseWriter, r *http.Request) {
	register := r.PathValue("register")
	if !slices.Contains(events.Registers(), register) {
		Refuse(w, NotFound("no such register; there are organization, system, dataset and activity"))
		return
	}
	q, err := Query(r, "organization", "limit", "after", "at")
	var limit int
	if err == nil {
		limit, err = Limit(q)
	}
	for _, name := range []string{"organization", "after"} {
		if err == nil && q.Get(name) != "" && !events.IsReference(q.Get(name)) {
			err = parameter(name, "must be a reference")
		}
	}
	var reader projections.Reader
	if err == nil {
		reader, err = a.shown.ReaderAt(q.Get("at"))
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	items, next, err := reader.Items(register, q.Get("organization"), q.Get("after"), limit)
	if err != nil {
		refused(w, r, err)
		return
	}
	out := struct {
		Items []itemJSON `json:"items"`
		Next  *string    `json:"next"`
	}{Items: make([]itemJSON, len(items))}
	for i, item := range items {
		out.Items[i] = newItemJSON(item)
	}
	if next != "" {
		out.Next = &next
	}
	write(w, r, out)
}

func (a *API) item(w http.ResponseWriter, r *http.Request) {
	q, err := Query(r, "at")
	var reader projections.Reader
	if err == nil {
		reader, err = a.shown.ReaderAt(q.Get("at"))
	}
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

type countsJSON struct {
	Entries        uint64                       `json:"entries"`
	ByKind         map[string]uint64            `json:"byKind"`
	ByOrganization map[string]map[string]uint64 `json:"byOrganization"`
	ByDay          map[string]uint64            `json:"byDay"`
}

func (a *API) totals(w http.ResponseWriter, r *http.Request) {
	if _, err := Query(r); err != nil {
		refused(w, r, err)
		return
	}
	t, err := a.shown.Totals()
	if err != nil {
		refused(w, r, err)
		return
	}
	write(w, r, struct {
		Size    events.Size `json:"size"`
		Real    countsJSON  `json:"real"`
		Example countsJSON  `json:"example"`
	}{t.Size, countsJSON(t.Real), countsJSON(t.Example)})
}

// ledger says who the log is, as entry 0 states it, and how far it goes.
func (a *API) ledger(w http.ResponseWriter, r *http.Request) {
	_, err := Query(r)
	var e *events.Entry
	if err == nil {
		e, err = a.shown.Opened()
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	_, size := a.shown.Reader()
	at, _ := events.ParseInstant(e.Text("recordedAt"))
	signed, _ := a.shown.Published()
	write(w, r, struct {
		Origin   string            `json:"origin"`
		Keys     map[string]string `json:"keys"`
		VRF      string            `json:"vrf"`
		Policy   string            `json:"policy"`
		Formats  []string          `json:"formats"`
		OpenedAt time.Time         `json:"openedAt"`
		Size     events.Size       `json:"size"`
		SignedAt time.Time         `json:"signedAt,omitzero"`
	}{
		e.Text("origin"),
		map[string]string{"log": e.Text("keys.log"), "receipt": e.Text("keys.receipt"), "index": e.Text("keys.index")},
		e.Text("vrf"), e.Text("policy"), e.Texts("formats"), at, size, signed.UTC(),
	})
}

// write answers with v. An entry in it keeps its bytes: no character is
// escaped that JSON does not demand.
func write(w http.ResponseWriter, r *http.Request, v any) {
	body, err := encode(v)
	if err != nil {
		Fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body) //nolint:errcheck // who asked is gone; there is nobody to tell
}
