package intake_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// TestRevoke: a revoked token opens nothing, here and in another process, and is
// listed for ever.
func TestRevoke(t *testing.T) {
	dir := t.TempDir()
	tokens := must[*intake.Tokens](t)(intake.OpenTokens(dir))
	other := must[*intake.Tokens](t)(intake.OpenTokens(dir))
	grant := intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}, Rhythm: "PT1H"}
	kept := must[string](t)(tokens.Mint(intake.Grant{Role: events.Auditor}))
	gone := must[string](t)(tokens.Mint(grant))
	brief := must[string](t)(tokens.MintInMemory(grant))

	if err := other.Revoke(intake.TokenName(gone)); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]bool{kept: true, gone: false, brief: true} {
		if _, ok, err := tokens.Find(token); ok != want || err != nil {
			t.Errorf("found %v, %v, want %v", ok, err, want)
		}
	}
	if err := tokens.Revoke(intake.TokenName(gone)); err != nil {
		t.Errorf("revoking twice: %v", err)
	}
	want := map[string]intake.Named{
		intake.TokenName(kept):  {Grant: intake.Grant{Role: events.Auditor}},
		intake.TokenName(gone):  {Grant: grant, Revoked: true},
		intake.TokenName(brief): {Grant: grant, InMemory: true},
	}
	list := must[[]intake.Named](t)(tokens.List())
	if len(list) != len(want) {
		t.Fatalf("%d tokens, want %d", len(list), len(want))
	}
	for i, n := range list {
		w := want[n.Name]
		if n.Revoked != w.Revoked || n.InMemory != w.InMemory || n.Grant.Role != w.Grant.Role || n.Grant.Rhythm != w.Grant.Rhythm ||
			strings.Join(n.Grant.Sources, " ") != strings.Join(w.Grant.Sources, " ") {
			t.Errorf("listed %+v, want %+v", n, w)
		}
		if i > 0 && list[i-1].Name >= n.Name {
			t.Error("the list is not sorted")
		}
	}
	if len(must[[]intake.Named](t)(other.List())) != 2 {
		t.Error("another process lists tokens in memory")
	}
}

// TestRevokeWrong: what is no token's name is told so and touches nothing.
func TestRevokeWrong(t *testing.T) {
	dir := t.TempDir()
	tokens := must[*intake.Tokens](t)(intake.OpenTokens(dir))
	token := must[string](t)(tokens.Mint(intake.Grant{Role: events.Auditor}))
	name := intake.TokenName(token)
	other := strings.Map(func(r rune) rune { return 'a' + (r+1)%6 }, name)
	for _, wrong := range []string{"", "*", "../tokens", token, strings.ToUpper(name) + "A", name[:8], name[:8] + "********", other} {
		err := tokens.Revoke(wrong)
		if err == nil || errors.Is(err, intake.ErrNoToken) != (wrong == other) {
			t.Errorf("revoking %q: %v", wrong, err)
		}
	}
	if _, ok, _ := tokens.Find(token); !ok {
		t.Error("the token is gone")
	}
	if err := os.WriteFile(filepath.Join(dir, strings.Repeat("0", 64)), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.List(); err == nil || !strings.Contains(err.Error(), "0000000000000000") {
		t.Errorf("a broken file: %v", err)
	}
}

// TestRhythm: a rhythm is a period, and for emitters.
func TestRhythm(t *testing.T) {
	for rhythm, ok := range map[string]bool{"": true, "PT1H": true, "P1D": true, "P1M": true, "hourly": false, "1h": false, "PT0S": false, "P": false, "P1.5D": false} {
		g := intake.Grant{Role: events.Emitter, Organization: "city", Rhythm: rhythm}
		if err := g.Check(); (err == nil) != ok {
			t.Errorf("the rhythm %q: %v", rhythm, err)
		}
	}
	if err := (intake.Grant{Role: events.Registrar, Rhythm: "P1D"}).Check(); err == nil {
		t.Error("a registrar has a rhythm")
	}
}
