package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// maxAnswer is far above what answers to one question have.
const maxAnswer = 32 << 20

// The most that is asked at once, which servers answer.
const (
	maxClaims = 256
	maxRanges = 16 // of at most a few hundred items each
	maxTags   = 64
)

// Question asks the completeness index what it has, and what it has not.
type Question struct {
	Tags []events.Tag
	// Ranges are of the tree over tags, LabelRanges of that over enrolments.
	Ranges, LabelRanges []proof.Prefix
}

// Answer has an answer for everything that was asked. Positions are those of the
// items it shows, by where the tree has them. Nothing in it is verified.
type Answer struct {
	Proof     proof.IndexProof
	Positions map[proof.Hash]events.Index
}

// Claim asks for the slot of the person whose tag it is.
type Claim struct {
	Tag    events.Tag
	Ticket [16]byte
}

// Slot is what an entry has sealed for one person, and of a part, what its head has
// for all whom its parts name.
type Slot struct {
	Position events.Index
	Box      []byte
	HeadAt   *events.Index
	Heads    [][]byte
}

// Prove asks the index. The error is ledger.ErrNotPublished before there is one.
func (c *Client) Prove(ctx context.Context, q Question) (Answer, error) {
	body := struct {
		Tags        []string `json:"tags,omitempty"`
		Ranges      []string `json:"ranges,omitempty"`
		LabelRanges []string `json:"labelRanges,omitempty"`
	}{}
	for _, t := range q.Tags {
		body.Tags = append(body.Tags, t.String())
	}
	for _, r := range q.Ranges {
		body.Ranges = append(body.Ranges, r.String())
	}
	for _, r := range q.LabelRanges {
		body.LabelRanges = append(body.LabelRanges, r.String())
	}
	var in struct {
		Proof     string
		Positions map[string]events.Index
	}
	out := Answer{Positions: map[proof.Hash]events.Index{}}
	err := c.post(ctx, "v1/index/proofs", body, &in)
	if err == nil {
		out.Proof, err = proof.ParseIndexProof([]byte(in.Proof))
	}
	if refused := new(Refusal); errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable {
		err = fmt.Errorf("%w: %w", ledger.ErrNotPublished, err)
	}
	if err != nil {
		return Answer{}, fmt.Errorf("asking the index: %w", err)
	}
	for text, at := range in.Positions {
		if label, ok := events.ParseDigest(text); ok {
			out.Positions[proof.Hash(label)] = at
		}
	}
	return out, nil
}

// Slots fetches what is sealed for who shows tickets, nil where there is nothing.
func (c *Client) Slots(ctx context.Context, claims []Claim) ([]*Slot, error) {
	type claim struct {
		Tag    string `json:"tag"`
		Ticket string `json:"ticket"`
	}
	var body struct {
		Slots []claim `json:"slots"`
	}
	for _, x := range claims {
		body.Slots = append(body.Slots, claim{x.Tag.String(), events.Tag(x.Ticket).String()})
	}
	var in struct {
		Slots []*struct {
			Position events.Index
			Box      sealed
			Head     *struct {
				Position events.Index
				Boxes    []sealed
			}
		}
	}
	if err := c.post(ctx, "v1/trail/slots", body, &in); err != nil {
		return nil, fmt.Errorf("asking for what is sealed: %w", err)
	}
	if len(in.Slots) != len(claims) {
		return nil, errors.New("asking for what is sealed: the answer is not to this question")
	}
	out := make([]*Slot, len(claims))
	for i, s := range in.Slots {
		if s == nil {
			continue
		}
		out[i] = &Slot{Position: s.Position, Box: s.Box}
		if s.Head != nil {
			out[i].HeadAt = &s.Head.Position
			for _, b := range s.Head.Boxes {
				out[i].Heads = append(out[i].Heads, b)
			}
		}
	}
	return out, nil
}

// sealed is bytes that JSON has in base64url without padding.
type sealed []byte

func (s *sealed) UnmarshalText(text []byte) (err error) {
	*s, err = base64.RawURLEncoding.Strict().DecodeString(string(text))
	return err
}

// post sends JSON and reads JSON.
func (c *Client) post(ctx context.Context, path string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.String()+"/"+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return err
	}
	if len(answer) > maxAnswer || json.Unmarshal(answer, into) != nil {
		return errors.New("the answer is not the JSON it should be")
	}
	return nil
}
