package keyring

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
)

const (
	escrowLine = "daybook/escrow@1\n"
	escrowNote = "escrow"
	escrowLock = "escrow.lock"
	maxPeriod  = 100 * 366 * 24 * time.Hour
)

// Escrow says of which keyring a copy is made, and for whom.
type Escrow struct {
	// Dir and Master are those of the keyring, which somebody may hold open.
	Dir    string
	Master Master

	// Recipient is who can open the copy, which needs no master key.
	Recipient age.Recipient

	// Begun is the time before the first key is read.
	Begun time.Time

	// ReplacedEvery is after how long at most, in whole seconds, the next copy
	// replaces this one. It is a promise of whoever runs the ledger, on which
	// [Keyring.BackupsUntil] relies.
	ReplacedEvery time.Duration
}

// ledgerFiles are the key files every keyring has.
func ledgerFiles() []string { return []string{"ledger", "vrf", "log", "receipt", "index"} }

// WriteEscrow writes everything of a keyring to w, in one file that needs
// nothing but the identity of its recipient; see the package documentation for
// its format. Nobody has to let go of the keyring: what was durable when it
// begins is in it, but for what is erased meanwhile, which may be in it or not.
// Before the first key is read, the directory notes when that was.
//
// The file counts when the error is nil. The error is [ErrLocked] while another
// one is being written or the master key is changing.
func WriteEscrow(e Escrow, w io.Writer) error {
	if err := writeEscrow(&disk{root: e.Dir}, e, w); err != nil {
		return fmt.Errorf("writing an escrow: %w", err)
	}
	return nil
}

func writeEscrow(d *disk, e Escrow, w io.Writer) error {
	if e.ReplacedEvery < time.Second || e.ReplacedEvery > maxPeriod || e.Begun.Unix() <= 0 {
		return errors.New("it needs the time it begins, and after how long it is replaced")
	}
	if whole, err := standing(d); err != nil || !whole {
		return errors.Join(err, fmt.Errorf("there is no keyring in %s", d.root))
	}
	lock, err := d.acquire(escrowLock)
	if err != nil {
		return err
	}
	defer lock.Close()
	master := e.Master
	if master == nil {
		master = FileMaster(DefaultMaster(d.root))
	}
	v, err := loadMaster(master, false, rand.Reader)
	if err != nil {
		return err
	}
	f := &files{d, v}
	if err := f.noteEscrow(e.Begun, e.ReplacedEvery); err != nil {
		return err
	}
	sealed, err := age.Encrypt(w, e.Recipient)
	if err != nil {
		return err
	}
	if err := f.copyOut(sealed, e); err != nil {
		return err
	}
	return sealed.Close()
}

// copyOut writes the plain text. What waits is read first and the buckets last,
// so that nobody is missed who is moved from the one to the others meanwhile.
func (f *files) copyOut(w io.Writer, e Escrow) error {
	head := binary.BigEndian.AppendUint64([]byte(escrowLine), uint64(e.Begun.Unix()))
	head = binary.BigEndian.AppendUint64(head, uint64(e.ReplacedEvery/time.Second))
	if _, err := w.Write(head); err != nil {
		return err
	}
	names, err := f.others()
	if err != nil {
		return err
	}
	for _, name := range slices.Concat([]string{pendingRoll.name()}, ledgerFiles(), names) {
		if err := f.copyFile(w, name); err != nil {
			return fmt.Errorf("copying %s: %w", name, err)
		}
	}
	if err := f.copyBuckets(w); err != nil {
		return err
	}
	_, err = w.Write([]byte{0})
	return err
}

