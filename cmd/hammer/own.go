package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// audit checks the public log from its files, as anyone with a copy would.
func audit(ctx context.Context, h *hammer) error {
	l, err := h.reader.Ledger(ctx)
	if err != nil {
		return err
	}
	key, err := proof.ParseVerifierKey(l.Keys.Log)
	if err != nil {
		return err
	}
	public, err := ledger.OpenPublic(h.public())
	if err != nil {
		return err
	}
	table := newTable("audit of the files", "checked", "entries", "seconds", "entries/s")
	for _, hashesOnly := range []bool{false, true} {
		started := time.Now()
		r, err := ledger.Audit(ctx, public, key, ledger.AuditOptions{HashesOnly: hashesOnly})
		if err != nil {
			return err
		}
		took := time.Since(started)
		what := "content and hashes"
		if hashesOnly {
			what = "hashes alone"
		}
		table.row(what, r.Size, seconds(took), rate(int(r.Size), took))
	}
	return table.print()
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) }

// restart stops and starts the server twice. An event is durable again when the
// history, the book and the doors are all there.
func restart(ctx context.Context, h *hammer) error {
	table := newTable("restart", "after", "entries", "stopping s", "to first durable event s")
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		size, err := h.size(ctx)
		if err != nil {
			return err
		}
		stopping := time.Now()
		if err := h.stop(s); err != nil {
			return err
		}
		stopped := time.Since(stopping)
		started := time.Now()
		if err := h.start(ctx); err != nil {
			return err
		}
		if err := h.meet(); err != nil {
			return err
		}
		if err := h.post(ctx, h.token, h.access()); err != nil {
			return err
		}
		table.row(s, size, seconds(stopped), seconds(time.Since(started)))
	}
	return table.print()
}

// disk sums what the folders of the data directory take.
func disk(ctx context.Context, h *hammer) error {
	size, err := h.size(ctx)
	if err != nil {
		return err
	}
	folders, err := os.ReadDir(h.dir)
	if err != nil {
		return err
	}
	table := newTable("disk", "folder", "MB", "bytes/event")
	total := int64(0)
	line := func(name string, n int64) {
		table.row(name, fmt.Sprintf("%.1f", float64(n)/1e6), n/int64(size))
	}
	for _, f := range folders {
		n, err := allocated(filepath.Join(h.dir, f.Name()))
		if err != nil {
			return err
		}
		total += n
		line(f.Name(), n)
	}
	line("all", total)
	return table.print()
}

// allocated is how much of the disk the files below dir have. Files may go
// while they are counted, for the server runs.
func allocated(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		info, err := d.Info()
		if err != nil {
			return ignoreGone(err)
		}
		n := info.Size()
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			n = s.Blocks * 512
		}
		total += n
		return nil
	})
	return total, err
}

func ignoreGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}
