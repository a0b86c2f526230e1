package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/projections"
)

// witnesses are what is to be said so that the ledger's own word on its witnesses is the
// policy it runs with: who left, who came, and when only the quorum is another, all of
// them anew. The number in their names makes a policy that returns another event, and
// a crash between two of them leaves the rest to be said.
func witnesses(said projections.Witnesses, p proof.Policy, now func() intake.Own) (out []intake.Own) {
	text := p.Text()
	add := func(kind, name, key string) {
		own := now()
		own.Kind = kind
		own.ID = fmt.Sprintf("%s/%d/%x", kind, said.Said, sha256.Sum256([]byte(name+"\n"+key+"\n"+text)))
		own.Data = events.Object{
			{Name: "witness", Value: events.String(name)}, {Name: "key", Value: events.String(key)}, {Name: "policy", Value: events.String(text)},
		}
		out = append(out, own)
	}
	keys := map[string]string{}
	for _, w := range p.Witnesses {
		keys[w.Name] = w.Key.String()
	}
	for _, name := range slices.Sorted(maps.Keys(said.Keys)) {
		if keys[name] != said.Keys[name] {
			add("witness.removed", name, said.Keys[name])
		}
	}
	for _, w := range p.Witnesses {
		if said.Keys[w.Name] != keys[w.Name] {
			add("witness.added", w.Name, keys[w.Name])
		}
	}
	if len(out) == 0 && said.Policy != text && said.Policy != "" {
		for _, w := range p.Witnesses {
			add("witness.added", w.Name, keys[w.Name])
		}
	}
	return out
}

// sayCosigners says which witnesses the ledger asks from this start on.
func (k *keeper) sayCosigners(ctx context.Context, reader projections.Reader) error {
	said, err := reader.Witnesses()
	if err != nil {
		return err
	}
	return k.say(ctx, witnesses(said, k.policy, func() intake.Own { return intake.Own{Time: k.now()} }))
}

// verifierFormat is what stands before the SHA-256 of the page for checking among the
// formats of entry 0.
const verifierFormat = "daybook/verify.html sha256:"

// sayVerifier says which page for checking is served, when that is another than was said
// last: entry 0 says it first.
func (k *keeper) sayVerifier(ctx context.Context, reader projections.Reader) error {
	last, times, err := reader.Verifier()
	if err == nil && times == 0 {
		last, err = k.firstVerifier(reader)
	}
	if err != nil || last == k.verifier {
		return err
	}
	now := k.now()
	return k.say(ctx, []intake.Own{{
		Kind: "verifier.published", ID: fmt.Sprintf("verifier.published/%d/%s", times, k.verifier), Time: now,
		Data: events.Object{{Name: "sha256", Value: events.String(k.verifier)}},
	}})
}

// firstVerifier is the page that entry 0 says, "" when it says none.
func (k *keeper) firstVerifier(reader projections.Reader) (string, error) {
	first, err := reader.Entry(0)
	if err != nil {
		return "", err
	}
	e, err := events.ParseEntry(first)
	if err != nil {
		return "", err
	}
	for _, format := range e.Texts("formats") {
		if hash, ok := strings.CutPrefix(format, verifierFormat); ok {
			return hash, nil
		}
	}
	return "", nil
}
