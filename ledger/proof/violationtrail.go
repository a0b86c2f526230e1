package proof

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/daybook-ledger/daybook/events"
)

// tag is the tag of the n-th number.
func (t trial) tag(n int) events.Tag { return TagOf(events.EventKey(t.Root, t.Numbers[n])) }

// ascend holds numbers of events, since their order is what they are about.
func ascend(numbers []uint64) error {
	for i, n := range numbers {
		if n == 0 || i > 0 && n <= numbers[i-1] {
			return errors.New("the numbers do not ascend from 1 at least")
		}
	}
	return nil
}

// gap is about the tree alone: it has what comes before and behind a tag, and not
// the tag.
func (t trial) gap() (string, error) {
	leaf, err := t.leaf(0)
	if err == nil {
		err = ascend(t.Numbers)
	}
	if err != nil {
		return "", err
	}
	if t.Tags.Hash() != leaf.Tags {
		return "", errors.New("the tree does not have the root that is signed")
	}
	for i, want := range []bool{true, false, true} {
		_, present, known := t.Tags.Find(TagLabel(t.tag(i)))
		if !known {
			return "", fmt.Errorf("the tree does not show whether tag %d is there", t.Numbers[i])
		}
		if present != want {
			return "", errNothing
		}
	}
	return fmt.Sprintf("%s over %d entries has events %d and %d of a trail and not event %d",
		t.index(), leaf.Size, t.Numbers[0], t.Numbers[2], t.Numbers[1]), nil
}

func (t trial) order() (string, error) {
	list, err := t.entries()
	if err == nil {
		err = ascend(t.Numbers)
	}
	if err != nil {
		return "", err
	}
	for i, e := range list {
		if !slices.Contains(tagNames(e), t.tag(i).String()) {
			return "", fmt.Errorf("the entry at %d is not event %d of the trail", t.Proofs[i].Index, t.Numbers[i])
		}
	}
	if t.Proofs[0].Index < t.Proofs[1].Index {
		return "", errNothing
	}
	return fmt.Sprintf("%s has event %d of a trail at position %d, and the later event %d not behind it, at %d",
		t.key.Name(), t.Numbers[0], t.Proofs[0].Index, t.Numbers[1], t.Proofs[1].Index), nil
}

// notEnrolled finds the trail's label by the commitment that its root key opens.
func (t trial) notEnrolled() (string, error) {
	list, err := t.entries()
	if err == nil {
		err = ascend(t.Numbers)
	}
	if err != nil {
		return "", err
	}
	if !slices.Contains(tagNames(list[0]), t.tag(0).String()) {
		return "", fmt.Errorf("the entry at %d is not event %d of the trail", t.Proofs[0].Index, t.Numbers[0])
	}
	if !t.enrols(list[1]) {
		return "", errors.New("the other entry does not commit to the root key")
	}
	if t.Proofs[0].Index > t.Proofs[1].Index {
		return "", errNothing
	}
	return fmt.Sprintf("%s has event %d of a trail at position %d, and enrolled the trail only behind it, at %d",
		t.key.Name(), t.Numbers[0], t.Proofs[0].Index, t.Proofs[1].Index), nil
}

func (t trial) enrols(e *events.Entry) bool {
	pairs, _ := e.Value("pairs")
	for _, p := range pairs.Items() {
		text := func(name string) string { v, _ := p.Object().Get(name); return v.Text() }
		label, err := decode(base64.RawURLEncoding, text("label"))
		if err != nil || len(label) != 64 {
			continue
		}
		sum := events.Commitment([64]byte(label), t.Root)
		if base64.RawURLEncoding.EncodeToString(sum[:]) == text("commitment") {
			return true
		}
	}
	return false
}
