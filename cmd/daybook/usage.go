package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// usage gives a wrong number of arguments its exit code.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return exitWith(exitUsage, "%w; see %s --help", err, c.CommandPath())
		}
		return nil
	}
}

// arguments are exactly those that the usage of a command names, behind least of which
// the others may be left away. Who gave an address for a name perhaps changed the order.
func arguments(least int, names ...string) cobra.PositionalArgs {
	return usage(func(_ *cobra.Command, args []string) error {
		shape := strings.Join(names, " ")
		for i, arg := range args {
			if i < len(names) && names[i] != "URL" && strings.Contains(arg, "://") {
				return fmt.Errorf("%s: the address stands where %s is expected", shape, names[i])
			}
		}
		switch {
		case len(args) < least:
			return fmt.Errorf("%s: %s is missing", shape, names[len(args)])
		case len(args) > len(names):
			return fmt.Errorf("%s: %.100q is one too many", shape, args[len(names)])
		}
		return nil
	})
}

// noSuch refuses what is no command below c, with the name of one that is nearly it.
func noSuch(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	near := ""
	c.SuggestionsMinimumDistance = 2
	if list := c.SuggestionsFor(args[0]); len(list) > 0 {
		near = "; perhaps " + strings.Join(list, " or ")
	}
	return exitWith(exitUsage, "there is no command %.60q below %s%s; see %s --help", args[0], c.CommandPath(), near, c.CommandPath())
}

// helpCommand is cobra's, but that asking for what is not there is a mistake.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil {
				return exitWith(exitUsage, "%w; see daybook --help", err)
			}
			if err := noSuch(about, rest); err != nil {
				return err
			}
			return about.Help()
		},
	}
}

// version is what was built, as the Go tool noted it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	out := info.Main.Version + " " + info.GoVersion
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			out += " " + s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			out += " modified"
		}
	}
	return out
}
