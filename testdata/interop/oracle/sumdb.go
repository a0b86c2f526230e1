package oracle

import (
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// sumdb is golang.org/x/mod: notes and trees as Go's checksum database has them. Its
// trees have one fixed first line, which the adapter puts in place of the origin.
// Receipts it judges as notes. Proof files it does not know: the numbers in them it
// checks as [formats] reads them.
func sumdb(k Keys) (Oracle, error) {
	log, err := note.NewVerifier(k.Log)
	if err != nil {
		return Oracle{}, err
	}
	receipt, err := note.NewVerifier(k.Receipt)
	if err != nil {
		return Oracle{}, err
	}
	tree := func(file []byte) (tlog.Tree, error) {
		n, err := note.Open(file, note.VerifierList(log))
		if err != nil {
			return tlog.Tree{}, err
		}
		origin, rest, _ := strings.Cut(n.Text, "\n")
		if origin != log.Name() {
			return tlog.Tree{}, fmt.Errorf("the origin is %q", origin)
		}
		return tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	}
	return Oracle{"x/mod", map[string]Judge{
		"checkpoint": func(file []byte) (Verdict, error) {
			t, err := tree(file)
			return Verdict{Said: tells(log.Name(), uint64(t.N), t.Hash[:])}, err
		},
		"proof": func(file []byte) (Verdict, error) {
			p, err := proofFile(file)
			if err != nil {
				return Verdict{}, err
			}
			t, err := tree(p.Checkpoint)
			if err != nil {
				return Verdict{}, err
			}
			var path tlog.RecordProof
			for _, h := range p.Hashes {
				path = append(path, h)
			}
			err = tlog.CheckRecord(path, t.N, t.Hash, int64(p.Index), tlog.RecordHash(p.ExtraData))
			return Verdict{Said: tells(log.Name(), uint64(t.N), t.Hash[:]) + place(p.Index, p.ExtraData)}, err
		},
		"receipt": func(file []byte) (Verdict, error) {
			n, err := note.Open(file, note.VerifierList(receipt))
			if err != nil {
				return Verdict{}, err
			}
			return Verdict{Said: n.Text}, nil
		},
	}}, nil
}

// tells is a checkpoint's content.
func tells(origin string, size uint64, root []byte) string {
	return fmt.Sprintf("%s has %d entries, root %x", origin, size, root)
}

// place is what a proof says besides.
func place(index uint64, entry []byte) string {
	return fmt.Sprintf("; entry %d is %s", index, hex.EncodeToString(entry))
}
