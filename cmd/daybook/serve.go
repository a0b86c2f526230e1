package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

const serveHelp = `Run a ledger: doors, history, views, log and pages in one process.

With --policy FILE no checkpoint is published that its quorum of witnesses has not cosigned. Each of
them prints its own line when daybook witness starts. Two, both of which must sign:

  witness a KEY http://library.example:8490
  witness b KEY https://witness.newspaper.example
  group both 2 a b
  quorum both

KEY is as its line has it; names are of a-z 0-9 . _ / @ -, and "group both 1 a b" asks for one of them,
"quorum none" for nobody. The ledger records what its policy is, and does not start without --policy
once that asked for witnesses; --policy none goes on without, and records that.

Exit codes: 0 stopped when told to; 1 it cannot go on; 2 misused, or --policy is missing;
4 the file of --policy cannot be read, or is none.`

func serveCommand() *cobra.Command {
	var cfg config
	var addr string
	var withSeed bool
	var policyFile string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run a ledger: doors, history, views, log and pages in one process",
		Long:  serveHelp,
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			slog.SetDefault(slog.New(tint.NewTextHandler(os.Stderr, &tint.Options{TimeFormat: time.DateTime, NoColor: !terminal(os.Stderr)})))
			if err := cfg.follow.check(c); err != nil {
				return err
			}
			if err := cfg.readPolicy(policyFile); err != nil {
				return err
			}
			if cfg.follow.leader != "" {
				return serveFollower(c, cfg, addr)
			}
			return serve(c, cfg, addr, withSeed)
		},
	}
	c.Flags().StringVar(&cfg.dir, "dir", defaultDir, "the data directory")
	c.Flags().StringVar(&addr, "http", defaultAddr, "the address to serve on")
	c.Flags().StringVar(&cfg.nats, "nats", "", "also take events over NATS at this host:port; plain TCP, so keep it on loopback or behind a tunnel")
	cfg.master.flag(c)
	cfg.history.flags(c)
	cfg.follow.flags(c)
	c.Flags().BoolVar(&cfg.behindProxy, "behind-proxy", false, "every request comes through a proxy that sets X-Forwarded-Proto and adds to X-Forwarded-For; officers sign in over a network only by https")
	c.Flags().BoolVar(&withSeed, "seed", false, "post the real and invented records that come with the program")
	c.Flags().StringVar(&cfg.origin, "origin", "", "the log's name for ever, set at the first start; default localhost/ and 8 random digits")
	c.Flags().StringVar(&cfg.journal, "journal", "", "the file of signed checkpoints, or nats://HOST:PORT for a stream; keep it, and those ending in .index and .leaves beside it, where a restore of the data directory does not reach")
	c.Flags().StringVar(&cfg.journalCreds, "journal-creds", "", "the credentials file of the journal's NATS account, which is not the history's")
	c.Flags().StringVar(&policyFile, "policy", "", "a tlog-policy file of the witnesses, with their URLs: no checkpoint is published without its quorum; none asks no witnesses, and is the default until there were some")
	c.Flags().StringArrayVar(&cfg.seen.files, "last-seen", nil, "a file of checkpoints that somebody kept; the ledger does not start if it contradicts them")
	c.Flags().StringArrayVar(&cfg.seen.mirrors, "mirror", nil, "the URL of a copy of the public log, asked at the start for its checkpoint as --last-seen is")
	c.Flags().BoolVar(&cfg.seen.require, "require-mirror", false, "do not start while a mirror or witness cannot be asked")
	c.Flags().DurationVar(&cfg.publishEvery, "publish-every", time.Second, "the least time between two checkpoints; longer tells less about when things happen")
	c.Flags().StringArrayVar(&cfg.details.flags, "keep-details", nil, "for how long officers can open details after the month they were recorded in, as P3Y, or city=P1Y for one organization; default for ever")
	cfg.trillian.flags(c)
	cfg.operatorFlags(c)
	return c
}

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Every event makes much that lives for its batch, and a ledger keeps little in
// memory: at the runtime's default it spends a tenth of its time on what it keeps.
const (
	collectAt   = 300       // percent of growth before the next collection
	collectHard = 768 << 20 // bytes from which on it collects as often as it must
)

// calmCollector leaves more garbage lie, as long as there is room, unless the
// operator says otherwise.
func calmCollector() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(collectAt)
		debug.SetMemoryLimit(collectHard)
	}
}

