package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/daybook-ledger/daybook/events"
)

// Auditor is a client with the token of an auditor of all organizations. The
// ledger records each of its questions, for one organization.
type Auditor struct {
	*Client
	Token        string
	Organization string
}

// Closure asks whose every tag of the first entries is. The answer is for
// proof.ReadClosure; the caller closes it.
func (a Auditor) Closure(ctx context.Context, size events.Size) (io.ReadCloser, error) {
	resp, err := a.post(ctx, "v1/auditor/closure", map[string]any{"organization": a.Organization, "size": size})
	if err != nil {
		return nil, fmt.Errorf("asking for a closure: %w", err)
	}
	return resp, nil
}

// Announce has it recorded that a sample of the first entries is going to be opened,
// and returns where.
func (a Auditor) Announce(ctx context.Context, size events.Size, sample int) (events.Index, error) {
	var out struct{ Reading *events.Index }
	err := a.ask(ctx, "v1/auditor/spot", map[string]any{"organization": a.Organization, "size": size, "sample": sample}, &out)
	if err == nil && out.Reading == nil {
		err = fmt.Errorf("the answer does not say where it is recorded")
	}
	if err != nil {
		return 0, fmt.Errorf("announcing a spot check: %w", err)
	}
	return *out.Reading, nil
}

// Leaf is an entry as it was opened. Nothing in it is checked.
type Leaf struct {
	Position    events.Index
	Reading     events.Index
	Tags        []LeafTag
	Disclosures []string
	Sealed      string
}

// LeafTag is how one tag is made.
type LeafTag struct {
	Generation uint32
	Counter    uint64
	EventKey   string        // base64url, or ""
	Shredded   *events.Index // where the ledger says that the key was destroyed
}

// Leaf opens the entry at i.
func (a Auditor) Leaf(ctx context.Context, i events.Index) (Leaf, error) {
	var out Leaf
	if err := a.ask(ctx, "v1/auditor/entries/"+strconv.FormatUint(uint64(i), 10)+"/leaf", nil, &out); err != nil {
		return Leaf{}, fmt.Errorf("opening entry %d: %w", i, err)
	}
	return out, nil
}

func (a Auditor) ask(ctx context.Context, path string, body, into any) error {
	answer, err := a.post(ctx, path, body)
	if err != nil {
		return err
	}
	defer answer.Close()
	b, err := io.ReadAll(io.LimitReader(answer, maxJSON))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("the answer is not the JSON it should be")
	}
	return nil
}

func (a Auditor) post(ctx context.Context, path string, body any) (io.ReadCloser, error) {
	var b []byte
	if body != nil {
		var err error
		if b, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base.String()+"/"+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, refusal(resp)
	}
	return resp.Body, nil
}
