package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

//go:embed pages assets dist/trail.js
var files embed.FS

// Config is what pages are made from.
type Config struct {
	Shown  *v1.Shown
	LogKey string           // the log's verifier key, as verify needs it
	Now    func() time.Time // for ages only; the default is time.Now
	// Officers says that there are pages for officers, so that others lead there.
	Officers bool
}

// Pages are the pages people read.
type Pages struct {
	shown *v1.Shown
	desk  bool // there are pages for officers
	cards bool // there is a page that opens cards
	key   string
	now   func() time.Time
	pages map[string]*template.Template
	// printed is the page of a statement, which stands alone.
	printed *template.Template
	assets  map[string]asset // by address
	style   string
	icon    string

	trailScript string
}

// asset is a file whose address has its hash, so that it may be kept for ever.
type asset struct {
	contentType string
	body        []byte
}

// New reads the templates. They are part of the program, so an error here is
// one of the program's.
func New(c Config) (*Pages, error) {
	p := &Pages{shown: c.Shown, desk: c.Officers, key: c.LogKey, now: c.Now, pages: map[string]*template.Template{}, assets: map[string]asset{}}
	if p.now == nil {
		p.now = time.Now
	}
	var err error
	if p.style, err = p.asset("assets/style.css", "text/css; charset=utf-8"); err != nil {
		return nil, err
	}
	if p.icon, err = p.asset("assets/icon.svg", "image/svg+xml"); err != nil {
		return nil, err
	}
	if p.trailScript, err = p.asset("dist/trail.js", "text/javascript; charset=utf-8"); err != nil {
		return nil, err
	}
	layout, err := template.New("layout.html").Funcs(template.FuncMap{
		"number": func(n any) string { return number(toUint(n)) },
		"term":   term,
		"title":  title,
		"one":    one,
		"recent": func(l []line) table {
			return table{"The last that was recorded, newest first; of what is alike, the newest", l}
		},
		"chosen":  chosen,
		"capital": capital,
		"count":   count,
	}).ParseFS(files, "pages/layout.html", "pages/parts.html", "pages/officer-parts.html")
	if err != nil {
		return nil, fmt.Errorf("reading the pages: %w", err)
	}
	for _, name := range []string{
		"home", "registers", "register", "item", "entries", "entry", "checking", "error", "findings", "sharing", "deletions", "api", "coverage", "seals", "trail",
		"officer", "officer-sign-in", "officer-trail", "officer-details", "officer-findings", "officer-finding", "officer-seals", "officer-seal",
		"officer-requests", "officer-done", "officer-person", "officer-cards",
	} {
		t, err := layout.Clone()
		if err == nil {
			t, err = t.ParseFS(files, "pages/"+name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("reading the page %s: %w", name, err)
		}
		p.pages[name] = t
	}
	p.printed, err = statementPage()
	return p, err
}

func toUint(n any) uint64 {
	switch n := n.(type) {
	case int:
		return uint64(max(n, 0))
	case uint64:
		return n
	case events.Size:
		return uint64(n)
	case events.Index:
		return uint64(n)
	case *events.Index:
		return uint64(*n)
	}
	return 0
}

func (p *Pages) asset(file, contentType string) (string, error) {
	b, err := files.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the pages: %w", err)
	}
	sum := sha256.Sum256(b)
	stem, ext, _ := strings.Cut(path.Base(file), ".")
	address := "/assets/" + stem + "-" + hex.EncodeToString(sum[:6]) + "." + ext
	p.assets[address] = asset{contentType, b}
	return address, nil
}

// Mount adds the routes of p.
func (p *Pages) Mount(mux v1.Mux) {
	mux.HandleFunc("GET /{$}", p.home)
	mux.HandleFunc("GET /register", p.registers)
	mux.HandleFunc("GET /register/{register}", p.register)
	mux.HandleFunc("GET /register/{register}/{id...}", p.item)
	mux.HandleFunc("GET /entries", p.entries)
	mux.HandleFunc("GET /entries/{entry}", p.entry)
	mux.HandleFunc("GET /sharing", p.sharing)
	mux.HandleFunc("GET /deletions", p.deletions)
	mux.HandleFunc("GET /coverage", p.coverage)
	mux.HandleFunc("GET /findings", p.findings)
	mux.HandleFunc("GET /seals", p.seals)
	mux.HandleFunc("GET /checking", p.checking)
	mux.HandleFunc("GET /verify", p.serveChecker)
	mux.HandleFunc("GET /verify.html", p.serveChecker)
	for address := range p.assets {
		mux.HandleFunc("GET "+address, p.serveAsset)
	}
}

func (p *Pages) serveAsset(w http.ResponseWriter, r *http.Request) {
	a := p.assets[r.URL.Path]
	w.Header().Set("Content-Type", a.contentType)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.Write(a.body) //nolint:errcheck // who asked is gone; there is nobody to tell
}

// ServeHTTP says that there is no such page.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.fail(w, r, v1.NotFound("There is no page at this address."))
}

// frame is what every page has around its own part.
type frame struct {
	Title   string // of the window, before the name of the site
	Section string // of the navigation
	Style   string
	Icon    string
	Origin  string
	Size    events.Size
	Desk    bool // there are pages for officers
	Trails  bool // there is a page that opens cards
	Body    any
}

// show writes a page, whole or not at all.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, status int, page string, f frame) {
	f.Style, f.Icon, f.Desk, f.Trails = p.style, p.icon, p.desk, p.cards
	c, _ := p.shown.Ledger.Checkpoint()
	f.Origin, f.Size = c.Origin, c.Size
	var b bytes.Buffer
	if err := p.pages[page].ExecuteTemplate(&b, "layout.html", f); err != nil {
		v1.Fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	w.Write(b.Bytes()) //nolint:errcheck // who asked is gone; there is nobody to tell
}

// fail says in a page what is wrong.
func (p *Pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	var problem *events.Problem
	if !errors.As(err, &problem) {
		problem = &events.Problem{Status: http.StatusServiceUnavailable, Detail: "The ledger cannot be read at the moment. Please try again."}
	}
	if problem.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	heading := map[int]string{
		http.StatusForbidden:           "That is not for you",
		http.StatusNotFound:            "Nothing is here",
		http.StatusConflict:            "That does not go together",
		http.StatusUnprocessableEntity: "We could not read that",
		http.StatusServiceUnavailable:  "Not there yet",
	}[problem.Status]
	p.show(w, r, problem.Status, "error", frame{Title: heading, Body: struct{ Heading, Detail string }{heading, sentenceCase(problem.Detail)}})
}

// table is a list of entries with what it lists.
type table struct {
	Caption string
	Lines   []line
}

// chosen captions a page of entries.
func chosen(l []line, filtered, later bool) table {
	caption := count(len(l), "entry")
	if filtered {
		caption += " that fit"
	}
	if filtered && len(l) == 1 {
		caption += "s"
	}
	if later {
		caption += ", continued"
	}
	return table{caption + ", oldest first", l}
}

// capital makes the first letter of ASCII text a capital.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// sentenceCase makes a problem's detail a sentence.
func sentenceCase(s string) string {
	s = capital(s)
	if s != "" && !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

func isNotFound(err error) bool { return errors.Is(err, projections.ErrNotFound) }