func serve(c *cobra.Command, cfg config, addr string, withSeed bool) error {
	calmCollector()
	if err := cfg.trillian.check(); err != nil {
		return err
	}
	if err := cfg.checkPublishing(); err != nil {
		return err
	}
	if err := cfg.details.check(); err != nil {
		return err
	}
	ctx := c.Context()
	cfg.now, _ = ctx.Value(clockKey{}).(func() time.Time)
	started := time.Now()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listening: %w; give another address with --http", err)
	}
	s, err := open(ctx, cfg)
	if err != nil {
		return keepEvidence(cfg.dir, err)
	}
	url := "http://" + l.Addr().String()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.run(ctx, l) })
	group.Go(func() error { return s.serveMetrics(ctx, c.OutOrStdout(), cfg) })
	group.Go(func() error {
		if _, err := s.first(ctx); err != nil {
			return nil //nolint: the part that stopped says why
		}
		announce(c, s, cfg, url)
		slog.Info("serving", "url", url, "history", s.history.Last(), "after", time.Since(started).Round(time.Millisecond))
		if !withSeed {
			return nil
		}
		n, err := seed(ctx, s.tokens, url)
		if err != nil && ctx.Err() == nil {
			slog.Warn("the records that come with the program are not all in", "error", err)
		}
		slog.Info("seeded", "events", n, "after", time.Since(started).Round(time.Millisecond))
		return nil
	})
	err = keepEvidence(cfg.dir, group.Wait())
	if closeErr := s.close(); err == nil {
		err = closeErr
	}
	return err
}

// announce prints what a person needs first.
func announce(c *cobra.Command, s *system, cfg config, url string) {
	out := c.OutOrStdout()
	self, err := os.Executable()
	if err != nil {
		self = "daybook"
	}
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, self); err == nil {
			self = rel
		}
	}
	fmt.Fprintf(out, "pages       %s/\n", url)
	for _, line := range [][2]string{
		{"register", "/register"},
		{"entries", "/entries"},
		{"sharing", "/sharing"},
		{"deletions", "/deletions"},
		{"coverage", "/coverage"},
		{"seals", "/seals"},
		{"findings", "/findings"},
		{"trail", "/trail"},
		{"checking", "/checking"},
		{"verify", "/verify"},
		{"API", "/api"},
		{"JSON", "/v1/entries"},
		{"totals", "/v1/totals"},
		{"ledger", "/v1/ledger"},
		{"checkpoint", "/checkpoint"},
		{"tiles", "/tile/0/000.p/1"},
		{"index", "/index/checkpoint"},
	} {
		fmt.Fprintf(out, "%-11s %s%s\n", line[0], url, line[1])
	}
	fmt.Fprintf(out, "%-11s %s/officer  (a token lets in: %s token --dir %s --role officer --org ORG)\n", "officers", url, self, cfg.dir)
	if s.nats != nil {
		fmt.Fprintf(out, "%-11s nats://%s  (the password is a token; go doc ./events/intake says what to send)\n", "NATS", s.broker.Addr())
	}
	fmt.Fprintf(out, "master key  %s\n", cfg.master.warning(cfg.dir))
	if n := len(cfg.policy.Witnesses); n > 0 {
		fmt.Fprintf(out, "witnesses   %d; nothing is published that is not cosigned by the quorum %s\n", n, cfg.policy.Quorum)
	}
	fmt.Fprintf(out, "log key     %s\n", s.keys.LogKey())
	if cfg.journal == "" {
		fmt.Fprintf(out, "note        the journal of checkpoints lies inside the data directory, so a restored backup could fork the log unnoticed here; --journal PATH puts it outside\n")
	}
	fmt.Fprintf(out, "\nrecord an event:\n\n%s\n\n", curlLine(self, cfg.dir, url))
}

// curlLine posts one invented event with a token made on the spot.
func curlLine(self, dir, url string) string {
	return fmt.Sprintf(`curl -sS '%s/v1/events?wait=anchored' -H "Authorization: Bearer $(%s token --dir %s --role emitter --org example)" `+
		`-H 'Content-Type: application/cloudevents+json' -d '{"specversion":"1.0","id":"try-1","source":"example",`+
		`"type":"org.daybook.data.accessed.v1","time":"%s","data":{"system":"example/app","operation":"Consult",`+
		`"outcome":"success","dataset":"example/records","reasonText":"an example","subjects":{"mode":"single",`+
		`"persons":[{"scheme":"example","value":"anna"}]}}}'`, url, self, dir, "2026-01-15T09:30:00Z")
}
