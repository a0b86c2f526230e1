package proof

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

const (
	// maxPolicy is the most bytes a policy can have, and maxPolicyNames how many
	// witnesses and groups, and logs.
	maxPolicy      = 64 << 10
	maxPolicyNames = 64

	// noQuorum is the name of the quorum that needs nobody.
	noQuorum = "none"
)

// MergeDelay is how long a ledger may take from a receipt to a checkpoint with the
// entries that it promises.
const MergeDelay = 24 * time.Hour

// Policy says whose cosignatures a checkpoint needs (c2sp.org/tlog-policy).
type Policy struct {
	Logs      []PolicyLog // accepted logs; none: whose key is known otherwise
	Witnesses []Witness
	Groups    []Group
	Quorum    string // the name of a witness or group; "none" or "" needs nobody
}

// PolicyLog is a log that a policy accepts.
type PolicyLog struct {
	Key string // its verifier key, as ParseVerifierKey reads it
	URL string // "" when it has none
}

// Witness is who cosigns, under the name that the policy has for it.
type Witness struct {
	Name string
	Key  *Cosigner
	URL  string // its submission prefix, "" when it has none
}

// Group witnesses a checkpoint when as many of its members do.
type Group struct {
	Name    string
	Need    int
	Members []string // witnesses and groups before it
}

// Cosignature is that a witness knew a checkpoint at a time.
type Cosignature struct {
	Witness string // as the policy names it
	At      time.Time
}

// Cosigned is who of a policy cosigned a checkpoint.
type Cosigned struct {
	By []Cosignature // in the order of the policy
	// At is the latest time at which a quorum knew the checkpoint as the largest;
	// zero when the quorum is "none".
	At time.Time
}

// QuorumError says that the cosignatures of a checkpoint are fewer than a policy
// needs. That convicts nobody, and shows nothing either: a ledger that replaced a witness
// or cannot reach one looks so, and so does one that shows somebody another history.
type QuorumError struct {
	Quorum string
	Have   []Cosignature
}

func (e *QuorumError) Error() string {
	if len(e.Have) == 0 {
		return fmt.Sprintf("no witness of the policy cosigned it, and the quorum is %s", e.Quorum)
	}
	names := make([]string, len(e.Have))
	for i, c := range e.Have {
		names[i] = c.Witness
	}
	return fmt.Sprintf("only %s cosigned it, which is not the quorum %s of the policy", strings.Join(names, ", "), e.Quorum)
}

// NoPolicy is the policy that needs nobody.
func NoPolicy() Policy { return Policy{Quorum: noQuorum} }

// ParsePolicy reads a policy file. Its names and comments are bytes of any kind but
// control characters, as the specification has it.
func ParsePolicy(text []byte) (Policy, error) {
	p, err := parsePolicy(text)
	if err != nil {
		return Policy{}, fmt.Errorf("reading a policy: %w", err)
	}
	return p, nil
}

func parsePolicy(text []byte) (p Policy, err error) {
	if len(text) > maxPolicy {
		return p, fmt.Errorf("%d bytes, more than %d", len(text), maxPolicy)
	}
	if len(text) == 0 {
		return p, errors.New("it is empty")
	}
	if i := bytes.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' || r == 0x7f }); i >= 0 {
		return p, fmt.Errorf("line %d: %s", 1+bytes.Count(text[:i], []byte("\n")), controlIn(text[i:]))
	}
	lines, err := splitLines(string(text))
	if err != nil {
		return p, err
	}
	for i, line := range lines {
		fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if err := p.add(fields); err != nil {
			return p, fmt.Errorf("line %d: %w", i+1, err)
		}
		if len(p.Logs) > maxPolicyNames || len(p.Witnesses)+len(p.Groups) > maxPolicyNames {
			return p, fmt.Errorf("line %d: there are more than %d logs, or witnesses and groups", i+1, maxPolicyNames)
		}
	}
	if p.Quorum == "" {
		return p, errors.New(`it has no quorum line: "quorum none" asks nobody, and behind "witness a KEY URL" and "witness b KEY URL" the lines "group both 2 a b" and "quorum both" ask both`)
	}
	return p, nil
}

