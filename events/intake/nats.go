package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"golang.org/x/sync/semaphore"

	"github.com/daybook-ledger/daybook/events"
)

const (
	eventsSubject = "daybook.v1.events"
	inboxSubject  = "_INBOX"

	// headerWait asks for the proof, as ?wait= does over HTTP.
	headerWait = "Daybook-Wait"

	// maxHeld bounds the payloads in hand, in bytes. A small one counts for
	// minHeld, which bounds their number.
	maxHeld = 64 << 20
	minHeld = 64 << 10

	// drainWait is how long requests in hand may take once the door closes.
	drainWait = 2 * anchorWait
)

// Subjects are what one connection to NATS may use, as subjects which may hold
// wildcards.
type Subjects struct {
	Publish   []string
	Subscribe []string
}

// Place is where the holder of a token speaks on NATS, and where answers come.
type Place struct {
	Subject string // for requests
	Inbox   string // the prefix of reply subjects, without the last dot
}

// PlaceOf is the place of a token.
func PlaceOf(token string) Place {
	key := sha256.Sum256([]byte(token))
	return placeOf(hex.EncodeToString(key[:]))
}

func placeOf(key string) Place {
	return Place{Subject: eventsSubject + "." + key, Inbox: inboxSubject + "." + key}
}

// Subjects are what the holder of a token may use; false when the token is not
// known, or cannot be read.
func (t *Tokens) Subjects(token string) (Subjects, bool) {
	if _, ok, err := t.Find(token); err != nil || !ok {
		return Subjects{}, false
	}
	at := PlaceOf(token)
	publish := []string{at.Subject}
	for _, verb := range []micro.Verb{micro.PingVerb, micro.InfoVerb} {
		all := micro.APIPrefix + "." + verb.String()
		publish = append(publish, all, all+"."+serviceName)
	}
	return Subjects{Publish: publish, Subscribe: []string{at.Inbox + ".>"}}, true
}

// NATSDoorSubjects are what the NATS door's own connection uses.
func NATSDoorSubjects() Subjects {
	return Subjects{Publish: []string{inboxSubject + ".>"}, Subscribe: []string{eventsSubject + ".*", micro.APIPrefix + ".>"}}
}

// serviceName is the door's name among NATS services.
const serviceName = "daybook"

// NATSDoor answers requests on NATS as Door answers them over HTTP. Its
// connection must be to a server that lets nobody publish outside his
// Subjects: the subject of a request is all that says who speaks.
type NATSDoor struct {
	Door *Door
	Conn *nats.Conn
}

// Run answers requests until ctx ends or the connection is closed, and returns
// when the requests in hand are answered. The door does not close the
// connection.
func (d *NATSDoor) Run(ctx context.Context) error {
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	closed := make(chan struct{})
	c := &serving{door: d, room: semaphore.NewWeighted(maxHeld)}
	svc, err := micro.AddService(d.Conn, micro.Config{
		Name: serviceName, Version: "1.0.0",
		Description: "takes CloudEvents into the ledger, answers each request with its result",
		Endpoint: &micro.EndpointConfig{
			Subject: eventsSubject + ".*",
			Handler: micro.ContextHandler(work, c.handle),
			Metadata: map[string]string{
				"subject": eventsSubject + ".<SHA-256 of the token, hexadecimal>",
				"accepts": typeEvent + ", " + typeBatch + ", or JSON with ce- headers",
				"payload": strconv.Itoa(maxBody),
			},
		},
		DoneHandler: func(micro.Service) { close(closed) },
	})
	if err != nil {
		return fmt.Errorf("opening the NATS door: %w", err)
	}
	select {
	case <-ctx.Done():
	case <-closed:
	}
	late := time.AfterFunc(drainWait, abandon)
	defer late.Stop()
	_ = svc.Stop() // fails only on a closed connection, which has stopped it
	c.close()
	if err := d.Conn.FlushTimeout(time.Second); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serving NATS: %w", err)
	}
	return nil
}

// serving is one Run. It handles each request in a goroutine of its own, as one
// batch of the writer serves many of them.
type serving struct {
	door *NATSDoor
	room *semaphore.Weighted

	mu      sync.Mutex
	stopped bool
	hands   sync.WaitGroup
}

