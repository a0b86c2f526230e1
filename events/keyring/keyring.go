package keyring

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	vrf "filippo.io/mostly-harmless/vrf-r255"
	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
)

// ErrClosed says that the keyring was closed.
var ErrClosed = errors.New("the keyring is closed")

// Config says where a keyring is.
type Config struct {
	// Dir is the directory of the keys. It is made if it is missing; when it
	// holds no keyring, one is created there. Required.
	Dir string

	// Origin is the name of the ledger, fixed for ever by the first Open,
	// which takes "localhost/" and 8 random hex digits when it is empty. Later
	// an empty Origin takes what is there and a different one is refused.
	Origin string

	// Rand is where keys come from; nil means crypto/rand. Anything else makes
	// keys that somebody else can make too.
	Rand io.Reader
}

// Keyring is an open directory of keys. It is safe for concurrent use: one
// writer prepares and marks, any number of readers look up and derive. It
// prints its origin only.
type Keyring struct {
	dir    string
	random io.Reader
	lock   *os.File
	keys   *ledgerKeys

	writing sync.Mutex // held while drawing keys and appending; before mu
	persons *personsFile
	marks   []Handle // enrolled, but not in the persons file yet
	closed  bool

	mu       sync.RWMutex
	byLookup map[[32]byte]*Person
	byHandle map[Handle]*Person
	shared   map[string]*secret // index and month keys by file name
}

// ledgerKeys are the keys that belong to the ledger as a whole.
type ledgerKeys struct {
	event, fold, content, lookup [32]byte
	vrf                          *vrf.PrivateKey
	log, receipt, index          *signing
}

// Open takes hold of the keyring in cfg.Dir, creating it when there is none.
// The error is [ErrLocked] while somebody else holds it.
func Open(cfg Config) (*Keyring, error) {
	if cfg.Dir == "" {
		return nil, errors.New("opening the keyring: no directory given")
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if err := os.MkdirAll(cfg.Dir, dirMode); err != nil {
		return nil, fmt.Errorf("opening the keyring: %w", err)
	}
	lock, err := acquire(cfg.Dir)
	if err != nil {
		return nil, err
	}
	k := &Keyring{
		dir:      cfg.Dir,
		random:   cfg.Rand,
		lock:     lock,
		byLookup: make(map[[32]byte]*Person),
		byHandle: make(map[Handle]*Person),
		shared:   make(map[string]*secret),
	}
	if err := k.load(cfg.Origin); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return k, nil
}

func (k *Keyring) load(origin string) error {
	if err := prepareDir(k.dir, origin, k.random); err != nil {
		return err
	}
	keys, err := readLedgerKeys(k.dir)
	if err != nil {
		return err
	}
	if held := keys.log.signer.Name(); origin != "" && origin != held {
		return fmt.Errorf("opening the keyring: it belongs to the ledger %q, not to %q", held, origin)
	}
	k.keys = keys
	k.persons, err = openPersons(k.dir, k.learn)
	return err
}

func readLedgerKeys(dir string) (*ledgerKeys, error) {
	ledger, err := readKey(dir, "ledger")
	if err != nil {
		return nil, err
	}
	keys := &ledgerKeys{
		event:   events.BoxKey("event-key", ledger[:]),
		fold:    events.BoxKey("fold-key", ledger[:]),
		content: events.BoxKey("content-key", ledger[:]),
		lookup:  events.BoxKey("lookup-key", ledger[:]),
	}
	scalar, err := readKey(dir, "vrf")
	if err != nil {
		return nil, err
	}
	if keys.vrf, err = vrf.NewPrivateKey(scalar[:]); err != nil {
		return nil, fmt.Errorf("reading the key vrf: %w", err)
	}
	return keys, keys.readSigners(dir)
}

func (l *ledgerKeys) readSigners(dir string) error {
	var read [3]*signing
	for i, file := range signerFiles() {
		s, err := readSigner(dir, file[0])
		if err != nil {
			return err
		}
		read[i] = s
		if name, want := s.signer.Name(), read[0].signer.Name()+file[1]; name != want {
			return fmt.Errorf("reading the %s key: it is named %q, not %q", file[0], name, want)
		}
	}
	l.log, l.receipt, l.index = read[0], read[1], read[2]
	return checkOrigin(l.log.signer.Name())
}

// Close writes the marks that wait, and lets go of the keyring. It may be
// called again.
func (k *Keyring) Close() error {
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.closed {
		return nil
	}
	k.closed = true
	var err error
	for len(k.marks) > 0 && err == nil {
		err = k.appendPeople(nil)
	}
	return errors.Join(err, k.persons.f.Close(), k.lock.Close())
}

// Origin is the name of the ledger.
func (k *Keyring) Origin() string { return k.keys.log.signer.Name() }

// LogSigner signs checkpoints of the log and nothing else. Its name is the
// origin.
func (k *Keyring) LogSigner() note.Signer { return k.keys.log.signer }

// ReceiptSigner signs receipts. Its name is <origin>/receipt.
func (k *Keyring) ReceiptSigner() note.Signer { return k.keys.receipt.signer }

// IndexSigner signs checkpoints of the completeness index. Its name is
// <origin>/index.
func (k *Keyring) IndexSigner() note.Signer { return k.keys.index.signer }

// LogKey is the verifier key of [Keyring.LogSigner], as x/mod's note spells it.
func (k *Keyring) LogKey() string { return k.keys.log.vkey }

// ReceiptKey is the verifier key of [Keyring.ReceiptSigner].
func (k *Keyring) ReceiptKey() string { return k.keys.receipt.vkey }

// IndexKey is the verifier key of [Keyring.IndexSigner].
func (k *Keyring) IndexKey() string { return k.keys.index.vkey }

// VRFKey is the public VRF key, 32 bytes as in C2SP vrf-r255.
func (k *Keyring) VRFKey() []byte { return k.keys.vrf.PublicKey().Bytes() }

// String shows the origin.
func (k *Keyring) String() string { return fmt.Sprintf("keyring(%s, sealed)", k.Origin()) }

// GoString is String.
func (k *Keyring) GoString() string { return k.String() }

// Format prints String for every verb.
func (k *Keyring) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(k.String())) }

// LogValue is String.
func (k *Keyring) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalJSON is String, quoted.
func (k *Keyring) MarshalJSON() ([]byte, error) { return json.Marshal(k.String()) }
