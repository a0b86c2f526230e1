package api_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// ruled is a ledger with something in every register, and every other kind of
// entry that pages tell of.
func ruled(t testing.TB) *world {
	w := shared(t)
	at, hash := "2026-06-03T12:00:00Z", strings.Repeat("0f", 32)
	for _, x := range [][2]string{
		{"policy.proposed", `{"policy":"city/camera-policy","title":"Camera policy","url":"https://city.example/cameras","sha256":"` + hash + `","inForce":"2026-09-01","commentUntil":"2026-06-20"}`},
		{"policy.published", `{"policy":"city/privacy","title":"Privacy policy","url":"https://city.example/privacy","sha256":"` + hash + `","inForce":"2026-01-01","reviewBy":"2026-06-23"}`},
		{"policy.published", `{"policy":"city/old","title":"Old policy","url":"https://city.example/old","sha256":"` + hash + `","inForce":"2020-01-01"}`},
		{"policy.superseded", `{"policy":"city/old"}`},
		{"agreement.registered", `{"agreement":"city/county-reads","parties":["city","county"],"purposes":["ProtectionOfPublicSecurity"],"datasets":["city/reads"],"expires":"2026-12-31","sha256":"` + hash + `","onward":false}`},
		{"agreement.registered", `{"agreement":"city/past","parties":["city","nobody"],"purposes":["AcademicResearch"],"datasets":["city/reads"],"expires":"2026-06-23"}`},
		{"agreement.registered", `{"agreement":"city/stopped","parties":["city","county"],"purposes":["AcademicResearch"],"datasets":["city/short"],"expires":"2027-01-01"}`},
		{"agreement.suspended", `{"agreement":"city/stopped"}`},
		{"grant.issued", `{"grant":"city/g1","unit":"city/patrol","role":"city/analyst","datasets":["city/reads"],"purposes":["ProtectionOfPublicSecurity"],"from":"2026-06-01","until":"2026-06-23"}`},
		{"grant.issued", `{"grant":"city/g2","unit":"city/patrol","role":"city/clerk","datasets":["city/reads"],"purposes":["ProtectionOfPublicSecurity"],"from":"2026-07-01","until":"2026-12-31"}`},
		{"grant.issued", `{"grant":"city/g3","unit":"city/patrol","role":"city/chief","datasets":["city/reads"],"purposes":["ProtectionOfPublicSecurity"],"from":"2026-01-01","until":"2026-12-31"}`},
		{"grant.revoked", `{"grant":"city/g3"}`},
		{"assessment.recorded", `{"subject":"city/reads","kind":"quality","sha256":"` + hash + `","expires":"2026-06-23"}`},
		{"assessment.recorded", `{"subject":"city/a//b","kind":"security"}`},
		{"assessment.recorded", `{"subject":"city/nothing","kind":"energy"}`},
		{"system.fault", `{"system":"city/a//b","fault":"The lens was dirty. Plates were misread."}`},
		{"data.altered", `{"dataset":"city/reads","reason":"person-request","subjects":{"mode":"single","persons":[{"scheme":"plate","value":"MARKER plate"}]}}`},
		{"data.derived", `{"inputs":["city/reads"],"output":"city/short","class":"Public","subjects":{"mode":"unknown"}}`},
		{"data.derived", `{"inputs":["city/reads"],"output":"city/short","subjects":{"mode":"single","persons":[{"scheme":"plate","value":"MARKER plate"}]}}`},
		{"data.anonymized", `{"dataset":"city/reads","technique":"k-anonymity","reversible":false,"subjects":{"mode":"unknown"}}`},
		{"data.shared", `{"recipient":"county","dataset":"city/reads","agreement":"city/county-reads","disclosureClass":"routine","legalStandard":"statute","subjects":{"mode":"unknown"}}`},
		{"data.shared", `{"recipient":"county","dataset":"city/reads","agreement":"city/unheard-of","subjects":{"mode":"unknown"}}`},
		{"emitter.onboarded", `{"emitter":"city/app","rhythm":"PT1H"}`},
		{"emitter.counted", `{"emitter":"city/app","on":"2026-06-24","count":24,"unnamed":2,"missing":0}`},
		{"emitter.silent", `{"emitter":"city/app","since":"2026-06-20"}`},
		{"emitter.gap", `{"emitter":"city/app","missing":1}`},
		{"emitter.offboarded", `{"emitter":"city/app"}`},
		{"ledger.read", `{"role":"officer","count":30,"subjects":{"mode":"none"}}`},
		{"ledger.read", `{"role":"auditor","count":1,"subjects":{"mode":"single","persons":[{"scheme":"plate","value":"MARKER plate"}]}}`},
	} {
		w.say("city", x[0], at, x[1])
	}
	w.say("county", "assessment.recorded", at, `{"subject":"city/reads","kind":"bias"}`)
	w.publish()
	w.now = recorded
	return w
}

