package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serveMetrics serves GET /metrics at addr until ctx ends; at "" it does nothing.
// It has a listener of its own, since it tells when events are recorded, which the
// public learns only as exactly as checkpoints come.
func (s *system) serveMetrics(ctx context.Context, out io.Writer, cfg config) error {
	if cfg.metrics == "" {
		return nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.metrics)
	if err != nil {
		return fmt.Errorf("listening for metrics: %w; give another address with --metrics", err)
	}
	fmt.Fprintf(out, "metrics     http://%s/metrics\n", l.Addr())
	server := &http.Server{Handler: s.metrics(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving metrics: %w", err)
	}
	return nil
}

// metrics answers GET /metrics in Prometheus' text format. Names end in their
// unit; what counts up has total.
func (s *system) metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	published := func() float64 { c, _ := s.anchor.Checkpoint(); return float64(c.Size) }
	recorded := func() float64 { return float64(s.history.Last()) }
	gauge := func(name, help string, f func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "daybook", Name: name, Help: help}, f))
	}
	counter := func(name, help string, f func() float64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "daybook", Name: name, Help: help}, f))
	}
	counter("history_events_total", "Events in the history, all acknowledged.", recorded)
	counter("log_entries_total", "Entries of the published log; its rate is the rate of integration.", published)
	counter("checkpoints_total", "Checkpoints published by this process.", func() float64 { return float64(s.pace.count()) })
	gauge("log_lag_events", "Events recorded and not published yet.", func() float64 {
		size := published() // read first: the history never has less
		return recorded() - size
	})
	gauge("log_entries_per_second", "Entries published a second, over the last minute.", s.pace.rate)
	gauge("checkpoint_age_seconds", "Time since the newest checkpoint was published; -1 before the first.", func() float64 {
		at := s.pace.signedAt()
		if at.IsZero() {
			return -1
		}
		return s.now().Sub(at).Seconds()
	})
	gauge("checkpoint_wait_seconds", "How long events have waited for the next checkpoint; 0 when none waits.", func() float64 { return s.pace.waited().Seconds() })
	gauge("checkpoint_max_age_seconds", "The wait beyond which no events are taken; 0 is no limit.", func() float64 { return s.pace.limit.Seconds() })
	gauge("refusing_events", "1 while no events are taken because checkpoints are overdue.", func() float64 {
		if s.pace.refuse() != nil {
			return 1
		}
		return 0
	})
	gauge("writer_queue_events", "Events that wait for the writer.", func() float64 { return float64(s.writer.Queued()) })
	gauge("views_lag_events", "Events recorded and not folded into the views yet.", func() float64 {
		cursor := float64(s.views.Cursor())
		return max(0, recorded()-cursor)
	})
	gauge("index_leaves", "Leaves of the published log of the index.", func() float64 { return float64(s.index.Progress().Leaves) })
	gauge("index_size", "Entries of the log that the index's last leaf covers; what concerns nobody makes no leaf.", func() float64 { return float64(s.index.Progress().Size) })
	gauge("index_lag_seconds", "How long something published has waited for a leaf of the index; 0 when nothing waits.", func() float64 {
		since := s.index.Progress().Waiting
		if since.IsZero() {
			return 0
		}
		return time.Since(since).Seconds()
	})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	return mux
}
