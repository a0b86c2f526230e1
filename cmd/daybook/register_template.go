package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events"
)

func registerTemplateCommand() *cobra.Command {
	var names []string
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return &cobra.Command{
		Use:       "template " + strings.Join(names, "|"),
		Short:     "Print a commented register file with one object, to fill in",
		Args:      usage(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)),
		ValidArgs: names,
		RunE: func(c *cobra.Command, args []string) error {
			i := slices.Index(names, args[0])
			_, err := io.WriteString(c.OutOrStdout(), sections()[i].template())
			return err
		},
	}
}

// templateWidth is where comments are wrapped.
const templateWidth = 96

// template is a document with one object that has every field of the section:
// those required as lines, the others as comments without a space behind the #.
// It is read back as what it shows.
func (s section) template() string {
	var b strings.Builder
	fmt.Fprintf(&b, `---
# For: daybook register apply FILE.yaml --token T. Uncomment what you know: what is left out
# stays as the register has it. Several of these documents may stand in one file.

# One of the token's sources.
source: city/register
# Only with a token that speaks for no organization itself: whose register this is.
#organization: city
# The day as of which this is said; default the day it is applied.
#day: 2026-06-24

%s:
`, s.list)
	indent := "  - "
	for _, group := range s.groups() {
		for _, f := range group.fields {
			comment(&b, explain(f))
		}
		mark := ""
		if !group.required() {
			mark = "#"
		}
		fmt.Fprintf(&b, "%s%s%s: %s\n", indent, mark, group.name, group.example(s))
		indent = "    "
	}
	return b.String()
}

// fieldGroup is one member of an object: a field, or fields that share an object.
type fieldGroup struct {
	name   string
	fields []events.Field
}

func (g fieldGroup) required() bool { return g.fields[0].Required }

// groups are the members of an object of s: the reference, what else is
// required, and the rest as in the kind's table.
func (s section) groups() []fieldGroup {
	var out []fieldGroup
	for _, f := range s.fields() {
		name, _, _ := strings.Cut(f.Path, ".")
		i := slices.IndexFunc(out, func(g fieldGroup) bool { return g.name == name })
		if i < 0 {
			i, out = len(out), append(out, fieldGroup{name: name})
		}
		out[i].fields = append(out[i].fields, f)
	}
	rank := func(g fieldGroup) int {
		switch {
		case g.name == s.register:
			return 0
		case g.required():
			return 1
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b fieldGroup) int { return rank(a) - rank(b) })
	return out
}

func (g fieldGroup) example(s section) string {
	if g.fields[0].Path == g.name {
		return example(s, g.fields[0])
	}
	var members []string
	for _, f := range g.fields {
		members = append(members, strings.TrimPrefix(f.Path, g.name+".")+": "+example(s, f))
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// explain is the line of a kind's table in words.
func explain(f events.Field) string {
	text := f.Path
	if f.Required {
		text += " (required)"
	}
	text += ": "
	if f.List {
		text += fmt.Sprintf("a list of up to %d, each ", events.MaxList)
	}
	text += grammar(f)
	switch f.Path {
	case ended:
		text += "; on this day the object ended, and it stays in the register as ended"
	case suspended:
		text += "; on this day the object was suspended"
	case proposed:
		text += "; true while it is open for comment and not in force"
	}
	return text
}

// grammar is a field's type in words.
func grammar(f events.Field) string {
	switch f.Type {
	case events.Reference:
		text := "a reference of up to 96 of a-z 0-9 . _ / @ -"
		if f.Register != "" {
			text += ", of " + named(f.Register)
		}
		return text
	case events.Coded:
		return "a term of the code list " + f.Code.Name() + ": " + strings.Join(f.Code.Terms(), " ")
	case events.Date:
		return "a day"
	case events.Period:
		return "an ISO 8601 duration of whole numbers"
	case events.Flag:
		return "true or false"
	case events.Link:
		return "an https URL without query or fragment"
	case events.Decimal:
		return "degrees with up to 15 decimals"
	case events.Zone:
		return "an IANA time zone"
	case events.Hash:
		return "the SHA-256 of the document, as sha256sum prints it"
	}
	return "text for publication, up to 2,000 characters; no personal data"
}

// named is a register in words.
func named(register string) string {
	if register == events.AnyRegister {
		return "any register"
	}
	if stem, ok := strings.CutSuffix(register, "y"); ok {
		register = stem + "ie"
	}
	return "the register of " + register + "s"
}

// example is a value of the field, as YAML.
func example(s section, f events.Field) string {
	text := map[events.Type]string{
		events.Date: "2026-06-24", events.Period: "P30D", events.Flag: "true", events.Zone: "Europe/Tallinn",
		events.Link: "https://city.example/notice", events.Decimal: `"59.437"`, events.Prose: `"…"`,
		events.Hash: strings.Repeat("0a", 32),
	}[f.Type]
	switch f.Type {
	case events.Reference:
		text = "city/" + f.Path
		switch f.Register {
		case "":
		case events.AnyRegister:
			text = "city/system"
		default:
			text = "city/" + f.Register
		}
		if f.Register == "organization" || f.Path == "organization" {
			text = "city"
		}
		if f.Register == s.register && f.Path != s.register {
			text += "-2"
		}
	case events.Coded:
		text = f.Code.Terms()[0]
	}
	if f.List {
		text = "[" + text + "]"
	}
	return text
}

// comment writes text as comment lines of an object.
func comment(b *strings.Builder, text string) {
	line := "    #"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > templateWidth {
			b.WriteString(line + "\n")
			line = "    #  "
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}
