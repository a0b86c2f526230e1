package web

import "github.com/daybook-ledger/daybook/events"

// titles says in a few words what each open kind of event is.
var titles = map[string]string{
	"activity.registered":     "Activity registered",
	"activity.superseded":     "Activity replaced",
	"agreement.amended":       "Agreement amended",
	"agreement.registered":    "Agreement registered",
	"agreement.suspended":     "Agreement suspended",
	"agreement.terminated":    "Agreement ended",
	"assessment.recorded":     "Assessment recorded",
	"data.accessed":           "Data accessed",
	"data.altered":            "Data altered",
	"data.anonymized":         "Data anonymized",
	"data.collected":          "Data collected",
	"data.deleted":            "Data deleted",
	"data.derived":            "Data derived from other data",
	"data.received":           "Data received",
	"data.shared":             "Data shared",
	"dataset.reclassified":    "Dataset reclassified",
	"dataset.registered":      "Dataset registered",
	"dataset.retired":         "Dataset retired",
	"emitter.counted":         "Service counted",
	"emitter.gap":             "Events of a service missing",
	"emitter.offboarded":      "Service disconnected",
	"emitter.onboarded":       "Service connected",
	"emitter.silent":          "Service silent",
	"event.corrected":         "Entry corrected",
	"event.disclosed":         "Sealed events opened to a person",
	"grant.issued":            "Permission granted",
	"grant.revoked":           "Permission revoked",
	"key.rotated":             "Key replaced",
	"key.shredded":            "Keys destroyed",
	"ledger.opened":           "Ledger opened",
	"ledger.read":             "Officer read the ledger",
	"organization.changed":    "Organization changed",
	"organization.registered": "Organization registered",
	"policy.proposed":         "Policy proposed",
	"policy.published":        "Policy published",
	"policy.superseded":       "Policy superseded",
	"request.answered":        "Request answered",
	"request.decided":         "Request decided",
	"request.received":        "Request received",
	"retention.set":           "Retention period set",
	"seal.extended":           "Seal extended",
	"seal.lifted":             "Seal lifted",
	"seal.placed":             "Seal placed",
	"subject.enrolled":        "Private trail opened",
	"system.changed":          "System changed",
	"system.decommissioned":   "System taken out of service",
	"system.fault":            "Fault of a system",
	"system.moved":            "System moved",
	"system.registered":       "System registered",
	"trail.issued":            "Trail card issued",
	"trail.rotated":           "Trail moved to a new key",
	"verifier.published":      "Page for checking published",
	"witness.added":           "Witness added",
	"witness.removed":         "Witness removed",
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

// choices are options under one heading.
type choices struct {
	Label   string
	Choices []choice
}

// kindChoices are the open kinds by what they are about, with chosen marked.
func kindChoices(chosen string) []choices {
	out := []choices{{Label: "Use of data"}, {Label: "The register"}, {Label: "Requests, corrections and seals"}, {Label: "The ledger itself"}}
	for _, k := range events.Kinds() {
		if k.Open {
			of := &out[about(k)]
			of.Choices = append(of.Choices, choice{k.Name, title(k.Name), k.Name == chosen})
		}
	}
	return out
}

// The things an entry can be about.
const (
	aboutUse = iota
	aboutRegister
	aboutPersons
	aboutLedger
)

func about(k *events.Kind) int {
	switch {
	case k.IsData():
		return aboutUse
	case k.By == events.Officer:
		return aboutPersons
	case k.By == events.RoleLedger:
		return aboutLedger
	}
	return aboutRegister
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

// registerWords are the plural of a register, what stands in it, and the
// guideline its pages answer.
var registerWords = map[string]struct{ Many, About, Guideline string }{
	"organization": {
		"Organizations", "The bodies that answer for systems and data.",
		"1.0, being open about who collects, transmits, processes and uses data",
	},
	"system": {
		"Systems", "Sensors, cameras, databases and programs that handle data.",
		"3.2, publishing information on systems and the assets they sit on, and 3.1, a standard inventory",
	},
	"dataset": {
		"Datasets", "What is collected and kept, how sensitive it is, and for how long.",
		"1.3, classifying data, and 1.5, a retention period for personal data",
	},
	"activity": {
		"Activities", "What data is used for, by whom, and on what legal basis.",
		"1.2, collecting and using data only for specified, explicit and legitimate purposes, and publishing them",
	},
	"policy": {
		"Policies", "The rules organizations give themselves, with the day from which each applies.",
		"1.1, publishing policies, processes and responsibilities, current and complete",
	},
	"agreement": {
		"Agreements", "Who may be given which data, for what purposes, and until when.",
		"4.5, holding partners to the guidelines, with the right to restrict or revoke",
	},
	"grant": {
		"Permissions", "Which role in which unit may use which data, for what purposes, and until when.",
		"4.3, the right people at the right time, and 4.5, permissions that can be revoked",
	},
}

// registerOrder is the order in which the registers are shown.
var registerOrder = []string{"organization", "system", "dataset", "activity", "policy", "agreement", "grant"}

// one is what a register's object is called.
func one(register string) string {
	switch register {
	case "grant":
		return "permission"
	case events.AnyRegister:
		return "object"
	}
	return register
}
