// Package interop reads the public log with other people's programs, in a module
// of its own so that what these need stays out of the program's dependencies. No
// code of ours is in it but the program itself, as a process that serves. Beside it,
// oracle judges the vectors with other people's parsers and verifiers, differential
// holds them against ours on changed inputs, and sdjwt opens our private fields with
// a library for SD-JWT.
//
// Tessera's fsck and client, torchwood's client and the tile reader of Go's
// checksum database read the log over HTTP, while it grows too; torchwood also
// checks our proof files and computes the completeness index again. Tessera's migration
// takes the log over, which is the way out if this program ends, and continues it under
// another key. Where a reader checks something it is also given what is wrong, and must
// say so.
//
//	make test-interop
package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

// TestOthersReadIt has one log, which grows from part to part.
func TestOthersReadIt(t *testing.T) {
	d := serve(t)
	t.Run("entry 0 alone", d.testFsck)
	d.grow(t, 299) // a full bundle and a partial one
	t.Run("fsck", d.testFsck)
	t.Run("fsck of a wrong log", d.testWrong)
	t.Run("client", d.testClient)
	t.Run("tile reader", d.testTileReader)
	t.Run("torchwood", d.testTorchwood)
	t.Run("fsck of what has grown since", d.testGrown)
	t.Run("index", d.testIndex)
	n := 66000 // tiles on three levels
	if testing.Short() {
		n = 3000
	}
	d.grow(t, n)
	t.Run("fsck of a large log", d.testFsck)
	t.Run("tile reader on a large log", d.testTileReader)
	t.Run("client on a large log", d.testClient)
	t.Run("torchwood on a large log", d.testTorchwood)
	t.Run("migration", d.testMigration)
}

func (d *daybook) verifier(t testing.TB) note.Verifier {
	t.Helper()
	v, err := note.NewVerifier(d.key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// fetcher is Tessera's reader of the log at an address.
func fetcher(t testing.TB, address string, c *http.Client) *client.HTTPFetcher {
	t.Helper()
	u, err := url.Parse(address + "/")
	if err != nil {
		t.Fatal(err)
	}
	f, err := client.NewHTTPFetcher(u, c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// hashes are the leaf hashes of a bundle.
func hashes(bundle []byte) ([][]byte, error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	out := make([][]byte, len(b.Entries))
	for i, e := range b.Entries {
		out[i] = rfc6962.DefaultHasher.HashLeaf(e)
	}
	return out, nil
}

func (d *daybook) fsck(t testing.TB, f fsck.Fetcher) error {
	t.Helper()
	v := d.verifier(t)
	return fsck.New(v.Name(), v, f, hashes, fsck.Opts{N: 4}).Check(t.Context())
}

// testFsck checks the log from its entries up.
func (d *daybook) testFsck(t *testing.T) {
	watch := &watcher{}
	if err := d.fsck(t, fetcher(t, d.url, &http.Client{Transport: watch})); err != nil {
		t.Fatal(err)
	}
	bundles, zipped := watch.bundles.Load(), watch.zipped.Load()
	t.Logf("size %d: %d files, of which %d bundles, %d of them zipped", d.size(t), watch.answers.Load(), bundles, zipped)
	if bundles == 0 || zipped != bundles {
		t.Errorf("of %d bundles %d came as gzip", bundles, zipped)
	}
}

// testWrong flips a bit of one file after the other on its way to fsck.
func (d *daybook) testWrong(t *testing.T) {
	checkpoint := d.get(t, "/checkpoint")
	partial := fmt.Sprintf(".p/%d", sizeOf(t, checkpoint)%256)
	for _, path := range []string{"/tile/0/000", "/tile/0/001" + partial, "/tile/1/000.p/1", "/tile/entries/000", "/tile/entries/001" + partial, "/checkpoint"} {
		server, hit := d.wrong(t, path)
		var f fsck.Fetcher = frozen{fetcher(t, server.URL, nil), checkpoint}
		if path == "/checkpoint" {
			f = fetcher(t, server.URL, nil)
		}
		err := d.fsck(t, f)
		server.Close()
		if err == nil || !hit.Load() {
			t.Errorf("%s was wrong (%t) and fsck said %v", path, hit.Load(), err)
		}
	}
}

// wrong is the log with one bit of the file at path flipped, and whether that
// file was asked for.
func (d *daybook) wrong(t *testing.T, path string) (*httptest.Server, *atomic.Bool) {
	t.Helper()
	target, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	hit := &atomic.Bool{}
	return httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Set("Accept-Encoding", "identity")
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.URL.Path != path {
				return nil
			}
			hit.Store(true)
			return flip(r)
		},
	}), hit
}

// testGrown checks an old checkpoint against the log as it is later: its partial
// tiles are there still.
func (d *daybook) testGrown(t *testing.T) {
	f := fetcher(t, d.url, nil)
	old, err := f.ReadCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := d.size(t)
	tracker, err := client.NewLogStateTracker(t.Context(), f.ReadTile, old, d.verifier(t), d.verifier(t).Name(), client.UnilateralConsensus(f.ReadCheckpoint))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 10, 300} {
		d.grow(t, n)
		if err := d.fsck(t, frozen{f, old}); err != nil {
			t.Errorf("the log of size %d, as it is at size %d: %v", before, d.size(t), err)
		}
		if _, _, _, err := tracker.Update(t.Context()); err != nil {
			t.Errorf("growing to %d: %v", d.size(t), err)
		}
	}
	if got := tracker.Latest().Size; got < before+311 {
		t.Errorf("the tracker is at %d, the log was at %d", got, before)
	}
}