// controlIn says which control character a text begins with.
func controlIn(text []byte) string {
	if bytes.HasPrefix(text, []byte("\r\n")) || string(text) == "\r" {
		return "it ends as lines on Windows do, which is not accepted: save the file with newlines alone"
	}
	return "it has a control character"
}

// add takes a line that says something.
func (p *Policy) add(fields []string) error {
	switch fields[0] {
	case "log":
		return p.addLog(fields[1:])
	case "witness":
		return p.addWitness(fields[1:])
	case "group":
		return p.addGroup(fields[1:])
	case "quorum":
		return p.setQuorum(fields[1:])
	}
	return fmt.Errorf("%.40q is neither log, witness, group nor quorum", fields[0])
}

func (p *Policy) addLog(fields []string) error {
	if len(fields) < 1 || len(fields) > 2 {
		return errors.New("a log is a key and perhaps an address")
	}
	v, err := ParseVerifierKey(fields[0])
	if err != nil {
		return err
	}
	data := func(vkey string) string { return strings.SplitN(vkey, "+", 3)[2] } // which may have a plus too
	for _, l := range p.Logs {
		if data(l.Key) == data(fields[0]) {
			return fmt.Errorf("the key of %s is there already", v.Name())
		}
	}
	p.Logs = append(p.Logs, PolicyLog{fields[0], strings.Join(fields[1:], "")})
	return nil
}

func (p *Policy) addWitness(fields []string) error {
	if len(fields) < 2 || len(fields) > 3 {
		return errors.New("a witness is a name, a key and perhaps an address")
	}
	if err := p.free(fields[0]); err != nil {
		return err
	}
	key, err := ParseCosignerKey(fields[1])
	if err != nil {
		return err
	}
	for _, w := range p.Witnesses {
		if bytes.Equal(w.Key.key, key.key) {
			return fmt.Errorf("%s has the key of the witness %s", fields[0], w.Name)
		}
	}
	p.Witnesses = append(p.Witnesses, Witness{fields[0], key, strings.Join(fields[2:], "")})
	return nil
}

// free says that no witness or group has a name.
func (p *Policy) free(name string) error {
	if name == noQuorum {
		return errors.New(`"none" cannot be a name`)
	}
	if p.known(name) {
		return fmt.Errorf("%.60q is there already", name)
	}
	return nil
}

func (p *Policy) known(name string) bool {
	return slices.ContainsFunc(p.Witnesses, func(w Witness) bool { return w.Name == name }) ||
		slices.ContainsFunc(p.Groups, func(g Group) bool { return g.Name == name })
}

func (p *Policy) addGroup(fields []string) error {
	if len(fields) < 3 {
		return errors.New("a group is a name, how many of its members it needs, and these")
	}
	g := Group{Name: fields[0], Members: fields[2:]}
	if err := p.free(g.Name); err != nil {
		return err
	}
	for i, m := range g.Members {
		if !p.known(m) || slices.Contains(g.Members[:i], m) || p.member(m) {
			return fmt.Errorf("%.60q is not the name of a witness or group before it, or is a member already", m)
		}
	}
	switch fields[1] {
	case "any":
		g.Need = 1
	case "all":
		g.Need = len(g.Members)
	default:
		n, err := strconv.Atoi(fields[1])
		if err != nil || strconv.Itoa(n) != fields[1] || n < 1 || n > len(g.Members) {
			return fmt.Errorf("%.20q is neither any, all nor a number from 1 to %d", fields[1], len(g.Members))
		}
		g.Need = n
	}
	p.Groups = append(p.Groups, g)
	return nil
}

// member says that some group has a member of that name.
func (p *Policy) member(name string) bool {
	return slices.ContainsFunc(p.Groups, func(g Group) bool { return slices.Contains(g.Members, name) })
}

