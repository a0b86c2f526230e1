package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/events/keyring"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
)

// frozen is what a captured ledger says for ever.
type frozen struct {
	Clock      time.Time         `json:"clock"` // what time it is where it is opened
	Origin     string            `json:"origin"`
	Keys       map[string]string `json:"keys"`
	Size       events.Size       `json:"size"`
	Root       proof.Hash        `json:"root"`
	Checkpoint string            `json:"checkpoint"` // as signed, without cosignatures
	Index      frozenIndex       `json:"index"`
	Kinds      map[string]uint64 `json:"kinds"` // entries by kind
	Files      map[string]string `json:"files"` // SHA-256 of every tile and bundle, as read over HTTP
	Boxes      frozenBoxes       `json:"boxes"`
	// Here are persons whose keys open what is sealed, and Gone those whose are destroyed.
	Here []events.Person `json:"here"`
	Gone []events.Person `json:"gone"`
	// Answers are those of /v1, which may say more one day, and nothing else.
	Answers map[string]any `json:"answers"`
}

type frozenIndex struct {
	Leaves     events.Size `json:"leaves"`
	Root       proof.Hash  `json:"root"`
	Checkpoint string      `json:"checkpoint"`
	Size       events.Size `json:"size"` // of the ledger, in the last leaf
	Tags       proof.Hash  `json:"tags"`
	Labels     proof.Hash  `json:"labels"`
}

// frozenBoxes says which boxes the keys open, and what is in them.
type frozenBoxes struct {
	Open   map[string]int `json:"open"`
	Closed map[string]int `json:"closed"`
	Text   string         `json:"text"` // SHA-256 over all that is in those that open
}

// bare is a signed note without the cosignatures, which follow the log's signature.
func bare(note []byte) string {
	text, signatures, _ := strings.Cut(string(note), "\n\n")
	own, _, _ := strings.Cut(signatures, "\n")
	return text + "\n\n" + own + "\n"
}

// measure asks an open ledger for all that want names, and for what never goes by name.
func (r *reopened) measure(ctx context.Context, want frozen) (frozen, error) {
	got := frozen{Clock: want.Clock, Origin: r.keys.Origin(), Here: want.Here, Gone: want.Gone}
	got.Keys = map[string]string{"log": r.keys.LogKey(), "receipt": r.keys.ReceiptKey(), "index": r.keys.IndexKey(), "vrf": hex.EncodeToString(r.keys.VRFKey())}
	source, err := client.New(r.url, nil)
	if err != nil {
		return got, err
	}
	log, err := proof.ParseVerifierKey(r.keys.LogKey())
	if err != nil {
		return got, err
	}
	audited, err := trail.Audit(ctx, source, log, trail.AuditOptions{})
	if err != nil {
		return got, fmt.Errorf("auditing: %w", err)
	}
	if audited.Behind > 0 {
		return got, fmt.Errorf("the index does not cover %d tags and labels", audited.Behind)
	}
	l := audited.Ledger
	got.Size, got.Root, got.Checkpoint, got.Kinds = l.Size, l.Root, bare(l.Note), l.Kinds
	got.Index = frozenIndex{audited.Leaves, audited.Root, bare(audited.Note), audited.Last.Size, audited.Last.Tags, audited.Last.Labels}
	got.Files = map[string]string{}
	for path := range want.Files {
		b, err := source.Read(ctx, path)
		if err != nil {
			return got, err
		}
		got.Files[path] = sha256Of(b)
	}
	got.Answers = map[string]any{}
	for path := range want.Answers {
		if got.Answers[path], err = r.answerAt(path); err != nil {
			return got, err
		}
	}
	if err := r.whoIsHere(want); err != nil {
		return got, err
	}
	got.Boxes, err = r.boxes(ctx)
	return got, err
}

