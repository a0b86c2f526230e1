package proof

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
)

// Conviction is what evidence has shown.
type Conviction struct {
	Kind   string
	Signer string // whose key signed it
	Says   string // what cannot be, in a sentence without a full stop
	Secret bool   // the file holds the root key of a trail, which opens its events
}

// errNothing ends the verification of evidence in which nothing is wrong.
var errNothing = errors.New("it shows nothing: the statements do not contradict each other")

// Verify returns what e convicts of. The key v is the log's, or the one that
// signed all of e: of evidence about the index alone, the index key. Of what other
// keys signed v has to be the log's, and e to hold the entry that names them. An
// error says that e is evidence of nothing.
func (e Evidence) Verify(v note.Verifier) (Conviction, error) {
	t := trial{e, v}
	says, err := t.judge()
	if err != nil {
		return Conviction{}, fmt.Errorf("verifying evidence: %w", err)
	}
	h, _ := held(e.Kind)
	return Conviction{Kind: e.Kind, Signer: v.Name(), Says: says, Secret: h.root}, nil
}

// trial holds evidence against a key.
type trial struct {
	Evidence
	key note.Verifier
}

func (t trial) judge() (string, error) {
	h, ok := held(t.Kind)
	has := holds{
		len(t.Notes), len(t.Proofs), len(t.Leaves), len(t.Numbers),
		t.Tags != nil, t.Labels != nil, t.Placed != nil, h.root, h.beginning,
	}
	if !ok || has != h {
		return "", fmt.Errorf("it does not hold what evidence of the kind %.40q does", t.Kind)
	}
	switch t.Kind {
	case EvidenceFork:
		return t.fork()
	case EvidenceInconsistent:
		return t.inconsistent()
	case EvidenceTwoEntries:
		return t.twoEntries()
	case EvidenceDuplicateEvent, EvidenceDuplicateTag, EvidenceDuplicateLabel:
		return t.duplicate()
	case EvidenceReceipt:
		return t.receipt()
	case EvidenceReceiptLate:
		return t.receiptLate()
	case EvidenceIndexRoot:
		return t.indexRoot()
	case EvidenceIndexBack:
		return t.indexBack()
	case EvidenceIndexTag, EvidenceIndexLabel:
		return t.indexWrong()
	case EvidenceGap:
		return t.gap()
	case EvidenceOrder:
		return t.order()
	}
	return t.notEnrolled()
}

// signer is the key of a name: the one given, or one that entry 0 names.
func (t trial) signer(name string) (note.Verifier, error) {
	if name == t.key.Name() {
		return t.key, nil
	}
	if t.Opened == nil {
		return nil, fmt.Errorf("the key %s signed it, you gave that of %s, and the entry that names the other is missing", name, t.key.Name())
	}
	if _, err := t.Opened.Verify(t.key); err != nil {
		return nil, fmt.Errorf("entry 0: %w", err)
	}
	e, err := events.ParseEntry(t.Opened.Extra)
	if err != nil {
		return nil, fmt.Errorf("entry 0: %w", err)
	}
	if t.Opened.Index != 0 || e.Kind.Name != "ledger.opened" {
		return nil, errors.New("entry 0: it is another entry")
	}
	for _, field := range []string{"keys.index", "keys.receipt"} {
		v, err := ParseVerifierKey(e.Text(field))
		if err == nil && v.Name() == name {
			return v, nil
		}
	}
	return nil, fmt.Errorf("entry 0 names no key %s", name)
}

// signerOf is the key that the checkpoint in a note is to be signed by.
func (t trial) signerOf(msg []byte) (note.Verifier, error) {
	text, err := splitNote(msg)
	if err != nil {
		return nil, err
	}
	c, err := parseCheckpoint(text)
	if err != nil {
		return nil, err
	}
	return t.signer(c.Origin)
}

func (t trial) fork() (string, error) {
	v, err := t.signerOf(t.Notes[0])
	if err != nil {
		return "", err
	}
	found, err := CompareCheckpoints(t.Notes[0], t.Notes[1], v)
	if err != nil {
		return "", err
	}
	if found == nil {
		return "", errNothing
	}
	c, err := OpenCheckpoint(t.Notes[0], v)
	return fmt.Sprintf("%s signed two different logs of %d entries", v.Name(), c.Size), err
}

// inconsistent: the larger log has another root at the smaller size, as the path shows.
func (t trial) inconsistent() (string, error) {
	v, err := t.signerOf(t.Notes[0])
	if err != nil {
		return "", err
	}
	old, err := OpenCheckpoint(t.Notes[0], v)
	if err != nil {
		return "", err
	}
	end, err := OpenCheckpoint(t.Notes[1], v)
	if err != nil {
		return "", err
	}
	if old.Size >= end.Size || old.Root == t.Beginning {
		return "", errNothing
	}
	if err := CheckConsistency(Checkpoint{old.Origin, old.Size, t.Beginning}, end, t.Path); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s signed a log of %d entries, and one of %d that begins otherwise", v.Name(), old.Size, end.Size), nil
}

