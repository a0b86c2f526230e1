package projections

import (
	"fmt"

	"github.com/daybook-ledger/daybook/events"
)

const correctedPrefix = "k" // by the name of what is corrected

// foldCorrections keeps what corrects an entry. The corrected one stays as it is.
func foldCorrections(b *batch, m *message) error {
	if name := m.entry.Text("corrects"); name != "" {
		b.set(number(part(correctedPrefix, name), m.position), nil)
	}
	return nil
}

// Corrections are the entries that correct the one of a name, by ascending
// position.
func (r Reader) Corrections(name events.EventName) (out []events.Index, err error) {
	done, err := r.v.use()
	if err != nil {
		return nil, err
	}
	defer done()
	prefix := part(correctedPrefix, name.String())
	it, err := r.under(prefix, true)
	if err != nil {
		return nil, err
	}
	for it.First(); it.Valid() && len(out) < MaxLimit; it.Next() {
		if p, ok := positionAfter(it.Key(), len(prefix)); ok {
			out = append(out, p)
		}
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("reading what corrects an entry: %w", err)
	}
	return out, nil
}
