package api

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strconv"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Files are the public log's files, by their path below its prefix.
type Files interface {
	// Read returns the file at path, or an error that is fs.ErrNotExist.
	Read(ctx context.Context, path string) ([]byte, error)
}

// How long an answer may be kept. A full tile never changes. A partial one
// does not either, but nobody asks for it again once the log has grown.
const (
	keepForever = "public, max-age=31536000, immutable"
	keepPartial = "public, max-age=300"
	keepNot     = "no-cache"
)

// checkpoint serves the published checkpoint, the same one all other answers
// speak of.
func (s *server) checkpoint(w http.ResponseWriter, _ *http.Request) {
	_, msg := s.ledger.Checkpoint()
	if len(msg) == 0 {
		v1.Refuse(w, &events.Problem{Status: http.StatusNotFound, Code: "not-found", Detail: "no checkpoint has been published yet"})
		return
	}
	send(w, "text/plain; charset=utf-8", keepNot, msg)
}

// tile serves tiles of hashes and bundles of entries (c2sp.org/tlog-tiles).
// Only the one spelling of a path is known.
func (s *server) tile(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()[1:]
	tile, err := proof.ParseTilePath(path)
	if err != nil {
		v1.Refuse(w, &events.Problem{Status: http.StatusNotFound, Code: "not-found", Detail: "this is no path of a tile"})
		return
	}
	b, err := s.files.Read(r.Context(), path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v1.Refuse(w, &events.Problem{Status: http.StatusNotFound, Code: "not-found", Detail: "the log has no such tile now"})
	case err != nil:
		v1.Fail(w, r, err)
	case tile.Width < proof.TileWidth:
		send(w, "application/octet-stream", keepPartial, b)
	default:
		send(w, "application/octet-stream", keepForever, b)
	}
}

func send(w http.ResponseWriter, contentType, keep string, b []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", keep)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.Write(b) //nolint:errcheck // who asked is gone; there is nobody to tell
}