func (p *Policy) setQuorum(fields []string) error {
	switch {
	case p.Quorum != "":
		return errors.New("there is a quorum already")
	case len(fields) != 1 || fields[0] != noQuorum && !p.known(fields[0]):
		return errors.New("the quorum is not one name of a witness or group before it, or none")
	}
	p.Quorum = fields[0]
	return nil
}

// Text is p in its one form: without logs, comments and addresses, witnesses before
// groups.
func (p Policy) Text() string {
	var b strings.Builder
	for _, w := range p.Witnesses {
		fmt.Fprintf(&b, "witness %s %s\n", w.Name, w.Key)
	}
	for _, g := range p.Groups {
		fmt.Fprintf(&b, "group %s %d %s\n", g.Name, g.Need, strings.Join(g.Members, " "))
	}
	fmt.Fprintf(&b, "quorum %s\n", cmp.Or(p.Quorum, noQuorum))
	return b.String()
}

// Met says whether witnesses with these names are a quorum.
func (p Policy) Met(names ...string) bool {
	met := map[string]bool{noQuorum: true}
	for _, name := range names {
		met[name] = true
	}
	for _, g := range p.Groups {
		n := 0
		for _, m := range g.Members {
			if met[m] {
				n++
			}
		}
		met[g.Name] = n >= g.Need
	}
	return met[cmp.Or(p.Quorum, noQuorum)]
}

// Needs says that there is no quorum without one of the witnesses with these names.
func (p Policy) Needs(names ...string) bool {
	var others []string
	for _, w := range p.Witnesses {
		if !slices.Contains(names, w.Name) {
			others = append(others, w.Name)
		}
	}
	return !p.Met(others...)
}

// Check opens a checkpoint that v signed, and says who of p cosigned it. When these are
// no quorum the error is a [*QuorumError], and what it returns beside it holds. A
// cosignature under the name and hash of a key of p that is not valid, and a log that p
// lists others than, are errors too.
func (p Policy) Check(msg []byte, v note.Verifier) (Checkpoint, Cosigned, error) {
	c, err := OpenCheckpoint(msg, v)
	if err != nil {
		return Checkpoint{}, Cosigned{}, err
	}
	if len(p.Logs) > 0 && !slices.ContainsFunc(p.Logs, func(l PolicyLog) bool {
		return strings.HasPrefix(l.Key, fmt.Sprintf("%s+%08x+", v.Name(), v.KeyHash()))
	}) {
		return Checkpoint{}, Cosigned{}, fmt.Errorf("checking the policy: it does not accept the log %s", v.Name())
	}
	out, err := p.cosigned(msg)
	if err == nil && !p.Met(names(out.By)...) {
		err = &QuorumError{p.Quorum, out.By}
	}
	if err != nil {
		return c, out, fmt.Errorf("checking the policy: %w", err)
	}
	if !p.Met() {
		out.At = p.knownAt(out.By)
	}
	return c, out, nil
}

// cosigned verifies the cosignatures of a note that was opened.
func (p Policy) cosigned(msg []byte) (out Cosigned, err error) {
	text, err := splitNote(msg)
	if err != nil {
		return out, err
	}
	made := map[keyID][]byte{}
	for line := range strings.Lines(string(msg[len(text)+1:])) {
		k, sig, err := parseSignature(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return out, err
		}
		made[k] = sig
	}
	for _, w := range p.Witnesses {
		sig, ok := made[keyID{w.Key.name, w.Key.hash}]
		if !ok {
			continue
		}
		at, err := w.Key.signedAt(text, sig)
		if err != nil {
			return Cosigned{}, err
		}
		out.By = append(out.By, Cosignature{w.Name, at})
	}
	return out, nil
}

func names(list []Cosignature) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.Witness
	}
	return out
}

// knownAt is the latest time at which those who had signed by then, or later, are a
// quorum.
func (p Policy) knownAt(by []Cosignature) time.Time {
	newest := slices.SortedFunc(slices.Values(by), func(a, b Cosignature) int { return cmp.Compare(b.At.Unix(), a.At.Unix()) })
	for i := range newest {
		if p.Met(names(newest[:i+1])...) {
			return newest[i].At
		}
	}
	return time.Time{}
}
