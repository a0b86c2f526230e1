package interop

import (
	"bytes"
	"context"
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

// testMigration lets Tessera's own program take the log over, and goes on with
// it there. The tree stays the same, so that every proof stays valid.
func (d *daybook) testMigration(t *testing.T) {
	checkpoint := d.get(t, "/checkpoint")
	bin, dir := filepath.Join(t.TempDir(), "posix-migrate"), filepath.Join(t.TempDir(), "log")
	run(t, ".", "go", "build", "-o", bin, "github.com/transparency-dev/tessera/cmd/experimental/migrate/posix")
	started := time.Now()
	run(t, ".", bin, "--storage_dir", dir, "--source_url", d.url+"/", "--num_workers", "4")
	size := sizeOf(t, checkpoint)
	t.Logf("%d entries taken over in %v", size, time.Since(started).Round(10*time.Millisecond))
	if n := d.compare(t, dir); n < int(size/256) {
		t.Errorf("%d files were taken over", n)
	}
	// Our last checkpoint is one of Tessera's tree.
	if err := d.fsck(t, frozenFiles{client.FileFetcher{Root: dir}, checkpoint}); err != nil {
		t.Errorf("our checkpoint over Tessera's files: %v", err)
	}
	d.testContinued(t, dir, checkpoint)
}

// frozenFiles are files of a log with a checkpoint that is kept elsewhere.
type frozenFiles struct {
	client.FileFetcher
	checkpoint []byte
}

func (f frozenFiles) ReadCheckpoint(context.Context) ([]byte, error) { return f.checkpoint, nil }

// compare holds each tile and bundle below dir against what we serve under the
// same path, and counts them.
func (d *daybook) compare(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "tile"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		theirs, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if ours := d.get(t, "/"+filepath.ToSlash(rel)); !bytes.Equal(ours, theirs) {
			t.Errorf("%s differs", rel)
		}
		n++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// testContinued appends to the migrated log with a key of its next operator, and
// proves that it holds ours.
func (d *daybook) testContinued(t *testing.T, dir string, checkpoint []byte) {
	origin := d.verifier(t).Name()
	secret, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	addOne(t, dir, signer)
	f := client.FileFetcher{Root: dir}
	if err := fsck.New(origin, v, f, hashes, fsck.Opts{N: 2}).Check(t.Context()); err != nil {
		t.Errorf("the continued log: %v", err)
	}
	ours, _, _, err := client.FetchCheckpoint(t.Context(), frozenFiles{f, checkpoint}.ReadCheckpoint, d.verifier(t), origin)
	if err != nil {
		t.Fatal(err)
	}
	theirs, _, _, err := client.FetchCheckpoint(t.Context(), f.ReadCheckpoint, v, origin)
	if err != nil {
		t.Fatal(err)
	}
	builder, err := client.NewProofBuilder(t.Context(), theirs.Size, f.ReadTile)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := builder.ConsistencyProof(t.Context(), ours.Size, theirs.Size)
	if err == nil {
		err = proof.VerifyConsistency(rfc6962.DefaultHasher, ours.Size, theirs.Size, steps, ours.Hash, theirs.Hash)
	}
	if err != nil || theirs.Size != ours.Size+1 {
		t.Errorf("from our %d to their %d: %v", ours.Size, theirs.Size, err)
	}
}

// addOne appends an entry to the log in dir as Tessera does.
func addOne(t *testing.T, dir string, signer note.Signer) {
	t.Helper()
	driver, err := posix.New(t.Context(), posix.Config{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	options := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithBatching(1, 100*time.Millisecond).WithCheckpointInterval(100 * time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		t.Fatal(err)
	}
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 50*time.Millisecond)
	added := appender.Add(ctx, tessera.NewEntry([]byte(strings.Repeat("said elsewhere ", 3))))
	if _, _, err := awaiter.Await(ctx, added); err != nil {
		t.Fatal(err)
	}
	if err := shutdown(ctx); err != nil {
		t.Fatal(err)
	}
}
