package locallog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/trillian/storage/testonly"

	"github.com/daybook-ledger/daybook/ledger/logtest"
)

// dump lists every key of a tree but its record, a line each.
func dump(t *testing.T, s *store, tree int64) string {
	t.Helper()
	it, err := s.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	log := binary.BigEndian.AppendUint64([]byte{keyLog}, uint64(tree))
	var out strings.Builder
	for ok := it.First(); ok; ok = it.Next() {
		if rest, ok := bytes.CutPrefix(it.Key(), log); ok {
			fmt.Fprintf(&out, "%c %x %x\n", rest[0], rest[1:], it.Value())
		}
	}
	return out.String()
}

// The bytes stored are those that directories in use have. A change here needs
// a way for these to go on.
func TestFormat(t *testing.T) {
	now := func() time.Time { return time.Unix(1_700_000_000, 0) }
	l := openLog(t, Config{Dir: "log", FS: vfs.NewMem(), Now: now})
	mustAppend(t, l.Log, 0, logtest.Leaves(0, 2))
	const hash0 = "773885a613489e24ce2cf76199d6a423f042e4bbf12d7eecee912ef276c65701"
	const hash1 = "2dfb36c6f66cac361429cf46df868ab8242d3a6441f1099c8fb3f98ec5d108a4"
	want := "h  00010000000000000002205a47662fd8a317d96049a3f9f47c55dc67ca66051baa3683dbb19b2fe09a07b017979cfe362a000100000000000000000000\n" +
		"l 0000000000000000 17979cfe362a00010000000000000000" + hash0 + "0000000007656e7472792030\n" +
		"l 0000000000000001 17979cfe362a00010000000000000000" + hash1 + "0000000007656e7472792031\n" +
		"t 000000000000000000 " + hash0 + hash1 + "\n"
	if got := dump(t, l.store, l.tree.TreeId); got != want {
		t.Errorf("the log is stored as\n%swant\n%s", got, want)
	}
}

// A leaf with an identity of its own, in the tree and in the queue.
func TestFormatOfIdentities(t *testing.T) {
	s := newStore(t, vfs.NewMem())
	const head = "h  0001000000000000000000000000000000000000000000000000000000\n"
	const hash = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
	const rest = "0000000000000000" + hash + "20" + hash + "00000001616578747261\n"
	tree := newTree(t, s, testonly.PreorderedLogTree, 0)
	addCodes(t, s, tree, leaf(0, "a"))
	want := head + "i " + hash + " 0000000000000000\n" + "l 0000000000000000 000000003b9aca02" + rest
	if got := dump(t, s, tree.TreeId); got != want {
		t.Errorf("an identity is stored as\n%swant\n%s", got, want)
	}
	tree = newTree(t, s, testonly.LogTree, 0)
	queueCodes(t, s, tree, time.Unix(1, 2), "a")
	want = head + "i " + hash + " 800000003b9aca0200000000\n" + "q 800000003b9aca0200000000" + hash + " 000000003b9aca02" + rest
	if got := dump(t, s, tree.TreeId); got != want {
		t.Errorf("a queue is stored as\n%swant\n%s", got, want)
	}
}
