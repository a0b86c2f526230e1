package trail

import (
	"errors"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

func TestOnce(t *testing.T) {
	dir := t.TempDir()
	o := must[*Once](t)(OpenOnce(dir))
	read := func(b []byte) *events.Entry { return must[*events.Entry](t)(events.ParseEntry(b)) }
	var all []*events.Entry
	for i := range 300 {
		all = append(all, read(entryOf(t, i)))
	}
	if err := errors.Join(o.Add(all[:7]), o.Add(all[7:200]), o.Add(nil), o.Close()); err != nil {
		t.Fatal(err)
	}
	o = must[*Once](t)(OpenOnce(dir))
	defer func() {
		if err := errors.Join(o.Close(), o.Close()); err != nil {
			t.Error(err)
		}
	}()
	if o.Size() != 200 {
		t.Fatalf("it was told 200 entries and says %d", o.Size())
	}
	for name, test := range map[string]struct {
		entries []*events.Entry
		want    TwiceError
	}{
		"a name":               {[]*events.Entry{all[200], all[40]}, TwiceError{proof.EvidenceDuplicateEvent, 40, 201}},
		"a tag":                {[]*events.Entry{read(tagged(t, 900, tagOf(43)))}, TwiceError{proof.EvidenceDuplicateTag, 43, 200}},
		"a label":              {[]*events.Entry{all[200], read(enrolled(t, 901, 31))}, TwiceError{proof.EvidenceDuplicateLabel, 31, 201}},
		"a tag in one portion": {[]*events.Entry{all[202], read(tagged(t, 900, tagOf(202)))}, TwiceError{proof.EvidenceDuplicateTag, 200, 201}},
	} {
		var twice *TwiceError
		if err := o.Add(test.entries); !errors.As(err, &twice) || *twice != test.want {
			t.Errorf("%s: %v, want %v", name, err, &test.want)
		}
		if o.Size() != 200 {
			t.Fatalf("after %s it has %d", name, o.Size())
		}
	}
	if err := o.Add(all[200:]); err != nil || o.Size() != 300 {
		t.Errorf("what was refused left something: %v, size %d", err, o.Size())
	}
}
