package v1

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/projections"
)

// ErrNotClosed says that what is published is not what the ledger's own keys make.
var ErrNotClosed = errors.New("closing over all trails: what is published is not what the keys here make")

// Auditing shows an auditor of all what nobody else is shown: whose every tag is,
// and how it is made. Each is recorded first.
type Auditing interface {
	// Closure tells of each entry whose its tags are; begin is given the ledger.read
	// before anything is told.
	Closure(ctx context.Context, o Officer, q Closing, begin func(events.Index) error, each func(proof.ClosureLine) error) error
	// Announce records that a sample of the first entries is going to be opened.
	Announce(ctx context.Context, o Officer, q Closing, sample int) (events.Index, error)
	// Leaf opens the entry at i with the keys that make its tags.
	Leaf(ctx context.Context, o Officer, i events.Index) (Leaf, error)
}

// Closing is over which entries, and for which organization a reading is recorded.
type Closing struct {
	Organization string
	Size         events.Size
}

// Leaf is one entry as an auditor of all is shown it.
type Leaf struct {
	Opened
	Tags []LeafTag // in the order of the entry
}

// LeafTag is how a tag is made, or where the ledger says that its keys were
// destroyed: exactly one of Key and Shredded is not nil.
type LeafTag struct {
	Generation uint32
	Counter    uint64
	Key        *[32]byte // k_i of the trail, see proof.TagOf
	Shredded   *events.Index
}

// auditRoutes are for an auditor of all organizations.
func (o *Officers) auditRoutes(only func(ForOfficer) http.HandlerFunc) []Route {
	size := &huma.Schema{Type: huma.TypeInteger, Minimum: new(float64(1)), Description: "How many entries it is about: those of a checkpoint."}
	takes := func(name, about, body string, s *huma.Schema) []Content {
		return []Content{{Media: "application/json", Of: s, Examples: []Example{{name, about, body}}}}
	}
	of := map[string]*huma.Schema{"organization": refer(grammarName(events.Reference)), "size": size}
	sample := map[string]*huma.Schema{"organization": of["organization"], "size": size, "sample": {Type: huma.TypeInteger, Minimum: new(float64(1)), Maximum: new(float64(maxSample))}}
	list := []Route{
		{
			Method: "POST", Path: "/v1/auditor/closure", Name: "closeTrails", Summary: "Whose every tag is, without naming anybody",
			Detail: "Only for an auditor of all organizations; the reading is recorded for the one that is given. " +
				"It is a line of JSON for each entry that has tags, enrols somebody, or ends a trail, between a first and a last line; what does not come to the last was cut off.",
			Takes:   takes("all", "Over the first entry.", `{"organization":"example","size":1}`, object("Over what.", of, "organization", "size")),
			Answers: []Answer{{Status: http.StatusOK, About: "The closure.", Content: []Content{{Media: closureMedia}}}}, Handler: only(o.closure),
		},
		{
			Method: "POST", Path: "/v1/auditor/spot", Name: "announceSpotCheck", Summary: "Announce that a sample of entries is going to be opened",
			Detail:  "Only for an auditor of all organizations. Which ones follows from a checkpoint that comes later.",
			Takes:   takes("ten", "Ten of them.", `{"organization":"example","size":1,"sample":10}`, object("Of what.", sample, "organization", "size", "sample")),
			Answers: answers("It is announced.", announcedJSON{}), Handler: only(o.announce),
		},
		{
			Method: "POST", Path: "/v1/auditor/entries/{entry}/leaf", Name: "openLeaf", Summary: "Open an entry, with the keys that make its tags",
			Detail: "Only for an auditor of all organizations. The persons concerned will see that it was opened. It takes no body.",
			Params: []*huma.Param{entryParam()}, Answers: answers("The entry.", leafJSON{}), Handler: only(o.leaf),
		},
	}
	for i := range list {
		list[i].Who = []events.Role{events.Auditor}
	}
	return list
}

const closureMedia = "application/x-ndjson"

// maxSample is the most entries that a spot check opens.
const maxSample = 10_000

type announcedJSON struct {
	Reading events.Index `json:"reading" doc:"The entry by which the ledger says so."`
}

type leafJSON struct {
	Position events.Index  `json:"position" doc:"Where the entry stands in the log, counted from 0."`
	Reading  events.Index  `json:"reading" doc:"The entry by which the ledger says that it was opened."`
	Tags     []leafTagJSON `json:"tags" nullable:"false" doc:"How each tag of the entry is made, in their order."`
	// Of each the digest is in the entry.
	Disclosures []string `json:"disclosures" nullable:"false" doc:"What the entry commits to and is kept, as RFC 9901 disclosures."`
	Sealed      string   `json:"sealed,omitempty" doc:"Why there are no disclosures."`
}

type leafTagJSON struct {
	Generation uint32        `json:"generation" doc:"Under which root key of the trail it is made."`
	Counter    uint64        `json:"counter" doc:"Which of the trail's tags it is."`
	EventKey   string        `json:"eventKey,omitempty" doc:"The key that makes the tag, base64url of 32 bytes."`
	Shredded   *events.Index `json:"shredded,omitempty" doc:"Instead of the key: the entry by which it was destroyed."`
}

