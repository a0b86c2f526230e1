package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// verifyFlags are what a file is held against, and how much is said of it.
type verifyFlags struct {
	key, card, policy string
	explain           bool
	context           contextFlag
	promises          promises
}

func verifyCommand() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify FILE --key VKEY | --card CARD | --context NAME",
		Short: "Check a proof, an entry that a person gave you, evidence, or what you kept of your trail, offline, and say what was checked",
		Long: `Check a file offline, and say what was checked and what was not. What the file is it
says itself: a proof (.tlog-proof), an entry that a person gave you, evidence, what
somebody kept of a trail, a proof of the index, a checkpoint, a receipt.

The key comes from a way you trust: on a card, in print, from somebody else. With
--policy FILE, a tlog-policy, enough of its witnesses must have cosigned. With
--context NAME the file is also compared with what you know of that ledger; without
--policy both the card and the context must have the cosignatures they ask for.
--explain prints the arithmetic, hash by hash.

With --receipt FILE, and no other file, what a ledger promised in its receipts is
looked for in its log, at --url, --mirror or --context. FILE is a receipt or several,
or the directory that daybook emit --outbox keeps them in. A promise that is broken
becomes evidence, in a file beside it or in that of --evidence.

What the log signed and too few witnesses of the policy did is INCOMPLETE, and nothing
in it counts as proven: the ledger replaced a witness or could not reach one, or this
is another history than the one that others are shown. Everywhere the exit code is 5.

Exit codes: 0 valid, or evidence that convicts; 2 misused; 3 not valid, or a broken
promise; 4 not checked; 5 incomplete, nothing to be valid, or not yet.`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.usage(args); err != nil {
				return err
			}
			t, err := f.trust(c)
			if err != nil {
				return err
			}
			if f.promises.file != "" {
				return f.promises.verify(c, t)
			}
			b, err := readLimited(args[0], maxBundleFile)
			if err != nil {
				return exitWith(exitUnchecked, "%w", err)
			}
			return t.verify(b)
		},
	}
	c.Flags().StringVar(&f.card, "card", "", "a trail card, which has the keys and the policy: a file, or - for stdin")
	c.Flags().StringVar(&f.key, "key", "", "the verifier key: the log's, or of what the index alone signed the index key")
	c.Flags().StringVar(&f.policy, "policy", "", "a tlog-policy file: whose cosignatures a checkpoint needs")
	c.Flags().BoolVar(&f.explain, "explain", false, "print the arithmetic too")
	f.context.flag(c)
	f.promises.flags(c)
	return c
}

func (f *verifyFlags) usage(args []string) error {
	switch {
	case f.promises.file == "" && len(args) == 0:
		return exitWith(exitUsage, "give a file, or receipts with --receipt; see daybook verify --help")
	case f.promises.file != "" && len(args) > 0:
		return exitWith(exitUsage, "--receipt is what is checked; leave %s away", args[0])
	case f.promises.file == "" && f.promises.elsewhere():
		return exitWith(exitUsage, "--url, --mirror and --evidence go with --receipt: a file is checked offline")
	case f.key != "" && f.card != "":
		return exitWith(exitUsage, "the card has the key: leave --key away")
	}
	return nil
}

// trust is what somebody holds a file against.
type trust struct {
	c       *cobra.Command
	out     io.Writer
	key     note.Verifier
	card    *proof.Card
	policy  proof.Policy
	also    proof.Policy // of the context, beside a card that asks for others
	known   *known       // nil without a context
	explain bool
}

