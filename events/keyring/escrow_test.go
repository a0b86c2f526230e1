package keyring

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
)

var escrowTime = time.Unix(1_800_000_000, 0).UTC()

func newIdentity(t testing.TB) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func writeTo(t testing.TB, dir string, id *age.X25519Identity) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := WriteEscrow(Escrow{Dir: dir, Recipient: id.Recipient(), Begun: escrowTime, ReplacedEvery: 24 * time.Hour}, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func restore(t testing.TB, data []byte, id age.Identity) *Keyring {
	t.Helper()
	dir := filepath.Join(tempDir(t), "back")
	if err := RestoreEscrow(bytes.NewReader(data), id, dir, nil); err != nil {
		t.Fatal(err)
	}
	return open(t, dir)
}

// TestEscrow writes one while the keyring is open, with records in buckets and
// pending, and puts it back.
func TestEscrow(t *testing.T) {
	k, dir := newKeyring(t)
	ids := persons("p", 40)
	people := prepare(t, k, ids[:20]...)
	k.moveNow(t)
	people = append(people, prepare(t, k, ids[20:]...)...)
	hidden := prepareSeal(t, k, people[2], ids[2], "seal")
	months := monthKeys(t, k, "2026-01", "2026-02")
	if err := errors.Join(k.DestroyMonth("city", "2026-01"), k.SetReplayed(9)); err != nil {
		t.Fatal(err)
	}
	before := derived(t, k)
	id := newIdentity(t)
	data := writeTo(t, dir, id)
	root := people[0].Root()
	if bytes.Contains(data, root[:]) {
		t.Fatal("a root key stands in it plainly")
	}

	back := restore(t, data, id)
	if after := derived(t, back); after != before {
		t.Errorf("put back:\n%s\nbefore:\n%s", after, before)
	}
	for i, p := range append(people, hidden) {
		if !same(byHandle(t, back, p.handle), p) || i < len(ids) && !same(lookup(t, back, ids[i]), p) {
			t.Errorf("person %d is not put back", i)
		}
	}
	// "derived" has enrolled ada.
	if n, err := back.Count(); n != len(people)+2 || err != nil {
		t.Errorf("%d persons: %v", n, err)
	}
	if key, err := back.FindMonthKey("city", day("2026-02")); err != nil || !bytes.Equal(key, months["2026-02"]) {
		t.Errorf("a month's key: %v", err)
	}
	if _, err := back.MonthKey("city", day("2026-01")); !errors.Is(err, ErrMonthEnded) {
		t.Errorf("a month that has ended: %v", err)
	}
	if seq, err := back.Replayed(); seq != 0 || err != nil {
		t.Errorf("it claims to have replayed up to %d: %v", seq, err)
	}
	if until, err := back.BackupsUntil(escrowTime); err != nil || !until.Equal(escrowTime.Add(24*time.Hour)) {
		t.Errorf("the escrow itself may be there until %v: %v", until, err)
	}
	a, b := readBytes(t, DefaultMaster(dir)), readBytes(t, DefaultMaster(back.files.root))
	if bytes.Equal(a, b) {
		t.Error("it carries the master key along")
	}
}

func TestEscrowRefuses(t *testing.T) {
	k, dir := newKeyring(t)
	prepare(t, k, persons("p", 3)...)
	id := newIdentity(t)
	data := writeTo(t, dir, id)
	for name, call := range map[string]func(dir string) error{
		"another identity": func(dir string) error { return RestoreEscrow(bytes.NewReader(data), newIdentity(t), dir, nil) },
		"cut short":        func(dir string) error { return RestoreEscrow(bytes.NewReader(data[:len(data)-1]), id, dir, nil) },
		"damaged": func(dir string) error {
			flipped := slices.Clone(data)
			flipped[len(flipped)/2] ^= 1
			return RestoreEscrow(bytes.NewReader(flipped), id, dir, nil)
		},
		"not empty": func(dir string) error {
			if err := os.MkdirAll(filepath.Join(dir, "x"), dirMode); err != nil {
				return nil
			}
			return RestoreEscrow(bytes.NewReader(data), id, dir, nil)
		},
		"a master key inside": func(dir string) error {
			return RestoreEscrow(bytes.NewReader(data), id, dir, FileMaster(filepath.Join(dir, "m")))
		},
	} {
		to := filepath.Join(tempDir(t), "back")
		if err := call(to); err == nil {
			t.Errorf("%s: it is put back", name)
		}
		if k, err := Open(Config{Dir: to}); err == nil && strings.Contains("cut short damaged", name) {
			t.Errorf("%s: what was put back in part opens as %s", name, k.Origin())
		}
	}
	for name, e := range map[string]Escrow{
		"no keyring":    {Dir: tempDir(t), Recipient: id.Recipient(), Begun: escrowTime, ReplacedEvery: time.Hour},
		"no promise":    {Dir: dir, Recipient: id.Recipient(), Begun: escrowTime},
		"no time":       {Dir: dir, Recipient: id.Recipient(), ReplacedEvery: time.Hour},
		"no master key": {Dir: dir, Master: FileMaster(dir + "-other"), Recipient: id.Recipient(), Begun: escrowTime, ReplacedEvery: time.Hour},
	} {
		if err := WriteEscrow(e, io.Discard); err == nil {
			t.Errorf("%s: an escrow is written", name)
		}
	}
	full := errors.New("the disk is full")
	if err := WriteEscrow(Escrow{Dir: dir, Recipient: id.Recipient(), Begun: escrowTime, ReplacedEvery: time.Hour}, failing{full}); !errors.Is(err, full) {
		t.Errorf("writing in vain: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestEscrowWhileServing writes escrows while persons are prepared, moved and
// erased: whoever was there before an escrow began and is not erased is in it.
func TestEscrowWhileServing(t *testing.T) {
	k, dir := newKeyring(t)
	ids := persons("p", 60)
	kept := prepare(t, k, ids...)
	id := newIdentity(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			people, err := k.Prepare(persons(fmt.Sprint("later", i), 3), nil)
			if err == nil {
				err = k.Erase(people[0].Handle())
			}
			if err == nil && i%7 == 0 {
				k.moveNow(t)
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 8 {
		back := restore(t, writeTo(t, dir, id), id)
		for i, p := range kept {
			if !same(byHandle(t, back, p.handle), p) {
				t.Fatalf("person %d is missing", i)
			}
		}
	}
	close(stop)
	wg.Wait()
}

// TestEscrowDuringExchange writes one when the key of a bucket is zeroed and the
// new file lies beside it, and when that takes its name only a while later.
func TestEscrowDuringExchange(t *testing.T) {
	for _, late := range []bool{false, true} {
		k, dir := newKeyring(t)
		id := Identifier{"example", "ada"}
		p := prepare(t, k, id)[0]
		gone := prepareSeal(t, k, p, id, "gone")
		k.moveNow(t)
		k.files.step = func(s step) error {
			if s.op == "rename" {
				return errCut
			}
			return nil
		}
		if err := k.Erase(gone.handle); !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		path := filepath.Join(dir, bucketOf(p.handle).name())
		if late {
			rename(t, path+aside, path+".later")
			time.AfterFunc(20*time.Millisecond, func() { rename(t, path+".later", path) })
		}
		who := newIdentity(t)
		back := restore(t, writeTo(t, dir, who), who)
		if !same(byHandle(t, back, p.handle), p) || byHandle(t, back, gone.handle) != nil {
			t.Error("the escrow has not what the new file has")
		}
		k.crash(t)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Error(err)
	}
}

// TestOpenLeavesAnEscrowAlone: the note of one that is being written while the
// ledger starts is not taken from under it.
func TestOpenLeavesAnEscrowAlone(t *testing.T) {
	k, dir := newKeyring(t)
	k.crash(t)
	path := filepath.Join(dir, escrowNote+aside)
	writeBytes(t, path, []byte("a note"))
	open(t, dir)
	if string(readBytes(t, path)) != "a note" {
		t.Error("it was changed")
	}
}

func TestEscrowAndRotationExclude(t *testing.T) {
	k, dir := newKeyring(t)
	held, err := k.files.acquire(escrowLock)
	if err != nil {
		t.Fatal(err)
	}
	e := Escrow{Dir: dir, Recipient: newIdentity(t).Recipient(), Begun: escrowTime, ReplacedEvery: time.Hour}
	if err := WriteEscrow(e, io.Discard); !errors.Is(err, ErrLocked) {
		t.Errorf("two escrows at once: %v", err)
	}
	if err := k.RotateMaster(); !errors.Is(err, ErrLocked) {
		t.Errorf("rotating during an escrow: %v", err)
	}
	if err := errors.Join(held.Close(), k.RotateMaster()); err != nil {
		t.Fatal(err)
	}
	if err := WriteEscrow(e, io.Discard); err != nil {
		t.Fatal(err)
	}
}

func TestBackupsUntil(t *testing.T) {
	k, dir := newKeyring(t)
	until := func(now time.Time) time.Time {
		t.Helper()
		at, err := k.BackupsUntil(now)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if at := until(escrowTime); !at.IsZero() {
		t.Errorf("without an escrow there is one until %v", at)
	}
	write := func(begun time.Time, every time.Duration) {
		t.Helper()
		e := Escrow{Dir: dir, Recipient: newIdentity(t).Recipient(), Begun: begun, ReplacedEvery: every}
		if err := WriteEscrow(e, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	const day = 24 * time.Hour
	write(escrowTime, 30*day)
	for _, c := range []struct{ after, want time.Duration }{
		{0, 30 * day}, {29 * day, 30 * day}, {30 * day, 60 * day}, {45 * day, 75 * day}, // overdue: the promise counts anew
	} {
		if at := until(escrowTime.Add(c.after)); !at.Equal(escrowTime.Add(c.want)) {
			t.Errorf("after %v it is %v, want %v", c.after, at.Sub(escrowTime), c.want)
		}
	}
	// A shorter promise does not call back a file that was promised for longer.
	write(escrowTime.Add(day), day)
	if at := until(escrowTime.Add(2 * day)); !at.Equal(escrowTime.Add(30 * day)) {
		t.Errorf("then it is %v", at)
	}
	write(escrowTime.Add(31*day), day)
	if at := until(escrowTime.Add(31 * day)); !at.Equal(escrowTime.Add(32 * day)) {
		t.Errorf("later it is %v", at)
	}
}

// TestRestoreCrash cuts the power before every step of putting back: what is
// left either does not open, or has everything.
func TestRestoreCrash(t *testing.T) {
	k, dir := newKeyring(t)
	people := prepare(t, k, persons("p", 3)...)
	k.moveNow(t)
	people = append(people, prepare(t, k, persons("q", 2)...)...)
	monthKeys(t, k, "2026-01")
	id := newIdentity(t)
	data := writeTo(t, dir, id)
	for cut := 0; ; cut++ {
		p := plugIn(t, newRoot(t), cut)
		d, m := &disk{root: filepath.Join(p.root, "keys"), step: p.step}, &fileMaster{disk: disk{root: p.root, step: p.step}, name: "master"}
		err := restoreEscrow(bytes.NewReader(data), id, d, m)
		if err != nil && !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		for _, root := range p.images() {
			begun, _ := (&disk{root: filepath.Join(root, "keys")}).exists("organizations")
			back, openErr := openPlugged(root, nil)
			if openErr != nil {
				if err == nil || !strings.Contains(openErr.Error(), "not finished") {
					t.Errorf("cut at %d: %v", cut, openErr)
				}
				continue
			}
			for i, q := range people {
				if begun && !same(byHandle(t, back, q.handle), q) {
					t.Errorf("cut at %d: person %d is missing", cut, i)
				}
			}
			back.crash(t)
		}
		if err == nil {
			return
		}
	}
}

// TestEscrowPlainText pins the format and that anything else is refused.
func TestEscrowPlainText(t *testing.T) {
	part := func(name, content string) string {
		return string([]byte{byte(len(name))}) + name + string(binary.BigEndian.AppendUint32(nil, uint32(len(content)))) + content
	}
	ref := strings.Repeat("0a", 32)
	head := escrowLine + "\x00\x00\x00\x00\x6b\x49\xd2\x00" + "\x00\x00\x00\x00\x00\x01\x51\x80"
	parts := []string{
		part("pending", ""), part("ledger", "a"), part("vrf", "b"), part("log", "c"), part("receipt", "d"), part("index", "e"),
		part("months/"+ref+"/2026-01", "f"), part("months/"+ref+"/ended", "g"), part("organizations/"+ref, "h"),
		part("buckets/00f", "i"), part("buckets/0a0", "j"),
	}
	read := func(text string) (string, error) {
		var got strings.Builder
		begun, every, err := readEscrow(strings.NewReader(text), func(name string, plain []byte) error {
			got.WriteString(string(plain))
			return nil
		})
		if err == nil && (!begun.Equal(escrowTime) || every != 24*time.Hour) {
			t.Errorf("it says %v and %v", begun, every)
		}
		return got.String(), err
	}
	whole := head + strings.Join(parts, "") + "\x00"
	if got, err := read(whole); got != "abcdefghij" || err != nil {
		t.Fatalf("%q: %v", got, err)
	}
	for n := range whole {
		if _, err := read(whole[:n]); err == nil {
			t.Errorf("cut to %d bytes it passes", n)
		}
	}
	if _, err := read(whole + "\x00"); err == nil {
		t.Error("what follows the end passes")
	}
	for i := range len(parts) - 1 {
		swapped := slices.Clone(parts)
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
		if _, err := read(head + strings.Join(swapped, "") + "\x00"); err == nil {
			t.Errorf("parts %d and %d pass the other way round", i, i+1)
		}
		twice := slices.Insert(slices.Clone(parts), i, parts[i])
		if _, err := read(head + strings.Join(twice, "") + "\x00"); err == nil {
			t.Errorf("part %d passes twice", i)
		}
	}
	for _, name := range []string{"lock", "replayed", "../x", "months/" + ref, "months/" + ref + "/2026-1", "organizations/" + ref + "/x", "buckets/1000", "buckets/00F", "other/" + ref} {
		if _, err := read(head + strings.Join(parts[:6], "") + part(name, "x") + "\x00"); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func FuzzEscrow(f *testing.F) {
	f.Add([]byte(escrowLine))
	f.Add([]byte(escrowLine + "\x00\x00\x00\x00\x6b\x49\xd2\x00\x00\x00\x00\x00\x00\x01\x51\x80\x07pending\x00\x00\x00\x00\x06ledger\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, _ = readEscrow(bytes.NewReader(data), func(name string, plain []byte) error {
			if strings.Contains(name, "..") || len(plain) > len(data) {
				t.Errorf("%q, %d bytes", name, len(plain))
			}
			return nil
		})
	})
}
