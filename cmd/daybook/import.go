package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events/adapt"
)

func importCommand() *cobra.Command {
	var im importer
	var mapping, source string
	c := &cobra.Command{
		Use:   "import FILE --map NAME|PROGRAM.jq --token T [--rejects FILE]",
		Short: "Turn another system's records, CSV or JSON, into events and send them",
		Long: `Turn another system's records, CSV or JSON, into events and send them.

A map says what a record tells; these come with the program:

  ` + strings.Join(adapt.Maps(), "\n  ") + `

A map of a register, as array-of-things, says what an edition of it holds: the
differences from today's register are printed and appended, as daybook register
apply FILE --map does. --at is the day of the edition.

Importing again, whole, shuffled or doubled, adds nothing: run it again after
it stopped. Records that tell no event the ledger takes go to --rejects, one
{"line":…,"reason":…,"row":…} a line, which holds whatever they held. The exit
code is 0 when every record was taken, and 5 when some were not.`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if im.sender.Token == "" && !im.dry {
				return exitWith(exitUsage, "give a token with --token; daybook token makes one; --dry-run needs none")
			}
			if _, err := time.Parse(time.DateOnly, im.day); err != nil && im.day != "" {
				return exitWith(exitUsage, "--at must be a day as 2026-06-24")
			}
			var err error
			if im.mapping, err = loadMap(mapping); err != nil {
				return exitWith(exitUsage, "%w", err)
			}
			if source != "" {
				im.mapping.Source = source
			}
			// An import makes much that lives for a row and keeps little: at the
			// default it spends a quarter of its time looking for what it kept.
			debug.SetGCPercent(400)
			im.path, im.out, im.talk = args[0], c.OutOrStdout(), c.ErrOrStderr()
			return im.run(c.Context(), c.InOrStdin())
		},
	}
	c.Flags().StringVar(&mapping, "map", "", "the name of a map, or the file of a mapping program ending in .jq")
	c.Flags().StringVar(&source, "source", "", "the source of events for which the map names none; default the map's")
	c.Flags().StringVar(&im.sender.URL, "url", defaultURL, "the ledger")
	c.Flags().StringVar(&im.sender.Token, "token", "", "a token for the events' role and source")
	c.Flags().StringVar(&im.rejectsTo, "rejects", "", "append the records that were not taken, with the reason, to this file")
	c.Flags().StringVar(&im.day, "at", "", "the day of an edition of a register; default now")
	c.Flags().BoolVar(&im.dry, "dry-run", false, "send nothing; print the events, one a line")
	return c
}

// loadMap compiles a program of this name, or in this file.
func loadMap(name string) (*adapt.Map, error) {
	known := strings.Join(adapt.Maps(), ", ")
	if name == "" {
		return nil, fmt.Errorf("give a map with --map: a file ending in .jq, or one of %s", known)
	}
	if strings.HasSuffix(name, ".jq") {
		program, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading the map: %w", err)
		}
		return adapt.Compile(filepath.Base(name), string(program))
	}
	m, err := adapt.Load(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no map %q; name a file ending in .jq, or one of %s", name, known)
	}
	return m, err
}

// run imports one file, - being in, and says the totals even when it stops.
func (im *importer) run(ctx context.Context, in io.Reader) error {
	size := int64(-1)
	if im.path != "-" {
		f, err := os.Open(im.path)
		if err != nil {
			return fmt.Errorf("reading records: %w", err)
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		in = f
	}
	if err := im.rejects.open(im.rejectsTo); err != nil {
		return err
	}
	bar := progress(im.talk, size)
	started := time.Now()
	taken := im.pump
	if im.mapping.Edition {
		taken = im.edition
	}
	err := taken(ctx, &watched{in, bar})
	if reader, bad := client.New(im.sender.URL, im.sender.Client); bad == nil && err == nil && im.registered > 0 {
		err = awaited(ctx, reader, im.registered, im.talk)
	}
	_ = bar.Finish()
	if closeErr := im.rejects.close(); err == nil {
		err = closeErr
	}
	t := &im.totals
	fmt.Fprintf(im.talk, "%d rows, %d events: %d accepted, %d repeated, %d refused; %d rows rejected, in %v\n", t.rows, t.events,
		t.accepted, t.repeated, t.refused, t.rejected, time.Since(started).Round(time.Millisecond))
	switch {
	case err != nil:
		return fmt.Errorf("%w; when you import again, what was accepted is not doubled", err)
	case t.refused+t.rejected == 0:
		return nil
	case im.rejectsTo == "":
		return exitWith(exitIncomplete, "not everything was taken, first %s; --rejects FILE keeps such rows", im.rejects.first)
	}
	return exitWith(exitIncomplete, "not everything was taken; %s says what and why", im.rejectsTo)
}

// edition makes the register say what an edition of it says, as daybook register
// apply does, with the rows it cannot take left to the rejects.
func (im *importer) edition(ctx context.Context, in io.Reader) error {
	e := edition{mapping: im.mapping, reject: func(row adapt.Row, why error) error {
		im.totals.rejected++
		return im.rejects.add(row, why.Error())
	}}
	a := applying{path: im.path, day: im.day, dry: im.dry, out: im.out, talk: im.talk}
	all, err := e.read(ctx, in)
	if err == nil {
		err = a.connect(&im.sender)
	}
	if err == nil {
		err = a.apply(ctx, all)
	}
	im.totals = totals{e.rows, a.sent.events, a.sent.accepted, a.sent.repeated, a.sent.refused, im.totals.rejected}
	return err
}

// watched tells the bar how far reading is.
type watched struct {
	in  io.Reader
	bar *progressbar.ProgressBar
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.in.Read(p)
	_ = w.bar.Add(n)
	return n, err
}

// progress is a bar over the bytes read, on a terminal alone.
func progress(talk io.Writer, size int64) *progressbar.ProgressBar {
	f, isFile := talk.(*os.File)
	return progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(talk), progressbar.OptionSetVisibility(isFile && terminal(f)),
		progressbar.OptionShowBytes(true), progressbar.OptionSetDescription("importing"),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}
