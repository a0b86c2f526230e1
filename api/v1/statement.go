package v1

import (
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// StatementFormat is the first member of a statement in JSON.
const StatementFormat = "daybook/statement@1"

// Told are the entries of an organization about a person, as she may see them.
type Told struct {
	Lines   []ToldLine
	Reading events.Index // where the ledger says that they were read
}

// ToldLine is one of them.
type ToldLine struct {
	projections.Mention
	Entry    *events.Entry
	EventKey [32]byte            // makes the entry's tag, and opens no other entry
	Hers     []events.Disclosure // what is hers to see
	// Head is the head of the bulk event that this is a part of, nil for others.
	Head     *events.Entry
	HeadAt   events.Index
	HeadHers []events.Disclosure
}

// Statement is what an organization tells a person of what it recorded about her:
// what a law on data protection asks for, each line with its proof, and what it
// does not say. In JSON it holds all that she needs to give one of its lines to
// somebody: the line's proof, its event key, and the disclosures.
type Statement struct {
	Format       string       `json:"$" enum:"daybook/statement@1" doc:"The format."`
	Origin       string       `json:"origin" doc:"The name of the log."`
	LogKey       string       `json:"logKey" doc:"The log's verifier key, as entry 0 states it. Whoever checks this should have it from elsewhere too."`
	Size         events.Size  `json:"size" doc:"How many entries the log had that the proofs are of."`
	Made         string       `json:"made" format:"date-time" doc:"When the statement was made."`
	Reading      events.Index `json:"reading" doc:"The entry by which the ledger says that it was made."`
	Organization Controller   `json:"organization" doc:"Whose records these are."`
	Person       whomJSON     `json:"person" doc:"Whom it is about."`

	Confirmation  string               `json:"confirmation" doc:"Whether anything is recorded about the person."`
	Purposes      []Purpose            `json:"purposes" nullable:"false" doc:"For what data about the person was used."`
	Categories    []Category           `json:"categories" nullable:"false" doc:"Which data that was."`
	Recipients    []StatementRecipient `json:"recipients" nullable:"false" doc:"Who was given any, by name, each time."`
	Storage       []Storage            `json:"storage" nullable:"false" doc:"How long each dataset is kept."`
	Rights        []string             `json:"rights" nullable:"false" doc:"What the person may ask for."`
	Complaint     Complaint            `json:"complaint" doc:"Where to complain."`
	Sources       []DataSource         `json:"sources" nullable:"false" doc:"Where the data came from."`
	Automated     []Automated          `json:"automated" nullable:"false" doc:"What a machine decided, or helped to decide."`
	Transfers     []StatementRecipient `json:"transfers" nullable:"false" doc:"Those of recipients who are in another country, with what protects the data there."`
	Consultations []Consultation       `json:"consultations" nullable:"false" doc:"Who looked at the data, when and for what. Members of staff are not named."`
	Corrections   []Correction         `json:"corrections" nullable:"false" doc:"What was corrected; both entries stay."`
	Lines         []StatementLine      `json:"lines" nullable:"false" doc:"Every entry, in the order of the log, with its proof."`
	NotSaid       NotSaid              `json:"notSaid" doc:"What this statement cannot say."`
	Footnotes     []string             `json:"footnotes" nullable:"false" doc:"What holds for all of it."`
}

// Controller is the organization that answers for the data.
type Controller struct {
	Reference string `json:"reference" doc:"Its reference in the register."`
	Name      string `json:"name" doc:"Its name, or its reference when the register has none."`
	Contact   string `json:"contact" doc:"How to reach it, as the register has it."`
}

// Purpose is for what data was used.
type Purpose struct {
	Purpose    string         `json:"purpose" doc:"The purpose, a term of the code list."`
	Activity   string         `json:"activity,omitempty" doc:"The reference of the activity."`
	Title      string         `json:"title,omitempty" doc:"The title of the activity."`
	LegalBasis string         `json:"legalBasis" doc:"On what legal basis."`
	Authority  string         `json:"authority,omitempty" doc:"The law, as the activity names it."`
	Lines      []events.Index `json:"lines" nullable:"false" doc:"The positions of the entries."`
}

// Category is which data was used.
type Category struct {
	Dataset        string         `json:"dataset" doc:"The reference of the dataset."`
	Title          string         `json:"title" doc:"Its title."`
	Categories     []string       `json:"categories" nullable:"false" doc:"The categories of data in it."`
	Classification string         `json:"classification" doc:"Its class."`
	Lines          []events.Index `json:"lines" nullable:"false" doc:"The positions of the entries."`
}

// StatementRecipient is who was given data, once.
type StatementRecipient struct {
	Recipient       string       `json:"recipient" doc:"The reference of the recipient."`
	Name            string       `json:"name" doc:"Its name."`
	Dataset         string       `json:"dataset" doc:"Which data it was given."`
	When            string       `json:"when" doc:"When."`
	DisclosureClass string       `json:"disclosureClass,omitempty" doc:"How it was permitted."`
	LegalStandard   string       `json:"legalStandard,omitempty" doc:"What the recipient had to show."`
	Agreement       string       `json:"agreement,omitempty" doc:"Under which agreement."`
	Country         string       `json:"country,omitempty" doc:"To which country."`
	Safeguard       string       `json:"safeguard,omitempty" doc:"What protects the data there."`
	Line            events.Index `json:"line" doc:"The position of the entry."`
}

// Storage is how long a dataset is kept.
type Storage struct {
	Dataset string `json:"dataset" doc:"The reference of the dataset."`
	Title   string `json:"title" doc:"Its title."`
	Period  string `json:"period" doc:"How long it is kept, an ISO 8601 duration."`
	Trigger string `json:"trigger,omitempty" doc:"From when the time counts."`
	Method  string `json:"method,omitempty" doc:"How it is deleted."`
	Due     string `json:"due,omitempty" doc:"By when the next deletion must have happened."`
	Status  string `json:"status,omitempty" doc:"How it stands: done, due, overdue or untold."`
}

// Complaint is where to complain.
type Complaint struct {
	Contact   string `json:"contact" doc:"The organization's own contact."`
	Authority string `json:"authority" doc:"The authority that supervises it."`
}

// DataSource is where data came from.
type DataSource struct {
	Source string         `json:"source" doc:"Who told the ledger."`
	System string         `json:"system" doc:"The reference of the system that collected it."`
	Name   string         `json:"name" doc:"The name of that system."`
	Lines  []events.Index `json:"lines" nullable:"false" doc:"The positions of the entries."`
}

// Automated is a use in which a machine decided, or helped.
type Automated struct {
	Automation string       `json:"automation" doc:"Assisted or automated."`
	Activity   string       `json:"activity" doc:"In which activity."`
	Logic      string       `json:"logic" doc:"By what logic; the ledger does not record it."`
	Line       events.Index `json:"line" doc:"The position of the entry."`
}

// Consultation is one look at data about the person.
type Consultation struct {
	When    string       `json:"when" doc:"When; exact where it is hers to know, else the day."`
	Purpose string       `json:"purpose" doc:"For what."`
	By      string       `json:"by" doc:"In which role and for which unit, never who."`
	System  string       `json:"system,omitempty" doc:"The name of the system."`
	Line    events.Index `json:"line" doc:"The position of the entry."`
}

// Correction is a correction, and what it corrects.
type Correction struct {
	Corrects string        `json:"corrects" doc:"The public name of the event that is corrected."`
	At       *events.Index `json:"at" doc:"Where that stands, null when it is not among the lines."`
	Reason   string        `json:"reason" doc:"Why."`
	Line     events.Index  `json:"line" doc:"The position of the correction."`
}

// StatementLine is one entry with all that she may see of it, and its proof.
type StatementLine struct {
	Position    events.Index `json:"position" doc:"Where it stands in the log, counted from 0."`
	Event       string       `json:"event" doc:"The public name of the event."`
	Kind        string       `json:"kind" doc:"Its kind, as data.accessed."`
	When        string       `json:"when" doc:"When it happened; exact where it is hers to know, else the day."`
	Relation    string       `json:"relation" doc:"How the person stands to the matter."`
	EntryHash   string       `json:"entryHash" doc:"The SHA-256 of the entry."`
	Entry       entryBytes   `json:"entry" doc:"The public entry, byte for byte."`
	Proof       string       `json:"proof" doc:"The proof, in the format c2sp.org/tlog-proof; all lines have one checkpoint."`
	EventKey    string       `json:"eventKey" doc:"The key that shows the entry to be of the person's trail. It opens no other entry. Who has it can show the same."`
	Disclosures []Detail     `json:"disclosures" nullable:"false" doc:"What was sealed for the person; the entry commits to each."`
	Disclosed   bool         `json:"disclosed,omitempty" doc:"True for what a seal hid, and hides no more."`
	Head        *LineHead    `json:"head,omitempty" doc:"Of a part of a bulk event: what it shares with the other parts."`

	line ToldLine
}

// LineHead is the head of the bulk event that a line is a part of.
type LineHead struct {
	Position    events.Index `json:"position" doc:"Where the head stands in the log."`
	EntryHash   string       `json:"entryHash" doc:"The SHA-256 of the head."`
	Entry       entryBytes   `json:"entry" doc:"The head's public entry, byte for byte."`
	Proof       string       `json:"proof" doc:"The proof of the head, under the same checkpoint."`
	Disclosures []Detail     `json:"disclosures" nullable:"false" doc:"What was sealed in it for everybody concerned."`
}

// NotSaid is what a statement cannot say, in numbers.
type NotSaid struct {
	OpenSeals uint64          `json:"openSeals" doc:"How many seals of the organization stand, over whomever. What one hides is not here."`
	Unnamed   uint64          `json:"unnamed" doc:"How many uses the organization recorded without saying whom they concern. Some may concern the person."`
	Coverage  []CoverageSince `json:"coverage" nullable:"false" doc:"Since when which sources tell the ledger. What happened before, or elsewhere, is not here."`
	Words     []string        `json:"words" nullable:"false" doc:"The same in words."`
}

// CoverageSince is since when a source tells the ledger.
type CoverageSince struct {
	Source string `json:"source" doc:"The source."`
	Since  string `json:"since" doc:"The first day; not filled in when nothing was recorded."`
	Status string `json:"status" doc:"How it stands."`
}

// NotFilledIn stands where nobody said anything.
const NotFilledIn = "not filled in"
