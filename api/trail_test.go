package api_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// memoryIndex is the index over what a world recorded, made anew for each question.
type memoryIndex struct{ *world }

func (m memoryIndex) tags() (items []proof.IndexItem, at map[proof.Hash]events.Index) {
	at = map[proof.Hash]events.Index{}
	messages, _ := m.history.state()
	for i, stored := range messages {
		msg, err := events.ParseMessage(stored.Data)
		check(m.t, err)
		e, err := events.ParseEntry(msg.Entry)
		check(m.t, err)
		for _, text := range e.Texts("subjects.tags") {
			tag, _ := events.ParseTag(text)
			label := proof.TagLabel(tag)
			at[label] = events.Index(i)
			items = append(items, proof.IndexItem{Label: label, Value: proof.IndexValue(events.Index(i), proof.LeafHash(msg.Entry))})
		}
	}
	slices.SortFunc(items, func(a, b proof.IndexItem) int { return bytes.Compare(a.Label[:], b.Label[:]) })
	return items, at
}

func (m memoryIndex) Prove(_ context.Context, q v1.IndexQuestion) (out v1.IndexAnswer, err error) {
	if len(q.Ranges) > 1 && q.Ranges[0].Bits == 0 {
		return out, &events.Problem{Status: 422, Code: "too-much", Detail: "everything, and more"}
	}
	items, at := m.tags()
	root, err := proof.BuildTree(items)
	check(m.t, err)
	var labels []proof.Hash
	for _, tag := range q.Tags {
		labels = append(labels, proof.TagLabel(tag))
	}
	slices.SortFunc(labels, func(a, b proof.Hash) int { return bytes.Compare(a[:], b[:]) })
	c, _ := m.anchor.Checkpoint()
	empty, err := proof.BuildTree(nil)
	check(m.t, err)
	p := proof.IndexProof{Tags: root.Show(labels, q.Ranges), Labels: empty.Show(nil, q.LabelRanges)}
	p.Leaf = proof.IndexLeaf{Size: c.Size, Root: c.Root, Tags: root.Hash(), Labels: empty.Hash()}
	signer, _ := key(m.t, proof.IndexKeyName(origin))
	p.Note, err = proof.SignCheckpoint(proof.Checkpoint{Origin: proof.IndexKeyName(origin), Size: 1, Root: proof.LeafHash([]byte(p.Leaf.Text()))}, signer)
	out = v1.IndexAnswer{Proof: p, Positions: map[proof.Hash]events.Index{}}
	for _, it := range p.Tags.Items() {
		out.Positions[it.Label] = at[it.Label]
	}
	return out, err
}

// memorySlots has a slot for the ticket of sixteen zeros of every tag.
type memorySlots struct{ *world }

func (m memorySlots) Slots(_ context.Context, list []v1.Claim) ([]*v1.Slot, error) {
	_, at := memoryIndex(m).tags()
	out := make([]*v1.Slot, len(list))
	for i, c := range list {
		if p, ok := at[proof.TagLabel(c.Tag)]; ok && c.Ticket == [16]byte{} {
			head := events.Index(1)
			out[i] = &v1.Slot{Position: p, Box: []byte("closed"), HeadAt: &head, Heads: [][]byte{[]byte("box")}}
		}
	}
	return out, nil
}

// question posts JSON.
func (w *world) question(path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://daybook.example"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	return out
}

// tagged is a tag of a world's entries.
func (w *world) tagged() events.Tag {
	w.t.Helper()
	messages, _ := w.history.state()
	for _, stored := range messages {
		msg, _ := events.ParseMessage(stored.Data)
		e, _ := events.ParseEntry(msg.Entry)
		if list := e.Texts("subjects.tags"); len(list) > 0 {
			tag, _ := events.ParseTag(list[0])
			return tag
		}
	}
	w.t.Fatal("no entry has a tag")
	return events.Tag{}
}

func TestIndexIsProvedToWhoAsks(t *testing.T) {
	w := seeded(t)
	tag := w.tagged()
	label := proof.TagLabel(tag)
	for _, body := range []string{
		fmt.Sprintf(`{"tags":[%q,"AAAAAAAAAAAAAAAAAAAAAA"]}`, tag), fmt.Sprintf(`{"ranges":[%q]}`, proof.PrefixOf(label, 3)), `{"ranges":["0:"]}`,
		`{"labels":["` + strings.Repeat("A", 86) + `"],"tags":["` + tag.String() + `"]}`,
	} {
		got := w.question("/v1/index/proofs", body)
		var answer struct {
			Proof     string
			Positions map[string]events.Index
		}
		if err := json.Unmarshal(got.Body.Bytes(), &answer); err != nil || got.Code != http.StatusOK || got.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%s: %d %s %v", body, got.Code, got.Body, err)
		}
		p, err := proof.ParseIndexProof([]byte(answer.Proof))
		check(t, err)
		_, indexKey := key(t, proof.IndexKeyName(origin))
		v, err := proof.ParseVerifierKey(indexKey)
		check(t, err)
		if _, err := p.Verify(v); err != nil {
			t.Error(err)
		}
		_, present, known := p.Tags.Find(label)
		at, ok := answer.Positions[base64.RawURLEncoding.EncodeToString(label[:])]
		if !present || !known || !ok || at == 0 {
			t.Errorf("%s: the tag is present %v, known %v, at %d", body, present, known, at)
		}
	}
}

