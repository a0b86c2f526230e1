package events

import (
	"slices"
	"strings"
)

// kinds is the table of everything that may happen, sorted by name.
var kinds = slices.SortedFunc(slices.Values(slices.Concat(registerKinds(), ruleKinds(), dataKinds(), ledgerKinds(), officerKinds(), laterKinds())),
	func(a, b *Kind) int { return strings.Compare(a.Name, b.Name) })

func registerKinds() []*Kind {
	organization := []Field{
		ref("organization", "").must(), prose("name").must(), code("kind", CodeOrganizationKind).must().as("organizationKind"),
		plain("timeZone", Zone).must(), prose("contact"), ref("parent", "organization"),
	}
	place := []Field{prose("place.address"), plain("place.lat", Decimal), plain("place.lon", Decimal)}
	system := append([]Field{
		ref("system", "").must(), prose("name").must(), code("kind", CodeSystemKind).must().as("systemKind"),
		prose("description"), ref("model", "system"), ref("operator", "organization"), prose("hostAsset"),
		ref("network", ""), ref("capabilities", "").many(), ref("datasets", "dataset").many(),
		plain("starts", Date), plain("ends", Date), plain("noticeUrl", Link),
	}, place...)
	dataset := []Field{
		ref("dataset", "").must(), prose("title").must(), code("categories", CodeDataCategory).many(),
		code("classification", CodeClassification), code("pii", CodePII), ref("owner", "organization"),
		ref("format", ""), ref("licence", ""), plain("access.open", Flag),
		code("access.restricted", CodeAccessReason), ref("inputs", "dataset").many(),
	}
	activity := []Field{
		ref("activity", "").must(), prose("title").must(), code("purposes", CodePurpose).many(),
		ref("datasets", "dataset").many(), code("legalBasis", CodeLegalBasis), prose("authority"),
		ref("recipients", "organization").many(), ref("systems", "system").many(),
		code("subjectsExpected", CodeSubjectsMode),
	}
	return []*Kind{
		register("organization.registered", organization...),
		register("organization.changed", amend(organization)...),
		register("system.registered", system...),
		register("system.changed", amend(system)...),
		moved(register("system.moved", append([]Field{ref("system", "system").must()}, place...)...)),
		register("system.decommissioned", ref("system", "system").must(), plain("on", Date).must(), plain("mediaSanitized", Flag)),
		register("dataset.registered", dataset...),
		register("dataset.reclassified", amend(dataset, "classification")...),
		register("dataset.retired", ref("dataset", "dataset").must(), plain("on", Date)),
		register("activity.registered", activity...),
		effect(Amends, register("activity.superseded", amend(activity)...)),
		object("dataset", register("retention.set",
			ref("dataset", "dataset").must(), plain("period", Period).must(), code("trigger", CodeRetentionTrigger),
			code("method", CodeDeletionMethod), prose("authority"))),
		register("system.fault", ref("system", "system").must(), prose("fault").must()),
	}
}

// ruleKinds are the registers of what use is held against: policies,
// agreements, grants and assessments.
func ruleKinds() []*Kind {
	policy := []Field{
		ref("policy", "").must(), prose("title").must(), plain("url", Link).must(), plain("sha256", Hash).must(),
		plain("inForce", Date).must(), plain("reviewBy", Date), plain("commentUntil", Date),
	}
	agreement := []Field{
		ref("agreement", "").must(), ref("parties", "organization").many().must(), code("purposes", CodePurpose).many().must(),
		ref("datasets", "dataset").many().must(), plain("expires", Date).must(), plain("sha256", Hash), plain("onward", Flag),
	}
	grant := []Field{
		ref("grant", "").must(), ref("unit", "").must(), ref("role", "").must(), ref("datasets", "dataset").many().must(),
		code("purposes", CodePurpose).many().must(), plain("from", Date).must(), plain("until", Date).must(),
	}
	return []*Kind{
		register("policy.proposed", policy...),
		register("policy.published", policy...),
		effect(Ends, register("policy.superseded", amend(policy)...)),
		register("agreement.registered", agreement...),
		register("agreement.amended", amend(agreement)...),
		register("agreement.suspended", amend(agreement)...),
		register("agreement.terminated", amend(agreement)...),
		register("grant.issued", grant...),
		register("grant.revoked", amend(grant)...),
		object("", register("assessment.recorded",
			ref("subject", AnyRegister).must(), code("kind", CodeAssessmentKind).must().as("assessmentKind"),
			plain("sha256", Hash), plain("expires", Date))),
	}
}

// amend is the table of a kind that changes something registered before: only
// the reference, now one the register must know, and the named fields remain
// required.
func amend(fields []Field, required ...string) []Field {
	out := slices.Clone(fields)
	if out[0].Path != "organization" { // an entry always shows its organization, known or not
		out[0].Register = out[0].Path
	}
	for i := range out[1:] {
		out[i+1].Required = slices.Contains(required, out[i+1].Path)
	}
	return out
}

