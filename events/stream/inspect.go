package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// State is what an inspection found of one matter.
type State string

const (
	OK         State = "ok"
	Wrong      State = "wrong"      // the history's promise does not hold like this
	Unverified State = "unverified" // it may hold; this cannot be seen from here
)

// Check is one matter that was looked at.
type Check struct {
	Name   string `json:"check"`
	State  State  `json:"state"`
	Detail string `json:"detail"`
}

// payloadWanted is the largest message a history may get: an event of 1 MiB, sealed
// for several readers.
const payloadWanted = 8 << 20

// silence is how long a replica says nothing before it counts as away. One that is
// there says something each second, and the servers themselves take longer to miss it.
const silence = 5 * time.Second

// Inspect looks at a history that runs elsewhere without changing anything, and says
// what it found, and the names of the servers that hold the stream: of those nothing
// but the operator, or they themselves, can say whether they sync before they
// acknowledge.
func Inspect(ctx context.Context, nc *nats.Conn, cfg Config) (checks []Check, servers []string) {
	h := attach(nc, cfg)
	say := func(name string, ok bool, detail string, args ...any) {
		state := OK
		if !ok {
			state = Wrong
		}
		checks = append(checks, Check{name, state, fmt.Sprintf(detail, args...)})
	}
	say("server", true, "%s, version %s", nc.ConnectedServerName(), nc.ConnectedServerVersion())
	say("message size", nc.MaxPayload() >= payloadWanted, "max_payload is %d bytes, the largest events need %d", nc.MaxPayload(), payloadWanted)
	var info *jetstream.StreamInfo
	err := h.patiently(ctx, func() (err error) {
		info, err = h.find(ctx)
		return err
	})
	if errors.Is(err, ErrNoHistory) {
		checks = append(checks, Check{"stream", Unverified, fmt.Sprintf("there is no stream %s; the ledger makes it when it starts", h.cfg.Name)})
		return checks, []string{nc.ConnectedServerName()}
	}
	if err != nil {
		say("stream", false, "%v", err)
		return checks, nil
	}
	say("stream", true, "%s, with %d messages", h.cfg.Name, info.State.Msgs)
	if err := checkConfig(info.Config, h.cfg); err != nil {
		say("configuration", false, "%v", err)
	} else {
		say("configuration", true, "nothing in it lets a message be lost, changed or skipped")
	}
	if err := checkState(info.State); err != nil {
		say("content", false, "%v", err)
	} else {
		say("content", true, "every number from 1 to %d is taken", info.State.LastSeq)
	}
	servers, ok, detail := replicas(nc, info)
	say("replicas", ok, "%s", detail)
	return checks, servers
}

// replicas says which servers hold the stream and whether all are there.
func replicas(nc *nats.Conn, info *jetstream.StreamInfo) (servers []string, ok bool, detail string) {
	if info.Cluster == nil || info.Cluster.Leader == "" && len(info.Cluster.Replicas) == 0 {
		return []string{nc.ConnectedServerName()}, true, "one server, on whose disk alone the history is"
	}
	servers = []string{info.Cluster.Leader}
	var behind []string
	for _, p := range info.Cluster.Replicas {
		servers = append(servers, p.Name)
		if p.Offline || !p.Current || p.Active > silence {
			behind = append(behind, p.Name)
		}
	}
	slices.Sort(servers)
	if info.Cluster.Leader == "" {
		return servers, false, "the servers have no leader, so nothing can be written"
	}
	if len(behind) > 0 {
		return servers, false, fmt.Sprintf("of %v are away or behind: %v", servers, behind)
	}
	return servers, true, fmt.Sprintf("%v, led by %s; all are up to date", servers, info.Cluster.Leader)
}