func sha256Of(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// answerAt is a JSON answer without the words that explain it.
func (r *reopened) answerAt(path string) (map[string]any, error) {
	b, err := fetch(r.url + path)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", path, err)
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if _, findings := v["rules"]; !findings {
		return v, nil
	}
	delete(v, "rules") // the wording may change, and another rule find more
	for _, part := range v {
		if counts, ok := part.(map[string]any); ok {
			delete(counts, "findings")
		}
	}
	return v, nil
}

// whoIsHere looks persons up whose keys are to be here, or not.
func (r *reopened) whoIsHere(want frozen) error {
	for here, list := range map[bool][]events.Person{true: want.Here, false: want.Gone} {
		for _, p := range list {
			id, err := identifier(p).Normalize()
			if err != nil {
				return err
			}
			_, ok, err := r.keys.Lookup(id)
			if err != nil {
				return err
			}
			if ok != here {
				return fmt.Errorf("the keys of %s are here: %t", p.Value, ok)
			}
		}
	}
	return nil
}

// boxes opens every box of the history with the keys.
func (r *reopened) boxes(ctx context.Context) (frozenBoxes, error) {
	out := frozenBoxes{Open: map[string]int{}, Closed: map[string]int{}}
	text := sha256.New()
	for seq := events.Seq(1); seq <= r.history.Last(); seq++ {
		data, err := r.history.Read(ctx, seq)
		if err != nil {
			return out, err
		}
		list, err := openBoxes(r.keys.Keyring, data)
		if err != nil {
			return out, fmt.Errorf("opening message %d: %w", seq, err)
		}
		for _, b := range list {
			if b.text == nil {
				out.Closed[b.kind]++
				continue
			}
			out.Open[b.kind]++
			fmt.Fprintf(text, "%d %s %d\n%s", seq, b.kind, len(b.text), b.text)
		}
	}
	out.Text = hex.EncodeToString(text.Sum(nil))
	return out, nil
}

// openedBox is a box of a message; its text is nil when no key opens it.
type openedBox struct {
	kind string
	text []byte
}

// openBoxes opens all boxes of a message with whatever keys in the keyring are theirs.
// What the head of a bulk event says to its persons opens only with a slip of a part.
func openBoxes(ring *keyring.Keyring, data []byte) (out []openedBox, err error) {
	msg, err := events.ParseMessage(data)
	if err != nil {
		return nil, err
	}
	e, err := events.ParseEntry(msg.Entry)
	if err != nil {
		return nil, err
	}
	fold, err := intake.FoldOpener(ring.FoldKey())(msg)
	if err != nil {
		return nil, err
	}
	month, _ := ring.FindMonthKey(e.Text("organization"), fold.RecordedAt)
	hers, err := eventKeys(ring, fold)
	if err != nil {
		return nil, err
	}
	ad, seen := events.HashEntry(msg.Entry), map[events.BoxKind]int{}
	for _, box := range msg.Boxes {
		o := openedBox{kind: box.Kind.String()}
		for _, keys := range keysFor(box.Kind, ring.FoldKey(), month, hers, seen[box.Kind]) {
			if text, err := events.OpenBox(events.BoxKey(o.kind, keys...), ad[:], box.Data); err == nil {
				o.text = append([]byte{}, text...)
			}
		}
		seen[box.Kind]++
		out = append(out, o)
	}
	return out, nil
}

// eventKeys are those of the persons of a message, nil where hers are not here.
func eventKeys(ring *keyring.Keyring, fold events.Fold) ([][]byte, error) {
	out := make([][]byte, len(fold.Persons))
	for i, p := range fold.Persons {
		who, ok, err := ring.ByHandle(p.Handle)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if who = who.At(p.Generation); who != nil {
			key := who.EventKey(p.Counter)
			out[i] = key[:]
		}
	}
	return out, nil
}

// keysFor are the keys that may seal the n-th box of a kind: an officers' box of a part
// of a bulk event has nothing of persons.
func keysFor(kind events.BoxKind, fold, month []byte, hers [][]byte, n int) [][][]byte {
	switch {
	case kind == events.BoxFold:
		return [][][]byte{{fold}}
	case kind == events.BoxOfficers:
		return [][][]byte{append([][]byte{month}, hers...), {month}}
	case n >= len(hers):
		return nil
	case kind == events.BoxPerson:
		return [][][]byte{{hers[n]}}
	}
	return [][][]byte{{month, hers[n]}}
}

// lacks says where found has something else than want, or not at all. Objects may have
// more members than are wanted, and lists no more items.
func lacks(at string, want, found any) (out []string) {
	switch w := want.(type) {
	case map[string]any:
		f, ok := found.(map[string]any)
		if !ok {
			return []string{at + " is no object"}
		}
		for name, v := range w {
			if x, ok := f[name]; ok {
				out = append(out, lacks(at+"/"+name, v, x)...)
			} else {
				out = append(out, at+"/"+name+" is not there")
			}
		}
	case []any:
		f, ok := found.([]any)
		if !ok || len(f) != len(w) {
			return []string{fmt.Sprintf("%s has not %d items", at, len(w))}
		}
		for i := range w {
			out = append(out, lacks(fmt.Sprintf("%s/%d", at, i), w[i], f[i])...)
		}
	default:
		if want != found {
			out = append(out, fmt.Sprintf("%s is %v, was %v", at, found, want))
		}
	}
	slices.Sort(out)
	return out
}

// compare says what a ledger says otherwise than it must.
func compare(want, found frozen) error {
	w, err := plain(want)
	if err != nil {
		return err
	}
	f, err := plain(found)
	if err != nil {
		return err
	}
	if list := lacks("", w, f); len(list) > 0 {
		return fmt.Errorf("it differs in %d places: %s", len(list), strings.Join(list[:min(len(list), 10)], "; "))
	}
	return nil
}

// plain is a value as JSON has it.
func plain(v any) (out any, err error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return out, d.Decode(&out)
}