func register(name string, fields ...Field) *Kind {
	fields = append(slices.Clone(fields), sealed("sequence", Number, Committed))
	of, verb, _ := strings.Cut(name, ".")
	return kind(&Kind{Name: name, By: Registrar, Open: true, Object: of, Effect: effects[verb], Fields: fields})
}

// effects is what each verb of a register kind does to its object.
var effects = map[string]Effect{
	"registered": Begins, "proposed": Begins, "published": Begins, "issued": Begins,
	"changed": Amends, "reclassified": Amends, "amended": Amends, "set": Notes, "fault": Notes, "recorded": Notes,
	"moved": Moves, "decommissioned": Ends, "retired": Ends, "suspended": Ends, "terminated": Ends, "revoked": Ends,
}

func moved(k *Kind) *Kind { k.Needs = "place"; return k }

func object(name string, k *Kind) *Kind { k.Object = name; return k }

func effect(e Effect, k *Kind) *Kind { k.Effect = e; return k }

func kind(k *Kind) *Kind {
	slices.SortFunc(k.Fields, func(a, b Field) int { return strings.Compare(a.Path, b.Path) })
	k.given, k.shown = map[string]*Field{}, map[string]*Field{}
	for i := range k.Fields {
		f := &k.Fields[i]
		enter(k.given, f.Path, f)
		if !isEnvelope(f.shown()) {
			enter(k.shown, f.shown(), f)
		}
		if f.Required {
			k.required = append(k.required, f)
		}
	}
	k.ownSlots = k.countSlots()
	return k
}

// enter puts f under its path, and nil under the objects it is in.
func enter(byPath map[string]*Field, path string, f *Field) {
	byPath[path] = f
	for i, c := range path {
		if c == '.' {
			byPath[path[:i]] = nil
		}
	}
}

func dataKinds() []*Kind {
	dataset := ref("dataset", "dataset")
	system := ref("system", "system")
	return []*Kind{
		data("data.collected", dataset.must(), system.must(), plain("occurredUntil", Instant), plain("records", Count)),
		data("data.accessed", system.must(), dataset, code("operation", CodeProcessing).must(),
			code("outcome", CodeOutcome).must(), code("scope.unit", CodeScopeUnit), plain("scope.count", Count),
			plain("lookBack", Period), sealed("query", Prose, Officers)),
		data("data.shared", ref("recipient", "organization").must(), dataset.must(),
			code("disclosureClass", CodeDisclosureClass), code("legalStandard", CodeLegalStandard),
			ref("agreement", "agreement"), ref("approval", "approval"), code("transfer.country", CodeCountry),
			code("transfer.safeguard", CodeTransferSafeguard)),
		data("data.received", plain("counterpart", Name).must(), dataset.must()),
		data("data.deleted", dataset.must(), code("method", CodeDeletionMethod).must(),
			code("trigger", CodeDeletionTrigger).must(), plain("records", Count), plain("backupsUntil", Date),
			code("residual", CodeResidual), plain("counterpart", Name)), // the decision that it was told of
		data("data.altered", dataset.must(), code("reason", CodeAlterationReason)),
		data("data.derived", ref("inputs", "dataset").many().must(), ref("output", "dataset").must(),
			code("class", CodeClassification)),
		data("data.anonymized", dataset.must(), code("technique", CodeAnonymization).must(), plain("reversible", Flag)),
	}
}

// data is a kind that says how data was used, with the fields all of them take.
func data(name string, fields ...Field) *Kind {
	fields = append(fields,
		plain("subjects", Persons).must(), ref("activity", "activity"), ref("processor", "organization"),
		code("purpose", CodePurpose), code("legalBasis", CodeLegalBasis), code("automation", CodeAutomation),
		plain("emergency", Flag), sealed("sequence", Number, Committed),
		sealed("actor.id", Line, Officers), sealed("actor.role", Reference, SealedAll),
		sealed("actor.unit", Reference, SealedAll), sealed("reasonText", Prose, Officers),
		sealed("caseRef", Line, Officers))
	return kind(&Kind{Name: name, By: Emitter, Open: true, Coarse: true, Fields: fields})
}

