package intake

import "context"

// SayTogether is sayTogether without a condition.
func (w *Writer) SayTogether(t interface{ Context() context.Context }, list ...Own) ([]Outcome, error) {
	return w.sayTogether(t.Context(), nil, list...)
}
