package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"

	"rsc.io/qr"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// quiet is how many modules of white a square code has around it, after ISO/IEC
// 18004.
const quiet = 4

// squareCode is a QR code as one path of a drawing.
type squareCode struct {
	Side int // of the drawing, in modules
	Path string
}

// Letter is a card as a letter to print and to hand over. It stands alone: it loads
// nothing and runs nothing, so that printing it tells nobody of it. A card of so
// many generations that no square code holds its link has the link alone.
func Letter(card proof.Card) ([]byte, error) {
	t, err := template.New("letter.html").ParseFS(files, "pages/letter.html")
	if err != nil {
		return nil, fmt.Errorf("reading the page of a letter: %w", err)
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		Origin, URL, Scheme, Link string
		Code                      *squareCode
	}{card.Origin(), card.URL, card.Scheme, card.Link(), drawn(card.Link())})
	if err != nil {
		return nil, fmt.Errorf("printing a letter: %w", err)
	}
	return b.Bytes(), nil
}

// letterPolicy is the Content-Security-Policy of a letter: it has its own style, and
// nothing else.
func letterPolicy(letter []byte) string {
	_, rest, _ := bytes.Cut(letter, []byte("<style>"))
	style, _, _ := bytes.Cut(rest, []byte("</style>"))
	sum := sha256.Sum256(style)
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
}

// drawn is a text as a square code, of the sturdiest kind that holds it; nil when
// none does.
func drawn(text string) *squareCode {
	for _, level := range []qr.Level{qr.M, qr.L} {
		if code, err := qr.Encode(text, level); err == nil {
			return draw(code)
		}
	}
	return nil
}

// draw draws each run of black modules of a row as a rectangle.
func draw(code *qr.Code) *squareCode {
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	return &squareCode{code.Size + 2*quiet, path.String()}
}
