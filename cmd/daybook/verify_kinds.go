package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// proof says what a proof of an entry shows.
func (t trust) proof(b []byte) error {
	p, err := proof.ParseProof(b)
	if err != nil {
		return refuse(err)
	}
	return t.explained(t.proved(p), func() []proof.Step { return p.Explain(t.key, t.policy) })
}

func (t trust) proved(p proof.Proof) error {
	if err := t.signedHere(p.Note); err != nil {
		return err
	}
	c, err := p.Verify(t.key)
	if err != nil {
		return refuse(err)
	}
	entry, err := events.ParseEntry(p.Extra)
	if err != nil {
		return exitWith(exitInvalid, "NOT VALID: the log has this entry, and it is no Daybook entry: %w", err)
	}
	said := &claims{}
	said.leaf(p, c, t.whose())
	if err := t.attested(said, p.Note, t.key); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "VALID: 1 entry checked\n\n")
	printEntry(t.out, p, c, entry)
	said.doubt("what the %d private digests commit to", len(entry.Texts("_sd")))
	said.print(t.out)
	return nil
}

// leaf is what a proof shows of an entry.
func (c *claims) leaf(p proof.Proof, at proof.Checkpoint, whose string) {
	c.check("the entry's bytes hash to a leaf")
	c.check("%d hashes lead from it to the root of the log at size %d", len(p.Path), at.Size)
	c.check("the root is signed by %s", whose)
}

// presentation says what somebody shows of an entry about her, and what not.
func (t trust) presentation(b []byte) error {
	p, err := proof.ParsePresentation(b)
	if err != nil {
		return refuse(err)
	}
	return t.explained(t.presented(p), func() []proof.Step { return p.Explain(t.key, t.policy) })
}

func (t trust) presented(p proof.Presentation) error {
	if err := t.signedHere(p.Proof.Note); err != nil {
		return err
	}
	shown, err := p.Verify(t.key)
	if err != nil {
		return refuse(err)
	}
	said := &claims{}
	said.leaf(p.Proof, shown.Checkpoint, t.whose())
	said.check("the event key makes one of the entry's tags")
	said.check("the entry commits to each field shown")
	said.doubt("that who gave you the file is the person concerned")
	said.doubt("that what was recorded is true")
	if err := t.attested(said, p.Proof.Note, t.key); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "VALID: 1 entry checked, with what the person it concerns chose to show\n\n")
	printEntry(t.out, p.Proof, shown.Checkpoint, shown.Entry)
	fmt.Fprintf(t.out, "\nShown by the person:\n")
	for _, d := range p.Disclosures {
		text := d.Value.Text()
		if text == "" {
			text = string(d.Value.Append(nil))
		}
		fmt.Fprintf(t.out, "  %-13s %s\n", d.Name, oneLine(text))
	}
	if len(p.Disclosures) == 0 {
		fmt.Fprintln(t.out, "  nothing but that the entry is of one trail with its key")
	}
	said.print(t.out)
	fill(t.out, fmt.Sprintf("Not shown: what the other %d digests commit to, some of which stand for nothing, and every other entry of the person.", shown.Hidden))
	return nil
}

// evidence says what evidence convicts of. That it holds is the good outcome for
// whoever brought it, so the exit code is 0.
func (t trust) evidence(b []byte) error {
	e, err := proof.ParseEvidence(b)
	if err != nil {
		return exitWith(exitInvalid, "NOT VALID: no evidence of anything: %w", err)
	}
	return t.explained(t.convicted(e), func() []proof.Step { return e.Explain(t.key) })
}

// signersIn are the names under which the checkpoints in evidence are signed.
func signersIn(e proof.Evidence) (out []string) {
	for _, p := range slices.Concat(e.Proofs, e.Leaves) {
		out = append(out, firstLine(p.Note))
	}
	if e.Opened != nil {
		out = append(out, firstLine(e.Opened.Note))
	}
	for _, msg := range e.Notes {
		if isCheckpoint(msg) {
			out = append(out, firstLine(msg))
		}
	}
	return out
}