func (t trial) twoEntries() (string, error) {
	v, err := t.signerOf(t.Proofs[0].Note)
	if err != nil {
		return "", err
	}
	for _, p := range t.Proofs {
		if _, err := p.Verify(v); err != nil {
			return "", err
		}
	}
	a, b := t.Proofs[0], t.Proofs[1]
	if a.Index != b.Index || LeafHash(a.Extra) == LeafHash(b.Extra) {
		return "", errNothing
	}
	return fmt.Sprintf("%s signed two logs, of which each has another entry at position %d", v.Name(), a.Index), nil
}

// entries are those of the proofs, which the log key signed.
func (t trial) entries() (out []*events.Entry, err error) {
	for _, p := range t.Proofs {
		if _, err := p.Verify(t.key); err != nil {
			return nil, err
		}
		e, err := events.ParseEntry(p.Extra)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (t trial) duplicate() (string, error) {
	list, err := t.entries()
	if err != nil {
		return "", err
	}
	a, b := t.Proofs[0].Index, t.Proofs[1].Index
	if a == b {
		return "", errNothing
	}
	what, of := "the event", eventNames
	switch t.Kind {
	case EvidenceDuplicateTag:
		what, of = "the tag", tagNames
	case EvidenceDuplicateLabel:
		what, of = "the person enrolled as", labelNames
	}
	for _, name := range of(list[0]) {
		if slices.Contains(of(list[1]), name) {
			return fmt.Sprintf("%s has %s %s at position %d and again at position %d", t.key.Name(), what, name, min(a, b), max(a, b)), nil
		}
	}
	return "", errNothing
}

func eventNames(e *events.Entry) []string { return []string{e.Text("event")} }

func tagNames(e *events.Entry) []string { return e.Texts("subjects.tags") }

func labelNames(e *events.Entry) (out []string) {
	pairs, _ := e.Value("pairs")
	for _, p := range pairs.Items() {
		label, _ := p.Object().Get("label")
		out = append(out, label.Text())
	}
	return out
}

// promised is the receipt in evidence of a promise.
func (t trial) promised() (Receipt, error) {
	v, err := t.signer(ReceiptKeyName(t.key.Name()))
	if err != nil {
		return Receipt{}, err
	}
	return OpenReceipt(t.Notes[0], v)
}

func (t trial) receipt() (string, error) {
	r, err := t.promised()
	if err != nil {
		return "", err
	}
	p := t.Proofs[0]
	if _, err := p.Verify(t.key); err != nil {
		return "", err
	}
	for _, line := range r.Lines {
		if line.Index == p.Index && line.EntryHash != events.HashEntry(p.Extra) {
			return fmt.Sprintf("%s promised position %d on %s to an entry, and has another there",
				t.key.Name(), p.Index, r.Time.Format(receiptTime)), nil
		}
	}
	return "", errNothing
}

// receiptLate: a day after it had promised the entry, so many witnesses knew the log to
// be too small that, by the policy it had recorded, nothing larger was published.
func (t trial) receiptLate() (string, error) {
	r, err := t.promised()
	if err != nil {
		return "", err
	}
	policy, err := t.recordedPolicy()
	if err != nil {
		return "", err
	}
	c, by, err := policy.Check(t.Notes[1], t.key)
	if few := (*QuorumError)(nil); err != nil && !errors.As(err, &few) {
		return "", err
	}
	if uint64(t.Proofs[0].Index) >= uint64(c.Size) {
		return "", fmt.Errorf("no log of %d entries holds the entry that changes the witnesses, at %d", c.Size, t.Proofs[0].Index)
	}
	promised := r.Lines[len(r.Lines)-1].Index
	// A cosignature has whole seconds, up to one that time.Time cannot compare.
	due := r.Time.Add(MergeDelay).Unix()
	by.By = slices.DeleteFunc(by.By, func(c Cosignature) bool { return c.At.Unix() <= due })
	if uint64(promised) < uint64(c.Size) || !policy.Needs(names(by.By)...) {
		return "", errNothing
	}
	first := slices.MinFunc(by.By, func(a, b Cosignature) int { return cmp.Compare(a.At.Unix(), b.At.Unix()) })
	return fmt.Sprintf("%s promised position %d on %s, and no quorum of its witnesses knew more than %d entries on %s",
		t.key.Name(), promised, r.Time.Format(receiptTime), c.Size, first.At.Format(time.RFC3339)), nil
}

// recordedPolicy is the policy that the ledger recorded when it changed a witness.
func (t trial) recordedPolicy() (Policy, error) {
	list, err := t.entries()
	if err != nil {
		return Policy{}, err
	}
	if kind := list[0].Kind.Name; kind != "witness.added" && kind != "witness.removed" {
		return Policy{}, errors.New("the entry neither adds nor removes a witness")
	}
	return ParsePolicy([]byte(list[0].Text("policy")))
}