// ledgerKinds are written by the ledger about itself. The entries of the first
// two have their own form, see Entry; the others are composed like an emitter's,
// with the source "daybook" and the organization they are about.
func ledgerKinds() []*Kind {
	emitter := ref("emitter", "").must() // a source
	return []*Kind{
		{Name: "ledger.opened", By: RoleLedger, Open: true},
		{Name: "subject.enrolled", By: RoleLedger, Open: true},
		coarse(own("ledger.read", code("role", CodeReader).must(), plain("count", Count).must(), plain("subjects", Persons).must(),
			sealed("reader", Line, Officers), sealed("filter", Prose, Officers), sealed("positions", Prose, Officers))),
		own("emitter.onboarded", emitter, plain("rhythm", Period)),
		own("emitter.counted", emitter, plain("on", Date).must(), plain("count", Number).must(), plain("unnamed", Number).must(),
			plain("missing", Number).must()),
		own("emitter.silent", emitter, plain("since", Date).must()),
		own("emitter.gap", emitter, plain("missing", Number).must()),
		own("emitter.offboarded", emitter),
		// What was hidden from the person, as an event of her own trail.
		coarse(own("event.disclosed", plain("subjects", Persons).must(), sealed("seal", Named, Hers), sealed("key", Key, Hers),
			sealed("events", Number, Hers))),
		// A card that opens her trail was given to the person; and her trail goes on
		// under another root key, of which this is the last tag before.
		coarse(own("trail.issued", plain("subjects", Persons).must(), sealed("officer", Line, Officers))),
		coarse(own("trail.rotated", plain("subjects", Persons).must(), sealed("officer", Line, Officers))),
		// Of a person's keys, under her last tag, or of a month's.
		coarse(own("key.shredded", code("what", CodeShredded).must(), plain("subjects", Persons).must(), plain("shred", Named),
			plain("month", Month), plain("backupsUntil", Date))),
		whole(own("key.rotated", code("what", CodeRotated).must())),
		// Who cosigns the log from here on, and which quorum of them it needs. When only
		// that changes, the witnesses are added again.
		whole(own("witness.added", ref("witness", "").must(), plain("key", WitnessKey).must(), plain("policy", Policy).must())),
		whole(own("witness.removed", ref("witness", "").must(), plain("key", WitnessKey).must(), plain("policy", Policy).must())),
		// The page by which anybody checks what this ledger gave, as it is served now.
		whole(own("verifier.published", plain("sha256", Hash).must())),
	}
}

// officerKinds are said by officers through their desk, which puts them under
// the source "daybook", so that they are numbered, sealed and tagged like what the
// ledger says itself.
func officerKinds() []*Kind {
	subjects := plain("subjects", Persons).must()
	officer := sealed("officer", Line, Officers) // the name of the token
	about := plain("about", Named).must()        // of the request.received
	seal := plain("seal", Named).must()          // of the seal.placed
	standing := []Field{
		subjects, plain("reviewIn", Quarter).must(), sealed("reviewBy", Date, Officers), sealed("until", Date, SealedAll),
		officer, sealed("approver", Line, Officers),
	}
	return []*Kind{
		sealing(said("seal.placed", append(standing, code("group", CodeSealGroup).must(), sealedCode("ground", CodeJustification, SealedAll),
			sealed("systems", Reference, Officers).many(), sealed("caseRef", Line, Officers), sealed("oral", Flag, Officers),
			sealed("releasedBy", Named, Officers))...)),
		sealing(said("seal.extended", append(standing, seal)...)),
		sealing(said("seal.lifted", subjects, seal, code("how", CodeLifted).must(), officer)),
		said("event.corrected", subjects, plain("corrects", Named).must(), code("reason", CodeAlterationReason).must(),
			sealed("statement", Prose, SealedAll), officer),
		said("request.received", subjects, code("request", CodeRequest).must(), officer),
		said("request.decided", subjects, about, code("decision", CodeDecision).must(), code("ground", CodeJustification),
			sealed("statement", Prose, SealedAll), officer),
		said("request.answered", subjects, about, ref("recipient", "organization"), officer),
	}
}

func said(name string, fields ...Field) *Kind {
	return kind(&Kind{Name: name, By: Officer, Open: true, Coarse: true, Fields: slices.Clone(fields)})
}

func sealing(k *Kind) *Kind { k.Seals = true; return k }

func whole(k *Kind) *Kind { k.Whole = true; return k }

func own(name string, fields ...Field) *Kind {
	return kind(&Kind{Name: name, By: RoleLedger, Open: true, Fields: fields})
}

func coarse(k *Kind) *Kind { k.Coarse = true; k.ownSlots = k.countSlots(); return k }

// laterKinds are named and not open yet, so that an emitter is told
// "kind-not-open" and never "unknown".
func laterKinds() []*Kind {
	later := map[Role]string{
		Officer: "dispute.opened dispute.decided consent.given consent.withdrawn restriction.placed " +
			"restriction.lifted notification.sent approval.requested approval.decided hold.placed hold.lifted " +
			"deviation.declared legalrequest.received breach.detected breach.reported breach.closed " +
			"review.planned review.recorded attestation.made",
	}
	var out []*Kind
	for role, names := range later {
		for name := range strings.FieldsSeq(names) {
			out = append(out, &Kind{Name: name, By: role})
		}
	}
	return out
}