func (t trust) convicted(e proof.Evidence) error {
	if names := signersIn(e); len(names) > 0 && !slices.Contains(names, t.key.Name()) {
		return t.stranger(names[0])
	}
	shown, err := e.Verify(t.key)
	if err != nil {
		return exitWith(exitInvalid, "NOT VALID: no evidence of anything: %w", err)
	}
	fmt.Fprintf(t.out, "EVIDENCE: %s.\n\n  %-13s %s\n  %-13s %s\n\n", shown.Says, "kind", shown.Kind, "signed by", shown.Signer)
	meaning := "No honest ledger can have signed it. Not checked: "
	if shown.Kind == proof.EvidenceReceiptLate {
		meaning = "Not checked: that these are the ledger's witnesses still; if it changed them since, those who are not " +
			"asked any more know no better, and the entries may have been published in time: ask for a newer checkpoint; "
	}
	fill(t.out, "Checked: everything this follows from is in the file, and signed by "+t.whose()+", or by a "+
		"key that an entry signed by it names. "+meaning+"whose fault it is, and that the key is of the ledger you think of.")
	if shown.Secret {
		fmt.Fprintln(t.out)
		fill(t.out, "The file holds the root key of a person's trail: whoever has it opens every event of that "+
			"generation. Give it to nobody who may not.")
	}
	return nil
}

// indexProof says what a proof of the completeness index shows.
func (t trust) indexProof(b []byte) error {
	p, err := proof.ParseIndexProof(b)
	if err != nil {
		return refuse(err)
	}
	v, err := t.keyNamed(firstLine(p.Note))
	if err != nil {
		return err
	}
	return t.explained(t.indexed(p), func() []proof.Step { return p.Explain(v, t.forKey(t.policy, v)) })
}

func (t trust) indexed(p proof.IndexProof) error {
	v, err := t.keyNamed(firstLine(p.Note))
	if err != nil {
		return err
	}
	c, err := p.Verify(v)
	if err != nil {
		return refuse(err)
	}
	said := &claims{}
	said.check("the leaf is the last of the index log at size %d, whose root is signed by the key %s", c.Size, v.Name())
	said.check("the trees shown have the roots that it states")
	said.doubt("that those are the roots over the ledger's entries, which daybook audit --index computes again")
	if err := t.attested(said, p.Note, v); err != nil {
		return err
	}
	tags, labels := len(p.Tags.Items()), len(p.Labels.Items())
	fmt.Fprintf(t.out, "VALID: 1 leaf of the index checked, with %s and %s shown\n\n", counted(uint64(tags), "tag", "tags"), counted(uint64(labels), "enrolment", "enrolments"))
	fmt.Fprintf(t.out, "  %-13s %s\n  %-13s %d entries\n  %-13s %s\n", "index", c.Origin, "covers", p.Leaf.Size, "ledger root", p.Leaf.Root)
	said.print(t.out)
	return nil
}

func firstLine(b []byte) string { line, _, _ := strings.Cut(string(b), "\n"); return line }

// checkpoint says who signed a checkpoint, which shows nothing of any entry.
func (t trust) checkpoint(b []byte) error {
	v, err := t.keyNamed(firstLine(b))
	if err != nil {
		return err
	}
	return t.explained(t.stated(b), func() []proof.Step { return proof.ExplainCheckpoint(b, v, t.forKey(t.policy, v)) })
}

func (t trust) stated(b []byte) error {
	v, err := t.keyNamed(firstLine(b))
	if err != nil {
		return err
	}
	c, err := proof.OpenCheckpoint(b, v)
	if err != nil {
		return refuse(err)
	}
	said := &claims{}
	said.check("the root is signed by the key of %s", v.Name())
	if err := t.attested(said, b, v); err != nil {
		return err
	}
	said.doubt("any entry, which a proof of it or an audit shows")
	fmt.Fprintf(t.out, "SIGNED: a checkpoint, which proves no entry\n\n  %-13s %s\n  %-13s %d entries\n  %-13s %s\n", "log", c.Origin, "size", c.Size, "root", c.Root)
	said.print(t.out)
	return exitWith(exitIncomplete, "only a signature was checked")
}