// isPage says that an address of ours is a page for people, and not the one of a file
// of its own that checks.
func isPage(href string) bool {
	for _, other := range []string{"/v1/", "/assets/", "/checkpoint", "/tile/", "/openapi", "/verify"} {
		if strings.HasPrefix(href, other) {
			return false
		}
	}
	return strings.HasPrefix(href, "/")
}

// TestEveryLinkedPage walks from the first page to every page there is, and
// holds each against what a screen reader needs.
func TestEveryLinkedPage(t *testing.T) {
	w := ruled(t)
	queue, seen := []string{"/"}, map[string]bool{"/": true}
	for ; len(queue) > 0 && !t.Failed(); queue = queue[1:] {
		got := w.do("GET", queue[0], "text/html")
		page := got.Body.String()
		if got.Code != 200 {
			t.Errorf("%s: %d", queue[0], got.Code)
		}
		all := parse(t, forXML(page))
		checkPage(t, all)
		for _, not := range []string{"<script", " style=", "MARKER", "<no value>", "%!", ">?<"} {
			if strings.Contains(page, not) && (queue[0] != "/trail" || not != "<script") {
				t.Errorf("%s has %q", queue[0], not)
			}
		}
		for _, e := range all {
			if href := e.attr["href"]; isPage(href) && !seen[href] {
				seen[href] = true
				queue = append(queue, href)
			}
		}
	}
	if len(seen) < 90 {
		t.Errorf("only %d pages", len(seen))
	}
}

// mainText is what the main part of a page says.
func mainText(t *testing.T, w *world, path string) string {
	t.Helper()
	all := parse(t, forXML(w.do("GET", path, "text/html").Body.String()))
	i := slices.IndexFunc(all, func(e *element) bool { return e.name == "main" })
	return strings.Join(strings.Fields(all[i].text), " ")
}

