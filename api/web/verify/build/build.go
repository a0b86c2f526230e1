// Package build turns the TypeScript of the verifier into the scripts that browsers
// run, with esbuild's Go API: no other tool is needed. Tests alone use it, so that the
// daybook program does not carry a compiler.
//
// # Promise
//
// The same sources and the same version of esbuild, which go.mod fixes, give the same
// bytes on every machine.
package build

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

// Script bundles and shrinks what entry, a file in dir, imports. What it exports is
// the global variable of that name. Replaced gives other sources for imported files,
// by their path in dir as "noble/hashes/sha2.js"; nil for none.
func Script(dir, entry, global string, replaced map[string]string) ([]byte, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("building %s: %w", entry, err)
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir:     root,
		EntryPoints:       []string{entry},
		Bundle:            true,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Format:            api.FormatIIFE,
		GlobalName:        global,
		Target:            api.ES2020,
		Charset:           api.CharsetUTF8,
		LegalComments:     api.LegalCommentsEndOfFile,
		Plugins:           []api.Plugin{replacing(root, replaced)},
	})
	for _, m := range result.Errors {
		err = errors.Join(err, errors.New(api.FormatMessages([]api.Message{m}, api.FormatMessagesOptions{})[0]))
	}
	if err == nil && len(result.OutputFiles) != 1 {
		err = fmt.Errorf("it makes %d files", len(result.OutputFiles))
	}
	if err != nil {
		return nil, fmt.Errorf("building %s: %w", entry, err)
	}
	return result.OutputFiles[0].Contents, nil
}

func replacing(root string, sources map[string]string) api.Plugin {
	return api.Plugin{Name: "replacing", Setup: func(b api.PluginBuild) {
		if len(sources) == 0 {
			return
		}
		b.OnLoad(api.OnLoadOptions{Filter: `\.(js|ts)$`}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			path, err := filepath.Rel(root, args.Path)
			source, ok := sources[filepath.ToSlash(path)]
			if err != nil || !ok {
				return api.OnLoadResult{}, err
			}
			return api.OnLoadResult{Contents: &source, Loader: api.LoaderJS}, nil
		})
	}}
}
