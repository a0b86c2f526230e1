package keyring

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"filippo.io/age"
)

// RestoreEscrow makes a keyring in dir, which is empty or not there, of what
// [WriteEscrow] wrote, sealed under the master key that master has, or under a
// new one. It has carried out no destruction that is on record: see
// [Keyring.Replayed]. A crash leaves a directory that nothing opens.
//
// An escrow does not say who wrote it, since everybody may encrypt to its
// recipient; that the keys are the ledger's shows when they match its entry 0.
func RestoreEscrow(r io.Reader, identity age.Identity, dir string, master Master) error {
	if err := restoreEscrow(r, identity, &disk{root: dir}, master); err != nil {
		return fmt.Errorf("putting back an escrow: %w", err)
	}
	return nil
}

func restoreEscrow(r io.Reader, identity age.Identity, d *disk, master Master) error {
	plain, err := age.Decrypt(r, identity)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(d.root, dirMode); err != nil {
		return err
	}
	if entries, err := os.ReadDir(d.root); err != nil || len(entries) > 0 {
		return errors.Join(err, fmt.Errorf("%s is not empty", d.root))
	}
	if master == nil {
		master = FileMaster(DefaultMaster(d.root))
	}
	if err := checkOutside(master, d.root); err != nil {
		return err
	}
	lock, err := d.acquire("lock")
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := errors.Join(d.syncDir(".."), d.replace("restoring", nil)); err != nil {
		return err
	}
	v, err := loadMaster(master, true, rand.Reader)
	if err != nil {
		return err
	}
	return putBack(&files{d, v}, plain)
}

func putBack(f *files, plain io.Reader) error {
	for _, dir := range []string{"organizations", "months", "buckets"} {
		if err := f.mkdir(dir); err != nil {
			return err
		}
	}
	in := &incoming{files: f, waiting: make(map[rollNumber][]record)}
	begun, every, err := readEscrow(plain, in.take)
	if err == nil {
		err = in.finish()
	}
	if err != nil {
		return err
	}
	if _, err := readLedgerKeys(f); err != nil {
		return err
	}
	if err := f.noteEscrow(begun, every); err != nil {
		return err
	}
	if err := f.remove("restoring"); err != nil {
		return err
	}
	return f.syncDir("")
}

// readEscrow reads the plain text of an escrow and hands each part to take.
// It refuses what copyOut would not have written, and everything after its end.
func readEscrow(r io.Reader, take func(name string, plain []byte) error) (begun time.Time, every time.Duration, err error) {
	br := bufio.NewReader(r)
	head := make([]byte, len(escrowLine)+16)
	if _, err := io.ReadFull(br, head); err != nil || string(head[:len(escrowLine)]) != escrowLine {
		return time.Time{}, 0, errors.New("its first line is not " + escrowLine[:len(escrowLine)-1])
	}
	seconds, period := binary.BigEndian.Uint64(head[len(escrowLine):]), binary.BigEndian.Uint64(head[len(escrowLine)+8:])
	if seconds > 1<<40 || period < 1 || period > uint64(maxPeriod/time.Second) {
		return time.Time{}, 0, errors.New("its times are impossible")
	}
	begun, every = time.Unix(int64(seconds), 0).UTC(), time.Duration(period)*time.Second
	last := ""
	for place := 0; ; place++ {
		name, plain, err := readPart(br)
		if err != nil {
			return time.Time{}, 0, err
		}
		if name == "" && place > len(ledgerFiles()) {
			break
		}
		if !inPlace(place, last, name) {
			return time.Time{}, 0, fmt.Errorf("part %d does not belong there", place+1)
		}
		if err := take(name, plain); err != nil {
			return time.Time{}, 0, fmt.Errorf("reading %s: %w", name, err)
		}
		clear(plain)
		last = name
	}
	if _, err := br.ReadByte(); !errors.Is(err, io.EOF) {
		return time.Time{}, 0, errors.Join(errors.New("it goes on after its end"), err)
	}
	return begun, every, nil
}

// inPlace holds the order of the parts: pending, the fixed keys, organizations
// and months, then buckets, the last two ascending.
func inPlace(place int, last, name string) bool {
	switch {
	case place == 0:
		return name == pendingRoll.name()
	case place <= len(ledgerFiles()):
		return name == ledgerFiles()[place-1]
	}
	number, isRoll := parseRoll(name)
	before, afterRoll := parseRoll(last)
	if isRoll {
		return number != pendingRoll && (!afterRoll || before < number)
	}
	return isOther(name) && !afterRoll && (!isOther(last) || last < name)
}

// readPart reads one part; the end has no name.
func readPart(r *bufio.Reader) (name string, plain []byte, err error) {
	n, err := r.ReadByte()
	if err != nil || n == 0 {
		return "", nil, cut(err)
	}
	head := make([]byte, int(n)+4)
	if _, err := io.ReadFull(r, head); err != nil {
		return "", nil, cut(err)
	}
	length := int64(binary.BigEndian.Uint32(head[n:]))
	var b bytes.Buffer // grows with what is there, not with what is promised
	if _, err := io.CopyN(&b, r, length); err != nil {
		return "", nil, cut(err)
	}
	return string(head[:n]), b.Bytes(), nil
}

func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut short")
	}
	return err
}

// incoming is a keyring that is being put back: the records that were pending
// wait for their buckets, which come later.
type incoming struct {
	files   *files
	waiting map[rollNumber][]record
}

func (in *incoming) take(name string, plain []byte) error {
	number, isRoll := parseRoll(name)
	if !isRoll {
		return in.key(name, plain)
	}
	if len(plain)%recordLen != 0 {
		return errors.New("a record is cut short")
	}
	var records []record
	for b := plain; len(b) > 0; b = b[recordLen:] {
		r := parseRecord(b[:recordLen])
		if err := r.check(number); err != nil {
			return err
		}
		records = append(records, r)
	}
	if number != pendingRoll {
		return in.bucket(number, records)
	}
	for _, r := range records {
		n := bucketOf(r.person.handle)
		in.waiting[n] = append(in.waiting[n], r)
	}
	_, empty, err := in.files.vault.writeRoll(pendingRoll, nil)
	if err != nil {
		return err
	}
	return in.files.replace(name, empty)
}

// key writes one key file. Those of the ledger are checked when all are there.
func (in *incoming) key(name string, plain []byte) error {
	if isOther(name) {
		isEnded := strings.HasSuffix(name, "/"+ended)
		if isEnded && !isMonth(string(plain)) || !isEnded && len(plain) != 32 {
			return errors.New("it is no key")
		}
		if err := in.files.mkdir(parent(name)); err != nil {
			return err
		}
	}
	return in.files.writeSealed(name, plain)
}

// bucket writes a bucket with the records that wait for it. The same record may
// come twice.
func (in *incoming) bucket(n rollNumber, records []record) error {
	all := newRoster()
	for _, r := range append(records, in.waiting[n]...) {
		if err := all.add(r); err != nil {
			return err
		}
	}
	delete(in.waiting, n)
	_, data, err := in.files.vault.writeRoll(n, all.records())
	if err != nil {
		return err
	}
	return in.files.replace(n.name(), data)
}

// finish writes the buckets that only pending records belong to.
func (in *incoming) finish() error {
	for n := range in.waiting {
		if err := in.bucket(n, nil); err != nil {
			return err
		}
	}
	return nil
}
