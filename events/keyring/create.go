package keyring

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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

// errPlain says that the directory is of a version that sealed nothing.
var errPlain = errors.New("the keys here were written by an earlier version, as plain files, which this one does not read: begin a new data directory, or go on with that version")

// standing says what is in a directory of keys: a keyring, nothing yet, or one
// that was not finished and of which nobody has seen a key.
func standing(d *disk) (whole bool, err error) {
	if old, err := d.exists("persons"); err != nil || old {
		return false, errors.Join(err, errPlain)
	}
	if restoring, err := d.exists("restoring"); err != nil || restoring {
		return false, errors.Join(err, errors.New("putting back an escrow here was not finished: empty the directory and do it again"))
	}
	unfinished, err := d.exists("creating")
	if err != nil {
		return false, err
	}
	for _, name := range []string{"ledger", "vrf", "log", "receipt", "index", "buckets", "pending"} {
		found, err := d.exists(name)
		if err != nil {
			return false, err
		}
		if found && !unfinished {
			// What else is missing is found missing when it is loaded. Making
			// it anew would replace a key that the history depends on.
			return true, nil
		}
	}
	return false, nil
}

// create writes every part. Until "creating" is gone nobody has seen any of
// them, so a crash in between costs nothing and the next Open starts over.
func create(f *files, origin string) error {
	origin, err := chooseOrigin(origin, f.vault.random)
	if err != nil {
		return err
	}
	for _, dir := range []string{"organizations", "months", "buckets"} {
		if err := f.mkdir(dir); err != nil {
			return err
		}
	}
	if err := createParts(f, origin); err != nil {
		return err
	}
	return f.remove("creating") // synced by settle, before Open hands out a key
}

func chooseOrigin(origin string, random io.Reader) (string, error) {
	if origin == "" {
		suffix := make([]byte, 4)
		if _, err := io.ReadFull(random, suffix); err != nil {
			return "", fmt.Errorf("drawing an origin: %w", err)
		}
		origin = "localhost/" + hex.EncodeToString(suffix)
	}
	return origin, checkOrigin(origin)
}

func createParts(f *files, origin string) error {
	ledger, err := f.vault.draw()
	if err != nil {
		return err
	}
	scalar, err := drawScalar(f.vault.random)
	if err != nil {
		return err
	}
	if err := errors.Join(f.writeSealed("ledger", ledger[:]), f.writeSealed("vrf", scalar[:])); err != nil {
		return err
	}
	for _, file := range signerFiles() {
		skey, _, err := note.GenerateKey(f.vault.random, origin+file[1])
		if err != nil {
			return fmt.Errorf("drawing the %s key: %w", file[0], err)
		}
		if err := f.writeSealed(file[0], []byte(skey+"\n")); err != nil {
			return err
		}
	}
	_, empty, err := f.vault.writeRoll(pendingRoll, nil)
	if err != nil {
		return err
	}
	return f.replace(pendingRoll.name(), empty)
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
func readSigner(f *files, file string) (*signing, error) {
	data, err := f.readSealed(file)
	if err != nil {
		return nil, err
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
