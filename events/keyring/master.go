package keyring

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Master keeps the master keys, under which everything else is sealed. It is
// the whole of what a key management system has to do for a keyring.
type Master interface {
	// Load returns the master keys, the one in use first; there are others only
	// while a rotation is not finished. The error is [fs.ErrNotExist] when
	// there is none yet.
	Load() ([][32]byte, error)
	// Store replaces all of them, and returns when the new ones outlive a
	// crash; one in between leaves the old ones or the new ones. A Master that
	// somebody else changes says how in an error that is
	// [errors.ErrUnsupported].
	Store(keys [][32]byte) error
}

const masterLine = "daybook/master@1\n"

// DefaultMaster is where the master key of the keyring in dir is when nobody
// says otherwise: dir with ".master" added, beside it.
func DefaultMaster(dir string) string {
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole // "." has no name to add to
	}
	return filepath.Clean(dir) + ".master"
}

// FileMaster keeps the master keys in a file that only its owner may read:
//
//	"daybook/master@1" LF *(43 characters of base64url LF)
//
// A keyring refuses one inside its own directory, where every copy of the
// sealed files would take it along.
func FileMaster(path string) Master {
	return &fileMaster{disk: disk{root: filepath.Dir(path)}, name: filepath.Base(path)}
}

// AgeMaster keeps the text of [FileMaster] encrypted, in the file path, to the
// age identity that identityFile holds, which may be on another disk or a token
// that is there only while the keyring is opened or rotated.
func AgeMaster(path, identityFile string) Master {
	return &fileMaster{disk: disk{root: filepath.Dir(path)}, name: filepath.Base(path), identity: identityFile}
}

type fileMaster struct {
	disk     disk
	name     string
	identity string // the file of an age identity; "" leaves the text plain
}

// Load reads the file.
func (m *fileMaster) Load() ([][32]byte, error) {
	data, err := m.disk.read(m.name)
	if err == nil && m.identity != "" {
		data, err = decryptFor(m.identity, data)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the master key: %w", err)
	}
	defer clear(data)
	keys, err := parseMaster(data)
	if err != nil {
		return nil, fmt.Errorf("reading the master key in %s: %w", m.disk.path(m.name), err)
	}
	return keys, nil
}

// Store writes the file anew, and then zeros in what it replaced, which nobody
// finds by name any more. A crash before the zeros leaves them out.
func (m *fileMaster) Store(keys [][32]byte) error {
	text := formatMaster(keys)
	var err error
	if m.identity != "" {
		text, err = encryptFor(m.identity, text)
	}
	if err == nil {
		err = m.write(text)
	}
	if err != nil {
		return fmt.Errorf("writing the master key: %w", err)
	}
	return nil
}

func (m *fileMaster) write(text []byte) error {
	old, err := os.OpenFile(m.disk.path(m.name), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return m.disk.replace(m.name, text)
	}
	if err != nil {
		return err
	}
	err = m.disk.replace(m.name, text)
	if err == nil {
		err = wipe(old)
	}
	return errors.Join(err, old.Close())
}

func wipe(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(make([]byte, info.Size()), 0); err != nil {
		return err
	}
	return f.Sync()
}

func (m *fileMaster) file() string { return m.disk.path(m.name) }

func formatMaster(keys [][32]byte) []byte {
	b := []byte(masterLine)
	for _, k := range keys {
		b = append(base64.RawURLEncoding.AppendEncode(b, k[:]), '\n')
	}
	return b
}

func parseMaster(data []byte) ([][32]byte, error) {
	rest, ok := bytes.CutPrefix(data, []byte(masterLine))
	if !ok {
		return nil, errors.New("its first line is not " + masterLine[:len(masterLine)-1])
	}
	rest, ok = bytes.CutSuffix(rest, []byte("\n"))
	if !ok {
		return nil, errors.New("its last line does not end, or it has no key")
	}
	return parseMasterKeys(strings.Split(string(rest), "\n"))
}

// parseMasterKeys reads keys in the one spelling formatMaster gives them.
func parseMasterKeys(list []string) ([][32]byte, error) {
	seen := make(map[[32]byte]bool)
	keys := make([][32]byte, len(list))
	for i, text := range list {
		key, err := base64.RawURLEncoding.Strict().DecodeString(text)
		if err != nil || len(key) != 32 || len(text) != 43 {
			return nil, fmt.Errorf("key %d is not 43 characters of base64url", i+1)
		}
		keys[i] = [32]byte(key)
		if seen[keys[i]] {
			return nil, fmt.Errorf("key %d stands there twice", i+1)
		}
		seen[keys[i]] = true
	}
	return keys, nil
}

// EnvMaster takes the master keys, in base64url and separated by commas, from
// the environment variable name. It cannot change them: to rotate, whoever
// sets the variable puts a new key and a comma before the old one, and takes
// the old one away after the next Open.
func EnvMaster(name string) Master { return envMaster(name) }

type envMaster string

// Load reads the variable.
func (m envMaster) Load() ([][32]byte, error) {
	value := os.Getenv(string(m))
	if value == "" {
		return nil, fmt.Errorf("reading the master key: the environment variable %s is not set: %w", string(m), fs.ErrNotExist)
	}
	keys, err := parseMasterKeys(strings.Split(value, ","))
	if err != nil {
		return nil, fmt.Errorf("reading the master key in the environment variable %s: %w", string(m), err)
	}
	return keys, nil
}

// Store says what to set.
func (m envMaster) Store([][32]byte) error {
	name := string(m)
	return fmt.Errorf(`an environment variable cannot be written from here: for a first key set %s to 32 random bytes in base64url, `+
		`as "head -c 32 /dev/urandom | basenc --base64url | tr -d =" prints them; to rotate, put such a key and a comma before the one that %s holds, `+
		`open the keyring once, and take the old one away: %w`, name, name, errors.ErrUnsupported)
}

// checkOutside refuses a master key in a file below the keys it seals.
func checkOutside(m Master, dir string) error {
	f, ok := m.(interface{ file() string })
	if !ok {
		return nil
	}
	file, err := resolve(filepath.Dir(f.file()))
	if err != nil {
		return err
	}
	keys, err := resolve(dir)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(keys, file)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return nil //nolint: nothing leads from the one to the other
	}
	return fmt.Errorf("the master key %s lies inside the directory of the keys it seals; keep it elsewhere", f.file())
}

func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// masterID names a master key in what it seals:
// SHA-256("daybook/master-id@1\n" ‖ key)[:8].
func masterID(key *secret) [8]byte {
	sum := sha256.Sum256(append([]byte("daybook/master-id@1\n"), key[:]...))
	return [8]byte(sum[:8])
}

// loadMaster loads the master keys, and makes the first one for a new keyring.
func loadMaster(m Master, fresh bool, random io.Reader) (*vault, error) {
	keys, err := m.Load()
	if errors.Is(err, fs.ErrNotExist) && fresh {
		return drawMaster(m, random)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the keys are here, but not the master key that opens them; put it back: %w", err)
	}
	if err != nil {
		return nil, err
	}
	return newVault(keys, random)
}

func drawMaster(m Master, random io.Reader) (*vault, error) {
	keys := make([][32]byte, 1)
	if _, err := io.ReadFull(random, keys[0][:]); err != nil {
		return nil, fmt.Errorf("drawing a master key: %w", err)
	}
	if err := m.Store(keys); err != nil {
		return nil, err
	}
	return newVault(keys, random)
}
