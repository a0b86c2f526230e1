package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/api/web"
	"github.com/daybook-ledger/daybook/projections"
)

// Config is what a handler serves.
type Config struct {
	// Views answer questions about entries and the register.
	Views *projections.Views
	// Ledger is the published log. No answer goes beyond its checkpoint.
	Ledger v1.Ledger
	// Files are the public log's tiles and bundles.
	Files Files
	// Door takes events at POST /v1/events. Nil: this server only reads, and
	// says 404 there.
	Door http.Handler
	// Tokens knows who may read as an officer, and Desk records and opens. Without
	// both there is nothing for officers here, and their addresses are 404.
	Tokens v1.Tokens
	Desk   v1.Desk
	// Clerk says what officers say. Nil: they only read here.
	Clerk v1.Clerk
	// Seals places seals and ends them. Nil: that is not done here.
	Seals v1.SealDesk
	// Cards gives away trail cards. Nil: that is not done here.
	Cards v1.CardDesk
	// Index proves what is in the completeness index, and Slots has what is sealed
	// for persons. Nil: there is no such answer here.
	Index v1.Index
	Slots v1.Slots
	// Trails opens a person's card for who agreed to it. Nil: there is no page for it.
	Trails web.Trails
	// Auditing tells auditors of all whose every tag is. Nil: they are not told here.
	Auditing v1.Auditing
	// BehindProxy says that every request comes through a proxy which sets
	// X-Forwarded-Proto and adds to X-Forwarded-For. Otherwise anybody could set
	// them, so they are not read.
	BehindProxy bool
	// LogKey is the log's verifier key for the command lines on pages. Empty:
	// the pages leave them out.
	LogKey string
	// SignedAt is when the published checkpoint was published, zero when it is
	// not known. Nil: pages show its size and not its age.
	SignedAt func() time.Time
	// Publishing is how the log is published at the moment. Nil: not known here.
	Publishing func() v1.Publishing
	// Now is the clock that ages are told by; the default is time.Now.
	Now func() time.Time
	// Log gets the stack of a request that broke. Nil: nobody does.
	Log *slog.Logger
}

// New is a handler for all addresses.
func New(c Config) (http.Handler, error) {
	if c.Views == nil || c.Ledger == nil || c.Files == nil {
		return nil, errors.New("making the API: it needs views, a ledger and its files")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	shown := &v1.Shown{Views: c.Views, Ledger: c.Ledger, SignedAt: c.SignedAt, Publishing: c.Publishing, Now: c.Now}
	pages, err := web.New(web.Config{Shown: shown, LogKey: c.LogKey, Now: c.Now, Officers: c.Desk != nil && c.Tokens != nil})
	if err != nil {
		return nil, fmt.Errorf("making the API: %w", err)
	}
	mux := &table{}
	s := &server{ledger: c.Ledger, files: c.Files}
	routes := append(v1.New(shown).Routes(), v1.LogRoutes(s.checkpoint, s.tile)...)
	pages.Mount(mux)
	if c.Trails != nil {
		pages.MountTrails(mux, c.Trails)
	}
	routes = append(routes, v1.TrailRoutes(c.Index, c.Slots)...)
	if c.Door != nil {
		routes = append(routes, v1.DoorRoute(c.Door))
	}
	if c.Desk != nil && c.Tokens != nil {
		office := &v1.Office{Shown: shown, Desk: c.Desk, Clerk: c.Clerk, Seals: c.Seals, Cards: c.Cards, Auditing: c.Auditing, Tokens: c.Tokens, Print: pages.Statement}
		g := newGate(c, pages)
		office.Secure = g.secure
		g.mount(mux)
		routes = append(routes, v1.NewOfficers(office).Routes(g.bearer)...)
		pages.MountOfficers(mux, office, g.cookie)
	}
	contract := v1.NewContract(routes)
	v1.Mount(mux, contract.Routes())
	pages.MountContract(mux, contract)
	return &guard{mux, pages, http.NewCrossOriginProtection(), c.Log}, nil
}
