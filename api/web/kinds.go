package web

import "github.com/daybook-ledger/daybook/events"

// titles says in a few words what each open kind of event is.
var titles = map[string]string{
	"activity.registered":     "Activity registered",
	"activity.superseded":     "Activity replaced",
	"data.accessed":           "Data accessed",
	"data.collected":          "Data collected",
	"data.deleted":            "Data deleted",
	"data.received":           "Data received",
	"data.shared":             "Data shared",
	"dataset.reclassified":    "Dataset reclassified",
	"dataset.registered":      "Dataset registered",
	"dataset.retired":         "Dataset retired",
	"ledger.opened":           "Ledger opened",
	"organization.changed":    "Organization changed",
	"organization.registered": "Organization registered",
	"retention.set":           "Retention period set",
	"subject.enrolled":        "Private trail opened",
	"system.changed":          "System changed",
	"system.decommissioned":   "System taken out of service",
	"system.moved":            "System moved",
	"system.registered":       "System registered",
}

// title of a kind that has no words of its own is its name.
func title(kind string) string {
	if t, ok := titles[kind]; ok {
		return t
	}
	return kind
}

// choice is one option of a form.
type choice struct {
	Value, Label string
	Chosen       bool
}

// kindChoices are the open kinds, with chosen marked.
func kindChoices(chosen string) []choice {
	var out []choice
	for _, k := range events.Kinds() {
		if k.Open {
			out = append(out, choice{k.Name, title(k.Name), k.Name == chosen})
		}
	}
	return out
}

// operations are the past tenses of what is done with data. An operation that
// is missing here is named as such.
var operations = map[string]string{
	"Access": "accessed", "Acquire": "acquired", "Aggregate": "aggregated", "Alter": "altered",
	"Analyse": "analysed", "Anonymise": "anonymised", "Assess": "assessed", "Collect": "collected",
	"Combine": "combined", "Consult": "consulted", "Copy": "copied", "Delete": "deleted",
	"Derive": "derived", "Disclose": "disclosed", "Display": "displayed", "Download": "downloaded",
	"Erase": "erased", "Export": "exported", "Filter": "filtered", "Generate": "generated",
	"Infer": "inferred", "MakeAvailable": "made available", "Match": "matched", "Modify": "modified",
	"Monitor": "monitored", "Move": "moved", "Observe": "observed", "Obtain": "obtained",
	"Pseudonymise": "pseudonymised", "Query": "searched", "Record": "recorded", "Remove": "removed",
	"Restrict": "restricted", "Retrieve": "retrieved", "Screen": "screened", "Share": "shared",
	"Store": "stored", "Structure": "structured", "Transfer": "transferred", "Transform": "transformed",
	"Transmit": "transmitted", "Use": "used",
}

// outcomes say how an operation ended.
var outcomes = map[string]string{
	"success": "it succeeded", "denied": "access was denied", "error": "it ended with an error", "unstated": "not stated by the source",
}

// subjectModes say whom an event concerns.
var subjectModes = map[string]string{
	"none":    "nobody in particular",
	"single":  "one person, who can follow it in a private trail",
	"several": "2 to 10 persons",
	"bulk":    "many persons",
	"unknown": "persons the organization did not name",
}

// registerWords are the plural of a register and what stands in it.
var registerWords = map[string]struct{ Many, About string }{
	"organization": {"Organizations", "The bodies that answer for systems and data."},
	"system":       {"Systems", "Sensors, cameras, databases and programs that handle data."},
	"dataset":      {"Datasets", "What is collected and kept, how sensitive it is, and for how long."},
	"activity":     {"Activities", "What data is used for, by whom, and on what legal basis."},
}
