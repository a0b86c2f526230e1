package projections

import (
	"fmt"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

func pick(w *world, from ...string) string { return from[w.rng.IntN(len(from))] }

// live says n events of every open kind at random.
func (w *world) live(n int) []events.Stored {
	w.open()
	for len(w.out) < n {
		organization := pick(w, "eugene-police", "array-of-things", "chicago", ExampleOrganization)
		at := fmt.Sprintf("2026-06-%02dT%02d:30:00Z", 15+w.rng.IntN(14), w.rng.IntN(24))
		system, dataset := pick(w, "s/1", "s/2", "s", "s-3"), pick(w, "d/1", "d/2", "d/3", "d")
		switch n := w.rng.IntN(24); {
		case n < 9:
			w.register(organization, system, dataset, at)
		case n == 9:
			w.announce(organization, at)
		default:
			w.use(organization, system, dataset, at)
		}
	}
	return w.out
}

func (w *world) register(organization, system, dataset, at string) {
	title := fmt.Sprintf("'Title “%d”'", w.rng.IntN(100))
	said := [][2]string{
		{"organization.registered", "{'organization':'" + organization + "','name':" + title + ",'kind':'city','timeZone':'America/Chicago'}"},
		{"system.registered", "{'system':'" + system + "','name':" + title + ",'kind':'camera','starts':'" + pick(w, "2026-06-16", "2026-06-28") + "','model':'s-3','datasets':['" + dataset + "'],'place':{'lat':'41.8','lon':'-87.6'}}"},
		{"system.changed", "{'system':'" + system + "','starts':'2026-01-01','ends':'" + pick(w, "2026-06-18", "2026-07-01") + "','place':{'lat':'41.9'}}"},
		{"system.moved", "{'system':'" + system + "','place':{'address':" + title + "}}"},
		{"system.decommissioned", "{'system':'" + system + "','on':'" + pick(w, "2026-06-20", "2026-07-01") + "','mediaSanitized':true}"},
		{"dataset.registered", "{'dataset':'" + dataset + "','title':" + title + ",'access':{'open':false,'restricted':'privacy'}}"},
		{"dataset.reclassified", "{'dataset':'" + dataset + "','classification':'" + pick(w, "Public", "Sensitive", "Private") + "','pii':'" + pick(w, "none", "direct") + "'}"},
		{"dataset.retired", "{'dataset':'" + dataset + "'}"},
		{"retention.set", "{'dataset':'" + dataset + "','period':'" + pick(w, "P30D", "P1M", "PT36H", "P2D") + "','method':'Erase'}"},
		{"activity.registered", "{'activity':'a/1','title':" + title + ",'systems':['" + system + "'],'subjectsExpected':'" + pick(w, "none", "bulk") + "'}"},
		{"activity.superseded", "{'activity':'a/1','datasets':['" + dataset + "'],'purposes':['" + pick(w, purposes...) + "']}"},
		{"activity.superseded", "{'activity':'a/1','" + pick(w, "legalBasis':'"+legalBasis, "authority':'ORS 1.2") + "'}"},
		{"system.fault", "{'system':'" + system + "','fault':" + title + "}"},
		{"assessment.recorded", "{'subject':'" + pick(w, system, dataset, organization, "a/1", "x") + "','kind':'" + pick(w, "privacy", "bias") + "','expires':'2027-01-01'}"},
		{pick(w, "policy.proposed", "policy.published"), "{'policy':'p','title':" + title + ",'url':'https://example.org/p','sha256':'" + strings.Repeat("0a", 32) + "','inForce':'2026-07-01'}"},
		{"policy.superseded", "{'policy':'p'}"},
	}
	said = append(append(said, w.agreements(organization, dataset)...), w.grants(dataset)...)
	if w.known["organization "+organization] {
		said = append(said, [2]string{"organization.changed", "{'organization':'" + organization + "','contact':" + title + "}"})
	}
	one := said[w.rng.IntN(len(said))]
	w.say(one[0], organization, at, one[1])
}

func (w *world) agreements(organization, dataset string) [][2]string {
	out := [][2]string{
		{pick(w, "agreement.suspended", "agreement.terminated"), "{'agreement':'g/1'}"},
		{"agreement.amended", "{'agreement':'g/1','expires':'" + pick(w, "2026-06-20", "2026-08-01") + "'}"},
	}
	for range 4 {
		parties := "'" + organization + "','" + pick(w, "chicago", "eugene-police") + "'"
		out = append(out, [2]string{"agreement.registered", "{'agreement':'" + pick(w, "g/1", "g/2") + "','parties':[" + parties + "],'purposes':['" +
			purposes[0] + "'],'datasets':['" + dataset + "','d/1','d/2'],'expires':'" + pick(w, "2026-06-20", "2026-08-01") + "'}"})
	}
	return out
}

func (w *world) grants(dataset string) [][2]string {
	out := [][2]string{{"grant.revoked", "{'grant':'t/1'" + pick(w, "", ",'role':'lead'") + "}"}}
	for range 4 {
		out = append(out, [2]string{"grant.issued", "{'grant':'" + pick(w, "t/1", "t/2", "t/3", "t/4") + "','unit':'u/1','role':'" + pick(w, "clerk", "lead") + "','datasets':['d/1','d/2','" +
			dataset + "'],'purposes':['" + pick(w, purposes...) + "'],'from':'2026-06-16','until':'" + pick(w, "2026-06-20", "2026-08-01") + "'}"})
	}
	return out
}

// announce lets the ledger speak of an organization's source.
func (w *world) announce(organization, at string) {
	of := "'emitter':'" + organization + "'"
	said := [][2]string{
		{"emitter.onboarded", "{" + of + ",'rhythm':'P1D'}"},
		{"emitter.counted", "{" + of + ",'on':'" + at[:10] + "','count':3,'unnamed':1,'missing':0}"},
		{"emitter.silent", "{" + of + ",'since':'" + at[:10] + "'}"},
		{"emitter.gap", "{" + of + ",'missing':2}"},
		{"emitter.offboarded", "{" + of + "}"},
		{"ledger.read", "{'role':'officer','count':3,'reader':'ann','subjects':{'mode':'none'}}"},
	}
	one := said[w.rng.IntN(len(said))]
	w.tell(one[0], organization, at, one[1])
}

var (
	purposes   = events.CodePurpose.Terms()[:3]
	legalBasis = events.CodeLegalBasis.Terms()[0]
)

func (w *world) use(organization, system, dataset, at string) {
	one, other := "{'scheme':'email','value':'x@example.org'}", "{'scheme':'plate','value':'ABC 123','relation':'minor'}"
	subjects := pick(w, "{'mode':'none'}", "{'mode':'unknown'}", "{'mode':'single','persons':["+one+"]}", "{'mode':'several','persons':["+one+","+other+"]}",
		"{'mode':'bulk','parts':2}", "{'mode':'bulk','part':2,'parts':2,'partOf':'1','persons':["+one+","+other+"]}")
	both := "'dataset':'" + dataset + "','subjects':" + subjects
	for _, more := range []string{
		",'activity':'a/1'", ",'actor':{'id':'" + pick(w, "ann", "bob") + "','unit':'u/1','role':'" + pick(w, "clerk", "lead") + "'}", ",'purpose':'" + pick(w, purposes...) + "'",
		",'sequence':" + fmt.Sprint(w.rng.IntN(120)), ",'reasonText':'why'", ",'legalBasis':'" + legalBasis + "'",
	} {
		if w.rng.IntN(2) == 0 {
			both += more
		}
	}
	switch w.rng.IntN(10) {
	case 0:
		w.say("data.collected", organization, at, "{"+both+",'system':'"+system+"','records':40}")
	case 1, 2:
		more := pick(w, "", ",'disclosureClass':'routine'", ",'disclosureClass':'exigent','legalStandard':'warrant'")
		more += pick(w, "", ",'agreement':'g/1'", ",'agreement':'g/1'", ",'agreement':'g/2'", ",'agreement':'g/9'")
		w.say("data.shared", organization, at, "{"+both+more+",'recipient':'"+pick(w, "chicago", "eugene-police", "nobody")+"'}")
	case 3:
		w.say("data.deleted", organization, at, "{"+both+",'method':'Erase','trigger':'"+pick(w, "retention-end", "person-request")+"'}")
	case 4:
		w.enrol()
	case 5:
		w.say("data.received", organization, at, "{"+both+",'counterpart':{'organization':'chicago','source':'chicago','id':'1'}}")
	case 6:
		of := strings.TrimPrefix(both, "'dataset':'"+dataset+"',")
		switch w.rng.IntN(3) {
		case 0:
			w.say("data.derived", organization, at, "{"+of+",'inputs':['d/1','"+dataset+"'],'output':'d/2'}")
		case 1:
			w.say("data.anonymized", organization, at, "{"+both+",'technique':'"+events.CodeAnonymization.Terms()[0]+"'}")
		default:
			w.say("data.altered", organization, at, "{"+both+",'reason':'correction'}")
		}
	default:
		w.say("data.accessed", organization, at, "{"+both+",'system':'"+system+"','operation':'Query','outcome':'"+pick(w, "unstated", "denied")+
			"','lookBack':'"+pick(w, "P30D", "PT1H", "P1Y")+"'}")
	}
}