// frozen is a log whose checkpoint stays an old one.
type frozen struct {
	*client.HTTPFetcher
	checkpoint []byte
}

func (f frozen) ReadCheckpoint(context.Context) ([]byte, error) { return f.checkpoint, nil }

// testClient streams the entries, and proves some of them from tiles.
func (d *daybook) testClient(t *testing.T) {
	f := fetcher(t, d.url, nil)
	v := d.verifier(t)
	c, _, _, err := client.FetchCheckpoint(t.Context(), f.ReadCheckpoint, v, v.Name())
	if err != nil {
		t.Fatal(err)
	}
	builder, err := client.NewProofBuilder(t.Context(), c.Size, f.ReadTile)
	if err != nil {
		t.Fatal(err)
	}
	size := func(context.Context) (uint64, error) { return c.Size, nil }
	unbundle := func(b []byte) ([][]byte, error) {
		var bundle api.EntryBundle
		err := bundle.UnmarshalText(b)
		return bundle.Entries, err
	}
	count := uint64(0)
	for e, err := range client.Entries(client.EntryBundles(t.Context(), 4, size, f.ReadEntryBundle, 0, c.Size), unbundle) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Index != count {
			t.Fatalf("entry %d came as %d", count, e.Index)
		}
		if count++; e.Index%211 != 0 && e.Index != c.Size-1 {
			continue
		}
		path, err := builder.InclusionProof(t.Context(), e.Index)
		if err == nil {
			err = proof.VerifyInclusion(rfc6962.DefaultHasher, e.Index, c.Size, rfc6962.DefaultHasher.HashLeaf(e.Entry), path, c.Hash)
		}
		if err != nil {
			t.Errorf("entry %d: %v", e.Index, err)
		}
		if !bytes.Contains(d.get(t, "/v1/entries/"+strconv.FormatUint(e.Index, 10)), e.Entry) {
			t.Errorf("entry %d is another one in JSON", e.Index)
		}
	}
	if count != c.Size {
		t.Errorf("%d entries of %d", count, c.Size)
	}
	if _, err := f.ReadEntryBundle(t.Context(), c.Size/256+2, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a bundle beyond the end: %v", err)
	}
}

// size is the published size.
func (d *daybook) size(t testing.TB) uint64 {
	t.Helper()
	return sizeOf(t, d.get(t, "/checkpoint"))
}

// sizeOf is what the second line of a checkpoint says.
func sizeOf(t testing.TB, checkpoint []byte) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.Split(string(checkpoint), "\n")[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
