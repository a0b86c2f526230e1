// Command hammer measures a ledger from outside, as a sender, a reader and an
// auditor see it, and prints tables.
//
// It starts a real server on an empty directory, or uses one that runs, posts
// invented events over HTTP and takes times. The load is made on the same
// machine, so the numbers are those of both together. Every accepted event was
// durable before its answer; nothing is switched off for speed.
//
// What runs, each for -seconds at most and with -most events at most:
//
//	posts    single events, one a request, at 16 and 64 connections
//	batches  100 and 1,000 events a request, register kinds, single-person events
//	         about persons known and, each, about a new one; "accepted" is the rate of answers, "end to end" the rate
//	         until a published checkpoint covers all of them
//	latency  from an event's answer to the checkpoint that covers it, at -rate
//	         events a second; what polling the checkpoint adds is below 2 ms
//	index    from a checkpoint of the ledger to the leaf of the completeness index that
//	         covers it, while events about persons come as fast as they are taken
//	proofs   proofs fetched of random entries; the first of each connection is
//	         verified
//	audit    the whole public log from its files, with the entries' content and
//	         hashes alone
//	restart  from start to the first durable event, after SIGTERM and SIGKILL
//	disk     bytes for each event by folder, as allocated
//
// With -url the last three are left out, for they need the directory and the
// process. With -witnesses a checkpoint counts as published once all of them, real
// processes too, cosigned it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	bin, url, token, registrar string
	only                       string
	seconds, most, rate        int
	persons, witnesses         int
	publishEvery               time.Duration
}

// part is one measurement.
type part struct {
	name string
	own  bool // needs the process and its directory
	run  func(context.Context, *hammer) error
}

var parts = []part{
	{"posts", false, posts},
	{"batches", false, batches},
	{"latency", false, latency},
	{"index", false, index},
	{"proofs", false, proofs},
	{"audit", true, audit},
	{"restart", true, restart},
	{"disk", true, disk},
}

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "bin/daybook", "the program to start")
	flag.StringVar(&o.url, "url", "", "a running ledger to use instead")
	flag.StringVar(&o.token, "token", "", "with -url: an emitter's token whose source is hammer")
	flag.StringVar(&o.registrar, "registrar", "", "with -url: a registrar's token whose source is hammer")
	flag.StringVar(&o.only, "only", "", "run these alone, separated by commas: posts batches latency index proofs audit restart disk")
	flag.IntVar(&o.seconds, "seconds", 3, "how long each measurement goes on")
	flag.IntVar(&o.most, "most", 200000, "the most events or requests of one measurement")
	flag.IntVar(&o.rate, "rate", 2000, "events a second while latency is measured")
	flag.IntVar(&o.persons, "persons", 2000, "how many persons the events are about")
	flag.IntVar(&o.witnesses, "witnesses", 0, "how many witnesses the started server needs, all of them on this machine")
	flag.DurationVar(&o.publishEvery, "publish-every", 50*time.Millisecond, "the least time between checkpoints of the started server")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "hammer:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	wanted, err := choose(o)
	if err != nil {
		return err
	}
	h, err := begin(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.end()) }()
	for _, p := range wanted {
		if err := p.run(ctx, h); err != nil {
			return fmt.Errorf("measuring %s: %w", p.name, err)
		}
	}
	return nil
}

// choose are the parts that -only names and -url allows.
func choose(o options) ([]part, error) {
	var names []string
	if o.only != "" {
		names = strings.Split(o.only, ",")
	}
	var out []part
	for _, p := range parts {
		i := slices.Index(names, p.name)
		if i >= 0 {
			names = slices.Delete(names, i, i+1)
		}
		if (i >= 0 || o.only == "") && (o.url == "" || !p.own) {
			out = append(out, p)
		} else if i >= 0 {
			return nil, fmt.Errorf("%s needs a server of its own; leave -url out", p.name)
		}
	}
	if len(names) > 0 {
		return nil, fmt.Errorf("there is no measurement %q", names)
	}
	return out, nil
}
