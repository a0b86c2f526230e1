package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/daybook-ledger/daybook/api"
	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/api/web"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/broker"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/events/stream"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
	"github.com/daybook-ledger/daybook/projections"
)

// policy is what entry 0 says for ever; which witnesses came since, later entries say.
const policy = "quorum none\n"

// formats are announced in entry 0, and behind them the page by which they are checked.
var formats = []string{events.EntryFormat, "daybook/receipt@1", "daybook/index@1", "c2sp.org/tlog-tiles", "c2sp.org/tlog-proof@v1"}

// config is where and how one ledger runs.
type config struct {
	dir, origin, journal string
	master               master
	journalCreds         string       // for a journal in a stream
	seen                 seen         // who else may know what was signed
	policy               proof.Policy // whose cosignatures a checkpoint needs, with the addresses of the witnesses; zero is as proof.NoPolicy
	policyUnsaid         bool         // nobody said that there is to be no policy
	nats                 string       // where the NATS door listens; "" is nowhere
	history              elsewhere
	follow               following
	publishEvery         time.Duration
	trillian             trillian         // the server that has the log; zero: this process
	maxAge               time.Duration    // see publishing; 0 is no limit
	metrics              string           // where GET /metrics is served; "" is nowhere
	behindProxy          bool             // a proxy says where requests come from, and whether over TLS
	details              keeping          // for how long officers can open details
	now                  func() time.Time // what day it is; nil: time.Now
}

// system is one ledger: the flow services → events → history → projections and
// ledger → api, with every part in this process.
type system struct {
	closers []func() error
	keys    keys
	tokens  *intake.Tokens
	history *stream.History
	writer  *intake.Writer
	anchor  *ledger.Anchor
	index   *trail.Index
	pace    *publishing
	views   *projections.Views
	broker  *broker.Broker
	nats    *intake.NATSDoor // nil without a listener
	handler http.Handler
	details keeping
	now     func() time.Time

	policy   proof.Policy                // whose cosignatures a checkpoint needs
	verifier string                      // SHA-256 of the page for checking
	attend   func(context.Context) error // says what is due until it ends
}

