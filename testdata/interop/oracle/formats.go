package oracle

import (
	"errors"
	"strings"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	fproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/formats/witness"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// formats is github.com/transparency-dev/formats, with the tree of
// github.com/transparency-dev/merkle. Its policies are those of a log, which has the
// address of every witness: the adapter gives one to those that have none.
func formats(k Keys) (Oracle, error) {
	v, err := fnote.NewVerifier(k.Log)
	if err != nil {
		return Oracle{}, err
	}
	witnesses := make([]note.Verifier, len(k.Witnesses))
	for i, vkey := range k.Witnesses {
		if witnesses[i], err = fnote.NewVerifierForCosignatureV1(vkey); err != nil {
			return Oracle{}, err
		}
	}
	checkpoint := func(file []byte, others ...note.Verifier) (*log.Checkpoint, Verdict, error) {
		c, _, n, err := log.ParseCheckpoint(file, v.Name(), v, others...)
		if err != nil {
			return nil, Verdict{}, err
		}
		by := ""
		if len(others) > 0 {
			by, err = cosigned(n.Sigs, k.Witnesses, func(s note.Signature) (int64, error) {
				at, err := fnote.CoSigV1Timestamp(s)
				return at.Unix(), err
			})
		}
		return c, Verdict{Said: tells(c.Origin, c.Size, c.Hash) + by}, err
	}
	return Oracle{"formats", map[string]Judge{
		"checkpoint": func(file []byte) (Verdict, error) {
			_, said, err := checkpoint(file)
			return said, err
		},
		"cosigned": func(file []byte) (Verdict, error) {
			_, said, err := checkpoint(file, witnesses...)
			if err == nil && !twoOf(witnesses).Satisfied(file) {
				err = errors.New("fewer than two witnesses")
			}
			return said, err
		},
		"policy": formatsPolicy,
		"proof": func(file []byte) (Verdict, error) {
			p, err := proofFile(file)
			if err != nil {
				return Verdict{}, err
			}
			c, said, err := checkpoint(p.Checkpoint)
			if err != nil {
				return Verdict{}, err
			}
			path := make([][]byte, len(p.Hashes))
			for i := range p.Hashes {
				path[i] = p.Hashes[i][:]
			}
			h := rfc6962.DefaultHasher
			said.Said += place(p.Index, p.ExtraData)
			return said, proof.VerifyInclusion(h, p.Index, c.Size, h.HashLeaf(p.ExtraData), path, c.Hash)
		},
	}}, nil
}

// proofFile reads a proof file that has an entry; without one there is nothing that
// it could be a proof of.
func proofFile(file []byte) (p fproof.TLogProof, err error) {
	if err := p.Unmarshal(file); err != nil {
		return p, err
	}
	if p.ExtraData == nil {
		return p, errors.New("there is no entry")
	}
	return p, nil
}

// twoOf needs two of them.
func twoOf(witnesses []note.Verifier) witness.Group {
	g := witness.Group{N: 2}
	for _, w := range witnesses {
		g.Components = append(g.Components, witness.Witness{Key: w})
	}
	return g
}

func formatsPolicy(file []byte) (Verdict, error) {
	g, err := witness.ParsePolicy(addressed(file))
	if err != nil {
		return Verdict{}, err
	}
	return Verdict{Met: func(by Signers) bool { return metBy(g, by) }}, nil
}

// addressed gives an address to each witness without one.
func addressed(policy []byte) []byte {
	lines := strings.Split(string(policy), "\n")
	for i, line := range lines {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "witness" {
			lines[i] = line + " https://witness.example"
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

// metBy says whether a witness or a group of them is among those who cosigned.
// Satisfied says the same of a checkpoint.
func metBy(c any, by Signers) bool {
	switch c := c.(type) {
	case witness.Witness:
		return by[Signer{c.Key.Name(), c.Key.KeyHash()}]
	case witness.Group:
		n := 0
		for _, m := range c.Components {
			if metBy(m, by) {
				n++
			}
		}
		return n >= c.N
	}
	return false
}
