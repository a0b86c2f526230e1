package keyring

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	vrf "filippo.io/mostly-harmless/vrf-r255"
	"golang.org/x/mod/sumdb/note"
)

// maxOrigin bounds the origin, in bytes.
const maxOrigin = 200

// signerFiles are the files of note keys, and what follows the origin in the
// name of each.
func signerFiles() [3][2]string {
	return [3][2]string{{"log", ""}, {"receipt", "/receipt"}, {"index", "/index"}}
}

// prepareDir makes the keyring of dir unless it is there already.
func prepareDir(dir, origin string, random io.Reader) error {
	unfinished, err := exists(dir, "creating")
	if err != nil {
		return fmt.Errorf("looking for a keyring: %w", err)
	}
	for _, name := range []string{"ledger", "vrf", "log", "receipt", "index", "persons"} {
		found, err := exists(dir, name)
		if err != nil {
			return fmt.Errorf("looking for a keyring: %w", err)
		}
		if found && !unfinished {
			// What else is missing is found missing when it is loaded. Making
			// it anew would replace a key that the history depends on. The sync
			// is for a creation that was killed just before its own: were
			// "creating" to come back, these keys would be thrown away.
			return syncDir(dir)
		}
	}
	if err := create(dir, origin, random); err != nil {
		return fmt.Errorf("creating the keyring: %w", err)
	}
	return nil
}

// create writes every part. Until "creating" is gone nobody has seen any of
// them, so a crash in between costs nothing and the next call starts over.
func create(dir, origin string, random io.Reader) error {
	if origin == "" {
		suffix := make([]byte, 4)
		if _, err := io.ReadFull(random, suffix); err != nil {
			return fmt.Errorf("drawing an origin: %w", err)
		}
		origin = "localhost/" + hex.EncodeToString(suffix)
	}
	if err := checkOrigin(origin); err != nil {
		return err
	}
	if err := writeFile(dir, "creating", nil); err != nil {
		return err
	}
	err := errors.Join(makeDir(dir), makeDir(filepath.Join(dir, "organizations")), makeDir(filepath.Join(dir, "months")))
	if err != nil {
		return err
	}
	if err := createParts(dir, origin, random); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, "creating")); err != nil {
		return err
	}
	return syncDir(dir)
}

func createParts(dir, origin string, random io.Reader) error {
	ledger := new(secret)
	if _, err := io.ReadFull(random, ledger[:]); err != nil {
		return fmt.Errorf("drawing the ledger secret: %w", err)
	}
	scalar, err := drawScalar(random)
	if err != nil {
		return err
	}
	if err := errors.Join(writeKey(dir, "ledger", ledger), writeKey(dir, "vrf", scalar)); err != nil {
		return err
	}
	for _, file := range signerFiles() {
		skey, _, err := note.GenerateKey(random, origin+file[1])
		if err != nil {
			return fmt.Errorf("drawing the %s key: %w", file[0], err)
		}
		if err := writeFile(dir, file[0], []byte(skey+"\n")); err != nil {
			return err
		}
	}
	return writeFile(dir, "persons", []byte(personsLine))
}

// checkOrigin refuses what could not stand as the name of a note's key.
func checkOrigin(origin string) error {
	if len(origin) > maxOrigin {
		return fmt.Errorf("an origin has at most %d bytes", maxOrigin)
	}
	for i := range len(origin) {
		if c := origin[i]; c <= ' ' || c > '~' || c == '+' {
			return errors.New("an origin is printable ASCII without space and plus, like ledger.example.org/2026")
		}
	}
	return nil
}

// drawScalar draws a VRF private key: 253 random bits, again and again until
// they are below the order of the group, as about half of them are.
func drawScalar(random io.Reader) (*secret, error) {
	for range 256 {
		s := new(secret)
		if _, err := io.ReadFull(random, s[:]); err != nil {
			return nil, fmt.Errorf("drawing the VRF key: %w", err)
		}
		s[31] &= 0x1f
		if _, err := vrf.NewPrivateKey(s[:]); err == nil && *s != (secret{}) {
			return s, nil
		}
	}
	return nil, errors.New("drawing the VRF key: the random source repeats itself")
}

// signing is one note key: who signs, and the verifier key to announce.
type signing struct {
	signer note.Signer
	vkey   string
}

// readSigner loads a note signer key. It takes only the one spelling that
// note.GenerateKey writes.
func readSigner(dir, file string) (*signing, error) {
	data, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return nil, fmt.Errorf("reading the %s key: %w", file, err)
	}
	s, err := parseSigner(string(data))
	if err != nil {
		return nil, fmt.Errorf("reading the %s key: %w", file, err)
	}
	return s, nil
}

func parseSigner(text string) (*signing, error) {
	skey, found := strings.CutSuffix(text, "\n")
	if !found {
		return nil, errors.New("the line does not end")
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return nil, errors.New("it is not a note signer key")
	}
	fields := strings.SplitN(skey, "+", 5) // the fifth may hold more pluses
	key, err := base64.StdEncoding.DecodeString(fields[len(fields)-1])
	if err != nil || len(key) != 1+ed25519.SeedSize {
		return nil, errors.New("it is not a note signer key")
	}
	// The first two fields are fixed, and were just compared.
	again := strings.Join(append(fields[:2:2], signer.Name(), fmt.Sprintf("%08x", signer.KeyHash()), base64.StdEncoding.EncodeToString(key)), "+")
	if again != skey {
		return nil, errors.New("it is not spelled as it would be written")
	}
	public := ed25519.NewKeyFromSeed(key[1:]).Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(signer.Name(), public)
	if err != nil {
		return nil, err
	}
	return &signing{signer: signer, vkey: vkey}, nil
}
