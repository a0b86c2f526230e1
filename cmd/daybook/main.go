// Command daybook runs a data governance ledger and checks one.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // days are the organization's, on machines without zone tables too

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events"
)

// The exit codes.
const (
	exitError       = 1
	exitUsage       = 2
	exitInvalid     = 3 // not a valid proof, malformed ones included
	exitUnchecked   = 4 // could not check: the file or the key
	exitIncomplete  = 5 // incomplete, or nothing checked
	defaultDir      = "./daybook-data"
	defaultAddr     = "127.0.0.1:8480"
	defaultURL      = "http://" + defaultAddr
	shutdownSeconds = 10
)

// exit is an error with the code the process ends with.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string { return e.err.Error() }
func (e *exit) Unwrap() error { return e.err }

func exitWith(code int, format string, args ...any) error {
	return &exit{code, fmt.Errorf(format, args...)}
}

func main() { os.Exit(run(os.Args[1:])) }

// clockKey is under what a context has a clock other than the machine's.
type clockKey struct{}

// run is the whole program; it returns the exit code.
func run(args []string) int { return runIn(context.Background(), args) }

func runIn(ctx context.Context, args []string) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := rootCommand()
	root.SetArgs(namesLast(args))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "daybook:", err)
	var e *exit
	if errors.As(err, &e) {
		return e.code
	}
	return exitError
}

// namesLast moves event names that begin with a hyphen, as one in 64 does,
// behind "--", where they are not taken for flags.
func namesLast(args []string) []string {
	var names []string
	rest := slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		_, name := events.ParseEventName(arg)
		if name = name && strings.HasPrefix(arg, "-"); name {
			names = append(names, arg)
		}
		return name
	})
	if names == nil || slices.Contains(rest, "--") {
		return args
	}
	return append(append(rest, "--"), names...)
}

func rootCommand() *cobra.Command {
	c := &cobra.Command{
		Use:           "daybook",
		Short:         "A ledger of how data about people is used, that anyone can check",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noSuch,
		Version:       version(),
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return exitWith(exitUsage, "%w; see %s --help", err, c.CommandPath())
	})
	c.SetVersionTemplate("daybook {{.Version}}\n")
	c.SetHelpCommand(helpCommand())
	c.CompletionOptions.DisableDefaultCmd = true
	c.AddCommand(serveCommand(), keyCommand(), policyCommand(), tokenCommand(), emitCommand(), importCommand(),
		proveCommand(), verifyCommand(), auditCommand(), fsckCommand(), recoverCommand(), registerCommand(), doctorCommand(),
		requestCommand(), eraseCommand(), correctCommand(), sealCommand(), escrowCommand(), rotateMasterCommand(),
		showCommand(), statementCommand(), discloseCommand(), ownTrailCommand(), cardCommand())
	c.AddCommand(closureCommand(), spotCommand(), witnessCommand(), mirrorCommand(), monitorCommand(), contextCommand())
	return c
}
