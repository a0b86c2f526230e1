package proof

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	vrf "filippo.io/mostly-harmless/vrf-r255"

	"github.com/daybook-ledger/daybook/events"
)

const cardFormat = "daybook/card@1"

// maxCard bounds a card, in bytes. The link of one with a few generations fits a QR
// code, which holds 2,953 bytes.
const maxCard = 6144

// LabelProofLen is the length of a VRF proof (C2SP vrf-r255).
const LabelProofLen = 80

// LabelProof is the VRF proof of a label, which is its output.
type LabelProof [LabelProofLen]byte

// Label is the VRF output that p proves.
func (p LabelProof) Label() (label [64]byte, err error) {
	proof, err := vrf.NewProof(p[:])
	if err != nil {
		return label, fmt.Errorf("reading a label: %w", err)
	}
	copy(label[:], proof.Hash())
	return label, nil
}

// CardTrail is one generation of a trail as a card holds it.
type CardTrail struct {
	Generation uint32 // from 1
	Gone       bool   // its keys are destroyed: First and Key are zero
	First      uint64 // the number of its first event
	Key        [32]byte
	Proof      LabelProof
}

// Card is what a person holds to find, open and check her trail: what the ledger
// is, and the secret her keys come from. Whoever has it sees what she sees.
type Card struct {
	Log    string // verifier keys; the log's name is the origin
	Index  string
	VRF    [32]byte
	URL    string // where the ledger answers, without a slash at the end
	Scheme string // of the identifier by which she is known
	Trails []CardTrail
	Next   LabelProof // of the generation behind the last
	Policy string     // whose cosignatures both checkpoints need, as Policy.Text writes it
}

// Origin is the name of the ledger.
func (c Card) Origin() string { name, _, _ := strings.Cut(c.Log, "+"); return name }

// Text is the card as it is written down. [ParseCard] refuses that of a card that
// is not well-formed.
func (c Card) Text() []byte {
	b64 := base64.RawURLEncoding.EncodeToString
	b := fmt.Appendf(nil, "%s\nlog %s\nindex %s\nvrf %s\nurl %s\nscheme %s\n", cardFormat, c.Log, c.Index, b64(c.VRF[:]), c.URL, c.Scheme)
	for _, t := range c.Trails {
		if t.Gone {
			b = fmt.Appendf(b, "gone %d %s\n", t.Generation, b64(t.Proof[:]))
			continue
		}
		b = fmt.Appendf(b, "trail %d %d %s %s\n", t.Generation, t.First, b64(t.Key[:]), b64(t.Proof[:]))
	}
	return fmt.Appendf(b, "next %s\n\n%s", b64(c.Next[:]), c.Policy)
}

// Link is the address that opens the card: its text is in the fragment, which no
// browser sends.
func (c Card) Link() string {
	return c.URL + "/trail#" + base64.RawURLEncoding.EncodeToString(c.Text())
}

// ParseCardLink reads a [Card.Link], or the fragment alone.
func ParseCardLink(link string) (Card, error) {
	fragment := link[strings.LastIndexByte(link, '#')+1:]
	text, err := decode(base64.RawURLEncoding, fragment)
	if err != nil {
		return Card{}, errors.New("reading a card's link: behind the # is no card")
	}
	c, err := ParseCard(text)
	if err == nil && link != fragment && link != c.Link() {
		return Card{}, errors.New("reading a card's link: the card in it is of another address")
	}
	return c, err
}

// ParseCard reads what [Card.Text] writes and nothing else. It checks the form of
// everything in it.
func ParseCard(b []byte) (Card, error) {
	c, err := parseCard(string(b))
	if err != nil {
		return Card{}, fmt.Errorf("reading a card: %w", err)
	}
	return c, nil
}

func parseCard(text string) (c Card, err error) {
	if len(text) > maxCard {
		return c, fmt.Errorf("it has %d bytes, more than %d", len(text), maxCard)
	}
	head, policy, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if len(lines) < 8 || lines[0] != cardFormat {
		return c, errors.New("it is not " + cardFormat)
	}
	p, err := parsePolicy([]byte(policy))
	if err == nil && p.Text() != policy {
		err = errors.New("it is not in its one form")
	}
	if err != nil {
		return c, fmt.Errorf("policy: %w", err)
	}
	c.Policy = policy
	for i, field := range []struct {
		name string
		read func(string) error
	}{{"log ", c.readLog}, {"index ", c.readIndex}, {"vrf ", readInto(c.VRF[:])}, {"url ", c.readURL}, {"scheme ", c.readScheme}} {
		value, ok := strings.CutPrefix(lines[1+i], field.name)
		if !ok {
			return c, fmt.Errorf("something else stands where %sis expected", field.name)
		}
		if err := field.read(value); err != nil {
			return c, fmt.Errorf("%s: %w", strings.TrimSpace(field.name), err)
		}
	}
	if err := c.readTrails(lines[6:]); err != nil {
		return c, err
	}
	if string(c.Text()) != text {
		return c, errors.New("it is not in the one form it has")
	}
	return c, nil
}

func (c *Card) readLog(s string) error {
	c.Log = s
	v, err := ParseVerifierKey(s)
	if err == nil {
		err = checkOrigin(v.Name())
	}
	return err
}

func (c *Card) readIndex(s string) error {
	c.Index = s
	v, err := ParseVerifierKey(s)
	if err == nil && v.Name() != IndexKeyName(c.Origin()) {
		err = fmt.Errorf("the key is named %q", v.Name())
	}
	return err
}

