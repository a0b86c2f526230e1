package v1

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
)

// Groups are the headings that routes stand under in the document, in order.
func Groups() [][2]string {
	return [][2]string{
		{"entries", "What was recorded, entry by entry, and its proofs"},
		{"register", "Organizations, systems, datasets, activities and the rules they are held to"},
		{"views", "What the entries add up to"},
		{"log", "The public log, for monitors and mirrors"},
		{"trail", "What a person asks about her own trail; her card opens the answers, and is never sent"},
		{"door", "How a service writes"},
		{"officers", "What officers and auditors read; each reading of sealed details is recorded first"},
		{"contract", "This description"},
	}
}

// Routes are the addresses of a: all of v1 that anyone may read.
func (a *API) Routes() []Route {
	var out []Route
	for _, list := range [][]Route{a.entryRoutes(), a.registerRoutes(), a.viewRoutes(), a.coverageRoutes(), a.sealRoutes()} {
		for _, r := range list {
			r.Method = "GET"
			out = append(out, r)
		}
	}
	return out
}

// answers is the one way in which a reading succeeds, in JSON of a Go type.
func answers(about string, of any) []Answer {
	return []Answer{{Status: 200, About: about, Content: []Content{{Media: "application/json", Of: of}}}}
}

// table is the answer with a table whose header row has these columns.
func table(about string, columns []string) []Answer {
	return []Answer{{
		Status: 200, About: about + " RFC 4180 with a header row; example is true for the invented organization. " +
			"A text that a spreadsheet would take for a formula has an apostrophe before it.",
		Content: []Content{{Media: "text/csv", Of: csvSchema(columns)}},
	}}
}

// pages is table in pages: the next one is in a header, as a table has no place
// for it.
func pages(about string, columns []string) []Answer {
	out := table(about, columns)
	out[0].Headers = map[string]*huma.Param{"Link": {
		Description: `The next page, as <…>; rel="next"; absent on the last.`, Schema: &huma.Schema{Type: huma.TypeString},
	}}
	return out
}

func (a *API) entryRoutes() []Route {
	return []Route{
		{
			Path: "/v1/entries", Name: "listEntries", Group: "entries", Summary: "Entries, in the order of the log",
			Detail: "All choices must hold. A page can hold less than its limit, or nothing, and still have a next.",
			Params: entryParams(), Answers: answers("A page of entries.", entriesJSON{}), Read: a.entries,
		},
		{
			Path: "/v1/entries.csv", Name: "listEntriesAsTable", Group: "entries", Summary: "Entries as a table",
			Detail: "The same choices and the same pages as the list in JSON, with the members that most kinds have; the JSON has all of them.",
			Params: entryParams(), Answers: pages("A page of entries.", entryColumns()), Read: a.entriesCSV,
		},
		{
			Path: "/v1/entries/{entry}", Name: "getEntry", Group: "entries", Summary: "One entry",
			Params: []*huma.Param{entryParam()}, Answers: answers("The entry.", entryJSON{}), Read: a.entry,
		},
		{
			Path: "/v1/entries/{entry}/proof", Name: "proveEntry", Group: "entries", Summary: "The proof that an entry is in the log",
			Detail: "A file in the format c2sp.org/tlog-proof with the entry's bytes in it, which verifies without this server.",
			Params: []*huma.Param{entryParam(), inQuery("download", "With any value a browser saves the file.", &huma.Schema{Type: huma.TypeString}, "1")},
			Answers: []Answer{{Status: 200, About: "The proof, under the newest published checkpoint.", Content: []Content{{Media: "text/plain", Of: &huma.Schema{
				Type: huma.TypeString, Pattern: "^c2sp\\.org/tlog-proof@v1\n",
			}}}}},
			Read: a.proof,
		},
	}
}

func (a *API) registerRoutes() []Route {
	return []Route{
		{
			Path: "/v1/register/{register}", Name: "listRegister", Group: "register", Summary: "What is in a register, by reference",
			Params: itemParams(), Answers: answers("A page of the register.", itemsJSON{}), Read: a.items,
		},
		{
			Path: "/v1/register/{register}.csv", Name: "listRegisterAsTable", Group: "register", Summary: "What is in a register, as a table",
			Detail: "Behind the columns named here come the public fields of the register's kinds, by their paths, each register its own. " +
				"The terms of a list are separated by spaces.",
			Params: itemParams(), Answers: pages("A page of the register.", itemColumns()), Read: a.itemsCSV,
		},
		{
			Path: "/v1/register/{register}/{id...}", Name: "getRegistered", Group: "register", Summary: "One of what is in a register, with its history",
			Params: []*huma.Param{
				registerParam(), inPath("id", "Its reference, whose slashes may stand as they are.", refer(grammarName(events.Reference)), "example/app"), atParam(),
			},
			Answers: answers("What is registered, and how it came to this.", itemJSON{}), Read: a.item,
		},
	}
}

func (a *API) viewRoutes() []Route {
	judged := " Judged on the UTC day that asOf names."
	kept := "How long each dataset is kept, when it was last deleted from, and what is overdue."
	counted := "How many findings there are by organization and rule. Which entries they are in, and whom they are about, is not public."
	return []Route{
		{
			Path: "/v1/totals", Name: "countEntries", Group: "views", Summary: "How many entries, by kind, organization and day",
			Answers: answers("The totals.", totalsJSON{}), Read: a.totals,
		},
		{
			Path: "/v1/totals.csv", Name: "countEntriesAsTable", Group: "views", Summary: "The totals as a table",
			Detail:  "The column by says what a row counts: all entries, those of a kind, those of an organization and kind, or those of a day.",
			Answers: table("The totals, all of them.", totalColumns()), Read: a.totalsCSV,
		},
		{
			Path: "/v1/sharing", Name: "listShares", Group: "views", Summary: "Who received data, from whom, and on what ground",
			Detail: "The totals leave limit and after out.",
			Params: shareParams(), Answers: answers("Totals, and a page of the shares.", sharingJSON{}), Read: a.sharing,
		},
		{
			Path: "/v1/sharing.csv", Name: "countSharesAsTable", Group: "views", Summary: "The totals of sharing as a table",
			Params: shareParams(), Answers: table("The totals, all that fit; limit and after change nothing.", sharingColumns()), Read: a.sharingCSV,
		},
		{
			Path: "/v1/retention", Name: "listRetention", Group: "views", Summary: "Which datasets are overdue, due or done", Detail: kept + judged,
			Answers: answers("Every dataset with a period.", retentionsJSON{}), Read: a.retention,
		},
		{
			Path: "/v1/retention.csv", Name: "listRetentionAsTable", Group: "views", Summary: "Retention as a table", Detail: kept + judged,
			Answers: table("Every dataset with a period.", retentionColumns()), Read: a.retentionCSV,
		},
		{
			Path: "/v1/findings", Name: "countFindings", Group: "views", Summary: "How many findings, by organization and rule",
			Detail:  counted + judged + " A server that does not look for findings answers 404.",
			Answers: answers("The counts.", findingsJSON{}), Read: a.findings,
		},
		{
			Path: "/v1/findings.csv", Name: "countFindingsAsTable", Group: "views", Summary: "The counts of findings as a table",
			Detail: counted + judged, Answers: table("The counts.", findingColumns()), Read: a.findingsCSV,
		},
		{
			Path: "/v1/ledger", Name: "getLedger", Group: "log", Summary: "Who the log is, as entry 0 states it, and how far it goes",
			Answers: answers("The ledger.", ledgerJSON{}), Read: a.ledger,
		},
	}
}
