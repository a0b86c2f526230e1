package events

// sealGroups puts every ground of CodeJustification into a group of
// CodeSealGroup. Of a ground the public learns the group alone: a finer word
// would narrow down whom it can be about.
var sealGroups = map[string]string{
	"CrimeDetectionImpaired":            "crime",
	"CrimeInvestigationImpaired":        "crime",
	"CrimePenaltyExecutionImpaired":     "crime",
	"CrimePreventionImpaired":           "crime",
	"CrimeProsecutionImpaired":          "crime",
	"NationalSecurityImpaired":          "security",
	"PublicSecurityImpaired":            "security",
	"JudicialProceedingsImpaired":       "justice",
	"DataSubjectProtectionImpaired":     "rights",
	"ThirdPartyRightsImpaired":          "rights",
	"LegallyExempted":                   "authority",
	"OfficialAuthorityExerciseImpaired": "authority",
}

// SealGroup is the term of CodeSealGroup for a ground of CodeJustification, and
// "" for any other text:
//
//	crime      Crime…Impaired, of detection, investigation, penalty execution, prevention and prosecution
//	security   NationalSecurityImpaired, PublicSecurityImpaired
//	justice    JudicialProceedingsImpaired
//	rights     DataSubjectProtectionImpaired, ThirdPartyRightsImpaired
//	authority  LegallyExempted, OfficialAuthorityExerciseImpaired
func SealGroup(ground string) string { return sealGroups[ground] }
