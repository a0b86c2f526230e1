package web

// sayings are the sentences of each kind, the fullest first: the first is used
// in which nothing is missing. In braces stands a field of the entry or one of
// slots; what is in brackets is left out when something in it is missing.
var sayings = map[string][]string{
	"organization.registered": {"{it} was entered in the register of organizations."},
	"organization.changed":    {"{it} changed what the register says about it."},

	"system.registered": {
		"{by} entered {the}, at {place.address}, in the register.",
		"{by} entered {the} in the register.",
	},
	"system.changed": {"{by} changed what the register says about {the}."},
	"system.moved": {
		"{by} recorded that {it} was moved to {place.address}.",
		"{by} recorded that {it} was moved to {place.lat}, {place.lon}.",
		"{by} recorded that {it} was moved.",
	},
	"system.decommissioned": {"{by} took {it} out of service on {on}."},
	"system.fault":          {"{by} recorded a fault of {it}: “{fault}”."},

	"dataset.registered":   {"{by} entered {the} in the register."},
	"dataset.reclassified": {"{by} put {it} in the class “{classification}”."},
	"dataset.retired":      {"{by} retired {the}[ on {on}]."},
	"retention.set":        {"{by} set that {it} is kept for {period}."},

	"activity.registered": {"{by} entered {the} in the register."},
	"activity.superseded": {"{by} replaced what the register says about {the}."},

	"policy.proposed": {
		"{by} proposed {the}, to be in force from {inForce}; comments are taken until {commentUntil}.",
		"{by} proposed {the}, to be in force from {inForce}.",
	},
	"policy.published":  {"{by} published {the}, in force from {inForce}."},
	"policy.superseded": {"{by} recorded that {the} no longer applies."},

	"agreement.registered": {"{by} entered {the} in the register: {parties} may use {datasets} for {purposes} until {expires}."},
	"agreement.amended":    {"{by} amended {the}[; it now ends on {expires}]."},
	"agreement.suspended":  {"{by} suspended {the}: nothing may be shared under it."},
	"agreement.terminated": {"{by} ended {the}."},

	"grant.issued":  {"{by} allowed the role {role} in the unit {unit} to use {datasets} for {purposes}, from {from} until {until}."},
	"grant.revoked": {"{by} revoked {the}."},

	"assessment.recorded": {"{by} recorded {an assessment} of {subject}[; it is valid until {expires}]."},

	"data.collected": {"{by} collected {data} using {system}{ending}"},
	"data.accessed":  {"{by} {done} {data} using {system}{ending}"},
	"data.shared":    {"{by} shared {data} with {recipient}."},
	"data.received":  {"{by} received {data} from another organization."},
	"data.deleted":   {"{by} deleted {data}."},
	"data.altered":   {"{by} altered {data}[, the reason being: {reason}]."},
	"data.derived": {
		"{by} made {output} from {inputs}[{about whom}][, in the class “{class}”].",
		"{by} made new data about one person from other data[, in the class “{class}”].",
	},
	"data.anonymized": {"{by} anonymized {data}, by means of {technique}[; {undone}]."},

	"event.corrected": {"{by} corrected {the entry}, the reason being: {reason}."},
	"event.disclosed": {"What a seal of {by} had hidden from one person was opened to her."},

	"request.received": {"{by} received a person’s request {to have}."},
	"request.decided":  {"{by} {has decided} {the request}[, the ground being: {ground}]."},
	"request.answered": {
		"{by} recorded that {recipient}, who had been given the data, answered {the request}.",
		"{by} answered {the request}.",
	},

	"seal.placed": {
		"{by} placed a seal {for the sake of}: the events about one person that it covers are hidden from her until it is lifted. It is to be reviewed in {reviewIn}.",
	},
	"seal.extended": {"{by} extended {the seal}; it is now to be reviewed in {reviewIn}."},
	"seal.lifted":   {"{by} had {the seal} lifted: {how it ended}."},

	"key.shredded": {"{by} had {these keys} destroyed[; copies of them may be kept until {backupsUntil}]."},
	"key.rotated":  {"The master key of this ledger, which guards all other keys, was replaced by another."},

	"witness.added":      {"The witness {witness} is asked from here on to sign each published state of this ledger, so that nobody can be shown another."},
	"witness.removed":    {"The witness {witness} is no longer asked to sign the published states of this ledger."},
	"verifier.published": {"The page by which anybody checks what this ledger gave has the SHA-256 {sha256}."},

	"trail.issued":  {"{by} gave one person the card that opens that person’s private trail."},
	"trail.rotated": {"{by} moved the private trail of one person to a new key: a card from before opens nothing that is recorded from here on."},

	"ledger.opened":    {"This ledger was opened on {opened on}."},
	"subject.enrolled": {"A private trail was opened for {pairs}."},
	"ledger.read": {
		"{a reader} {search}{by}: {records}.",
		"{a reader} of {by} read sealed details of {records}.",
	},

	"emitter.onboarded":  {"The service {emitter} of {by} may now record here[; it is to be heard at least once in {rhythm}]."},
	"emitter.counted":    {"On {on} the service {emitter} of {by} recorded {events}[, {unnamed} the persons concerned]; {absent}."},
	"emitter.silent":     {"The service {emitter} of {by} has been silent since {since}, longer than it said it would be."},
	"emitter.gap":        {"{gap} of the service {emitter} of {by} {are} missing, by the service’s own numbering."},
	"emitter.offboarded": {"The service {emitter} of {by} may no longer record here."},
}