// receipt says what a receipt promises, which is not whether that was kept.
func (t trust) receipt(b []byte) error {
	v := t.key
	if t.known != nil {
		v = t.known.memory.ReceiptKey()
	}
	if !strings.HasSuffix(v.Name(), proof.ReceiptKeyName("")) {
		return exitWith(exitUnchecked, "a receipt is signed by the receipt key, which entry 0 of the log names: daybook verify --receipt FILE --url URL --key VKEY reads it there, and says whether the promise was kept")
	}
	r, err := proof.OpenReceipt(b, v)
	if err == nil {
		fmt.Fprintf(t.out, "SIGNED: a promise of %s, given on %s\n\n", counted(uint64(len(r.Lines)), "position", "positions"), r.Time.Format("2006-01-02 15:04:05 UTC"))
		said := &claims{}
		said.check("the promise is signed by the key %s", v.Name())
		said.doubt("that it was kept")
		said.print(t.out)
		err = exitWith(exitIncomplete, "a receipt is a promise and no proof: with --receipt FILE and --url, --mirror or --context it is held against the log")
	} else {
		err = refuse(err)
	}
	return t.explained(err, func() []proof.Step { return proof.ExplainReceipt(b, v) })
}

// bundle says what somebody kept of a trail.
func (t trust) bundle(b []byte) error {
	if t.card == nil {
		return exitWith(exitUsage, "this is what somebody kept of a trail: give the card it is of, with --card")
	}
	held, err := proof.ParseBundle(b)
	if err != nil {
		return refuse(err)
	}
	card := *t.card
	card.Policy = t.policy.Text()
	return t.explained(t.kept(held, card), func() []proof.Step { return held.Explain(card) })
}

func (t trust) kept(b proof.Bundle, card proof.Card) error {
	said := &claims{}
	proven, err := t.provenUnder(said, b, card, t.policy)
	if err == nil && !t.also.Met() {
		_, err = t.provenUnder(said, b, card, t.also)
	}
	if err != nil {
		return err
	}
	if _, _, err := t.policy.Check(b.Note, t.key); err != nil { // which logs it accepts
		return refuse(err)
	}
	if t.known != nil {
		if err := t.known.attested(t.c.Context(), said, b.Note); err != nil {
			return err
		}
	}
	s := newShownTrail(card, proven, client.Tail{Entries: proven.Checkpoint.Size - proven.Leaf.Size})
	for _, claim := range said.checked {
		s.prove("%s.", strings.ToUpper(claim[:1])+claim[1:])
	}
	for _, claim := range said.not {
		s.doubt("%s.", strings.ToUpper(claim[:1])+claim[1:])
	}
	s.doubt("What was recorded later, and what seals hide that stand: no ledger was asked.")
	fmt.Fprintf(t.out, "VALID: %s checked\n\n", counted(uint64(len(proven.Events)), "event", "events"))
	if err := s.print(t.out, "table"); err != nil {
		return err
	}
	return replaced(proven)
}

// provenUnder is what b shows to who has the card, under a policy. Where that is not met,
// b is not valid if it is not under any, or if it convicts the ledger that is known.
func (t trust) provenUnder(said *claims, b proof.Bundle, card proof.Card, p proof.Policy) (proof.Proven, error) {
	card.Policy = p.Text()
	proven, err := b.Verify(card)
	if _, few := asQuorum(err); few {
		alike := p // with the same witnesses, whose word must be theirs
		alike.Quorum = proof.NoPolicy().Quorum
		card.Policy = alike.Text()
		if _, err := b.Verify(card); err != nil {
			return proven, refuse(err)
		}
		if t.known != nil {
			if err := t.known.attested(t.c.Context(), said, b.Note); err != nil {
				return proven, err
			}
		}
	}
	if err != nil {
		return proven, unwitnessed(err, p)
	}
	return proven, nil
}
