package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"
)

// readIdentity reads the first identity of an age identity file, and who it
// decrypts for.
func readIdentity(path string) (age.Identity, age.Recipient, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the age identity: %w", err)
	}
	defer f.Close()
	list, err := age.ParseIdentities(f)
	if err != nil {
		// What the parser says may quote a line of the file.
		return nil, nil, fmt.Errorf("reading the age identity: %s is no identity file", path)
	}
	switch id := list[0].(type) {
	case *age.X25519Identity:
		return id, id.Recipient(), nil
	case *age.HybridIdentity:
		return id, id.Recipient(), nil
	}
	return nil, nil, errors.New("reading the age identity: it is of a kind that names no recipient")
}

func encryptFor(identityFile string, text []byte) ([]byte, error) {
	_, recipient, err := readIdentity(identityFile)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, recipient)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}

func decryptFor(identityFile string, data []byte) ([]byte, error) {
	identity, _, err := readIdentity(identityFile)
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(bytes.NewReader(data), identity)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