// TestRulesInWords reads the registers of what use is held against.
func TestRulesInWords(t *testing.T) {
	w := ruled(t)
	hash := strings.Repeat("0f", 32)
	for path, want := range map[string][]string{
		"/register": {"Policies", "Agreements", "Permissions", "Activities"},
		"/register/policy": {
			"Camera policy", "1 September 2026", "Privacy policy", "no longer applies since 3 June 2026", "1.1, publishing policies",
		},
		"/register/policy/city/camera-policy": {"In force from 1 September 2026 not in force yet", "Comments are taken until 20 June 2026 closed", "https://city.example/cameras", hash},
		"/register/policy/city/privacy":       {"In force from 1 January 2026 To be", "To be reviewed by 23 June 2026 the review is past due"},
		"/register/policy/city/old":           {"No longer applies since 3 June 2026."},
		"/register/agreement":                 {"& Co and County", "31 December 2026", "23 June 2026 (expired)", "suspended since 3 June 2026", "an organization not in the register"},
		"/register/agreement/city/county-reads": {
			"Ends on 31 December 2026 Registered on 3 June 2026", "Parties City", "Plate reads", "May be passed on no", "protection of public security", hash, "who received what",
		},
		"/register/agreement/city/past":         {"Ends on 23 June 2026 expired", "May be passed on not filled in", "SHA-256 of the text not filled in"},
		"/register/agreement/city/stopped":      {"Suspended since 3 June 2026."},
		"/register/grant":                       {"city/analyst", "23 June 2026 (expired)"},
		"/register/grant/city/g1":               {"Until 23 June 2026 expired", "Role city/analyst", "Unit city/patrol"},
		"/register/grant/city/g2":               {"From 1 July 2026 not begun yet"},
		"/register/grant/city/g3":               {"Revoked on 3 June 2026."},
		"/register/grant/city/g1?at=2026-06-24": {"as it was recorded by the end of 24 June 2026"},
		"/register/dataset/city/reads": {
			"city/past (expired 23 June 2026)", "city/county-reads", "city/g3 (revoked on 3 June 2026)", "Kept for 1 year 6 months", "Format not filled in",
			"QualityRecorded on 3 June 2026Valid until 23 June 2026 (expired)", "Biasnot filled in", "Assessment recorded by County, which does not answer for it",
		},
		"/register/system/city%2Fa%2F%2Fb":       {"3 June 2026: The lens was dirty. Plates were misread.", "SecurityRecorded on 3 June 2026Valid until: not filled in", "Fault of a system"},
		"/register/organization/city":            {"Privacy policy", "city/county-reads", "city/g2"},
		"/register/activity/city/search":         {"Contact not filled in", "Keeps Plate reads 1 year 6 months", "Outcomenot filled in"},
		"/sharing":                               {"agreement city/county-reads", "agreement not in the register"},
		"/sharing?agreement=city%2Fcounty-reads": {"One by one"},
	} {
		text := mainText(t, w, path)
		for _, s := range want {
			if !strings.Contains(text, s) {
				t.Errorf("%s does not say %q:\n%s", path, s, text)
			}
		}
	}
}

// TestDueDaysAreLocal asks two hours after midnight in UTC, when the day of the
// organization is still the one before.
func TestDueDaysAreLocal(t *testing.T) {
	w := ruled(t)
	for now, want := range map[time.Time]bool{
		time.Date(2026, 6, 24, 6, 59, 0, 0, time.UTC): false,
		time.Date(2026, 6, 24, 7, 0, 0, 0, time.UTC):  true,
	} {
		w.now = now
		if got := strings.Contains(mainText(t, w, "/register/agreement/city/past"), "expired"); got != want {
			t.Errorf("at %s the agreement is expired: %v", now, got)
		}
	}
}

// TestInventedOrganizations holds that what the invented city names is as
// invented as itself: marked, and in no count of real ones.
func TestInventedOrganizations(t *testing.T) {
	w := newWorld(t)
	at := "2026-06-03T12:00:00Z"
	w.say("city", "organization.registered", at, `{"organization":"city","name":"City","kind":"city","timeZone":"UTC"}`)
	w.say("example/clinic", "organization.registered", at, `{"organization":"example/clinic","name":"Clinic","kind":"health","timeZone":"UTC"}`)
	w.say("examples", "organization.registered", at, `{"organization":"examples","name":"A firm of that name","kind":"company","timeZone":"UTC"}`)
	w.publish()
	for path, want := range map[string][]string{
		"/":                                     {"2 register entries", "1 register entry", "From 2 organizations."},
		"/register":                             {"Organizations (2, and 1 invented)"},
		"/register/organization/example/clinic": {"Nothing on this page is real."},
		"/entries/2":                            {"Nothing on this page is real."},
	} {
		text := mainText(t, w, path)
		if path == "/" {
			text = figures(parse(t, forXML(w.do("GET", path, "text/html").Body.String())))
		}
		for _, s := range want {
			if !strings.Contains(text, s) {
				t.Errorf("%s does not say %q:\n%s", path, s, text)
			}
		}
	}
	if text := mainText(t, w, "/register/organization/examples"); strings.Contains(text, "invented") {
		t.Errorf("a real organization is marked as invented:\n%s", text)
	}
}