// handle takes a request off the subscription without making the next one wait.
// It answers nobody but the speaker: a reply subject elsewhere could make the
// door say things in somebody else's inbox, and a request without one would be
// refused unheard.
func (c *serving) handle(ctx context.Context, r micro.Request) {
	key := strings.TrimPrefix(r.Subject(), eventsSubject+".")
	if !strings.HasPrefix(r.Reply(), placeOf(key).Inbox+".") {
		return
	}
	if len(r.Data()) > maxBody {
		c.send(r, refusal(oversized()))
		return
	}
	weight := int64(max(len(r.Data()), minHeld))
	if !c.room.TryAcquire(weight) {
		c.send(r, refusal(&events.Problem{Status: 429, Code: "queue-full", Detail: "too many requests are waiting; send again after Retry-After"}))
		return
	}
	if !c.begin() {
		c.room.Release(weight)
		c.send(r, refusal(unavailable("the ledger is stopping")))
		return
	}
	go func() {
		defer c.hands.Done()
		defer c.room.Release(weight)
		c.send(r, c.door.reply(ctx, key, r))
	}()
}

func (c *serving) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopped {
		c.hands.Add(1)
	}
	return !c.stopped
}

// close refuses what comes from now on and waits for the rest.
func (c *serving) close() {
	c.mu.Lock()
	c.stopped = true
	c.mu.Unlock()
	c.hands.Wait()
}

// reply says what becomes of a request. The token is looked up for every one, so
// a revoked token ends here whatever connection it holds.
func (d *NATSDoor) reply(ctx context.Context, key string, r micro.Request) reply {
	grant, p := d.grant(key)
	if p != nil {
		return refusal(p)
	}
	h := headerOf(r.Headers())
	wait := h.Get(headerWait)
	if p := checkWait(wait); p != nil {
		return refusal(p)
	}
	in, p := parseMessage(h, r.Data())
	if p != nil {
		return refusal(p)
	}
	return d.Door.answer(ctx, grant, in, wait != "")
}

func (d *NATSDoor) grant(key string) (Grant, *events.Problem) {
	hash, err := hex.DecodeString(key)
	if err != nil || len(hash) != sha256.Size || strings.ToLower(key) != key {
		return granted(Grant{}, false, nil)
	}
	return granted(d.Door.Tokens.find([sha256.Size]byte(hash)))
}

// send answers a request. micro's own Respond is not for goroutines.
func (c *serving) send(r micro.Request, out reply) {
	err := c.door.Conn.PublishMsg(message(r.Reply(), out))
	if errors.Is(err, nats.ErrMaxPayload) {
		// The proofs of a full batch of large events can come to more than a message holds.
		_ = c.door.Conn.PublishMsg(message(r.Reply(), refusal(&events.Problem{
			Status: 500, Code: "answer-too-large", Detail: "the events are stored and the answer is too large; send fewer, or without " + headerWait,
		})))
	}
}

// message is a reply as a message, with micro's error headers on a refusal.
func message(subject string, out reply) *nats.Msg {
	m := nats.NewMsg(subject)
	var contentType string
	m.Data, contentType = out.encode()
	m.Header.Set("Content-Type", contentType)
	if p := out.problem; p != nil {
		m.Header.Set(micro.ErrorHeader, p.Code)
		m.Header.Set(micro.ErrorCodeHeader, strconv.Itoa(p.Status))
	}
	if out.later() {
		m.Header.Set("Retry-After", "1")
	}
	return m
}

// headerOf reads names of headers in any case: NATS keeps them as they were
// sent, and two that differ in case alone are one header given twice.
func headerOf(in micro.Headers) http.Header {
	h := http.Header{}
	for name, values := range in {
		for _, v := range values {
			h.Add(name, v)
		}
	}
	return h
}

// parseMessage reads a message in the mode its headers name: structured when
// its content type is one of CloudEvents, or when it has no headers at all;
// binary otherwise, where the data's type may stand in either header.
func parseMessage(h http.Header, raw []byte) (body, *events.Problem) {
	mediaType, binary := typeEvent, h.Get("ce-specversion") != ""
	for _, name := range []string{"ce-datacontenttype", "Content-Type"} {
		values := h.Values(name)
		if len(values) == 0 {
			continue
		}
		var ok bool
		if mediaType, ok = mediaOf(values[0]); !ok || len(values) > 1 || !events.IsJSON(mediaType) {
			return body{}, unsupported()
		}
	}
	structured := mediaType == typeEvent || mediaType == typeBatch
	switch given := h.Get("Content-Type"); {
	case structured && (given != "" || !binary):
		return parseBody(mediaType, h, raw)
	case binary:
		return parseBody("", h, raw)
	}
	return body{}, unsupported()
}
