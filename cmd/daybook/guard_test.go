package main

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/daybook-ledger/daybook/"
)

// goFiles are the project's Go files by folder, without tests.
func goFiles(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			folder, _ := filepath.Rel(root, filepath.Dir(path))
			out[filepath.ToSlash(folder)] = append(out[filepath.ToSlash(folder)], path)
		}
		return err
	})
	if err != nil || len(out) < 10 {
		t.Fatalf("walking the project: %v, %d folders", err, len(out))
	}
	return out
}

func parse(t *testing.T, path string) (*token.FileSet, *ast.File) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return set, f
}

// may says which folders of the project a folder may import: its law.
var may = map[string][]string{
	"events":                 {},
	"events/emit":            {"events", "ledger/proof"},
	"events/adapt":           {"events"},
	"events/broker":          {"events"},
	"events/stream":          {"events"},
	"events/keyring":         {"events"},
	"events/intake":          {"events", "ledger/proof"},
	"projections":            {"events"},
	"ledger":                 {"events", "ledger/proof"},
	"ledger/proof":           {"events"},
	"ledger/locallog":        {"events", "ledger", "ledger/proof"},
	"ledger/trail":           {"events", "ledger", "ledger/proof"},
	"ledger/witness":         {"events", "ledger", "ledger/proof"},
	"ledger/logtest":         {"events", "ledger", "ledger/proof"},
	"ledger/remotelog":       {"events"},
	"api":                    {"events", "ledger/proof", "ledger", "projections", "api/v1", "api/web"},
	"api/v1":                 {"events", "ledger/proof", "ledger", "projections"},
	"api/web":                {"events", "ledger/proof", "ledger", "projections", "api/v1"},
	"api/client":             {"events", "ledger/proof", "ledger"},
	"api/web/verify":         {},
	"api/web/verify/build":   {},
	"api/web/verify/vectest": {"events", "ledger/proof"},
	"testdata/records":       {},
	"testdata/example-day":   {},

	"events/stream/clustertest": {},
	"testdata/interop/oracle":   {},
}

// technology says which folders alone may import a dependency.
var technology = map[string][]string{
	"github.com/minio/highwayhash":    {"events/broker"},
	"github.com/nats-io/nats-server/": {"events/broker", "events/stream/clustertest"},
	"github.com/nats-io/nats.go":      {"events/broker", "events/stream", "events/intake"},
	"github.com/cockroachdb/pebble":   {"events/intake", "projections", "ledger/locallog", "ledger/trail"},
	"github.com/google/trillian":      {"ledger/locallog", "ledger/remotelog"},
	"filippo.io/mostly-harmless":      {"events/keyring", "ledger/proof"},
	"filippo.io/age":                  {"events/keyring", "cmd/daybook"},
	"github.com/itchyny/gojq":         {"events/adapt"},
	"github.com/schollz/progressbar":  {"cmd/daybook"},
	"go.yaml.in/yaml":                 {"cmd/daybook"},
	"github.com/spf13/cobra":          {"cmd/daybook"},
	"github.com/lmittmann/tint":       {"cmd/daybook"},
	"github.com/prometheus/":          {"cmd/daybook"},
	"github.com/danielgtaylor/huma":   {"api/v1", "api/web"},
	"rsc.io/qr":                       {"api/web"},
	"github.com/getkin/kin-openapi":   {}, // tests alone
	"github.com/evanw/esbuild":        {"api/web/verify/build"},
	"github.com/dop251/goja":          {}, // tests alone
}

func TestGuardImportLaw(t *testing.T) {
	for folder, files := range goFiles(t) {
		allowed, listed := may[folder]
		if !listed && !strings.HasPrefix(folder, "cmd/") {
			t.Errorf("%s has no line in the import law", folder)
			continue
		}
		for _, path := range files {
			_, f := parse(t, path)
			for _, spec := range f.Imports {
				name := strings.Trim(spec.Path.Value, `"`)
				if own, ok := strings.CutPrefix(name, module); ok && listed && !slices.Contains(allowed, own) {
					t.Errorf("%s imports %s", path, own)
				}
				if folder == "events" && strings.Contains(name, ".") {
					t.Errorf("%s imports %s; events has the standard library alone", path, name)
				}
				for prefix, owners := range technology {
					if strings.HasPrefix(name, prefix) && !slices.Contains(owners, folder) {
						t.Errorf("%s imports %s, which belongs to %v", path, name, owners)
					}
				}
			}
		}
	}
}

func TestGuardOneDocEach(t *testing.T) {
	for folder, files := range goFiles(t) {
		docs := 0
		for _, path := range files {
			if _, f := parse(t, path); f.Doc != nil {
				docs++
			}
		}
		if docs != 1 {
			t.Errorf("%s has %d package docs", folder, docs)
		}
	}
}

func TestGuardSizes(t *testing.T) {
	for _, files := range goFiles(t) {
		for _, path := range files {
			set, f := parse(t, path)
			if n := set.File(f.Pos()).LineCount(); n > 400 {
				t.Errorf("%s has %d lines", path, n)
			}
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if n := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line; n > 100 {
					t.Errorf("%s: %s has %d lines", path, fn.Name.Name, n)
				}
			}
		}
	}
}

func TestGuardTopLevel(t *testing.T) {
	allowed := []string{
		"api", "cmd", "events", "ledger", "projections", "testdata", "bin", "daybook-data", "daybook-data.master",
		".ci", ".git", ".gitignore", "go.mod", "go.sum", "LICENSE", "Makefile", "README.md", "SECURITY.md",
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left := strings.HasSuffix(e.Name(), ".test") || strings.HasSuffix(e.Name(), ".out") // by profiling, and ignored
		if !left && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s does not belong at the top", e.Name())
		}
	}
}

// TestGuardReadme holds that the README is short, names every direct
// dependency, and that its make targets and commands exist.
func TestGuardReadme(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(readme, []byte("\n")); n > 200 {
		t.Errorf("README has %d lines", n)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		name, version, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "require ")), " v")
		if ok && strings.Contains(name, ".") && !strings.Contains(version, "// indirect") && !bytes.Contains(readme, []byte(name)) {
			t.Errorf("README does not say why %s is here", name)
		}
	}
	commands := map[string]bool{}
	for _, c := range rootCommand().Commands() {
		commands[c.Name()] = true
	}
	lines := bufio.NewScanner(bytes.NewReader(readme))
	for lines.Scan() {
		_, rest, ok := strings.Cut(lines.Text(), "bin/daybook ")
		if name, _, _ := strings.Cut(rest, " "); ok && !commands[strings.Trim(name, "`)")] {
			t.Errorf("README runs %q, which is no command", lines.Text())
		}
	}
}