func TestSlotsAreGivenForTickets(t *testing.T) {
	w := seeded(t)
	zeros := "AAAAAAAAAAAAAAAAAAAAAA"
	got := w.question("/v1/trail/slots", fmt.Sprintf(`{"slots":[{"tag":%q,"ticket":%q},{"tag":%q,"ticket":"AAAAAAAAAAAAAAAAAAAAAB"}]}`, w.tagged(), zeros, zeros))
	if got.Code != 422 {
		t.Errorf("a ticket with spare bits: %d", got.Code)
	}
	got = w.question("/v1/trail/slots", fmt.Sprintf(`{"slots":[{"tag":%q,"ticket":%q},{"tag":%[2]q,"ticket":%[2]q}]}`, w.tagged(), zeros))
	want := `{"slots":[{"position":9,"box":"Y2xvc2Vk","head":{"position":1,"boxes":["Ym94"]}},null]}`
	if got.Code != http.StatusOK || strings.TrimSpace(got.Body.String()) != want {
		t.Errorf("%d %s, want %s", got.Code, got.Body, want)
	}
	if got.Header().Get("Cache-Control") != "no-store" || got.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("what is hers may be kept, or read by other sites")
	}
}

// TestTrailQuestionsAreRead refuses what is no question, with a pointer to what is
// wrong.
func TestTrailQuestionsAreRead(t *testing.T) {
	w := seeded(t)
	many := func(n int, item string) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }
	for _, c := range []struct {
		path, body, pointer string
		status              int
	}{
		{"/v1/index/proofs", `{"tags":["x"]}`, "/tags/0", 422},
		{"/v1/index/proofs", `{"tags":"AAAAAAAAAAAAAAAAAAAAAA"}`, "/tags", 422},
		{"/v1/index/proofs", `{"tags":[1]}`, "/tags/0", 422},
		{"/v1/index/proofs", `{"labels":["AAAA"]}`, "/labels/0", 422},
		{"/v1/index/proofs", `{"ranges":["2:40","3:ff"]}`, "/ranges/1", 422},
		{"/v1/index/proofs", `{"ranges":["0:","2:40"]}`, "", 422},
		{"/v1/index/proofs", `{"labelRanges":["x"]}`, "/labelRanges/0", 422},
		{"/v1/index/proofs", `{"card":"x"}`, "/card", 422},
		{"/v1/index/proofs", `[]`, "", 422},
		{"/v1/index/proofs", `{`, "", 422},
		{"/v1/index/proofs?a=b", `{}`, "?a", 422},
		{"/v1/index/proofs", `{"tags":[` + many(v1.MaxAskedTags+1, `"AAAAAAAAAAAAAAAAAAAAAA"`) + `]}`, "/tags", 422},
		{"/v1/index/proofs", `{"ranges":[` + many(v1.MaxAskedRanges+1, `"1:80"`) + `]}`, "/ranges", 422},
		{"/v1/index/proofs", `{"tags":[` + many(4000, `"AAAAAAAAAAAAAAAAAAAAAA"`) + `]}`, "", 413},
		{"/v1/trail/slots", `{}`, "/slots", 422},
		{"/v1/trail/slots", `{"slots":{}}`, "/slots", 422},
		{"/v1/trail/slots", `{"slots":[1]}`, "/slots/0", 422},
		{"/v1/trail/slots", `{"slots":[{"tag":"AAAAAAAAAAAAAAAAAAAAAA"}]}`, "/slots/0", 422},
		{"/v1/trail/slots", `{"slots":[{"tag":"AAAAAAAAAAAAAAAAAAAAAA","key":"x"}]}`, "/slots/0/key", 422},
		{"/v1/trail/slots", `{"slots":[` + many(v1.MaxClaims+1, `{"tag":"AAAAAAAAAAAAAAAAAAAAAA","ticket":"AAAAAAAAAAAAAAAAAAAAAA"}`) + `]}`, "/slots", 422},
	} {
		got := w.question(c.path, c.body)
		var p struct{ Pointer string }
		if err := json.Unmarshal(got.Body.Bytes(), &p); err != nil || got.Code != c.status || p.Pointer != c.pointer {
			t.Errorf("%s %.60s: %d at %q, want %d at %q: %.200s", c.path, c.body, got.Code, p.Pointer, c.status, c.pointer, got.Body)
		}
	}
}
