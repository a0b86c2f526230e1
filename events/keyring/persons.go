package keyring

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	personsLine = "daybook/persons@1\n"
	personLen   = 32 + 16 + 4 + 32 + 64
	headLen     = 4 + 8
	checkLen    = 16
	maxRecords  = 4096
	minBody     = 2 + 2 + 16
	maxBody     = 2 + 2 + maxRecords*(16+personLen)
)

// record is one person as the persons file has her.
type record struct {
	lookup [32]byte
	person *Person
}

// frame is one append: who is enrolled by now, and who is new.
type frame struct {
	marks  []Handle
	people []record
}

// appendTo encodes f as it stands at offset of the persons file.
func (f *frame) appendTo(b []byte, offset int64) []byte {
	start := len(b)
	length := 2 + 2 + len(f.marks)*16 + len(f.people)*personLen
	b = binary.BigEndian.AppendUint32(b, uint32(length))
	b = append(b, frameCheck(offset, b[start:])[:headLen-4]...)
	body := len(b)
	b = binary.BigEndian.AppendUint16(b, uint16(len(f.marks)))
	for _, h := range f.marks {
		b = append(b, h[:]...)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(f.people)))
	for _, r := range f.people {
		b = append(b, r.lookup[:]...)
		b = append(b, r.person.handle[:]...)
		b = binary.BigEndian.AppendUint32(b, r.person.generation)
		b = append(b, r.person.root[:]...)
		b = append(b, r.person.label[:]...)
	}
	return append(b, frameCheck(offset, b[start:start+4], b[body:])[:checkLen]...)
}

func frameCheck(offset int64, parts ...[]byte) []byte {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(offset)))
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// parseBody reads the body of a frame; ok is false for anything that appendTo
// would not write.
func parseBody(b []byte) (f frame, ok bool) {
	marks := int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if marks > maxRecords || len(b) < marks*16+2 {
		return frame{}, false
	}
	for ; marks > 0; marks-- {
		f.marks = append(f.marks, Handle(b[:16]))
		b = b[16:]
	}
	people := int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if people > maxRecords || len(b) != people*personLen {
		return frame{}, false
	}
	for ; len(b) > 0; b = b[personLen:] {
		f.people = append(f.people, parsePerson(b[:personLen]))
	}
	return f, true
}

func parsePerson(b []byte) record {
	root := secret(b[52:84])
	return record{
		lookup: [32]byte(b[:32]),
		person: &Person{
			handle:     Handle(b[32:48]),
			generation: binary.BigEndian.Uint32(b[48:52]),
			root:       &root,
			label:      [64]byte(b[84:148]),
		},
	}
}

// errTorn is what readFrame says of an append that was cut short.
var errTorn = errors.New("cut short")

// readPersons hands every frame of a persons file of size bytes to add, in
// order, and returns where the last whole one ends. Less than size means that
// the append after it was cut short. Damage, or an error of add, is returned
// with the offset of its frame.
func readPersons(r io.Reader, size int64, add func(frame) error) (int64, error) {
	br := bufio.NewReaderSize(r, 1<<16)
	line := make([]byte, len(personsLine))
	if _, err := io.ReadFull(br, line); err != nil || string(line) != personsLine {
		return 0, errors.New("reading the persons file at offset 0: its first line is not " + personsLine[:len(personsLine)-1])
	}
	offset := int64(len(personsLine))
	for offset < size {
		f, n, err := readFrame(br, offset, size-offset)
		if errors.Is(err, errTorn) {
			return offset, nil
		}
		if err == nil {
			err = add(f)
		}
		if err != nil {
			return 0, fmt.Errorf("reading the persons file at offset %d: %w", offset, err)
		}
		offset += n
	}
	return offset, nil
}

// readFrame reads the frame at offset, of which and of all that follows it rest
// bytes are left in the file. Its length has a check of its own: without one, a
// damaged length could look like a file that ends early.
func readFrame(r io.Reader, offset, rest int64) (frame, int64, error) {
	if rest < headLen {
		return frame{}, 0, errTorn
	}
	head := make([]byte, headLen)
	if _, err := io.ReadFull(r, head); err != nil {
		return frame{}, 0, err
	}
	if !bytes.Equal(frameCheck(offset, head[:4])[:headLen-4], head[4:]) {
		return frame{}, 0, judgeRest(head, r)
	}
	length := int64(binary.BigEndian.Uint32(head))
	if length < minBody || length > maxBody {
		return frame{}, 0, errors.New("a frame of impossible length")
	}
	if rest < headLen+length+checkLen {
		return frame{}, 0, errTorn
	}
	body := make([]byte, length+checkLen)
	if _, err := io.ReadFull(r, body); err != nil {
		return frame{}, 0, err
	}
	body, check := body[:length], body[length:]
	if !bytes.Equal(frameCheck(offset, head[:4], body)[:checkLen], check) {
		return frame{}, 0, errors.New("the frame is damaged")
	}
	f, ok := parseBody(body)
	if !ok {
		return frame{}, 0, errors.New("the frame is malformed")
	}
	return f, headLen + length + checkLen, nil
}

// judgeRest tells an append that the disk recorded as a length without its
// bytes, zeros to the end, from damage.
func judgeRest(head []byte, r io.Reader) error {
	buf := head
	for {
		if len(bytes.Trim(buf, "\x00")) > 0 {
			return errors.New("the head of the frame is damaged")
		}
		buf = make([]byte, 1<<12)
		n, err := r.Read(buf)
		buf = buf[:n]
		if n == 0 && errors.Is(err, io.EOF) {
			return errTorn
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
}

// personsFile appends frames. It is used under Keyring.writing.
type personsFile struct {
	f      *os.File
	size   int64
	syncs  int   // how often the file was fsynced since it was opened
	broken error // set once the state of the disk is unknown
}

// openPersons reads the persons file of dir and cuts off a torn append.
func openPersons(dir string, add func(frame) error) (*personsFile, error) {
	f, err := os.OpenFile(filepath.Join(dir, "persons"), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the persons file: %w", err)
	}
	p := &personsFile{f: f}
	if err := p.load(add); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

func (p *personsFile) load(add func(frame) error) error {
	info, err := p.f.Stat()
	if err != nil {
		return fmt.Errorf("reading the persons file: %w", err)
	}
	p.size, err = readPersons(p.f, info.Size(), add)
	if err != nil {
		return err
	}
	if p.size < info.Size() {
		if err := p.f.Truncate(p.size); err != nil {
			return fmt.Errorf("cutting off a torn append: %w", err)
		}
	}
	// The last frame may be whole and yet only in memory, when the process that
	// wrote it was killed before its fsync. Its keys are about to be used.
	if err := p.f.Sync(); err != nil {
		return fmt.Errorf("syncing the persons file: %w", err)
	}
	return nil
}

// append writes f at the end and returns when it is on disk. After a failed
// write the end is restored and later appends may succeed; after a failed
// fsync nobody knows what the disk holds, so the file takes no more until it
// is opened again.
func (p *personsFile) append(f frame) error {
	if p.broken != nil {
		return p.broken
	}
	b := f.appendTo(nil, p.size)
	if _, err := p.f.WriteAt(b, p.size); err != nil {
		if cut := p.f.Truncate(p.size); cut != nil {
			p.broken = fmt.Errorf("appending to the persons file after a failure: %w", cut)
		}
		return fmt.Errorf("appending to the persons file: %w", err)
	}
	p.syncs++
	if err := p.f.Sync(); err != nil {
		p.broken = fmt.Errorf("appending to the persons file: %w", err)
		return p.broken
	}
	p.size += int64(len(b))
	return nil
}
