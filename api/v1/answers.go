package v1

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
)

// The types below are the answers in JSON. The tags doc, pattern, format and
// nullable are for the document that describes them; what a list holds is never
// null.

// entryBytes is a public entry, which keeps its bytes in every answer.
type entryBytes []byte

// MarshalJSON is the entry itself.
func (b entryBytes) MarshalJSON() ([]byte, error) { return b, nil }

// Schema refers to the schema of an entry.
func (entryBytes) Schema(huma.Registry) *huma.Schema { return refer("PublicEntry") }

// fieldBytes are the public fields of something registered.
type fieldBytes []byte

// MarshalJSON is the object itself.
func (b fieldBytes) MarshalJSON() ([]byte, error) { return b, nil }

// Schema is an object whose members the register's kinds name.
func (fieldBytes) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

type entryJSON struct {
	Position events.Index `json:"position" doc:"Where the entry stands in the log, counted from 0."`
	Event    string       `json:"event" doc:"The public name of the event." pattern:"^[A-Za-z0-9_-]{22}$"`
	Entry    entryBytes   `json:"entry" doc:"The public entry, byte for byte: its SHA-256 is the entry hash, and its RFC 6962 leaf hash is in the log."`
}

type entriesJSON struct {
	Entries []entryJSON   `json:"entries" nullable:"false" doc:"In the order of the log."`
	Next    *events.Index `json:"next" doc:"The after of the next page; null on the last."`
}

type changeJSON struct {
	Position     events.Index `json:"position" doc:"The entry that says so."`
	Kind         string       `json:"kind" doc:"Its kind, as system.moved."`
	OccurredAt   string       `json:"occurredAt" doc:"When it happened, as given."`
	Organization string       `json:"organization" doc:"Who says so."`
	Foreign      bool         `json:"foreign,omitempty" doc:"Another organization than the item's own says so, which changed nothing."`
}

type itemJSON struct {
	Register     string       `json:"register" doc:"The register it is in."`
	ID           string       `json:"id" doc:"Its reference."`
	Organization string       `json:"organization" doc:"The organization that registered it first, and alone may change it."`
	Source       string       `json:"source" doc:"The system through which it did last."`
	Ended        string       `json:"ended,omitempty" doc:"The day it was decommissioned, retired or ended; absent while it lasts."`
	Fields       fieldBytes   `json:"fields" doc:"The public fields as last said, by the paths of the tables of the register's kinds; what others noted, as a dataset's retention, beside them."`
	Latest       changeJSON   `json:"latest" doc:"What led to this state."`
	History      []changeJSON `json:"history,omitempty" nullable:"false" doc:"Everything said about it, oldest first; absent in a list."`
}

type itemsJSON struct {
	Items []itemJSON `json:"items" nullable:"false" doc:"By reference."`
	Next  *string    `json:"next" doc:"The after of the next page; null on the last."`
}

type countsJSON struct {
	Entries        uint64                       `json:"entries" doc:"How many entries."`
	ByKind         map[string]uint64            `json:"byKind" doc:"By kind of event."`
	ByOrganization map[string]map[string]uint64 `json:"byOrganization" doc:"By organization, then kind. What the ledger says of itself has no organization."`
	ByDay          map[string]uint64            `json:"byDay" doc:"By the day it happened, in the organization's time zone for data kinds."`
}

type totalsJSON struct {
	Size    events.Size `json:"size" doc:"How many entries the published log has."`
	Real    countsJSON  `json:"real" doc:"Of real organizations, and the ledger's own entries."`
	Example countsJSON  `json:"example" doc:"Of the invented example organization; never counted with the real ones."`
}

type keysJSON struct {
	Log     string `json:"log" doc:"Signs checkpoints, and nothing else."`
	Receipt string `json:"receipt" doc:"Signs receipts."`
	Index   string `json:"index" doc:"Signs the completeness index."`
}

type ledgerJSON struct {
	Origin   string      `json:"origin" doc:"The name of the log."`
	Keys     keysJSON    `json:"keys" doc:"Verifier keys, as signed notes write them."`
	VRF      string      `json:"vrf" doc:"The public key of the labels of persons, base64url."`
	Policy   string      `json:"policy" doc:"Whose signatures a checkpoint needs, in the tlog-policy format."`
	Formats  []string    `json:"formats" nullable:"false" doc:"The formats this ledger writes."`
	OpenedAt time.Time   `json:"openedAt" doc:"When entry 0 was recorded."`
	Size     events.Size `json:"size" doc:"How many entries the published log has."`
	SignedAt time.Time   `json:"signedAt,omitzero" doc:"When the published checkpoint was published; absent when that is not known."`
	// Absent with signedAt.
	Age        *float64    `json:"age,omitempty" doc:"Seconds since signedAt, by this server's clock."`
	Publishing *Publishing `json:"publishing,omitempty" doc:"How the log is published at the moment; absent where that is not known."`
}

