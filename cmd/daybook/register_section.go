package main

import (
	"cmp"
	"slices"

	"github.com/daybook-ledger/daybook/events"
)

// section is one list of a register file. The tables of its kinds are its
// grammar.
type section struct {
	name     string // of one object, as on the command line
	list     string // of the list in the file
	register string // the register its objects are in, and the field that names one; "" in the table for its name
	first    string // the kind that says an object whole
	next     string // the kind that says what changed
	moved    string // the kind that says another place, "" where there is none
	draft    string // the kind that says an object whole that is not in force, "" where there is none
	pausing  string // the kind that suspends an object, "" where nothing does
	closing  string // the kind that ends an object, "" where nothing does
}

// whole says that a change says the object whole.
func (s section) whole() bool { return s.first == s.next }

// beside says that what the list says is no object of its own, but about one.
func (s section) beside() bool {
	k, ok := events.FindKind(s.first)
	return ok && k.Effect == events.Notes
}

// noted says that it is about any object and said once for all: nothing changes
// it, and no register shows it.
func (s section) noted() bool { return s.register == noted }

// noted is the field that names what an assessment is about.
const noted = "subject"

// sections are the lists in the order in which their objects are registered.
func sections() []section {
	all := []section{
		{name: "organization", list: "organizations", first: "organization.registered", next: "organization.changed"},
		{name: "dataset", list: "datasets", first: "dataset.registered", next: "dataset.reclassified", closing: "dataset.retired"},
		{
			name: "system", list: "systems", first: "system.registered", next: "system.changed", moved: "system.moved",
			closing: "system.decommissioned",
		},
		{name: "activity", list: "activities", first: "activity.registered", next: "activity.superseded"},
		{name: "retention", list: "retention", register: "dataset", first: "retention.set", next: "retention.set"},
		{
			name: "policy", list: "policies", first: "policy.published", next: "policy.published", draft: "policy.proposed",
			closing: "policy.superseded",
		},
		{
			name: "agreement", list: "agreements", first: "agreement.registered", next: "agreement.amended",
			pausing: "agreement.suspended", closing: "agreement.terminated",
		},
		{name: "grant", list: "grants", first: "grant.issued", next: "grant.issued", closing: "grant.revoked"},
		{name: "assessment", list: "assessments", register: noted, first: "assessment.recorded", next: "assessment.recorded"},
	}
	for i := range all {
		all[i].register = cmp.Or(all[i].register, all[i].name)
	}
	return all
}

// The fields that a file has beside those of the kinds: the day of the closing
// kind, its "on" where it has one, that of the pausing kind, and whether the
// object is a draft.
const (
	ended     = "ended"
	suspended = "suspended"
	proposed  = "proposed"
)

// fields are what the file may say of an object, by path: the public fields of
// its first kind and of the one that closes it, and the file's own.
func (s section) fields() []events.Field {
	var out []events.Field
	for _, name := range []string{s.first, s.closing} {
		k, ok := events.FindKind(name)
		if !ok {
			continue
		}
		for _, f := range k.Fields {
			own := name == s.closing && f.Path == "on"
			public := f.Class == events.Public || f.Class == events.PublicText
			if public && !own && !slices.ContainsFunc(out, func(g events.Field) bool { return g.Path == f.Path }) {
				out = append(out, f)
			}
		}
	}
	for _, own := range []struct {
		path, kind string
		is         events.Type
	}{{proposed, s.draft, events.Flag}, {suspended, s.pausing, events.Date}, {ended, s.closing, events.Date}} {
		if own.kind != "" {
			out = append(out, events.Field{Path: own.path, Type: own.is})
		}
	}
	return out
}
