package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/api/v1"
)

// asking is how a command speaks to a ledger for an officer.
type asking struct {
	url, token string
	joined     []string // tokens of those who agree
}

func (a *asking) flags(c *cobra.Command) {
	c.Flags().StringVar(&a.url, "url", defaultURL, "the ledger")
	c.Flags().StringVar(&a.token, "token", "", "an officer's token; daybook token makes one")
}

func (a *asking) joinedFlag(c *cobra.Command) {
	c.Flags().StringArrayVar(&a.joined, "joined-token", nil, "a token of an officer of another organization that recorded something about the person; once for each")
}

// problem is a refusal as the ledger says it.
type problem struct {
	Status  int    `json:"status"`
	Code    string `json:"title"`
	Detail  string `json:"detail"`
	Pointer string `json:"pointer"`
}

func (p *problem) Error() string {
	where := ""
	if p.Pointer != "" {
		where = " at " + p.Pointer
	}
	return fmt.Sprintf("refused (%s%s): %s", p.Code, where, p.Detail)
}

// post sends body as JSON and reads the answer into out; with body nil it asks. A
// refusal is a *problem. Who it is about stands in the body, never in the address.
func (a *asking) post(ctx context.Context, path string, body, out any) error {
	answer, err := a.answer(ctx, path, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("reading the ledger's answer: %w", err)
	}
	return nil
}

// maxOfficeAnswer is above any answer, of which statements are the largest.
const maxOfficeAnswer = 512 << 20

// answer is post with the answer as it came.
func (a *asking) answer(ctx context.Context, path string, body any) ([]byte, error) {
	if a.token == "" {
		return nil, exitWith(exitUsage, "give an officer's token with --token; daybook token makes one")
	}
	method, content := http.MethodGet, io.Reader(nil)
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		method, content = http.MethodPost, bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(a.url, "/")+path, content)
	if err != nil {
		return nil, exitWith(exitUsage, "--url %s: %w", a.url, err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", "application/json")
	for _, token := range a.joined {
		req.Header.Add(v1.ApproverHeader, token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the ledger: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxOfficeAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the ledger's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		p := &problem{Status: resp.StatusCode, Detail: resp.Status}
		_ = json.Unmarshal(answer, p) // what is no problem is told by its status
		return nil, p
	}
	return answer, nil
}

// whom is a person as JSON has her.
type whom struct {
	Scheme string `json:"scheme"`
	Value  string `json:"value"`
}

// personOf reads --person SCHEME:VALUE.
func personOf(flag string) (whom, error) {
	scheme, value, ok := strings.Cut(flag, ":")
	if !ok || scheme == "" || value == "" {
		return whom{}, exitWith(exitUsage, "--person says who it is as SCHEME:VALUE, for example plate:ABC123")
	}
	return whom{scheme, value}, nil
}
