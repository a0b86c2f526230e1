package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/daybook-ledger/daybook/events/stream/clustertest"
)

// identityOf is one NATS identity of decentralized sign-in: an Ed25519 key whose
// public form begins with a letter for what it is.
type identityOf struct {
	kind    byte // 'O', 'A' or 'U'
	private ed25519.PrivateKey
}

func newIdentity(kind byte, words string) identityOf {
	seed := sha256.Sum256([]byte("public test data, protects nothing: " + words))
	return identityOf{kind, ed25519.NewKeyFromSeed(seed[:])}
}

// prefix is the letter as the five bits that base32 turns into it.
func (i identityOf) prefix() byte { return (i.kind - 'A') << 3 }

func (i identityOf) public() string {
	return checked(append([]byte{i.prefix()}, i.private.Public().(ed25519.PublicKey)...))
}

// seed is 'S', then what it is, then the secret.
func (i identityOf) seed() string {
	s := byte('S'-'A') << 3
	return checked(append([]byte{s | i.prefix()>>5, i.prefix() << 3}, i.private.Seed()...))
}

// checked appends the CRC-16 and encodes.
func checked(b []byte) string {
	var crc uint16
	for _, x := range b {
		crc ^= uint16(x) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(binary.LittleEndian.AppendUint16(b, crc))
}

// vouch signs what is true of another identity.
func (i identityOf) vouch(t *testing.T, of identityOf, claims map[string]any) string {
	t.Helper()
	claims["version"] = 2
	b, err := json.Marshal(map[string]any{"jti": of.public(), "iat": 1700000000, "iss": i.public(), "name": "a test", "sub": of.public(), "nats": claims})
	if err != nil {
		t.Fatal(err)
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"ed25519-nkey"}`)) + "." + base64.RawURLEncoding.EncodeToString(b)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(i.private, []byte(signed)))
}

// A server that lets in who shows a credentials file.
func TestHistoryCredentials(t *testing.T) {
	operator, account, user := newIdentity('O', "operator"), newIdentity('A', "account"), newIdentity('U', "user")
	system := newIdentity('A', "system")
	limits := map[string]any{
		"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
		"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
	}
	cluster := startCluster(t, clustertest.Config{Servers: 1, Options: fmt.Sprintf("operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: { %s: %s, %s: %s }",
		operator.vouch(t, operator, map[string]any{"type": "operator"}), system.public(),
		system.public(), operator.vouch(t, system, map[string]any{"type": "account"}),
		account.public(), operator.vouch(t, account, map[string]any{"type": "account", "limits": limits}))})
	creds := filepath.Join(t.TempDir(), "daybook.creds")
	content := fmt.Sprintf("-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n",
		account.vouch(t, user, map[string]any{"type": "user", "subs": -1, "data": -1, "payload": -1, "pub": map[string]any{}, "sub": map[string]any{}}), user.seed())
	if err := os.WriteFile(creds, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newCrash(t)
	c.start("--history", cluster.URL(), "--history-replicas", "1", "--history-creds", creds)
	c.again([]string{invented(rand.New(rand.NewPCG(5, 6)), true, "a")})
	c.check()
	c.stop(syscall.SIGTERM)
	out, code := doctor(t, "--history", cluster.URL(), "--history-replicas", "1")
	wants(t, out, code, exitUnchecked, "Authorization Violation")
	out, code = doctor(t, "--history", cluster.URL(), "--history-creds", creds, "--history-user", "somebody")
	wants(t, out, code, exitUnchecked, "not both")
}