// open opens every part in the order of the flow. What was opened is closed
// again when a later part refuses.
func open(ctx context.Context, cfg config) (_ *system, err error) {
	s := &system{now: cfg.now, pace: newPublishing(cfg), details: cfg.details, policy: cfg.policy, verifier: web.VerifierHash()}
	s.attend = newKeeper(s).run
	if s.now == nil {
		s.now = time.Now
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := os.MkdirAll(cfg.dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	if err := s.openEvents(ctx, cfg); err != nil {
		return nil, err
	}
	if err := s.openWriter(ctx, cfg); err != nil {
		return nil, err
	}
	if err := s.openLedger(ctx, cfg); err != nil {
		return nil, err
	}
	s.views, err = projections.Open(projections.Config{Dir: filepath.Join(cfg.dir, "views"), Open: intake.FoldOpener(s.keys.FoldKey())})
	if err != nil {
		return nil, fmt.Errorf("opening the views: %w", err)
	}
	s.closers = append(s.closers, s.views.Close)
	if cfg.policyUnsaid {
		if err := s.keepsPolicy(ctx); err != nil {
			return nil, err
		}
	}
	door := &intake.Door{Writer: s.writer, Tokens: s.tokens, Ledger: s.anchor}
	if err := s.openNATS(door); err != nil {
		return nil, err
	}
	s.handler, err = api.New(api.Config{
		Views: s.views, Ledger: s.anchor, Files: s.anchor.Public(), LogKey: s.keys.LogKey(),
		Door:     door,
		SignedAt: s.pace.signedAt,
		Tokens:   readers{s.tokens}, Desk: s.desk(), Clerk: clerk{s.desk().Desk}, Seals: sealDesk{s.desk().Desk}, Cards: cardDesk{s.desk().Desk}, BehindProxy: cfg.behindProxy,
		Auditing: auditing{s.desk().Desk},
		Index:    opening{s}, Slots: opening{s},
		Trails: cards{opening{s}, &v1.Shown{Views: s.views, Ledger: s.anchor, Now: s.now}},
		Log:    slog.Default(), Now: s.now, Publishing: s.pace.public,
	})
	return s, err
}

// modified is when a file was last replaced, zero when it is not there.
func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// openEvents opens keys, tokens and history, and writes entry 0 into an empty
// one.
func (s *system) openEvents(ctx context.Context, cfg config) error {
	ring, err := cfg.master.openKeyring(cfg.dir, cfg.origin)
	if err != nil {
		return err
	}
	s.keys = keys{ring}
	s.closers = append(s.closers, ring.Close)
	if s.tokens, err = intake.OpenTokens(filepath.Join(cfg.dir, "tokens")); err != nil {
		return err
	}
	if err := s.openHistory(ctx, cfg); err != nil {
		return err
	}
	if s.history.Last() == 0 {
		return s.begin(ctx)
	}
	return s.checkFirst(ctx)
}

// begin writes entry 0. A crash before it is durable leaves an empty history,
// and the next start writes it then.
func (s *system) begin(ctx context.Context) error {
	first, err := intake.Begin(s.keys, events.Opened{
		RecordedAt: s.now().UTC(), Origin: s.keys.Origin(), Log: s.keys.LogKey(), Receipt: s.keys.ReceiptKey(),
		Index: s.keys.IndexKey(), VRF: s.keys.VRFKey(), Policy: policy, Formats: append(slices.Clone(formats), verifierFormat+s.verifier),
	})
	if err != nil {
		return err
	}
	_, err = s.history.Append(ctx, [][]byte{first})
	return err
}

// checkFirst refuses keys that are not those entry 0 announces: what they would
// sign, nobody could verify.
func (s *system) checkFirst(ctx context.Context) error {
	data, err := s.history.Read(ctx, 1)
	if err != nil {
		return fmt.Errorf("reading entry 0: %w", err)
	}
	msg, err := events.ParseMessage(data)
	if err != nil {
		return fmt.Errorf("reading entry 0: %w", err)
	}
	entry, err := events.ParseEntry(msg.Entry)
	if err != nil {
		return fmt.Errorf("reading entry 0: %w", err)
	}
	if entry.Text("keys.log") != s.keys.LogKey() || entry.Text("origin") != s.keys.Origin() ||
		entry.Text("keys.receipt") != s.keys.ReceiptKey() || entry.Text("keys.index") != s.keys.IndexKey() {
		return fmt.Errorf("the keys directory does not belong to this history, which opened as %s; put the right keys back", entry.Text("origin"))
	}
	return nil
}

// openWriter opens the book and replays it to the end, before any door opens.
func (s *system) openWriter(ctx context.Context, cfg config) error {
	book, err := intake.OpenBook(filepath.Join(cfg.dir, "book"))
	if err != nil {
		return err
	}
	s.closers = append(s.closers, book.Close)
	if err := book.CatchUp(ctx, s.history, intake.FoldOpener(s.keys.FoldKey())); err != nil {
		return err
	}
	if err := s.carryOut(book); err != nil {
		return err
	}
	s.writer = intake.NewWriter(intake.Config{History: s.history, Book: book, People: s.keys, Keys: s.keys, Now: s.now, Refuse: s.pace.refuse})
	return nil
}

// openNATS opens the NATS door's way to its clients, when there is a listener
// for them. Who came before the door runs was told that nobody answers.
func (s *system) openNATS(door *intake.Door) error {
	if s.broker == nil || s.broker.Addr() == nil {
		return nil
	}
	nc, err := s.broker.ConnectEmitters(broker.Client(intake.NATSDoorSubjects()))
	if err != nil {
		return fmt.Errorf("opening the NATS door: %w", err)
	}
	s.nats = &intake.NATSDoor{Door: door, Conn: nc}
	return nil
}

func (s *system) openLedger(ctx context.Context, cfg config) error {
	cfg.seen.key = s.keys.LogKey()
	key, err := proof.ParseVerifierKey(s.keys.LogKey())
	if err != nil {
		return err
	}
	if cfg.seen.witnesses, err = cfg.ask(s.keys.Origin(), key); err != nil {
		return err
	}
	log, err := s.openLog(ctx, cfg, logPlace{"log", "remotelog", s.keys.Origin()})
	if err != nil {
		return err
	}
	elsewhere, err := s.openJournal(ctx, cfg, signedLog)
	if err != nil {
		return err
	}
	s.anchor, err = ledger.Open(ctx, ledger.Config{
		Dir: filepath.Join(cfg.dir, "public"), Journal: journalName(cfg.journal), PublishEvery: cfg.publishEvery,
		Signer: s.keys.LogSigner(), Receipts: s.keys.ReceiptSigner(), Log: log, History: s.history, Heads: cfg.seen, Elsewhere: elsewhere,
		Cosigners: cfg.seen.witnesses.cosigners(), Withheld: cfg.seen.witnesses.withheld(),
	})
	if err != nil {
		return fmt.Errorf("opening the ledger: %w", err)
	}
	s.closers = append(s.closers, s.anchor.Close)
	s.pace.anchor, s.pace.history = s.anchor, s.history
	return s.openIndex(ctx, cfg)
}

// run serves on l until ctx ends or a part stops. Doors close first, so that
// whatever was let in is answered.
func (s *system) run(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	parts, partsCtx := errgroup.WithContext(context.WithoutCancel(ctx))
	partsCtx, stopParts := context.WithCancel(partsCtx)
	defer stopParts()
	parts.Go(func() error { return s.writer.Run(partsCtx) })
	parts.Go(func() error { return s.anchor.Run(partsCtx) })
	parts.Go(func() error { return s.index.Run(partsCtx) })
	parts.Go(func() error { return s.pace.run(partsCtx) })
	parts.Go(func() error { return s.views.Run(partsCtx, s.history) })
	parts.Go(func() error { return s.attend(partsCtx) })
	parts.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving: %w", err)
		}
		return nil
	})
	doorCtx, closeDoor := context.WithCancel(partsCtx)
	defer closeDoor()
	doorClosed := make(chan struct{})
	parts.Go(func() error {
		defer close(doorClosed)
		if s.nats == nil {
			return nil
		}
		return s.nats.Run(doorCtx)
	})
	select {
	case <-ctx.Done():
	case <-partsCtx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), shutdownSeconds*time.Second)
	defer cancel()
	closeDoor()
	_ = server.Shutdown(grace) // who is still connected after that is cut off
	_ = server.Close()
	<-doorClosed
	stopParts()
	if err := parts.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// close closes what was opened, last first.
func (s *system) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// first waits for entry 0 to be published, which says who the ledger is.
func (s *system) first(ctx context.Context) (proof.Checkpoint, error) {
	if err := s.anchor.WaitFor(ctx, 1); err != nil {
		return proof.Checkpoint{}, err
	}
	c, _ := s.anchor.Checkpoint()
	return c, nil
}
