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
	"sync/atomic"
	"time"

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

	// Master keeps the key under which everything in Dir is sealed; nil means
	// FileMaster(DefaultMaster(Dir)). Whoever has it and Dir has every key.
	Master Master

	// MaxRecords is how many persons' keys are kept in memory, beside those
	// pending; 0 means 1<<20, some 400 MB. One bucket is kept in any case.
	MaxRecords int

	// Rand is where keys come from; nil means crypto/rand. Anything else makes
	// keys that somebody else can make too.
	Rand io.Reader

	// Now is the time of a rotation of the master key; nil means time.Now.
	Now func() time.Time
}

// Keyring is an open directory of keys. It is safe for concurrent use: one
// writer prepares and erases, any number of readers look up and derive. It
// prints its origin only.
type Keyring struct {
	files  *files
	master Master
	random io.Reader
	now    func() time.Time
	lock   *os.File
	keys   *ledgerKeys

	writing  sync.Mutex   // held while drawing keys and changing files; before shelf.reading
	turning  sync.RWMutex // held for writing while the master key changes
	waiting  *roll        // the pending file
	mayWait  int          // how many records may be in it before they are moved
	broken   error        // set once the state of the disk is unknown
	finished bool         // Open finished a rotation
	closed   atomic.Bool

	shelf
	shared map[string]*secret // index and month keys by file name, under shelf.mu
}

// ledgerKeys are the keys that belong to the ledger as a whole.
type ledgerKeys struct {
	event, fold, content, lookup [32]byte
	vrf                          *vrf.PrivateKey
	labeling                     *labeling
	log, receipt, index          *signing
}

// Open takes hold of the keyring in cfg.Dir, creating it when there is none. It
// finishes what a crash cut short. The error is [ErrLocked] while somebody else
// holds it.
func Open(cfg Config) (*Keyring, error) {
	if cfg.Dir == "" {
		return nil, errors.New("opening the keyring: no directory given")
	}
	return openOn(&disk{root: cfg.Dir}, cfg)
}

func openOn(d *disk, cfg Config) (*Keyring, error) {
	k := closedKeyring(cfg, d)
	if err := os.MkdirAll(cfg.Dir, dirMode); err != nil {
		return nil, fmt.Errorf("opening the keyring: %w", err)
	}
	if err := checkOutside(k.master, cfg.Dir); err != nil {
		return nil, fmt.Errorf("opening the keyring: %w", err)
	}
	var err error
	if k.lock, err = d.acquire("lock"); err != nil {
		return nil, err
	}
	if err := k.load(cfg.Origin); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the keyring: %w", err), k.lock.Close())
	}
	return k, nil
}

func closedKeyring(cfg Config, d *disk) *Keyring {
	k := &Keyring{
		files: &files{disk: d}, master: cfg.Master, random: cfg.Rand, now: cfg.Now,
		shelf: shelf{pending: newRoster(), room: cfg.MaxRecords}, shared: make(map[string]*secret), mayWait: mayWait,
	}
	if k.master == nil {
		k.master = FileMaster(DefaultMaster(cfg.Dir))
	}
	if k.random == nil {
		k.random = rand.Reader
	} else {
		k.random = &serialReader{from: k.random}
	}
	if k.now == nil {
		k.now = time.Now
	}
	if k.room <= 0 {
		k.room = 1 << 20
	}
	return k
}

// serialReader lets one goroutine at a time read: buckets are written by many.
type serialReader struct {
	mu   sync.Mutex
	from io.Reader
}

// Read reads from the source.
func (r *serialReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.from.Read(p)
}

func (k *Keyring) load(origin string) error {
	whole, err := standing(k.files.disk)
	if err != nil {
		return err
	}
	if !whole {
		if err := k.create(origin); err != nil {
			return fmt.Errorf("creating the keyring: %w", err)
		}
	} else if k.files.vault, err = loadMaster(k.master, false, k.random); err != nil {
		return err
	}
	if k.keys, err = readLedgerKeys(k.files); err != nil {
		return err
	}
	if held := k.keys.log.signer.Name(); origin != "" && origin != held {
		return fmt.Errorf("it belongs to the ledger %q, not to %q", held, origin)
	}
	// From here on the master key is known to be the right one.
	if err := k.files.settle(); err != nil {
		return err
	}
	if err := k.finishRotation(); err != nil {
		return err
	}
	return k.openPending()
}

// create makes the keyring. The master key is on disk before the first file is
// sealed under it.
func (k *Keyring) create(origin string) error {
	if err := errors.Join(k.files.syncDir(".."), k.files.replace("creating", nil)); err != nil {
		return err
	}
	var err error
	if k.files.vault, err = loadMaster(k.master, true, k.random); err != nil {
		return err
	}
	return create(k.files, origin)
}

func readLedgerKeys(f *files) (*ledgerKeys, error) {
	ledger, err := f.readKey("ledger")
	if err != nil {
		return nil, err
	}
	keys := &ledgerKeys{
		event:   events.BoxKey("event-key", ledger[:]),
		fold:    events.BoxKey("fold-key", ledger[:]),
		content: events.BoxKey("content-key", ledger[:]),
		lookup:  events.BoxKey("lookup-key", ledger[:]),
	}
	scalar, err := f.readKey("vrf")
	if err != nil {
		return nil, err
	}
	if keys.vrf, err = vrf.NewPrivateKey(scalar[:]); err != nil {
		return nil, fmt.Errorf("reading the key vrf: %w", err)
	}
	if keys.labeling, err = newLabeling(scalar[:]); err != nil {
		return nil, fmt.Errorf("reading the key vrf: %w", err)
	}
	return keys, keys.readSigners(f)
}

func (l *ledgerKeys) readSigners(f *files) error {
	var read [3]*signing
	for i, file := range signerFiles() {
		s, err := readSigner(f, file[0])
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

// Close moves the pending records into their buckets, and lets go of the
// keyring. It may be called again.
func (k *Keyring) Close() error {
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.closed.Load() {
		return nil
	}
	var err error
	if k.broken == nil {
		err = k.move(false)
	}
	k.closed.Store(true)
	return errors.Join(err, k.lock.Close())
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