func (c *Card) readURL(s string) error {
	c.URL = s
	if !events.IsAddress(s) || strings.HasSuffix(s, "/") {
		return errors.New("it is no address of a ledger")
	}
	return nil
}

func (c *Card) readScheme(s string) error {
	c.Scheme = s
	if !events.IsReference(s) || len(s) > 32 {
		return errors.New("it is not a scheme")
	}
	return nil
}

// readInto reads exactly as many bytes as dst has.
func readInto(dst []byte) func(string) error {
	return func(s string) error {
		b, err := decode(base64.RawURLEncoding, s)
		if err != nil || len(b) != len(dst) {
			return fmt.Errorf("it is not %d bytes of base64url", len(dst))
		}
		copy(dst, b)
		return nil
	}
}

// readTrails reads the generations, which follow each other from 1, and next.
func (c *Card) readTrails(lines []string) error {
	for n, line := range lines {
		fields := strings.Split(line, " ")
		if fields[0] == "next" && len(fields) == 2 && n > 0 && n == len(lines)-1 {
			return c.readNext(fields[1])
		}
		t, err := readTrail(fields)
		if err == nil && t.Generation != uint32(n)+1 {
			err = errors.New("the generations do not follow each other")
		}
		if err != nil {
			return fmt.Errorf("generation %d: %w", n+1, err)
		}
		c.Trails = append(c.Trails, t)
	}
	return errors.New("it does not say what comes next")
}

func (c *Card) readNext(s string) error {
	if err := readInto(c.Next[:])(s); err != nil {
		return fmt.Errorf("next: %w", err)
	}
	if _, err := c.Next.Label(); err != nil {
		return err
	}
	last := c.Trails[len(c.Trails)-1]
	if last.Gone {
		return errors.New("the last generation has no key")
	}
	return c.checkOrder()
}

// checkOrder holds that the events of a generation come behind those before it, or
// begin anew behind keys that are gone.
func (c *Card) checkOrder() error {
	for i, t := range c.Trails {
		afresh := i == 0 || c.Trails[i-1].Gone
		switch {
		case t.Gone && !afresh:
			return errors.New("keys are gone behind keys that are not")
		case t.Gone:
		case afresh && t.First != 1, !afresh && t.First <= c.Trails[i-1].First:
			return fmt.Errorf("generation %d does not begin where it should", t.Generation)
		}
	}
	return nil
}

func readTrail(fields []string) (t CardTrail, err error) {
	generation, key, proof := "", "", ""
	switch {
	case fields[0] == "gone" && len(fields) == 3:
		t.Gone, generation, proof = true, fields[1], fields[2]
	case fields[0] == "trail" && len(fields) == 5:
		generation, key, proof = fields[1], fields[3], fields[4]
		if t.First, err = strconv.ParseUint(fields[2], 10, 53); err != nil {
			return t, errors.New("its first event is no number")
		}
		if err := readInto(t.Key[:])(key); err != nil {
			return t, fmt.Errorf("key: %w", err)
		}
	default:
		return t, errors.New("it is neither trail, gone nor next")
	}
	n, err := strconv.ParseUint(generation, 10, 32)
	if err != nil {
		return t, errors.New("it has no number")
	}
	t.Generation = uint32(n)
	if err := readInto(t.Proof[:])(proof); err != nil {
		return t, fmt.Errorf("label: %w", err)
	}
	_, err = t.Proof.Label()
	return t, err
}

// LookAhead is how many tags behind the last a person looks for: a ledger that
// skips one hides what is behind it from who looks for one alone.
const LookAhead = 8

// At is the generation that event i of her trail belongs to, by its number.
func (c Card) At(i uint64) (CardTrail, bool) {
	for _, t := range slices.Backward(c.Trails) {
		if !t.Gone && i >= t.First {
			return t, true
		}
	}
	return CardTrail{}, false
}

// EventKey is k_i of the generation t: HMAC-SHA256(K, "daybook/event" ‖ u64 i).
func (t CardTrail) EventKey(i uint64) [32]byte { return events.EventKey(t.Key, i) }

// CheckIdentifier says whether the labels of the card are those of an identifier,
// normalized as its scheme asks.
func (c Card) CheckIdentifier(scheme, value string) error {
	key, err := vrf.NewPublicKey(c.VRF[:])
	if err != nil {
		return fmt.Errorf("checking whose card it is: %w", err)
	}
	check := func(p LabelProof, generation uint32) error {
		proof, err := vrf.NewProof(p[:])
		if err == nil {
			_, err = key.Verify(proof, events.LabelInput(scheme, value, generation))
		}
		if err != nil {
			return fmt.Errorf("checking whose card it is: generation %d is not of that identifier", generation)
		}
		return nil
	}
	for _, t := range c.Trails {
		if err := check(t.Proof, t.Generation); err != nil {
			return err
		}
	}
	return check(c.Next, uint32(len(c.Trails))+1)
}

// String says only how much is held.
func (c Card) String() string { return fmt.Sprintf("card(sealed, %d bytes)", len(c.Text())) }

// GoString is String.
func (c Card) GoString() string { return c.String() }

// LogValue is String.
func (c Card) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Format prints String for every verb.
func (c Card) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(c.String())) }

// String says only which generation it is.
func (t CardTrail) String() string { return fmt.Sprintf("generation %d(sealed)", t.Generation) }

// Format prints String for every verb.
func (t CardTrail) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(t.String())) }
