package projections

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/daybook-ledger/daybook/events"
)

// Witnesses are those whom the ledger has asked to cosign since it last said so.
type Witnesses struct {
	Keys   map[string]string // of each, by its name in the policy
	Policy string            // whose cosignatures are needed, as tlog-policy; "" when nothing was said
	Said   int               // how often something was said about any of them
}

// Witnesses folds what the ledger said about its witnesses. That is little, and read
// anew each time.
func (r Reader) Witnesses() (w Witnesses, err error) {
	var all []Found
	for _, kind := range []string{"witness.added", "witness.removed"} {
		list, err := r.every(Filter{Kind: kind, Limit: MaxLimit})
		if err != nil {
			return w, fmt.Errorf("reading who cosigns: %w", err)
		}
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b Found) int { return cmp.Compare(a.Position, b.Position) })
	w.Keys, w.Said = map[string]string{}, len(all)
	for _, f := range all {
		e, err := events.ParseEntry(f.Entry)
		if err != nil {
			return w, fmt.Errorf("reading who cosigns: entry %d: %w", f.Position, err)
		}
		w.Policy = e.Text("policy")
		if name := e.Text("witness"); e.Kind.Name == "witness.added" {
			w.Keys[name] = e.Text("key")
		} else if w.Keys[name] == e.Text("key") {
			delete(w.Keys, name)
		}
	}
	return w, nil
}

// every is what f chooses, on all pages.
func (r Reader) every(f Filter) (out []Found, err error) {
	for {
		list, next, err := r.Entries(f)
		if err != nil {
			return nil, err
		}
		if out = append(out, list...); next == nil {
			return out, nil
		}
		f.After = next
	}
}

// Verifier is the SHA-256 of the page for checking that was published last, "" when
// none was, and how often one was published.
func (r Reader) Verifier() (sha256 string, times int, err error) {
	list, err := r.every(Filter{Kind: "verifier.published", Limit: MaxLimit})
	if err != nil || len(list) == 0 {
		return "", 0, err
	}
	e, err := events.ParseEntry(list[len(list)-1].Entry)
	if err != nil {
		return "", 0, fmt.Errorf("reading which page for checking is published: %w", err)
	}
	return e.Text("sha256"), len(list), nil
}