// auditOf reads what an auditor asks about.
func auditOf(r *http.Request, more ...string) (q Closing, body events.Object, err error) {
	if body, err = order(r, append([]string{"organization", "size"}, more...)...); err != nil {
		return q, nil, err
	}
	if err := orderTexts(body, map[string]*string{"organization": &q.Organization}); err != nil {
		return q, nil, err
	}
	size, _ := body.Get("size")
	switch {
	case !events.IsReference(q.Organization):
		err = &events.Problem{Status: 422, Code: "malformed", Pointer: "/organization", Detail: "must be a reference: a reading is recorded for one organization"}
	case size.Int() < 1:
		err = &events.Problem{Status: 422, Code: "malformed", Pointer: "/size", Detail: "must be a number from 1"}
	}
	q.Size = events.Size(max(size.Int(), 0))
	return q, body, err
}

// auditsAll refuses who is no auditor of all.
func auditsAll(who Officer) error {
	if who.Role != events.Auditor || who.Organization != "" {
		return &events.Problem{Status: http.StatusForbidden, Code: "role", Detail: "only an auditor who is bound to no organization is shown this"}
	}
	return nil
}

func (o *Officers) closure(w http.ResponseWriter, r *http.Request, who Officer) {
	err := auditsAll(who)
	var q Closing
	if err == nil {
		q, _, err = auditOf(r)
	}
	var opened *events.Entry
	if err == nil {
		opened, err = o.office.Shown.Opened()
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	out := closureWriter{w: w}
	err = o.office.Auditing.Closure(r.Context(), who, q, func(reading events.Index) error {
		w.Header().Set("Content-Type", closureMedia)
		w.Header().Set("Cache-Control", "no-store")
		return out.write(proof.ClosureHead{Origin: opened.Text("origin"), Size: q.Size, Reading: reading}.Append(nil))
	}, out.line)
	switch {
	case errors.Is(err, ErrNotClosed):
		out.end.Stopped = err.Error()
	case err != nil && out.begun:
		panic(http.ErrAbortHandler) // so that nobody takes it for whole
	case err != nil:
		refused(w, r, officerProblem(err))
		return
	}
	_ = out.write(out.end.Append(nil)) // who asked is gone; the reading is on record all the same
}

// closureWriter writes a closure as it comes.
type closureWriter struct {
	w     http.ResponseWriter
	begun bool
	end   proof.ClosureEnd
	buf   []byte
}

func (c *closureWriter) write(b []byte) error {
	c.begun = true
	_, err := c.w.Write(b)
	return err
}

func (c *closureWriter) line(l proof.ClosureLine) error {
	c.end.Lines++
	c.end.Tags += uint64(len(l.Tags))
	c.buf = l.Append(c.buf[:0])
	return c.write(c.buf)
}

func (o *Officers) announce(w http.ResponseWriter, r *http.Request, who Officer) {
	err := auditsAll(who)
	var q Closing
	var body events.Object
	if err == nil {
		q, body, err = auditOf(r, "sample")
	}
	sample, _ := body.Get("sample")
	if err == nil && (sample.Int() < 1 || sample.Int() > maxSample) {
		err = &events.Problem{Status: 422, Code: "malformed", Pointer: "/sample", Detail: "must be a number from 1 to 10000"}
	}
	var out announcedJSON
	if err == nil {
		out.Reading, err = o.office.Auditing.Announce(r.Context(), who, q, int(sample.Int()))
	}
	if err != nil {
		refused(w, r, officerProblem(err))
		return
	}
	writePrivate(w, r, "", out)
}

func (o *Officers) leaf(w http.ResponseWriter, r *http.Request, who Officer) {
	err := auditsAll(who)
	if err == nil {
		_, err = Query(r)
	}
	var found projections.Found
	if err == nil {
		found, err = o.office.Shown.Entry(r.PathValue("entry"))
	}
	var leaf Leaf
	if err == nil {
		leaf, err = o.office.Auditing.Leaf(r.Context(), who, found.Position)
	}
	if err != nil {
		refused(w, r, officerProblem(err))
		return
	}
	out := leafJSON{Position: found.Position, Reading: leaf.Reading, Sealed: leaf.Sealed, Tags: []leafTagJSON{}, Disclosures: []string{}}
	for _, t := range leaf.Tags {
		x := leafTagJSON{Generation: t.Generation, Counter: t.Counter, Shredded: t.Shredded}
		if t.Key != nil {
			x.EventKey = base64.RawURLEncoding.EncodeToString(t.Key[:])
		}
		out.Tags = append(out.Tags, x)
	}
	for _, d := range leaf.Details {
		out.Disclosures = append(out.Disclosures, d.Encode())
	}
	slices.Sort(out.Disclosures)
	writePrivate(w, r, "", out)
}
