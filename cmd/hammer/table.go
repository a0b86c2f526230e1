package main

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
)

// table is printed when its measurement is done.
type table struct {
	title string
	rows  []string
}

func newTable(title string, columns ...any) *table {
	t := &table{title: title}
	t.row(columns...)
	return t
}

func (t *table) row(cells ...any) {
	line := ""
	for _, c := range cells {
		line += fmt.Sprint(c) + "\t"
	}
	t.rows = append(t.rows, line)
}

func (t *table) print() error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(os.Stdout, "%s\n", t.title)
	fmt.Fprintln(w, strings.Join(t.rows, "\n"))
	fmt.Fprintln(w)
	return w.Flush()
}
