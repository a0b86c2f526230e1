package api

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// zipper sends what gzip makes shorter as gzip, to those who accept that. Its
// zero value is ready.
type zipper struct{ writers sync.Pool }

// send answers with f. Caches are told that the answer depends on what the
// reader accepts, whichever form goes out, and the tag of the zipped form is a
// weak one, for its bytes are not those of the file.
func (z *zipper) send(w http.ResponseWriter, r *http.Request, f file) {
	w.Header().Set("Vary", "Accept-Encoding")
	if !acceptsGzip(r.Header.Values("Accept-Encoding")) {
		f.send(w, r)
		return
	}
	f.tag = "W/" + f.tag
	if has(r.Header.Values("If-None-Match"), f.tag) {
		f.send(w, r)
		return
	}
	if zipped := z.zip(f.content); len(zipped) < len(f.content) {
		w.Header().Set("Content-Encoding", "gzip")
		f.content = zipped
	}
	f.send(w, r)
}

// zip is b as gzip, at the level that costs least: much of a bundle is digests,
// which no level shrinks.
func (z *zipper) zip(b []byte) []byte {
	var out bytes.Buffer
	zw, ok := z.writers.Get().(*gzip.Writer)
	if !ok {
		zw, _ = gzip.NewWriterLevel(&out, gzip.BestSpeed) // fails for unknown levels alone
	}
	defer z.writers.Put(zw)
	zw.Reset(&out)
	_, _ = zw.Write(b) // a buffer takes everything
	_ = zw.Close()
	return out.Bytes()
}

// acceptsGzip says that who sent these Accept-Encoding headers reads gzip, and
// does not prefer to go without.
func acceptsGzip(headers []string) bool {
	q := map[string]float64{}
	for _, header := range headers {
		for one := range strings.SplitSeq(header, ",") {
			name, parameter, _ := strings.Cut(one, ";")
			q[strings.ToLower(strings.TrimSpace(name))] = quality(parameter)
		}
	}
	zipped, named := q["gzip"]
	if !named {
		zipped = q["*"]
	}
	return zipped > 0 && zipped >= q["identity"]
}

// quality is the weight of what has this parameter; what cannot be read weighs
// nothing.
func quality(parameter string) float64 {
	parameter = strings.ToLower(strings.TrimSpace(parameter))
	if parameter == "" {
		return 1
	}
	number, isQ := strings.CutPrefix(parameter, "q=")
	q, err := strconv.ParseFloat(number, 64)
	if !isQ || err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
