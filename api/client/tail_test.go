package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// switched are the files of a log, the last entry of which is shown as another.
type switched struct {
	ledger.Source
	size int
}

func (s switched) Read(ctx context.Context, path string) ([]byte, error) {
	b, err := s.Source.Read(ctx, path)
	if err != nil || !strings.HasPrefix(path, "tile/entries/") {
		return b, err
	}
	list, err := proof.ReadBundle(b, s.size)
	if err != nil {
		return nil, err
	}
	list[s.size-1], b = list[s.size-2], nil
	for _, entry := range list {
		if b, err = proof.AppendBundle(b, entry); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// TestTailIsTheSignedOne: what the index does not cover is believed only as it was
// signed, and a ledger that shows another entry in the place of hers is caught.
func TestTailIsTheSignedOne(t *testing.T) {
	c := village(t)
	at := c.use(event{ann, 4})
	c.publish()
	c.index.shown--
	follow := c.trail(c.card(ann), nil)
	found, err := follow.Collect(t.Context())
	check(t, err)
	if len(found.Tail.Hers) != 1 || int(found.Tail.Hers[0]) != at || !found.Tail.Read {
		t.Errorf("the tail is %+v, hers is at %d", found.Tail, at)
	}
	follow.Log = switched{follow.Log, len(c.log.entries)}
	_, err = follow.Collect(t.Context())
	var bad *client.Misbehaviour
	if !errors.As(err, &bad) || !strings.Contains(bad.Said, "is not the one that is signed") {
		t.Errorf("an entry behind the index was exchanged: %v", err)
	}
}
