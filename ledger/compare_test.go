package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// sourceOf shows a directory with some of its paths changed.
type sourceOf struct {
	*Public
	change func(path string, b []byte) ([]byte, error)
}

func (s sourceOf) Read(ctx context.Context, path string) ([]byte, error) {
	b, err := s.Public.Read(ctx, path)
	if s.change == nil || err != nil {
		return b, err
	}
	return s.change(path, b)
}

// forked are entries that differ from testEntries from position at on.
func forked(t testing.TB, n, at int) [][]byte {
	t.Helper()
	out := testEntries(t, n)
	for i := at; i < n; i++ {
		out[i] = saidEntry(t, "dataset.registered", fmt.Sprintf(`{"dataset":"example/other%d","title":"Other"}`, i), nameOf(i))
	}
	return out
}

func TestCompare(t *testing.T) {
	entries, other := testEntries(t, 700), forked(t, 700, 100)
	key := logKey(t)
	at := func(n int) []byte { return signedAt(t, entries, n, key.Signer) }
	fork := func(n int) []byte { return signedAt(t, other, n, key.Signer) }
	honest, forged := forge(t, entries), forge(t, other)
	for name, test := range map[string]struct {
		before, now []byte
		shown       string
		kind        string
	}{
		"nothing before":            {nil, at(5), honest, ""},
		"the same":                  {at(300), at(300), honest, ""},
		"more":                      {at(300), at(700), honest, ""},
		"more, from a power of two": {at(256), at(700), honest, ""},
		"from the beginning":        {at(1), at(700), honest, ""},
		"the fork is not reached":   {at(100), fork(700), forged, ""},
		"another root":              {at(300), fork(300), "", proof.EvidenceFork},
		"another beginning":         {at(300), fork(700), forged, proof.EvidenceInconsistent},
		"of a power of two":         {at(256), fork(700), forged, proof.EvidenceInconsistent},
		"of one entry more":         {at(101), fork(102), forge(t, other[:102]), proof.EvidenceInconsistent},
		"smaller and another":       {at(700), fork(300), honest, proof.EvidenceInconsistent},
	} {
		t.Run(name, func(t *testing.T) {
			var source Source
			if test.shown != "" {
				source = must[*Public](t)(OpenPublic(test.shown))
			}
			found, err := Compare(t.Context(), test.before, test.now, key.Verifier, source)
			if err != nil || (found == nil) != (test.kind == "") {
				t.Fatalf("found %v, %v", found, err)
			}
			if found == nil {
				return
			}
			read := must[proof.Evidence](t)(proof.ParseEvidence(found.Format()))
			if c, err := read.Verify(key.Verifier); err != nil || c.Kind != test.kind {
				t.Errorf("a stranger finds %v, %v", c, err)
			}
		})
	}
}

func TestCompareTellsWhatItCannotTell(t *testing.T) {
	entries := testEntries(t, 700)
	key := logKey(t)
	public := must[*Public](t)(OpenPublic(forge(t, entries)))
	small := must[*Public](t)(OpenPublic(forge(t, entries[:300])))
	gone := func(path string, b []byte) ([]byte, error) {
		if strings.Contains(path, "tile/") {
			return nil, errors.New("no answer")
		}
		return b, nil
	}
	lies := func(path string, b []byte) ([]byte, error) {
		b[9] ^= 1
		return b, nil
	}
	outgrown := func(path string, b []byte) ([]byte, error) {
		if strings.HasPrefix(path, "tile/0/001.p/") {
			return nil, notExist(path)
		}
		return b, nil
	}
	before, now := signedAt(t, entries, 300, key.Signer), signedAt(t, entries, 700, key.Signer)
	var wrong *AuditError
	if _, err := Compare(t.Context(), before, now, key.Verifier, sourceOf{public, gone}); !errors.Is(err, ErrIncomplete) || errors.Is(err, ErrRollback) {
		t.Errorf("without tiles: %v", err)
	}
	if _, err := Compare(t.Context(), before, now, key.Verifier, sourceOf{public, lies}); !errors.As(err, &wrong) || errors.Is(err, ErrIncomplete) {
		t.Errorf("with other tiles: %v", err)
	}
	if _, err := Compare(t.Context(), now, before, key.Verifier, public); !errors.Is(err, ErrRollback) || errors.Is(err, ErrIncomplete) {
		t.Errorf("set back: %v", err)
	}
	if _, err := Compare(t.Context(), now, before, key.Verifier, small); !errors.Is(err, ErrRollback) || !errors.Is(err, ErrIncomplete) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("set back, with the tiles gone: %v", err)
	}
	if found, err := Compare(t.Context(), before, signedAt(t, entries, 400, key.Signer), key.Verifier, sourceOf{public, outgrown}); found != nil || err != nil {
		t.Errorf("partial tiles that are full by now: %v, %v", found, err)
	}
	if _, err := Compare(t.Context(), before, signedAt(t, entries, 700, newKey(t, testOrigin, "stranger").Signer), key.Verifier, public); err == nil {
		t.Error("compared what another key signed")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := Compare(ctx, before, now, key.Verifier, public); err == nil || errors.Is(err, ErrIncomplete) {
		t.Errorf("when told to end: %v", err)
	}
}
