package ledger

import (
	"errors"
	"maps"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/locallog"
)

// TestTrillian anchors beside the log that runs in this process, through
// restarts, and once after that log lost all it had.
func TestTrillian(t *testing.T) {
	entries := testEntries(t, 530)
	dir := t.TempDir()
	logs := []string{t.TempDir(), t.TempDir()}
	for i, size := range []int{3, 260, 261, 530} {
		l, err := locallog.Open(t.Context(), locallog.Config{Dir: logs[i/3]})
		if err != nil {
			t.Fatal(err)
		}
		err = anchorTo(t, testConfig(t, dir, newHistory(entries[:size]...), l), events.Size(size))
		if err = errors.Join(err, l.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if !maps.Equal(files(t, dir+"/public"), files(t, forge(t, entries))) {
		t.Fatal("the public directory differs")
	}
}
