package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// The most bytes an answer may have; a longer one is an error.
const (
	maxCheckpoint = 64 << 10
	maxHashes     = proof.TileWidth * 32
	maxBundle     = proof.TileWidth * (2 + proof.MaxEntry)
	maxProof      = 256 << 10
	maxJSON       = 128 << 20 // a page of the largest entries
	maxProblem    = 64 << 10
)

// Client reads one ledger. It keeps nothing and may be used by many at once.
type Client struct {
	base *url.URL
	http *http.Client
}

// New makes a client of the ledger at address, as http://127.0.0.1:8480. With
// hc nil it uses http.DefaultClient.
func New(address string, hc *http.Client) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("reading the address of the ledger: %q is not one as http://127.0.0.1:8480", address)
	}
	if hc == nil {
		hc = http.DefaultClient
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return &Client{u, hc}, nil
}

// Read returns a file of the public log: "checkpoint" or a tile or bundle, or below
// "index/" one of the log of its index. What the log does not have is
// fs.ErrNotExist. The bytes are unchecked.
func (c *Client) Read(ctx context.Context, path string) ([]byte, error) {
	limit := maxCheckpoint
	if below, _ := strings.CutPrefix(path, "index/"); below != "checkpoint" {
		t, err := proof.ParseTilePath(below)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, fs.ErrNotExist)
		}
		if limit = maxHashes; t.Level == proof.EntriesLevel {
			limit = maxBundle
		}
	}
	b, err := c.get(ctx, path, nil, limit)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return b, nil
}

// Ledger says who the log is and how far it goes. Nothing in it is proved: the
// keys are for a first look, the trusted ones come another way.
type Ledger struct {
	Origin  string      `json:"origin"`
	Keys    Keys        `json:"keys"`
	VRF     string      `json:"vrf"`
	Policy  string      `json:"policy"`
	Formats []string    `json:"formats"`
	Size    events.Size `json:"size"`
}

// Keys are verifier keys.
type Keys struct {
	Log     string `json:"log"`
	Receipt string `json:"receipt"`
	Index   string `json:"index"`
}

// Ledger asks the server about itself.
func (c *Client) Ledger(ctx context.Context) (Ledger, error) {
	var l Ledger
	if err := c.json(ctx, "v1/ledger", nil, &l); err != nil {
		return Ledger{}, fmt.Errorf("reading the ledger's keys: %w", err)
	}
	if l.Keys.Log == "" {
		return Ledger{}, errors.New("reading the ledger's keys: the answer names none")
	}
	return l, nil
}

// Proof fetches the proof of the entry with this position or event name, and
// parses it. It does not verify it. A missing entry is fs.ErrNotExist.
func (c *Client) Proof(ctx context.Context, entry string) (proof.Proof, error) {
	b, err := c.get(ctx, "v1/entries/"+url.PathEscape(entry)+"/proof", nil, maxProof)
	if err != nil {
		return proof.Proof{}, fmt.Errorf("fetching the proof of %s: %w", entry, err)
	}
	p, err := proof.ParseProof(b)
	if err != nil {
		return proof.Proof{}, fmt.Errorf("fetching the proof of %s: %w", entry, err)
	}
	return p, nil
}

// Filter chooses entries; what is "" chooses nothing.
type Filter struct {
	Kind, Organization, System, Dataset, Day string
	After                                    *events.Index // only entries behind this position
	Limit                                    int           // 0: the server's default
}

// Entry is one entry as the server gives it. Raw are the bytes of the log.
type Entry struct {
	Position events.Index    `json:"position"`
	Event    string          `json:"event"`
	Raw      json.RawMessage `json:"entry"`
}

// Entries is one page of the entries f chooses. Next is the After of the
// following page, nil on the last.
func (c *Client) Entries(ctx context.Context, f Filter) (entries []Entry, next *events.Index, err error) {
	q := url.Values{}
	for name, value := range map[string]string{
		"kind": f.Kind, "organization": f.Organization, "system": f.System, "dataset": f.Dataset, "day": f.Day,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.After != nil {
		q.Set("after", strconv.FormatUint(uint64(*f.After), 10))
	}
	if f.Limit > 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	var page struct {
		Entries []Entry       `json:"entries"`
		Next    *events.Index `json:"next"`
	}
	if err := c.json(ctx, "v1/entries", q, &page); err != nil {
		return nil, nil, fmt.Errorf("reading entries: %w", err)
	}
	return page.Entries, page.Next, nil
}

func (c *Client) json(ctx context.Context, path string, q url.Values, into any) error {
	b, err := c.get(ctx, path, q, maxJSON)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return errors.New("the answer is not the JSON it should be")
	}
	return nil
}

// get fetches path, which is escaped already, up to limit bytes.
func (c *Client) get(ctx context.Context, path string, q url.Values, limit int) ([]byte, error) {
	address := c.base.String() + "/" + path
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(resp)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(b) > limit {
		return nil, fmt.Errorf("the answer has more than %d bytes", limit)
	}
	return b, nil
}

// Refusal is an answer that is not 200.
type Refusal struct {
	Status int
	Detail string // of a problem, if it was one
}

func (r *Refusal) Error() string {
	if r.Detail == "" {
		return fmt.Sprintf("the server answers %d", r.Status)
	}
	return fmt.Sprintf("the server answers %d: %s", r.Status, r.Detail)
}

// Is says that a 404 is fs.ErrNotExist.
func (r *Refusal) Is(target error) bool {
	return target == fs.ErrNotExist && r.Status == http.StatusNotFound
}

func refusal(resp *http.Response) error {
	out := &Refusal{Status: resp.StatusCode}
	if t, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || t != "application/problem+json" {
		return out
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	var p struct{ Detail string }
	if err == nil && json.Unmarshal(b, &p) == nil {
		// It is shown to people, and a terminal is not the server's to write on.
		out.Detail = strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return ' '
		}, p.Detail)
	}
	return out
}
