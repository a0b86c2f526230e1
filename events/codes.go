package events

import (
	"slices"
	"strings"
)

// A Code is a closed list of terms, the only words a field of that list may
// hold. Terms match [A-Za-z0-9:._-]+, so a field that holds one cannot carry
// free text or an identifier of a person. A list may gain terms; a term is
// never removed or given another meaning.
type Code struct {
	name   string
	terms  []string // in the order the list gives them
	sorted []string // the same, for the search
}

// list is a Code from its terms, separated by white space.
func list(name, terms string) *Code {
	c := &Code{name: name, terms: strings.Fields(terms)}
	c.sorted = slices.Sorted(slices.Values(c.terms))
	return c
}

// Name is what the list is called in messages, such as "legal basis".
func (c *Code) Name() string { return c.name }

// Has reports whether term is in the list, letter for letter.
func (c *Code) Has(term string) bool {
	_, found := slices.BinarySearch(c.sorted, term)
	return found
}

// Terms is a copy of the list: in rank order for CodeClassification,
// CodePII and CodeBucket, otherwise in no order that means anything.
func (c *Code) Terms() []string { return slices.Clone(c.terms) }

// ClassRank is the place of a term of CodeClassification, 0 for the lowest
// class, and -1 for any other text.
func ClassRank(code string) int { return slices.Index(CodeClassification.terms, code) }

// Bucket is the term of CodeBucket that n falls in. A range contains both of
// its ends except where it begins with the end of the range before: 1,000 is
// "101-1k" and 1,001 is "1k-10k". More than 100,000 is "more".
func Bucket(n uint64) string {
	i := 0
	for i < len(bucketEnds) && n > bucketEnds[i] {
		i++
	}
	return CodeBucket.terms[i]
}

// bucketEnds holds the largest number of every bucket but the last.
var bucketEnds = [...]uint64{0, 1, 10, 100, 1_000, 10_000, 100_000}

// The lists below are Daybook's own; those taken from the W3C Data Privacy
// Vocabulary (DPV) are in codes_dpv.go.
var (
	// CodeOutcome is how an operation ended; "unstated" when its source does not say.
	CodeOutcome = list("outcome", `success denied error unstated`)

	// CodeAutomation is who decided: a human, a human with a machine's help, or a machine.
	CodeAutomation = list("automation", `human assisted automated`)

	// CodeDisclosureClass is how a disclosure was permitted, in the words of New York's Identifying Information Law.
	CodeDisclosureClass = list("disclosure class", `routine approved exigent`)

	// CodeLegalStandard is what a recipient had to show to be given data.
	CodeLegalStandard = list("legal standard", `
		warrant court-order subpoena statute consent contract emergency request none`)

	// CodeDeletionMethod is how data was removed: the DPV operations that remove, and destroying the key.
	CodeDeletionMethod = list("deletion method", `
		CryptographicErasure Delete Destruct Erase Remove`)

	// CodeDeletionTrigger is what made data due for deletion.
	CodeDeletionTrigger = list("deletion trigger", `
		retention-end person-request court-order contract-end error decommission policy`)

	// CodeResidual is what remains after a deletion.
	CodeResidual = list("residual", `none aggregates backups anonymized legal-hold`)

	// CodeClassification is the class of a dataset, lowest first; personal data is at least Private.
	CodeClassification = list("classification", `Public Sensitive Private Confidential`)

	// CodePII is how a dataset identifies persons: lowest first, "special" being special-category data.
	CodePII = list("personal data", `none indirect direct special`)

	// CodeScopeUnit is what the count of a scope counts.
	CodeScopeUnit = list("scope unit", `
		record person document image video camera device account case query file location`)

	// CodeOrganizationKind is what kind of body an organization is.
	CodeOrganizationKind = list("organization kind", `
		city county state national agency police health school utility university company
		nonprofit other`)

	// CodeSystemKind is what kind of thing a system is; a sensor-model is what nodes point to as their model.
	CodeSystemKind = list("system kind", `
		sensor-node sensor-model camera plate-reader kiosk database application algorithm
		network other`)

	// CodeRelation is how a person stands to the matter of an event.
	CodeRelation = list("relation", `principal incidental proxy household minor`)

	// CodeSubjectsMode is how many persons an event concerns, "unknown" when its emitter named nobody.
	CodeSubjectsMode = list("subjects mode", `none single several bulk unknown`)

	// CodeTransferSafeguard is what protects data sent to another country, after GDPR Articles 45 to 49.
	CodeTransferSafeguard = list("transfer safeguard", `
		adequacy legal-instrument binding-rules standard-clauses contractual-clauses
		code-of-conduct certification administrative-arrangement derogation none`)

	// CodeRetentionTrigger is the moment a retention period counts from.
	CodeRetentionTrigger = list("retention trigger", `
		collection last-use case-closed contract-end death other`)

	// CodeAccessReason is why access to a dataset is restricted.
	CodeAccessReason = list("access reason", `law privacy safety security contract other`)

	// CodeAssessmentKind is what an assessment looked at.
	CodeAssessmentKind = list("assessment kind", `privacy security quality bias cost energy equity outcome`)

	// CodeAlterationReason is why data was altered.
	CodeAlterationReason = list("alteration reason", `correction update merge migration person-request court-order policy`)

	// CodeAnonymization is how data was made to say nothing about persons, or less.
	CodeAnonymization = list("anonymization technique", `
		aggregation generalization suppression masking redaction noise differential-privacy
		k-anonymity synthetic tokenization pseudonymization`)

	// CodeReader is who reads sealed details.
	CodeReader = list("reader", `officer auditor`)

	// CodeBucket is a count as the public sees it, lowest first; see Bucket.
	CodeBucket = list("count bucket", `0 1 2-10 11-100 101-1k 1k-10k 10k-100k more`)

	// CodeJustification is a ground for withholding: the terms of the DPV list "justifications" that allow it.
	CodeJustification = list("justification", `
		CrimeDetectionImpaired CrimeInvestigationImpaired CrimePenaltyExecutionImpaired
		CrimePreventionImpaired CrimeProsecutionImpaired DataSubjectProtectionImpaired
		JudicialProceedingsImpaired LegallyExempted NationalSecurityImpaired
		OfficialAuthorityExerciseImpaired PublicSecurityImpaired ThirdPartyRightsImpaired`)

	// CodeSealGroup is the group of a seal's ground, all that the public learns of it.
	CodeSealGroup = list("seal group", `crime security justice rights authority`)

	// CodeLifted is what ended a seal: an officer, the day it was placed for, thirty days without a writing, or the event it was to wait for.
	CodeLifted = list("end of a seal", `officer date lapse release`)

	// CodeRequest is what a person asks for, after GDPR Articles 15 to 21.
	CodeRequest = list("request", `access rectification erasure restriction portability objection`)

	// CodeDecision is what became of a request.
	CodeDecision = list("decision", `granted partly refused extended`)

	// CodeShredded is whose keys were destroyed: a person's, or those of what an organization recorded in a month.
	CodeShredded = list("destroyed keys", `person month`)

	// CodeRotated is which key was replaced by another.
	CodeRotated = list("replaced key", `master`)

	// CodeCountry is a country, as ISO 3166-1 alpha-2.
	CodeCountry = list("country", `
		AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
		BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
		EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
		HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
		LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
		NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
		SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
		TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW`)
)
