package keyring

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/daybook-ledger/daybook/events"
)

const (
	keyFileLine = "daybook/key-file@1\n"
	idLen       = 8
	wrappedLen  = 32 + events.Overhead // a key of 32 bytes in a box
)

// errWiped is what is left of a file whose keys were destroyed just before a
// crash: zeros.
var errWiped = errors.New("it was destroyed")

// vault seals files and wraps keys under the master keys: opening with any of
// them, sealing with the first.
type vault struct {
	random io.Reader
	keys   []*masterKey
}

// masterKey is one master key, prepared.
type masterKey struct {
	key      *secret
	id       [idLen]byte
	keyFiles *events.BoxCipher // HKDF(master key, "daybook/key-file/1")
	buckets  *events.BoxCipher // HKDF(master key, "daybook/bucket/1")
}

func newVault(keys [][32]byte, random io.Reader) (*vault, error) {
	if len(keys) == 0 {
		return nil, errors.New("there is no master key")
	}
	v := &vault{random: random}
	for _, k := range keys {
		key := secret(k)
		m := &masterKey{key: &key, id: masterID(&key)}
		var err error
		if m.keyFiles, err = events.NewBoxCipher(events.BoxKey("key-file", key[:])); err != nil {
			return nil, err
		}
		if m.buckets, err = events.NewBoxCipher(events.BoxKey("bucket", key[:])); err != nil {
			return nil, err
		}
		v.keys = append(v.keys, m)
	}
	return v, nil
}

// all is what [Master.Store] takes.
func (v *vault) all() [][32]byte {
	out := make([][32]byte, len(v.keys))
	for i, m := range v.keys {
		out[i] = *m.key
	}
	return out
}

// inUse reports whether data, after a first line of that length, is sealed
// under the master key in use.
func (v *vault) inUse(data []byte, line int) bool {
	return len(data) >= line+idLen && [idLen]byte(data[line:]) == v.keys[0].id
}

func (v *vault) find(id []byte) (*masterKey, error) {
	for _, m := range v.keys {
		if m.id == [idLen]byte(id) {
			return m, nil
		}
	}
	return nil, fmt.Errorf("it is sealed under the master key %s, which is not the one given; put that one back", hex.EncodeToString(id))
}

// seal makes the sealed key file called name:
// first line ‖ master id ‖ box, whose associated data is
// first line ‖ master id ‖ name.
func (v *vault) seal(name string, plain []byte) ([]byte, error) {
	m := v.keys[0]
	head := append([]byte(keyFileLine), m.id[:]...)
	box, err := m.keyFiles.Seal(v.random, keyFileData(head, name), plain)
	if err != nil {
		return nil, err
	}
	return append(head, box...), nil
}

// open is the opposite of seal.
func (v *vault) open(name string, data []byte) ([]byte, error) {
	if len(data) > 0 && allZero(data) {
		return nil, errWiped
	}
	const head = len(keyFileLine) + idLen
	if len(data) < head || string(data[:len(keyFileLine)]) != keyFileLine {
		return nil, errors.New("its first line is not " + keyFileLine[:len(keyFileLine)-1])
	}
	m, err := v.find(data[len(keyFileLine):head])
	if err != nil {
		return nil, err
	}
	plain, err := m.keyFiles.Open(keyFileData(data[:head], name), data[head:])
	if err != nil {
		return nil, errors.New("it is damaged, or the file of another key")
	}
	return plain, nil
}

func keyFileData(head []byte, name string) []byte {
	return append(append(make([]byte, 0, len(head)+len(name)), head...), name...)
}

// wrap seals the key of a roll; the result is master id ‖ box.
func (v *vault) wrap(number rollNumber, key *secret) ([]byte, error) {
	m := v.keys[0]
	box, err := m.buckets.Seal(v.random, number.data(), key[:])
	if err != nil {
		return nil, err
	}
	return append(m.id[:len(m.id):len(m.id)], box...), nil
}

// unwrap is the opposite of wrap.
func (v *vault) unwrap(number rollNumber, wrapped []byte) (*secret, error) {
	m, err := v.find(wrapped[:idLen])
	if err != nil {
		return nil, err
	}
	plain, err := m.buckets.Open(number.data(), wrapped[idLen:])
	if err != nil || len(plain) != 32 {
		return nil, errors.New("its key is damaged, or that of another file")
	}
	key := secret(plain)
	clear(plain)
	return &key, nil
}

// draw draws a fresh key.
func (v *vault) draw() (*secret, error) {
	key := new(secret)
	if _, err := io.ReadFull(v.random, key[:]); err != nil {
		return nil, fmt.Errorf("drawing a key: %w", err)
	}
	return key, nil
}

// data is what ties a wrapped key to its file: the number as u16.
func (n rollNumber) data() []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

// files are the sealed files of one keyring.
type files struct {
	*disk
	vault *vault
}

// readSealed opens the sealed key file called name. A missing one is
// [fs.ErrNotExist].
func (f *files) readSealed(name string) ([]byte, error) {
	data, err := f.read(name)
	if err == nil {
		data, err = f.vault.open(name, data)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key %s: %w", name, err)
	}
	return data, nil
}

// writeSealed stores plain as the sealed key file called name.
func (f *files) writeSealed(name string, plain []byte) error {
	data, err := f.vault.seal(name, plain)
	if err == nil {
		err = f.replace(name, data)
	}
	if err != nil {
		return fmt.Errorf("writing the key %s: %w", name, err)
	}
	return nil
}

// readKey opens a sealed key of 32 bytes.
func (f *files) readKey(name string) (*secret, error) {
	plain, err := f.readSealed(name)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	if len(plain) != 32 {
		return nil, fmt.Errorf("reading the key %s: %d bytes instead of 32", name, len(plain))
	}
	key := secret(plain)
	return &key, nil
}
