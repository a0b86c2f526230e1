package oracle

import (
	"context"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
)

// tesseraClient is github.com/transparency-dev/tessera: how its client reads a
// checkpoint, and its log a policy, which has an address for every witness as with
// [formats].
func tesseraClient(k Keys) (Oracle, error) {
	v, err := note.NewVerifier(k.Log)
	if err != nil {
		return Oracle{}, err
	}
	return Oracle{"tessera", map[string]Judge{
		"checkpoint": func(file []byte) (Verdict, error) {
			read := func(context.Context) ([]byte, error) { return file, nil }
			c, _, _, err := client.FetchCheckpoint(context.Background(), read, v, v.Name())
			if err != nil {
				return Verdict{}, err
			}
			return Verdict{Said: tells(c.Origin, c.Size, c.Hash)}, nil
		},
		"policy": func(file []byte) (Verdict, error) {
			_, err := tessera.NewWitnessGroupFromPolicy(addressed(file))
			return Verdict{}, err
		},
	}}, nil
}
