package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events/stream"
)

// doctorPatience is how long servers may take to answer: longer than they take to
// choose a leader, and no longer than somebody waits who wants to know.
const doctorPatience = 15 * time.Second

func doctorCommand() *cobra.Command {
	var history elsewhere
	var monitors []string
	var format string
	c := &cobra.Command{
		Use:   "doctor --history URL [--monitor URL]...",
		Short: "Look whether the servers of a history elsewhere keep its promise, and change nothing",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case history.URL == "":
				return exitWith(exitUsage, "say with --history which servers to look at; the history in a data directory needs no doctor")
			case format != "table" && format != "json":
				return exitWith(exitUsage, "there is no output %q: table or json; see daybook doctor --help", format)
			}
			told, err := askServers(c.Context(), monitors)
			if err != nil {
				return err
			}
			checks, err := examine(c.Context(), history, told)
			if err != nil {
				return exitWith(exitUnchecked, "%w", err)
			}
			if err := printChecks(c.OutOrStdout(), format, checks); err != nil {
				return err
			}
			return diagnosis(checks)
		},
	}
	history.flags(c)
	c.Flags().StringArrayVar(&monitors, "monitor", nil, "where one of the servers tells about itself, as http://a:8222; repeatable, one for each server")
	c.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	return c
}

// examine looks at the stream, and at what its servers told of themselves.
func examine(ctx context.Context, history elsewhere, told map[string]varz) ([]stream.Check, error) {
	nc, with, err := history.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	with.Patience = doctorPatience
	checks, servers := stream.Inspect(ctx, nc, with)
	for _, name := range servers {
		v, ok := told[name]
		checks = append(checks, v.check(name, ok))
	}
	return checks, nil
}

// askServers is what the servers say at their monitoring addresses, by name.
func askServers(ctx context.Context, monitors []string) (map[string]varz, error) {
	told := map[string]varz{}
	for _, address := range monitors {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, exitWith(exitUsage, "the monitoring address %q is not as http://a:8222", address)
		}
		v, err := readVarz(ctx, strings.TrimRight(address, "/")+"/varz")
		if err != nil {
			return nil, exitWith(exitUnchecked, "asking the server at %s about itself: %w", address, err)
		}
		told[v.Name] = v
	}
	return told, nil
}

// varz is what of a server's own account matters here.
type varz struct {
	Name      string `json:"server_name"`
	JetStream struct {
		Config *struct {
			SyncAlways   bool          `json:"sync_always"`
			SyncInterval time.Duration `json:"sync_interval"`
		} `json:"config"`
		Limits struct {
			MaxBatchSize int `json:"max_batch_size"`
		} `json:"limits"`
	} `json:"jetstream"`
}

// check says whether an acknowledgement of the server means that it is on its disk.
func (v varz) check(name string, asked bool) stream.Check {
	c := stream.Check{Name: "sync of " + name, State: stream.Wrong}
	switch config := v.JetStream.Config; {
	case !asked:
		c.State, c.Detail = stream.Unverified, "no stream shows it; look for \"sync_interval: always\" in its configuration, or name its monitoring address with --monitor"
	case config == nil:
		c.Detail = "it keeps no streams"
	case !config.SyncAlways:
		c.Detail = fmt.Sprintf("it syncs every %v: a power cut takes what was acknowledged before; set sync_interval: always in its jetstream block", config.SyncInterval)
	case v.JetStream.Limits.MaxBatchSize > 0 && v.JetStream.Limits.MaxBatchSize < stream.MaxBatch:
		c.Detail = fmt.Sprintf("it syncs, but takes batches of %d messages only; the ledger writes up to %d", v.JetStream.Limits.MaxBatchSize, stream.MaxBatch)
	default:
		c.State, c.Detail = stream.OK, "it syncs before it acknowledges, as it says itself"
	}
	return c
}

func readVarz(ctx context.Context, address string) (v varz, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return v, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return v, err
	}
	defer resp.Body.Close()
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&v)
	if err != nil || resp.StatusCode != http.StatusOK || v.Name == "" {
		return v, fmt.Errorf("it answers %d, and not as a NATS server's monitoring address", resp.StatusCode)
	}
	return v, nil
}

func printChecks(out io.Writer, format string, checks []stream.Check) error {
	if format == "json" {
		return json.NewEncoder(out).Encode(checks)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CHECK\tSTATE\tWHAT")
	for _, c := range checks {
		fmt.Fprintf(w, "%s\t%s\t%s\n", c.Name, c.State, c.Detail)
	}
	return w.Flush()
}

// diagnosis is the exit code: what is wrong counts more than what cannot be seen.
func diagnosis(checks []stream.Check) error {
	has := func(s stream.State) bool {
		return slices.ContainsFunc(checks, func(c stream.Check) bool { return c.State == s })
	}
	switch {
	case has(stream.Wrong):
		return exitWith(exitInvalid, "these servers do not keep what the history promises; see what is wrong above")
	case has(stream.Unverified):
		return exitWith(exitUnchecked, "nothing is wrong, and not everything could be verified")
	}
	return nil
}