// Publishing is how the log is published at the moment. How many events wait for
// the next checkpoint is not in it: that would tell when each was recorded.
type Publishing struct {
	Every   float64 `json:"every" doc:"The least seconds between two checkpoints."`
	Rate    float64 `json:"rate" doc:"Entries published a second, over the last minute."`
	MaxAge  float64 `json:"maxAge,omitzero" doc:"While events have waited longer than these seconds for a checkpoint, no more are taken; absent without such a rule."`
	Overdue bool    `json:"overdue" doc:"That this is so now."`
}

type ruleJSON struct {
	Number   int    `json:"number" doc:"The number of the rule."`
	Name     string `json:"name" doc:"What it finds."`
	Question string `json:"question" doc:"What it asks."`
}

// findingCountsJSON are counts, and nothing else of a finding.
type findingCountsJSON struct {
	Findings       int                    `json:"findings" doc:"How many there are."`
	ByOrganization map[string]map[int]int `json:"byOrganization" doc:"How many, by organization and number of the rule."`
}

type findingsJSON struct {
	AsOf    string            `json:"asOf" format:"date" doc:"The UTC day that the findings are judged on."`
	Rules   []ruleJSON        `json:"rules" nullable:"false" doc:"The rules."`
	Real    findingCountsJSON `json:"real" doc:"In entries of real organizations."`
	Example findingCountsJSON `json:"example" doc:"In entries of the invented example organization."`
}

type shareJSON struct {
	Position        events.Index  `json:"position" doc:"The entry that says so."`
	Event           string        `json:"event" doc:"The public name of the event." pattern:"^[A-Za-z0-9_-]{22}$"`
	Organization    string        `json:"organization" doc:"Who shared."`
	Recipient       string        `json:"recipient,omitempty" doc:"Who received; ? when the register does not know it."`
	Dataset         string        `json:"dataset,omitempty" doc:"What was shared; absent when exactly one person is concerned."`
	DisclosureClass string        `json:"disclosureClass,omitempty" doc:"How it was permitted."`
	LegalStandard   string        `json:"legalStandard,omitempty" doc:"What the recipient had to show."`
	Agreement       string        `json:"agreement,omitempty" doc:"The agreement it rests on."`
	Day             string        `json:"day" format:"date" doc:"The day it happened."`
	ReceivedBy      *events.Index `json:"receivedBy" doc:"The entry in which the recipient says it was received; null when there is none."`
}

type shareTotalJSON struct {
	Month           string `json:"month" pattern:"^[0-9]{4}-[0-9]{2}$" doc:"The month, as 2026-06."`
	Organization    string `json:"organization" doc:"Who shared."`
	Recipient       string `json:"recipient,omitempty" doc:"Who received; ? when the register does not know it."`
	Dataset         string `json:"dataset,omitempty" doc:"What was shared; absent when exactly one person is concerned."`
	DisclosureClass string `json:"disclosureClass,omitempty" doc:"How it was permitted."`
	LegalStandard   string `json:"legalStandard,omitempty" doc:"What the recipient had to show."`
	Agreement       string `json:"agreement,omitempty" doc:"The agreement it rests on."`
	Count           uint64 `json:"count" doc:"How many shares."`
}

type sharedJSON struct {
	Count  uint64           `json:"count" doc:"How many shares fit."`
	Totals []shareTotalJSON `json:"totals" nullable:"false" doc:"The same by month, parties, dataset and ground."`
}

type sharingJSON struct {
	Real    sharedJSON    `json:"real" doc:"Of real organizations."`
	Example sharedJSON    `json:"example" doc:"Of the invented example organization."`
	Shares  []shareJSON   `json:"shares" nullable:"false" doc:"One page of them, one by one, in the order of the log."`
	Next    *events.Index `json:"next" doc:"The after of the next page; null on the last."`
}

type retentionJSON struct {
	Dataset      string        `json:"dataset" doc:"The dataset."`
	Organization string        `json:"organization" doc:"The organization that registered it."`
	Period       string        `json:"period" doc:"How long it is kept, an ISO 8601 duration."`
	Trigger      string        `json:"trigger,omitempty" doc:"The moment the period counts from."`
	Method       string        `json:"method,omitempty" doc:"How it is to be deleted."`
	Set          events.Index  `json:"set" doc:"The entry that set the period."`
	Since        string        `json:"since" doc:"The first day of the dataset's collections and of the rule."`
	Deleted      string        `json:"deleted,omitempty" doc:"The day of the last deletion on record."`
	DeletedBy    *events.Index `json:"deletedBy" doc:"Its entry; null when no deletion is on record."`
	Deletions    uint64        `json:"deletions" doc:"How many deletions are on record."`
	Due          string        `json:"due,omitempty" doc:"The day by which the next deletion is due; absent when none is due any more."`
	Status       string        `json:"status" enum:"done,due,overdue,untold" doc:"How it stands; untold when the period counts from a moment that no entry tells."`
}

type retentionsJSON struct {
	AsOf    string          `json:"asOf" format:"date" doc:"The UTC day that this is judged on."`
	Real    []retentionJSON `json:"real" nullable:"false" doc:"Of real organizations."`
	Example []retentionJSON `json:"example" nullable:"false" doc:"Of the invented example organization."`
}
