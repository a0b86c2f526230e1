// Package oracle judges files of our formats with other people's code. No code of
// ours is in it: what an [Oracle] says is what torchwood, transparency-dev/formats,
// Tessera's client, or Go's checksum database says, of the formats that it knows.
//
// An adapter puts the parts of one library together as its documentation shows, and
// checks nothing that the library leaves unchecked, since that is what a person gets
// who uses it. Where two libraries are needed for one verdict, the adapter says so.
//
// The tests hold the oracles against every file of ../../vectors/index.tsv that is of
// a format they know. Wherever one of them comes to another verdict, a table has the
// reason; a reason that is no longer needed fails too. All oracles that accept a file
// must read the same out of it.
package oracle

import "fmt"

// Oracle is one library, or what was made of several.
type Oracle struct {
	Name   string
	Judges map[string]Judge // by format, as index.tsv calls it
}

// Judge says what a file states, or why it is refused.
type Judge func(file []byte) (Verdict, error)

// Verdict is what an oracle read out of a file that it accepts.
type Verdict struct {
	// Said is the same of all that read the same. Empty when the library keeps it to
	// itself.
	Said string
	// Met says, of a policy, whether cosigners are a quorum; nil otherwise.
	Met func(by Signers) bool
}

// Signers are keys, by name and hash.
type Signers map[Signer]bool

// Signer is what a signature line says about its key.
type Signer struct {
	Name string
	Hash uint32
}

// Keys are what verdicts need besides the files, as verifier keys.
type Keys struct {
	Log, Receipt string
	// Witnesses are those of whom a checkpoint of the format "cosigned" needs two.
	Witnesses []string
}

// All are the oracles there are.
func All(k Keys) ([]Oracle, error) {
	var out []Oracle
	for _, make := range []func(Keys) (Oracle, error){sumdb, torch, formats, tesseraClient} {
		o, err := make(k)
		if err != nil {
			return nil, err
		}
		for format, judge := range o.Judges {
			o.Judges[format] = survived(judge)
		}
		out = append(out, o)
	}
	return out, nil
}

// survived is a judge who refuses where the library panics. One does: torchwood, of a
// policy with a line of nothing but a carriage return, or of another Unicode space.
func survived(judge Judge) Judge {
	return func(file []byte) (v Verdict, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("it panics: %v", p)
			}
		}()
		return judge(file)
	}
}
