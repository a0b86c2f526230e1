package oracle

import (
	"fmt"
	"slices"
	"strings"

	"filippo.io/torchwood"
	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// torch is filippo.io/torchwood. It knows no ML-DSA-44, but its policies take any
// verifier: of witnesses with such keys they are given that of transparency-dev/formats.
func torch(k Keys) (Oracle, error) {
	v, err := note.NewVerifier(k.Log)
	if err != nil {
		return Oracle{}, err
	}
	log := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(v.Name()), torchwood.SingleVerifierPolicy(v))
	var witnesses []torchwood.Policy
	for _, vkey := range k.Witnesses {
		w, err := cosigner(vkey)
		if err != nil {
			return Oracle{}, err
		}
		witnesses = append(witnesses, torchwood.SingleVerifierPolicy(w))
	}
	two := log
	if len(witnesses) >= 2 {
		two = torchwood.ThresholdPolicy(2, log, torchwood.ThresholdPolicy(2, witnesses...))
	}
	checkpoint := func(p torchwood.Policy) Judge {
		return func(file []byte) (Verdict, error) {
			c, n, err := torchwood.VerifyCheckpoint(file, p)
			if err != nil {
				return Verdict{}, err
			}
			by, err := cosigned(n.Sigs, k.Witnesses, torchwood.CosignatureTimestamp)
			return Verdict{Said: tells(c.Origin, uint64(c.N), c.Hash[:]) + by}, err
		}
	}
	return Oracle{"torchwood", map[string]Judge{
		"checkpoint": checkpoint(log),
		"cosigned":   checkpoint(two),
		"policy":     torchPolicy,
		"proof": func(file []byte) (Verdict, error) {
			// Without an entry in the file there is nothing that it could be a proof of.
			entry, err := torchwood.ProofExtraData(file)
			if err != nil {
				return Verdict{}, err
			}
			return Verdict{}, torchwood.VerifyProof(log, tlog.RecordHash(entry), file)
		},
	}}, nil
}

// cosigned is who of some witnesses signed, in their order, and when.
func cosigned(sigs []note.Signature, witnesses []string, at func(note.Signature) (int64, error)) (out string, err error) {
	for _, vkey := range witnesses {
		name, _, _ := strings.Cut(vkey, "+")
		for _, s := range sigs {
			if s.Name != name || !strings.HasPrefix(vkey, fmt.Sprintf("%s+%08x+", s.Name, s.Hash)) {
				continue
			}
			seconds, err := at(s)
			if err != nil {
				return "", err
			}
			out += fmt.Sprintf("; %s at %d", s.Name, seconds)
		}
	}
	return out, nil
}

// cosigner is the verifier of a witness's key, torchwood's if it has one.
func cosigner(vkey string) (note.Verifier, error) {
	if v, err := torchwood.NewCosignatureVerifier(vkey); err == nil {
		return v, nil
	}
	return fnote.NewMLDSAVerifier(vkey)
}

func torchPolicy(file []byte) (Verdict, error) {
	p, err := torchwood.ParsePolicy(file)
	if err != nil {
		return Verdict{}, err
	}
	return Verdict{Met: func(by Signers) bool {
		var sigs []note.Signature
		for s := range by {
			sigs = append(sigs, note.Signature{Name: s.Name, Hash: s.Hash})
		}
		// A policy without logs takes any origin; one with a log takes that log's.
		return slices.ContainsFunc(append(sigs, note.Signature{Name: "any.example"}), func(s note.Signature) bool {
			return p.Check(s.Name, sigs) == nil
		})
	}}, nil
}
