package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// CircleConfig says which witnesses are asked, about which log.
type CircleConfig struct {
	// Policy has the witnesses and their submission prefixes, which are their monitoring
	// prefixes, too.
	Policy proof.Policy
	// Key is the log's. Its name is the origin.
	Key note.Verifier
	// Client asks; the default keeps connections open and follows no redirection.
	Client *http.Client
	// Timeout bounds each request; the default is ten seconds.
	Timeout time.Duration
	// Grace is how long the others are waited for when a quorum has answered; the
	// default is 300 ms.
	Grace time.Duration
	// Backoff is the longest time for which a witness who fails is left alone. It begins
	// with a thirtieth of it. The default is 15 seconds.
	Backoff time.Duration
	// Now is the clock; the default is time.Now.
	Now func() time.Time
}

func (c CircleConfig) withDefaults() (CircleConfig, error) {
	if c.Key == nil || c.Policy.Quorum == "" {
		return c, errors.New("they need a policy and the log's key")
	}
	if c.Client == nil {
		c.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Grace <= 0 {
		c.Grace = 300 * time.Millisecond
	}
	if c.Backoff <= 0 {
		c.Backoff = 15 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

// Circle is the witnesses of a log, as the log asks them. It implements
// ledger.Cosigners, and ledger.Heads. It is for one log; Cosign is called by one at a
// time.
type Circle struct {
	cfg  CircleConfig
	seat []*seat
}

// NewCircle refuses a policy whose quorum cannot be met by the witnesses that have an
// address. One address may have several keys.
func NewCircle(cfg CircleConfig) (*Circle, error) {
	c, err := newCircle(cfg)
	if err != nil {
		return nil, fmt.Errorf("gathering the witnesses: %w", err)
	}
	return c, nil
}

func newCircle(cfg CircleConfig) (*Circle, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	cfg.Policy.Logs = nil // whose checkpoints they are is known by the key
	c := &Circle{cfg: cfg}
	for _, w := range cfg.Policy.Witnesses {
		if w.URL == "" {
			continue
		}
		u, err := url.Parse(w.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("%.100q is not the address of the witness %s", w.URL, w.Name)
		}
		prefix := strings.TrimRight(w.URL, "/")
		i := slices.IndexFunc(c.seat, func(s *seat) bool { return s.prefix == prefix })
		if i < 0 {
			i = len(c.seat)
			c.seat = append(c.seat, &seat{cfg: &c.cfg, prefix: prefix})
		}
		c.seat[i].who = append(c.seat[i].who, w)
	}
	if !cfg.Policy.Met(namesOf(c.seat)...) {
		return nil, fmt.Errorf("the quorum %s needs witnesses who have no address in the policy, so nothing could be published", cfg.Policy.Quorum)
	}
	return c, nil
}

func namesOf(list []*seat) (out []string) {
	for _, s := range list {
		for _, w := range s.who {
			out = append(out, w.Name)
		}
	}
	return out
}

// Known is when a quorum last knew msg as the largest. Where the quorum is none, it is
// when any did.
func (c *Circle) Known(msg []byte) (time.Time, error) {
	_, by, err := c.cfg.Policy.Check(msg, c.cfg.Key)
	if err != nil {
		return time.Time{}, err
	}
	at := by.At
	for _, b := range by.By {
		if by.At.IsZero() && b.At.After(at) {
			at = b.At
		}
	}
	return at, nil
}

// Cosign asks all witnesses at once, and returns msg with what they signed as soon as
// they are a quorum and the rest had a moment. Those who failed lately are not asked;
// if the others can be no quorum, nobody is.
func (c *Circle) Cosign(ctx context.Context, msg []byte, prove func(context.Context, events.Size) ([]proof.Hash, error)) ([]byte, []ledger.Head, error) {
	cosigned, held, err := c.cosign(ctx, msg, prove)
	if err != nil {
		return nil, held, fmt.Errorf("asking the witnesses: %w", err)
	}
	return cosigned, held, nil
}

func (c *Circle) cosign(ctx context.Context, msg []byte, prove func(context.Context, events.Size) ([]proof.Hash, error)) ([]byte, []ledger.Head, error) {
	at, err := proof.OpenCheckpoint(msg, c.cfg.Key)
	if err != nil {
		return nil, nil, err
	}
	said := &round{policy: c.cfg.Policy}
	var ready []*seat
	for _, s := range c.seat {
		if until := s.rests(); until > 0 {
			said.failed = append(said.failed, fmt.Sprintf("%s failed before (%v) and is asked again in %v", s, s.failure, until.Round(time.Second/10)))
			continue
		}
		ready = append(ready, s)
	}
	if !c.cfg.Policy.Met(namesOf(ready)...) {
		return nil, nil, said.err()
	}
	ctx, cancel := context.WithCancel(ctx)
	q := question{Checkpoint: at, note: ownPart(msg, c.cfg.Key), prove: prove, answers: make(chan answer)}
	var open int
	for _, s := range ready {
		open++
		go s.ask(ctx, q)
	}
	defer func() {
		cancel()
		for open > 0 { // none is left behind who changes a seat
			if a := <-q.answers; !a.looking {
				open--
			}
		}
	}()
	c.listen(ctx, q, said, &open)
	if !said.met() {
		return nil, said.held, errors.Join(said.err(), context.Cause(ctx))
	}
	out, err := proof.AddCosignatures(msg, said.ordered()...)
	return out, said.held, err
}

// listen takes answers until all are there, or a quorum and the moment after it. A
// refusal that is looked into is waited for: what is found may stop the log.
func (c *Circle) listen(ctx context.Context, q question, said *round, open *int) {
	var grace <-chan time.Time
	over, looking := false, 0
	if said.met() { // nobody is needed
		grace = time.After(c.cfg.Grace)
	}
	for *open > 0 && (!over || looking > 0) {
		select {
		case a := <-q.answers:
			if a.looking {
				looking++
				continue
			}
			if *open--; a.looked {
				looking--
			}
			said.take(a)
			if grace == nil && said.met() {
				grace = time.After(c.cfg.Grace)
			}
		case <-grace:
			over = true
		case <-ctx.Done():
			return
		}
	}
}

// round is what was answered to one question.
type round struct {
	policy proof.Policy
	names  []string
	lines  []string // of the same
	held   []ledger.Head
	failed []string
}

func (r *round) take(a answer) {
	if a.held != nil {
		r.held = append(r.held, *a.held)
	}
	if a.err != nil {
		r.failed = append(r.failed, fmt.Sprintf("%s: %v", a.from, a.err))
		return
	}
	r.names, r.lines = append(r.names, a.names...), append(r.lines, a.lines...)
}

// ordered are the lines in the order of the policy, whoever was faster.
func (r *round) ordered() (out []string) {
	for _, w := range r.policy.Witnesses {
		if i := slices.Index(r.names, w.Name); i >= 0 {
			out = append(out, r.lines[i])
		}
	}
	return out
}

func (r *round) met() bool { return r.policy.Met(r.names...) }

// err says who answered what.
func (r *round) err() error {
	said := "nobody cosigned"
	if len(r.names) > 0 {
		said = strings.Join(r.names, ", ") + " cosigned"
	}
	slices.Sort(r.failed)
	return fmt.Errorf("no quorum %s: %s", r.policy.Quorum, strings.Join(append([]string{said}, r.failed...), "; "))
}

// Heads is what the witnesses hold of this log. Beside an error, which says who could
// not be asked, are the heads of those who could.
func (c *Circle) Heads(ctx context.Context) (heads []ledger.Head, err error) {
	type found struct {
		head *ledger.Head
		err  error
	}
	results := make(chan found)
	for _, s := range c.seat {
		go func() {
			h, err := s.holds(ctx)
			if err != nil {
				err = fmt.Errorf("asking the witness %s: %w", s, err)
			}
			results <- found{h, err}
		}()
	}
	for range c.seat {
		f := <-results
		if err = errors.Join(err, f.err); f.head != nil {
			heads = append(heads, *f.head)
		}
	}
	return heads, err
}

// ownPart is a note with the signature of the log alone: what other witnesses signed is
// nothing to a witness.
func ownPart(msg []byte, v note.Verifier) []byte {
	end := bytes.LastIndex(msg, []byte("\n\n")) + 2
	out := slices.Clone(msg[:end])
	for line := range bytes.Lines(msg[end:]) {
		if bytes.HasPrefix(line, []byte("— "+v.Name()+" ")) {
			out = append(out, line...)
		}
	}
	return out
}
