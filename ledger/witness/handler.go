package witness

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
)

// sizeType is the content type of the body of a 409.
const sizeType = "text/x.tlog.size"

// Handler serves add-checkpoint and the monitoring of c2sp.org/tlog-witness, both below
// the same prefix, and to whoever looks there what it is.
func (w *Witness) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.serveAdd)
	mux.HandleFunc("GET /{origin}/checkpoint", w.serveCheckpoint)
	mux.HandleFunc("GET /{$}", w.serveSelf)
	return mux
}

// serveSelf says what answers here, and where what it cosigned last is.
func (w *Witness) serveSelf(rw http.ResponseWriter, _ *http.Request) {
	out := "This is a witness of c2sp.org/tlog-witness: it signs what continues. What it signed last is at\n" +
		"<SHA-256 of the log's name, in hexadecimal>/checkpoint. Its keys, and the logs:\n\n"
	for _, key := range w.Keys() {
		out += key.String() + "\n"
	}
	for _, origin := range slices.Sorted(maps.Keys(w.logs)) {
		out += fmt.Sprintf("%x/checkpoint %s\n", sha256.Sum256([]byte(origin)), origin)
	}
	text(rw, out)
}

func (w *Witness) serveAdd(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxRequest))
	var lines string
	if err != nil {
		err = refuse(http.StatusBadRequest, "reading the request: %w", err)
	} else {
		lines, err = w.AddCheckpoint(body)
	}
	var refused *RefusedError
	switch {
	case err == nil:
		text(rw, lines)
	case !errors.As(err, &refused):
		if w.cfg.Failed != nil {
			w.cfg.Failed(err)
		}
		http.Error(rw, "the witness cannot write down what it cosigns", http.StatusInternalServerError)
	case refused.Status == http.StatusConflict:
		rw.Header().Set("Content-Type", sizeType)
		rw.WriteHeader(http.StatusConflict)
		fmt.Fprintf(rw, "%d\n", refused.Size)
	default:
		http.Error(rw, refused.Error(), refused.Status)
	}
}

func (w *Witness) serveCheckpoint(rw http.ResponseWriter, r *http.Request) {
	msg := w.Checkpoint(r.Context(), r.PathValue("origin"))
	if msg == nil {
		http.Error(rw, "nothing of such a log was cosigned here", http.StatusNotFound)
		return
	}
	rw.Header().Set("Cache-Control", "no-cache")
	text(rw, string(msg))
}

func text(rw http.ResponseWriter, s string) {
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(rw, s) // who does not read it has gone
}
