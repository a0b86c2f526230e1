package proof

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/daybook-ledger/daybook/events"
	"golang.org/x/mod/sumdb/note"
)

const (
	presentationFormat = "daybook/presentation@1"

	// maxPresentation is the most bytes a presentation can have: a proof, whose
	// lines JSON makes longer, and all that one entry can commit to.
	maxPresentation = 768 << 10
)

// Presentation is one event as the person whom it concerns gives it to somebody:
// that the log has it, that it is of her trail, and those of its private fields
// that she chose. The event key opens no other event.
type Presentation struct {
	Disclosures []events.Disclosure // in the order of their encoded forms
	EventKey    [32]byte            // k_i of her trail
	Proof       Proof               // with the entry as extra
}

// Presented is what a presentation has shown.
type Presented struct {
	Checkpoint Checkpoint
	Entry      *events.Entry
	Hidden     int // digests of the entry that no disclosure opened, decoys among them
}

// TagOf is the tag that the event of a key has: HMAC-SHA256(k_i, "tag")[:16].
func TagOf(eventKey [32]byte) events.Tag {
	h := hmac.New(sha256.New, eventKey[:])
	h.Write([]byte("tag"))
	return events.Tag(h.Sum(nil))
}

// Format writes p as a file, the disclosures sorted. It does not check p:
// [ParsePresentation] refuses the file of one that is not well-formed.
func (p Presentation) Format() []byte {
	list := make([]string, len(p.Disclosures))
	for i, d := range p.Disclosures {
		list[i] = d.Encode()
	}
	slices.Sort(list)
	return events.Object{
		{Name: "$", Value: events.String(presentationFormat)},
		{Name: "disclosures", Value: events.Strings(list)},
		{Name: "eventKey", Value: events.String(base64.RawURLEncoding.EncodeToString(p.EventKey[:]))},
		{Name: "proof", Value: events.String(string(p.Proof.Format()))},
	}.Append(nil)
}

// IsPresentation says that b begins as a presentation does, of whatever version.
func IsPresentation(b []byte) bool {
	return bytes.HasPrefix(b, []byte(`{"$":"daybook/presentation@`))
}

// ParsePresentation reads what Format writes and nothing else. It checks the form
// of everything in it, and verifies nothing.
func ParsePresentation(b []byte) (Presentation, error) {
	p, err := parsePresentation(b)
	if err == nil && !bytes.Equal(p.Format(), b) {
		err = errors.New("not in its canonical form")
	}
	if err != nil {
		return Presentation{}, fmt.Errorf("reading a presentation: %w", err)
	}
	return p, nil
}

func parsePresentation(b []byte) (p Presentation, err error) {
	if len(b) > maxPresentation {
		return p, fmt.Errorf("%d bytes, more than %d", len(b), maxPresentation)
	}
	v, err := events.ParseValue(b)
	if err != nil {
		return p, err
	}
	text := func(name string) string { m, _ := v.Object().Get(name); return m.Text() }
	if text("$") != presentationFormat {
		return p, fmt.Errorf("%.40q is not %s", text("$"), presentationFormat)
	}
	if p.EventKey, err = decodeHash(base64.RawURLEncoding, text("eventKey")); err != nil {
		return p, errors.New("the event key is not the base64url of 32 bytes")
	}
	list, _ := v.Object().Get("disclosures")
	last := ""
	for _, s := range list.Texts() {
		if s <= last {
			return p, errors.New("the disclosures are not sorted, or one is there twice")
		}
		last = s
		d, err := events.ParseDisclosure(s)
		if err != nil {
			return p, err
		}
		p.Disclosures = append(p.Disclosures, d)
	}
	p.Proof, err = parseProof([]byte(text("proof")))
	return p, err
}

// Verify returns what p shows if v, the log's key, signed the checkpoint of its
// proof, the entry is the log's, the event key makes one of the entry's tags and
// the entry commits to every disclosure. Who gave p away, and whom it is about, it
// does not show: whoever holds the file can show it.
func (p Presentation) Verify(v note.Verifier) (Presented, error) {
	out, err := p.verify(v)
	if err != nil {
		return Presented{}, fmt.Errorf("verifying a presentation: %w", err)
	}
	return out, nil
}

func (p Presentation) verify(v note.Verifier) (out Presented, err error) {
	if out.Checkpoint, err = p.Proof.Verify(v); err != nil {
		return out, err
	}
	if out.Entry, err = events.ParseEntry(p.Proof.Extra); err != nil {
		return out, err
	}
	if !slices.Contains(out.Entry.Texts("subjects.tags"), TagOf(p.EventKey).String()) {
		return out, errors.New("the event key makes none of the entry's tags")
	}
	digests := map[string]bool{}
	for _, text := range out.Entry.Texts("_sd") {
		digests[text] = true
	}
	for _, d := range p.Disclosures {
		digest := d.Digest().String()
		if !digests[digest] {
			return out, fmt.Errorf("the entry does not commit to %s, or it is disclosed twice", d.Name)
		}
		delete(digests, digest)
	}
	out.Hidden = len(digests)
	return out, nil
}