// trust reads what the flags name.
func (f *verifyFlags) trust(c *cobra.Command) (t trust, err error) {
	t = trust{c: c, out: c.OutOrStdout(), policy: proof.NoPolicy(), also: proof.NoPolicy(), explain: f.explain}
	if t.known, err = f.context.open(c, "key", "card"); err != nil {
		return t, err
	}
	key, policy := f.key, ""
	if f.card != "" {
		card, err := readCard(c.InOrStdin(), f.card)
		if err != nil {
			return t, exitWith(exitUnchecked, "%w", err)
		}
		t.card, key, policy = &card, card.Log, card.Policy
	}
	if t.known != nil {
		if key != "" && key != t.known.memory.Log {
			if name, _, _ := strings.Cut(key, "+"); name != t.known.memory.Origin() {
				return t, exitWith(exitUnchecked, "the card is of %s, and the context %s of %s", name, t.known.name, t.known.memory.Origin())
			}
			return t, exitWith(exitInvalid, "NOT VALID: the context %s is of %s with another key", t.known.name, t.known.memory.Origin())
		}
		key = t.known.memory.Log
		if policy == "" || policy == proof.NoPolicy().Text() {
			policy = t.known.memory.Policy.Text()
		} else if f.policy == "" {
			t.also = t.known.memory.Policy
		}
	}
	if t.key, err = verifier(key); err != nil {
		return t, err
	}
	given, err := readPolicy(f.policy)
	switch {
	case err != nil:
		return t, err
	case given != nil:
		t.policy = *given
	case policy != "":
		if t.policy, err = proof.ParsePolicy([]byte(policy)); err != nil {
			return t, exitWith(exitUnchecked, "%w", err)
		}
	}
	return t, nil
}

// verify says what a file is and shows. A text whose line ends were changed on the way is
// the same text to who looks at it.
func (t trust) verify(b []byte) error {
	err := t.kind(b)
	if e := new(exit); bytes.Contains(b, []byte("\r\n")) && errors.As(err, &e) && (e.code == exitInvalid || e.code == exitUnchecked) {
		return exitWith(e.code, "%w; its lines end as on Windows: perhaps a program changed them on the way, so get the file again, as it was", err)
	}
	return err
}

// kind is verify for a file of each kind.
func (t trust) kind(b []byte) error {
	begins := func(s string) bool { return bytes.HasPrefix(b, []byte(s)) }
	switch {
	case len(bytes.TrimSpace(b)) == 0:
		return exitWith(exitIncomplete, "the file is empty: nothing was checked")
	case proof.IsBundle(b):
		return t.bundle(b)
	case proof.IsEvidence(b):
		return t.evidence(b)
	case proof.IsPresentation(b):
		return t.presentation(b)
	case begins("c2sp.org/tlog-proof@"):
		return t.proof(b)
	case begins("daybook/index-proof@"):
		return t.indexProof(b)
	case begins("daybook/receipt@"):
		return t.receipt(b)
	case begins("daybook/card@"), begins("http://"), begins("https://"):
		return exitWith(exitIncomplete, "this is a card, which proves nothing by itself, and is a secret: daybook trail CARD follows it, and --card checks a file with it; nothing was checked")
	case client.IsMemory(b):
		return exitWith(exitIncomplete, "this is what you know of a ledger: daybook context check holds it against that; nothing was checked")
	case isCheckpoint(b):
		return t.checkpoint(b)
	}
	return exitWith(exitUnchecked, "this is none of the files that can be checked, by how it begins: a proof or an entry that a person gave you, evidence, what somebody kept of a trail, a proof of the index, a checkpoint, a receipt")
}

// isCheckpoint says that b is a signed note, whoever signed it, whose text is a
// checkpoint.
func isCheckpoint(b []byte) bool {
	text, _, _ := bytes.Cut(b, []byte("\n\n"))
	_, err := proof.ParseCheckpoint(string(text) + "\n")
	return err == nil && noteEnd(b) == len(b)
}

// keyNamed is the key for what is signed under a name, the index key among them when
// there is a card or a context.
func (t trust) keyNamed(name string) (note.Verifier, error) {
	if name == t.key.Name() {
		return t.key, nil
	}
	keys := []string{}
	if t.card != nil {
		keys = append(keys, t.card.Index)
	}
	if t.known != nil {
		keys = append(keys, t.known.memory.Index, t.known.memory.Receipt)
	}
	for _, vkey := range keys {
		if v, err := proof.ParseVerifierKey(vkey); err == nil && v.Name() == name {
			return v, nil
		}
	}
	return nil, t.stranger(name)
}

// stranger says that nothing can be checked of what is signed under another name.
func (t trust) stranger(name string) error {
	return exitWith(exitUnchecked, "it is signed by %.200q, and %s is that of %s: it may be of another ledger; daybook policy prints all keys of one, and a card or a context has them", name, t.whose(), t.key.Name())
}

