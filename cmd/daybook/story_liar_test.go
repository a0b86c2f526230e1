package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// liarCommand is "liar HOW": $LIAR is then the ledger as it would be if it lied to
// auditors in that way, and was honest to everybody else.
func liarCommand(ts *testscript.TestScript, neg bool, args []string) {
	st := ts.Value("story").(*story)
	to, err := url.Parse(st.server.url)
	ts.Check(err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	proxy.ModifyResponse = func(resp *http.Response) error {
		path := resp.Request.URL.Path
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(path, "/v1/auditor/") || path == "/v1/auditor/spot" {
			return nil
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		if path == "/v1/auditor/closure" {
			b, err = lieOfTrails(args[0], b)
		} else {
			resp.StatusCode, b, err = lieOfLeaf(args[0], b)
		}
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		resp.Header.Set("Content-Length", strconv.Itoa(len(b)))
		return err
	}
	s := httptest.NewServer(proxy)
	ts.Defer(s.Close)
	ts.Setenv("LIAR", s.URL)
}

// lieOfTrails changes a closure.
func lieOfTrails(how string, b []byte) ([]byte, error) {
	var head proof.ClosureHead
	var lines []proof.ClosureLine
	end, err := proof.ReadClosure(bytes.NewReader(b), func(h proof.ClosureHead) error {
		head = h
		return nil
	}, func(l proof.ClosureLine) error {
		lines = append(lines, l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	switch last := len(lines) - 1; how {
	case "forget": // the last tag belongs to nobody
		lines = lines[:last]
	case "swap": // it is another's
		i := slices.IndexFunc(lines, func(l proof.ClosureLine) bool { return len(l.Tags) == 1 })
		lines[last].Tags[0].Trail = lines[i].Tags[0].Trail
	case "unseal", "revive":
		kind := map[string]string{"unseal": "seal.placed", "revive": "key.shredded"}[how]
		for i, l := range lines {
			if l.Mark != nil && l.Mark.Kind == kind {
				lines[i].Mark = nil
			}
		}
	}
	out := head.Append(nil)
	end.Lines, end.Tags = uint64(len(lines)), 0
	for _, l := range lines {
		out = l.Append(out)
		end.Tags += uint64(len(l.Tags))
	}
	if how == "cut" {
		return out, nil
	}
	return end.Append(out), nil
}

// lieOfLeaf changes what was opened of one entry.
func lieOfLeaf(how string, b []byte) (int, []byte, error) {
	var leaf map[string]any
	if err := json.Unmarshal(b, &leaf); err != nil {
		return 0, nil, err
	}
	tags, _ := leaf["tags"].([]any)
	one, _ := tags[0].(map[string]any)
	switch how {
	case "refuse":
		return http.StatusForbidden, []byte(`{}`), nil
	case "wrongkey":
		one["eventKey"] = base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	case "shred":
		tags[0] = map[string]any{"generation": 1, "counter": 1, "shredded": 2}
	case "invent":
		d := events.Disclosure{Name: "reasonText", Value: events.String("it was quite right")}
		list, _ := leaf["disclosures"].([]any)
		leaf["disclosures"] = append(list, d.Encode())
	}
	out, err := json.Marshal(leaf)
	return http.StatusOK, out, err
}