// others lists the keys of organizations and months, ascending.
func (f *files) others() ([]string, error) {
	var names []string
	err := filepath.WalkDir(f.root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // destroyed meanwhile
		}
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(f.root, path)
		if name := filepath.ToSlash(rel); isOther(name) {
			names = append(names, name)
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

// isOther reports whether name is the key of an organization or a month.
func isOther(name string) bool {
	kind, rest, _ := strings.Cut(name, "/")
	ref, month, deeper := strings.Cut(rest, "/")
	if len(ref) != 64 || strings.Trim(ref, "0123456789abcdef") != "" {
		return false
	}
	return kind == "organizations" && !deeper || kind == "months" && (month == ended || isMonth(month))
}

func (f *files) copyFile(w io.Writer, name string) error {
	var plain []byte
	var err error
	if number, isRoll := parseRoll(name); isRoll {
		plain, err = f.plainRoll(number)
	} else {
		plain, err = f.readSealed(name)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errWiped) {
		return nil // destroyed meanwhile
	}
	if err != nil {
		return err
	}
	defer clear(plain)
	return writePart(w, name, plain)
}

func writePart(w io.Writer, name string, plain []byte) error {
	head := append([]byte{byte(len(name))}, name...)
	head = binary.BigEndian.AppendUint32(head, uint32(len(plain)))
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(plain)
	return err
}

func (f *files) copyBuckets(w io.Writer) error {
	// Each is asked for by name: a list of the directory can lack a file that is
	// being exchanged while the list is made.
	for n := range rollNumber(buckets) {
		if err := f.copyFile(w, n.name()); err != nil {
			return fmt.Errorf("copying %s: %w", n.name(), err)
		}
	}
	return nil
}

// plainRoll is the records of a file, one after the other. Somebody may be
// exchanging it: then its key is zeroed for a moment, and longer when that was
// cut short, and as long as it is the new file beside it is whole.
func (f *files) plainRoll(number rollNumber) ([]byte, error) {
	for try := 0; ; try++ {
		plain, err := f.recordsIn(number, number.name())
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return plain, err
		}
		beside, _ := f.recordsIn(number, number.name()+aside)
		if _, again := f.recordsIn(number, number.name()); beside != nil && again != nil {
			return beside, nil
		}
		if try == 50 {
			return nil, err
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// recordsIn reads a file of records under another name; it is not nil when the
// error is.
func (f *files) recordsIn(number rollNumber, name string) ([]byte, error) {
	data, err := f.read(name)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, 0, len(data))
	_, err = f.vault.readRoll(number, data, func(r record) error {
		plain = r.appendTo(plain)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return plain, nil
}

// noteEscrow notes, before a copy is made, until when it will be there. An
// earlier copy that stays longer, since this one may never be finished, keeps
// its time.
func (f *files) noteEscrow(begun time.Time, every time.Duration) error {
	until, _, err := f.readEscrowNote()
	if err != nil {
		return err
	}
	if due := begun.Add(every); due.After(until) {
		until = due
	}
	note := binary.BigEndian.AppendUint64(nil, uint64(until.Unix()))
	return f.writeSealed(escrowNote, binary.BigEndian.AppendUint64(note, uint64(every/time.Second)))
}

// readEscrowNote returns zeros when no escrow was ever begun.
func (f *files) readEscrowNote() (until time.Time, every time.Duration, err error) {
	note, err := f.readSealed(escrowNote)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, 0, nil
	}
	if err == nil && len(note) != 16 {
		err = errors.New("reading the note about escrows: it has another length")
	}
	if err != nil {
		return time.Time{}, 0, err
	}
	every = time.Duration(binary.BigEndian.Uint64(note[8:])) * time.Second
	return time.Unix(int64(binary.BigEndian.Uint64(note)), 0).UTC(), every, nil
}

// BackupsUntil is when the last escrow that may hold a key of now is promised to
// be replaced, and zero when none was ever written. When that is past, the
// promise was not kept: it then counts from now. It knows of escrows alone, and
// assumes that each takes the place of the one before: other copies of the
// directory, or of an escrow, are not known here.
func (k *Keyring) BackupsUntil(now time.Time) (time.Time, error) {
	k.turning.RLock()
	defer k.turning.RUnlock()
	until, every, err := k.files.readEscrowNote()
	if err != nil || until.IsZero() || until.After(now) {
		return until, err
	}
	return now.Add(every).UTC(), nil
}
