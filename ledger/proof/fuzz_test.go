package proof

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// seeds are the vectors of a format, accepted and refused.
func seeds(f *testing.F, format string) (out []string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join(vectorDir, "*", format+"-*"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no vectors of %s: %v", format, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		out = append(out, string(data))
	}
	return out
}

// addTexts seeds with the texts of the notes, without signatures.
func addTexts(f *testing.F) {
	for _, format := range []string{"checkpoint", "receipt"} {
		for _, msg := range seeds(f, format) {
			text, _, _ := strings.Cut(msg, "\n\n")
			f.Add(text + "\n")
		}
	}
}

func FuzzParseCheckpoint(f *testing.F) {
	addTexts(f)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCheckpoint(text)
		if err != nil {
			return
		}
		if c.Text() != text {
			t.Errorf("%q is written as %q", text, c.Text())
		}
		if _, err := ParseReceipt(text); err == nil {
			t.Errorf("%q is a receipt too", text)
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	addTexts(f)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseReceipt(text)
		if err != nil {
			return
		}
		if r.Text() != text {
			t.Errorf("%q is written as %q", text, r.Text())
		}
		if _, err := ParseCheckpoint(text); err == nil {
			t.Errorf("%q is a checkpoint too", text)
		}
	})
}

func FuzzParseProof(f *testing.F) {
	for _, file := range seeds(f, "proof") {
		f.Add([]byte(file))
	}
	v := logKey(f).Verifier
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := ParseProof(file)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Format(), file) {
			t.Errorf("%q is written as %q", file, p.Format())
		}
		if c, err := p.Verify(v); err == nil && c.Origin != v.Name() {
			t.Errorf("verified for %q", c.Origin)
		}
	})
}

// FuzzOpen feeds whole notes, with their signature lines, to both openers.
func FuzzOpen(f *testing.F) {
	for _, format := range []string{"checkpoint", "receipt"} {
		for _, msg := range seeds(f, format) {
			f.Add([]byte(msg))
		}
	}
	k, rk := logKey(f).Verifier, receiptKey(f).Verifier
	f.Fuzz(func(t *testing.T, msg []byte) {
		c, err := OpenCheckpoint(msg, k)
		if err == nil && !strings.HasPrefix(string(msg), c.Text()+"\n— ") {
			t.Errorf("%q is opened as %q", msg, c.Text())
		}
		r, err := OpenReceipt(msg, rk)
		if err == nil && !strings.HasPrefix(string(msg), r.Text()+"\n— ") {
			t.Errorf("%q is opened as %q", msg, r.Text())
		}
	})
}

func FuzzParseTilePath(f *testing.F) {
	for _, path := range []string{
		"tile/0/000", "tile/0/x001/234.p/5", "tile/63/x001/x234/067", "tile/entries/000.p/255",
		"tile/entries/x001/000", "tile/0/x000/000", "tile/0/000.p/256", "tile/data/000",
	} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		tile, err := ParseTilePath(path)
		if err == nil && tile.Path() != path {
			t.Errorf("%q is written as %q", path, tile.Path())
		}
	})
}

func FuzzReadBundle(f *testing.F) {
	f.Add([]byte("\x00\x01a"), 1)
	f.Add([]byte("\x00\x01a\x00\x02bc"), 2)
	f.Add([]byte("\x00\x00"), 1)
	f.Add([]byte("\xff\xffa"), 1)
	f.Add([]byte{}, 0)
	f.Fuzz(func(t *testing.T, b []byte, count int) {
		entries, err := ReadBundle(b, count)
		if err != nil {
			return
		}
		var again []byte
		for _, e := range entries {
			if again, err = AppendBundle(again, e); err != nil {
				t.Fatal(err)
			}
		}
		if len(entries) != count || !bytes.Equal(again, b) {
			t.Errorf("%d entries of %q are written as %q", len(entries), b, again)
		}
	})
}
