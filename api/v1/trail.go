package v1

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Index answers from the completeness index as it is published.
type Index interface {
	// Prove shows of the last published leaf what is asked. A *events.Problem says
	// that it is too much.
	Prove(ctx context.Context, q IndexQuestion) (IndexAnswer, error)
}

// IndexQuestion asks what the index has, and what it has not.
type IndexQuestion struct {
	Tags   []events.Tag
	Labels [][64]byte // VRF outputs
	// Ranges are of the tree over tags, LabelRanges of that over enrolments.
	Ranges, LabelRanges []proof.Prefix
}

// IndexAnswer has an answer for everything that was asked. Positions are those of
// the items it shows, by where the tree has them.
type IndexAnswer struct {
	Proof     proof.IndexProof
	Positions map[proof.Hash]events.Index
}

// Slots gives persons what entries have sealed for them.
type Slots interface {
	// Slots is nil in the place of a claim without a slot, for whatever reason.
	Slots(ctx context.Context, claims []Claim) ([]*Slot, error)
}

// Claim asks for the slot of the person whose tag it is. The ticket shows that it
// is hers.
type Claim struct {
	Tag    events.Tag
	Ticket [16]byte
}

// Slot is what an entry has sealed for one person, and of a part, what the head has
// for all whom its parts name.
type Slot struct {
	Position events.Index
	Box      []byte
	HeadAt   *events.Index
	Heads    [][]byte
}

// The most that one question may have.
const (
	MaxAskedTags   = 1024
	MaxAskedLabels = 64
	MaxAskedRanges = 64 // of each tree
	MaxClaims      = 256
)

type indexAnswerJSON struct {
	Proof     string                  `json:"proof" doc:"The proof in the format daybook/index-proof@1, under the newest published leaf of the index."`
	Positions map[string]events.Index `json:"positions" doc:"Where what the proof shows stands in the log: by the base64url of the label under which the tree has it. The value beside the label confirms each."`
}

type slotsJSON struct {
	Slots slotList `json:"slots" doc:"In the order of the claims; null where there is nothing for the ticket."`
}

type slotList []*slotJSON

// Schema lets items be null.
func (slotList) Schema(r huma.Registry) *huma.Schema {
	item := r.Schema(reflect.TypeFor[slotJSON](), true, "")
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{AnyOf: []*huma.Schema{item, {Type: "null"}}}}
}

type slotJSON struct {
	Position events.Index  `json:"position" doc:"Where the entry stands in the log, counted from 0."`
	Box      string        `json:"box" doc:"What is sealed for the person whose tag it is, in base64url: nonce, ciphertext and tag of AES-256-GCM."`
	Head     *slotHeadJSON `json:"head,omitempty" doc:"Of a part of a bulk event: its head."`
}

type slotHeadJSON struct {
	Position events.Index `json:"position" doc:"Where the head stands in the log."`
	Boxes    []string     `json:"boxes" doc:"What the head has sealed for whom its parts name, one box for each way of standing to the matter; the key is in the box of the part."`
}

