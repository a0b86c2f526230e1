package events

import (
	"regexp"
	"slices"
	"testing"
)

var allCodes = []*Code{
	CodePurpose, CodeProcessing, CodeLegalBasis, CodeDataCategory, CodeJustification,
	CodeSubjectKind, CodeOutcome, CodeAutomation, CodeDisclosureClass, CodeLegalStandard,
	CodeDeletionMethod, CodeDeletionTrigger, CodeResidual, CodeClassification, CodePII,
	CodeScopeUnit, CodeOrganizationKind, CodeSystemKind, CodeRelation, CodeSubjectsMode,
	CodeTransferSafeguard, CodeRetentionTrigger, CodeAccessReason, CodeBucket, CodeCountry,
}

func TestCodeTerms(t *testing.T) {
	grammar := regexp.MustCompile(`^[A-Za-z0-9:._-]+$`)
	names := map[string]bool{}
	for _, c := range allCodes {
		if c.Name() == "" || names[c.Name()] {
			t.Errorf("the name %q is empty or used twice", c.Name())
		}
		names[c.Name()] = true
		terms := c.Terms()
		if n := len(slices.Compact(slices.Sorted(slices.Values(terms)))); n != len(terms) || n < 2 {
			t.Errorf("%s: %d terms, %d of them distinct", c.Name(), len(terms), n)
		}
		for _, term := range terms {
			if !grammar.MatchString(term) || len(term) > 48 {
				t.Errorf("%s: %q is not a term", c.Name(), term)
			}
			if !c.Has(term) || c.Has(term+"x") || c.Has("") {
				t.Errorf("%s: Has does not tell %q from its neighbours", c.Name(), term)
			}
		}
	}
}

func TestCodeSizes(t *testing.T) {
	for c, want := range map[*Code]int{
		CodePurpose: 121, CodeProcessing: 55, CodeLegalBasis: 60, CodeDataCategory: 265,
		CodeSubjectKind: 32, CodeJustification: 12, CodeCountry: 249, CodeBucket: 8,
	} {
		if n := len(c.Terms()); n != want {
			t.Errorf("%s: %d terms, want %d", c.Name(), n, want)
		}
	}
	if !CodeLegalBasis.Has("eu-gdpr:A6-1-e") || !CodeProcessing.Has("Query") || CodeProcessing.Has("query") {
		t.Error("a well known term is missing, or letter case is ignored")
	}
	for _, method := range CodeDeletionMethod.Terms() {
		if method != "CryptographicErasure" && !CodeProcessing.Has(method) {
			t.Errorf("%s is not an operation of the DPV", method)
		}
	}
}

func TestTermsAreACopy(t *testing.T) {
	CodeOutcome.Terms()[0] = "changed"
	if CodeOutcome.Terms()[0] != "success" {
		t.Error("a caller can change the list")
	}
}

func TestBucket(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0", 1: "1", 2: "2-10", 10: "2-10", 11: "11-100", 100: "11-100",
		101: "101-1k", 1_000: "101-1k", 1_001: "1k-10k", 10_000: "1k-10k",
		10_001: "10k-100k", 100_000: "10k-100k", 100_001: "more", 1<<64 - 1: "more",
	} {
		if have := Bucket(n); have != want {
			t.Errorf("Bucket(%d) = %q, want %q", n, have, want)
		}
	}
}

func TestClassRank(t *testing.T) {
	for rank, class := range []string{"Public", "Sensitive", "Private", "Confidential"} {
		if have := ClassRank(class); have != rank {
			t.Errorf("ClassRank(%q) = %d, want %d", class, have, rank)
		}
	}
	if ClassRank("") != -1 || ClassRank("public") != -1 {
		t.Error("a text that is no class has a rank")
	}
}
