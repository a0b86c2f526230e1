package keyring

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
)

const (
	bucketLine  = "daybook/bucket@1\n"
	pendingLine = "daybook/pending@1\n"
	buckets     = 1 << 12
	headLen     = 4 + 8
	maxRecords  = 4096 // of a frame
	minBox      = recordLen + events.Overhead
	maxBox      = maxRecords*recordLen + events.Overhead
)

// rollNumber says which file of records it is: below 4,096 a bucket, and 4,096
// the pending ones.
type rollNumber int

const pendingRoll rollNumber = buckets

func (n rollNumber) line() string {
	if n == pendingRoll {
		return pendingLine
	}
	return bucketLine
}

// name is the path below the directory.
func (n rollNumber) name() string {
	if n == pendingRoll {
		return "pending"
	}
	return fmt.Sprintf("buckets/%03x", int(n))
}

// headerLen is how long the part before the first frame is: first line, master
// id and wrapped key.
func (n rollNumber) headerLen() int64 { return int64(len(n.line()) + idLen + wrappedLen) }

// wipe is which bytes of the header exchange has to zero.
func (n rollNumber) wipe() (from, to int64) {
	return int64(len(n.line()) + idLen), n.headerLen()
}

// roll is a file of sealed records as it has to be known for appending: its key
// and where its last whole frame ends.
type roll struct {
	number rollNumber
	cipher *events.BoxCipher
	size   int64
}

// newRoll begins a file under a fresh key and returns its header.
func (v *vault) newRoll(number rollNumber) (*roll, []byte, error) {
	key, err := v.draw()
	if err != nil {
		return nil, nil, err
	}
	defer clear(key[:])
	wrapped, err := v.wrap(number, key)
	if err != nil {
		return nil, nil, err
	}
	cipher, err := events.NewBoxCipher(*key)
	if err != nil {
		return nil, nil, err
	}
	return &roll{number, cipher, number.headerLen()}, append([]byte(number.line()), wrapped...), nil
}

// writeRoll is a whole file of records under a fresh key.
func (v *vault) writeRoll(number rollNumber, records []record) (*roll, []byte, error) {
	r, data, err := v.newRoll(number)
	if err != nil {
		return nil, nil, err
	}
	frames, err := r.frames(v, records)
	if err != nil {
		return nil, nil, err
	}
	r.size += int64(len(frames))
	return r, append(data, frames...), nil
}

// openRoll takes the key out of the header of a file of size bytes.
func (v *vault) openRoll(number rollNumber, header []byte, size int64) (*roll, error) {
	line := number.line()
	if int64(len(header)) < number.headerLen() || string(header[:len(line)]) != line {
		return nil, fmt.Errorf("reading %s at offset 0: its first line is not %s, or its key is cut short", number.name(), line[:len(line)-1])
	}
	key, err := v.unwrap(number, header[len(line):number.headerLen()])
	if err != nil {
		return nil, fmt.Errorf("reading %s at offset 0: %w", number.name(), err)
	}
	defer clear(key[:])
	cipher, err := events.NewBoxCipher(*key)
	if err != nil {
		return nil, err
	}
	return &roll{number, cipher, size}, nil
}

// readRoll hands every record of a file to add, in order. The size of the roll
// is where the last whole frame ends; data that goes on is an append that was
// cut short. Damage, or an error of add, is returned with the offset of its
// frame.
func (v *vault) readRoll(number rollNumber, data []byte, add func(record) error) (*roll, error) {
	r, err := v.openRoll(number, data, number.headerLen())
	if err != nil {
		return nil, err
	}
	for r.size < int64(len(data)) {
		n, err := r.readFrame(data[r.size:], add)
		if errors.Is(err, errTorn) {
			return r, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s at offset %d: %w", number.name(), r.size, err)
		}
		r.size += n
	}
	return r, nil
}

// errTorn is what readFrame says of an append that was cut short.
var errTorn = errors.New("cut short")

// readFrame reads the frame that begins at the size of r, of which and of all
// that follows it rest is left in the file. Its length has a check of its own:
// without one, a damaged length could look like a file that ends early.
func (r *roll) readFrame(rest []byte, add func(record) error) (int64, error) {
	if len(rest) < headLen {
		return 0, errTorn
	}
	if !bytes.Equal(headCheck(r.size, rest[:4]), rest[4:headLen]) {
		if allZero(rest) {
			return 0, errTorn // the disk recorded a length without its bytes
		}
		return 0, errors.New("the head of the frame is damaged")
	}
	length := int(binary.BigEndian.Uint32(rest))
	if length < minBox || length > maxBox || (length-events.Overhead)%recordLen != 0 {
		return 0, errors.New("a frame of impossible length")
	}
	if len(rest) < headLen+length {
		return 0, errTorn
	}
	body, err := r.cipher.Open(r.frameData(r.size), rest[headLen:headLen+length])
	if err != nil {
		return 0, errors.New("the frame is damaged")
	}
	defer clear(body)
	for b := body; len(b) > 0; b = b[recordLen:] {
		rec := parseRecord(b[:recordLen])
		if err := rec.check(r.number); err != nil {
			return 0, err
		}
		if err := add(rec); err != nil {
			return 0, err
		}
	}
	return int64(headLen + length), nil
}

// frames are records as they stand at the end of r.
func (r *roll) frames(v *vault, records []record) ([]byte, error) {
	out := make([]byte, 0, len(records)*recordLen+headLen+events.Overhead)
	for len(records) > 0 {
		n := min(len(records), maxRecords)
		body := make([]byte, 0, n*recordLen)
		for _, rec := range records[:n] {
			body = rec.appendTo(body)
		}
		offset := r.size + int64(len(out))
		out = binary.BigEndian.AppendUint32(out, uint32(len(body)+events.Overhead))
		out = append(out, headCheck(offset, out[len(out)-4:])...)
		box, err := r.cipher.Seal(v.random, r.frameData(offset), body)
		clear(body)
		if err != nil {
			return nil, err
		}
		out = append(out, box...)
		records = records[n:]
	}
	return out, nil
}

// frameData ties a frame to its file and place: u16 number ‖ u64 offset.
func (r *roll) frameData(offset int64) []byte {
	return binary.BigEndian.AppendUint64(r.number.data(), uint64(offset))
}

func headCheck(offset int64, length []byte) []byte {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, uint64(offset)), length...))
	return sum[:headLen-4]
}