// TrailRoutes are what a person asks; those of a part that is nil are left out.
func TrailRoutes(index Index, slots Slots) (out []Route) {
	if index != nil {
		out = append(out, Route{
			Method: http.MethodPost, Path: "/v1/index/proofs", Name: "proveIndex", Group: "trail", Summary: "Prove what is in the completeness index, and what is not",
			Detail: fmt.Sprintf("At most %d tags, %d labels and %d ranges of each tree. Nothing of the question is kept. What the server learns: asked for tags or labels, that one person may know all of them, "+
				"and when a tag that is asked for comes into the log later, that this was hers; so ask for others with them. Asked for ranges, only how the labels begin: everything in a range is answered, and "+
				"nobody can see which of it was meant. But of many ranges together, somebody who has the keys of all persons can tell whose tags lie in each. "+
				"Who reads the files of the log and of the index instead tells nothing.", MaxAskedTags, MaxAskedLabels, MaxAskedRanges),
			Takes: []Content{{Media: typeData, Of: questionSchema(), Examples: []Example{{"range", "Everything that begins with two bits.", `{"ranges":["2:40"]}`}}}},
			Answers: append(answers("The proof.", indexAnswerJSON{}),
				Answer{Status: http.StatusUnprocessableEntity, About: "The question is malformed, or asks for too much.", Content: problems()}),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { proveIndex(w, r, index) }),
		})
	}
	if slots != nil {
		out = append(out, Route{
			Method: http.MethodPost, Path: "/v1/trail/slots", Name: "fetchSlots", Group: "trail", Summary: "What entries have sealed for a person who shows tickets",
			Detail: fmt.Sprintf("At most %d claims. A ticket is HMAC-SHA256(k_i, \"daybook/ticket\")[:16] of the event's key. What comes back is closed: only k_i opens it. "+
				"A wrong ticket, an unknown tag and keys that were destroyed are answered alike, with null. It is not recorded, and nothing of the question is kept. "+
				"What the server learns: which entries are about one person, and that she asked.", MaxClaims),
			Takes: []Content{{Media: typeData, Of: claimsSchema(), Examples: []Example{{"claim", "One event.", `{"slots":[{"tag":"AAAAAAAAAAAAAAAAAAAAAA","ticket":"AAAAAAAAAAAAAAAAAAAAAA"}]}`}}}},
			Answers: append(answers("The slots.", slotsJSON{}),
				Answer{Status: http.StatusUnprocessableEntity, About: "The claims are malformed, or too many.", Content: problems()}),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fetchSlots(w, r, slots) }),
		})
	}
	return out
}

func problems() []Content {
	return []Content{{Media: "application/problem+json", Of: refer("Problem")}}
}

func listOf(most int, about string, of *huma.Schema) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Description: about, MaxItems: &most, Items: of}
}

func questionSchema() *huma.Schema {
	beginning := text("A beginning.", "^(0|[1-9][0-9]{0,2}):([0-9a-f]{2}){0,32}$", 2, 68, "12:a5f0")
	return object("What to look for. What is left out is not asked.", map[string]*huma.Schema{
		"tags":   listOf(MaxAskedTags, "Tags, as entries have them.", refer("Tag")),
		"labels": listOf(MaxAskedLabels, "Labels of enrolments, 64 bytes in base64url.", text("A label.", "^[A-Za-z0-9_-]{85}[AQgw]$", 86, 86)),
		"ranges": listOf(MaxAskedRanges, "Beginnings of what the tree over tags has: the number of bits, and in hexadecimal the bytes they need.",
			beginning),
		"labelRanges": listOf(MaxAskedRanges, "Beginnings of what the tree over enrolments has.", beginning),
	})
}

func claimsSchema() *huma.Schema {
	ticket := text("The ticket of the event, 16 bytes in base64url.", bytes16, 22, 22)
	return object("Claims.", map[string]*huma.Schema{
		"slots": listOf(MaxClaims, "A tag, and the ticket of its event, each.", object("A claim.", map[string]*huma.Schema{"tag": refer("Tag"), "ticket": ticket}, "tag", "ticket")),
	}, "slots")
}

func proveIndex(w http.ResponseWriter, r *http.Request, index Index) {
	q, err := readQuestion(r)
	if err != nil {
		refused(w, r, err)
		return
	}
	a, err := index.Prove(r.Context(), q)
	if err != nil {
		refused(w, r, err)
		return
	}
	out := indexAnswerJSON{Proof: string(a.Proof.Format()), Positions: make(map[string]events.Index, len(a.Positions))}
	for label, at := range a.Positions {
		out.Positions[base64.RawURLEncoding.EncodeToString(label[:])] = at
	}
	writeHers(w, r, out)
}

// writeHers is write for what nobody should keep.
func writeHers(w http.ResponseWriter, r *http.Request, v any) {
	body, err := encode(v)
	if err != nil {
		Fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body) //nolint:errcheck // who asked is gone; there is nobody to tell
}