// signedHere refuses a checkpoint of another log than that of the key.
func (t trust) signedHere(msg []byte) error {
	if name := firstLine(msg); name != t.key.Name() {
		return t.stranger(name)
	}
	return nil
}

// whose says where the key comes from.
func (t trust) whose() string {
	switch {
	case t.card != nil:
		return "the key on the card"
	case t.known != nil:
		return "the key that the context " + t.known.name + " has"
	}
	return "the key you gave"
}

// forKey is a policy for what v signed: of a ledger whose logs it accepts, it accepts the
// index.
func (t trust) forKey(p proof.Policy, v note.Verifier) proof.Policy {
	if v.Name() == proof.IndexKeyName(t.key.Name()) && slices.ContainsFunc(p.Logs, func(l proof.PolicyLog) bool {
		k, err := proof.ParseVerifierKey(l.Key)
		return err == nil && k.Name() == t.key.Name() && k.KeyHash() == t.key.KeyHash()
	}) {
		p.Logs = nil
	}
	return p
}

// claims are what was checked, and what was not.
type claims struct{ checked, not []string }

func (c *claims) check(format string, args ...any) {
	c.checked = append(c.checked, fmt.Sprintf(format, args...))
}

func (c *claims) doubt(format string, args ...any) {
	c.not = append(c.not, fmt.Sprintf(format, args...))
}

func (c *claims) print(out io.Writer) {
	fmt.Fprintln(out)
	fill(out, "Checked: "+strings.Join(c.checked, "; ")+".")
	if len(c.not) > 0 {
		fill(out, "Not checked: "+strings.Join(c.not, "; ")+".")
	}
}

// lineWidth is how many letters a line of text has.
const lineWidth = 95

// fill prints words in lines.
func fill(out io.Writer, text string) {
	n := 0
	for i, word := range strings.Fields(text) {
		letters := len([]rune(word))
		switch {
		case i == 0:
		case n+1+letters > lineWidth:
			fmt.Fprintln(out)
			n = 0
		default:
			fmt.Fprint(out, " ")
			n++
		}
		fmt.Fprint(out, word)
		n += letters
	}
	fmt.Fprintln(out)
}

// attested judges the cosignatures of a checkpoint, and compares it with what is known
// of the ledger: that convicts a log also where they are too few. What is to be said of
// both it adds to the claims.
func (t trust) attested(said *claims, msg []byte, v note.Verifier) error {
	by, few := t.cosigned(msg, v, t.policy)
	if _, also := t.cosigned(msg, v, t.also); few == nil || also != nil && !incomplete(also) {
		few = also
	}
	if few != nil && !incomplete(few) {
		return few
	}
	if by.At.IsZero() {
		said.doubt("that anyone but the log has seen this root")
	} else {
		said.check("that root is cosigned by %s, as the policy asks, each of whom had seen no other history of this log", cosigners(by.By))
		said.doubt("that these witnesses are independent of the log and of each other")
	}
	if t.known != nil {
		if err := t.known.attested(t.c.Context(), said, msg); err != nil {
			return err
		}
	}
	return few
}

// cosigned judges the cosignatures by one policy.
func (t trust) cosigned(msg []byte, v note.Verifier, p proof.Policy) (proof.Cosigned, error) {
	_, by, err := t.forKey(p, v).Check(msg, v)
	if err != nil {
		return by, unwitnessed(err, p)
	}
	return by, nil
}

// explained prints the steps of a verification when they were asked for, and returns
// its verdict.
func (t trust) explained(verdict error, steps func() []proof.Step) error {
	if !t.explain {
		return verdict
	}
	failed := false
	fmt.Fprintln(t.out, "\nThe arithmetic:")
	for i, s := range steps() {
		failed = failed || s.Failed
		mark := " "
		if s.Failed {
			mark = "✗"
		}
		fmt.Fprintf(t.out, "\n%s %d. %s.\n", mark, i+1, s.Said)
		for _, line := range s.Detail {
			fmt.Fprintf(t.out, "      %s\n", legible(line))
		}
	}
	if verdict == nil && failed {
		return exitWith(exitUnchecked, "the arithmetic and the verification do not agree: believe neither, and report it")
	}
	return verdict
}
