package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/tlog"
)

// Files are the public log's files, by their path below its prefix.
type Files interface {
	// Read returns the file at path, or an error that is fs.ErrNotExist.
	Read(ctx context.Context, path string) ([]byte, error)
}

// How long an answer may be kept. No tile ever changes, a partial one as little
// as a full one, but nobody asks for a partial one again once the log has grown.
const (
	keepForever = "public, max-age=31536000, immutable"
	keepPartial = "public, max-age=86400, immutable"
	keepNot     = "no-cache"
)

// server serves the files of the public log.
type server struct {
	ledger v1.Ledger
	files  Files
	zip    zipper
}

// checkpoint serves the published checkpoint, the same one all other answers
// speak of.
func (s *server) checkpoint(w http.ResponseWriter, r *http.Request) {
	_, msg := s.ledger.Checkpoint()
	if below, _, ok := ofIndex(r); ok {
		var err error
		if msg, err = s.files.Read(r.Context(), below); err != nil && !errors.Is(err, fs.ErrNotExist) {
			v1.Fail(w, r, err)
			return
		}
	}
	if len(msg) == 0 {
		v1.Refuse(w, v1.NotFound("no checkpoint has been published yet"))
		return
	}
	f := file{msg, "text/plain; charset=utf-8", keepNot, tagOf(msg)}
	f.send(w, r)
}

// ofIndex says whether r is for the log of the index: then it returns the path of
// the file, and the same within that log.
func ofIndex(r *http.Request) (path, below string, ok bool) {
	path = r.URL.EscapedPath()[1:]
	below, ok = strings.CutPrefix(path, ledger.IndexPath+"/")
	return path, below, ok
}

// tile serves tiles of hashes and bundles of entries (c2sp.org/tlog-tiles).
// Only the one spelling of a path is known.
func (s *server) tile(w http.ResponseWriter, r *http.Request) {
	path, below, _ := ofIndex(r)
	tile, err := proof.ParseTilePath(below)
	if err != nil {
		v1.Refuse(w, v1.NotFound("this is no path of a tile"))
		return
	}
	b, err := s.files.Read(r.Context(), path)
	if err == nil {
		err = whole(tile, b)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v1.Refuse(w, v1.NotFound("the log has no such tile now"))
		return
	case err != nil:
		v1.Fail(w, r, err)
		return
	}
	f := file{b, "application/octet-stream", keepForever, tagOf(b)}
	if tile.Width < proof.TileWidth {
		f.keep = keepPartial
	}
	if tile.Level == proof.EntriesLevel {
		s.zip.send(w, r, f)
		return
	}
	f.send(w, r)
}

// whole refuses a file that is shorter than its tile, as one on a damaged disk
// is: caches would keep it for a year.
func whole(t proof.Tile, b []byte) error {
	if t.Level == proof.EntriesLevel {
		_, err := proof.ReadBundle(b, t.Width)
		return err
	}
	if len(b) != t.Width*tlog.HashSize {
		return fmt.Errorf("reading %s: %d bytes for %d hashes", t.Path(), len(b), t.Width)
	}
	return nil
}

// file is a file of the public log on its way to a reader.
type file struct {
	content           []byte
	contentType, keep string
	tag               string // entity tag, with its quotes
}

// tagOf is the entity tag of what b says, however it is encoded.
func tagOf(b []byte) string {
	sum := sha256.Sum256(b)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
}

// send answers with f, or that the reader has it. Any page may read it: a
// browser can audit the log as well as a program can. There is no Last-Modified:
// it counts in seconds, and checkpoints come faster.
func (f file) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", f.keep)
	h.Set("ETag", f.tag)
	h.Set("Access-Control-Allow-Origin", "*")
	if has(r.Header.Values("If-None-Match"), f.tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(f.content)))
	w.Write(f.content) //nolint:errcheck // who asked is gone; there is nobody to tell
}

// has says that one of the entity tags a reader lists, as RFC 9110 writes them,
// is tag. A tag of ours has no comma in it, so that pieces of others cannot
// equal it.
func has(lists []string, tag string) bool {
	for _, list := range lists {
		for one := range strings.SplitSeq(list, ",") {
			one = strings.TrimSpace(one)
			if one == "*" || weak(one) == weak(tag) {
				return true
			}
		}
	}
	return false
}

// weak is a tag without the mark of a weak one: for the question whether a
// reader has something, both kinds are alike.
func weak(tag string) string { return strings.TrimPrefix(tag, "W/") }