func readQuestion(r *http.Request) (q IndexQuestion, err error) {
	body, err := order(r, "tags", "labels", "ranges", "labelRanges")
	if err != nil {
		return q, err
	}
	tags, err := askedTexts(body, "tags", MaxAskedTags)
	if err != nil {
		return q, err
	}
	for i, s := range tags {
		tag, ok := events.ParseTag(s)
		if !ok {
			return q, malformed(fmt.Sprint("/tags/", i), "a tag has 16 bytes in base64url")
		}
		q.Tags = append(q.Tags, tag)
	}
	labels, err := askedTexts(body, "labels", MaxAskedLabels)
	if err != nil {
		return q, err
	}
	for i, s := range labels {
		b, err := base64.RawURLEncoding.Strict().DecodeString(s)
		if err != nil || len(b) != 64 || len(s) != 86 {
			return q, malformed(fmt.Sprint("/labels/", i), "a label has 64 bytes in base64url")
		}
		q.Labels = append(q.Labels, [64]byte(b))
	}
	if q.Ranges, err = askedRanges(body, "ranges"); err != nil {
		return q, err
	}
	q.LabelRanges, err = askedRanges(body, "labelRanges")
	return q, err
}

func askedRanges(body events.Object, name string) (out []proof.Prefix, err error) {
	list, err := askedTexts(body, name, MaxAskedRanges)
	if err != nil {
		return nil, err
	}
	for i, s := range list {
		p, err := proof.ParsePrefix(s)
		if err != nil {
			return nil, malformed(fmt.Sprintf("/%s/%d", name, i), "a range is as 12:a5f0: bits, and the bytes they need")
		}
		out = append(out, p)
	}
	return out, nil
}

// askedTexts is a list of texts that a question has, or does not have.
func askedTexts(o events.Object, name string, most int) ([]string, error) {
	v, given := o.Get(name)
	list := v.Texts()
	switch {
	case given && (v.Append(nil)[0] != '[' || len(list) != len(v.Items())):
		return nil, &events.Problem{Status: 422, Code: "wrong-type", Pointer: "/" + name, Detail: "must be a list of texts"}
	case len(list) > most:
		return nil, &events.Problem{Status: 422, Code: "too-many", Pointer: "/" + name, Detail: fmt.Sprintf("at most %d at once", most)}
	}
	return list, nil
}

func fetchSlots(w http.ResponseWriter, r *http.Request, slots Slots) {
	claims, err := readClaims(r)
	var found []*Slot
	if err == nil {
		found, err = slots.Slots(r.Context(), claims)
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	out := slotsJSON{Slots: make(slotList, len(found))}
	b64 := base64.RawURLEncoding.EncodeToString
	for i, s := range found {
		if s == nil {
			continue
		}
		one := &slotJSON{Position: s.Position, Box: b64(s.Box)}
		if s.HeadAt != nil {
			one.Head = &slotHeadJSON{Position: *s.HeadAt, Boxes: []string{}}
			for _, box := range s.Heads {
				one.Head.Boxes = append(one.Head.Boxes, b64(box))
			}
		}
		out.Slots[i] = one
	}
	writeHers(w, r, out)
}

func readClaims(r *http.Request) (out []Claim, err error) {
	body, err := order(r, "slots")
	if err != nil {
		return nil, err
	}
	list, _ := body.Get("slots")
	switch {
	case list.Append(nil)[0] != '[':
		return nil, &events.Problem{Status: 422, Code: "wrong-type", Pointer: "/slots", Detail: "must be a list of claims"}
	case len(list.Items()) > MaxClaims:
		return nil, &events.Problem{Status: 422, Code: "too-many", Pointer: "/slots", Detail: fmt.Sprintf("at most %d at once", MaxClaims)}
	}
	for i, item := range list.Items() {
		at := fmt.Sprint("/slots/", i)
		o, err := members(item, at, "tag", "ticket")
		if err != nil {
			return nil, err
		}
		tag, _ := o.Get("tag")
		ticket, _ := o.Get("ticket")
		var c Claim
		var ok, okTicket bool
		var shown events.Tag // 16 bytes in base64url, as tags are
		c.Tag, ok = events.ParseTag(tag.Text())
		shown, okTicket = events.ParseTag(ticket.Text())
		if !ok || !okTicket {
			return nil, malformed(at, "tag and ticket have 16 bytes in base64url each")
		}
		c.Ticket = shown
		out = append(out, c)
	}
	return out, nil
}
