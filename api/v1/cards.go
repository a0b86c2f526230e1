package v1

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// CardDesk gives away trail cards. A refusal is a *events.Problem or ErrMayNotRead.
type CardDesk interface {
	// IssueCard is the card of a person, once the ledger says that it was given away.
	IssueCard(ctx context.Context, by Officer, person events.Person) (Issued, error)
	// RotateTrail is a card that takes the place of a lost one.
	RotateTrail(ctx context.Context, by Officer, person events.Person) (Issued, error)
}

// Issued is a card, and where the ledger says that it was given away.
type Issued struct {
	Position events.Index  // of the trail.issued
	Rotated  *events.Index // of the trail.rotated; nil when no card was replaced
	Card     proof.Card
}

// CardOrder is which card an officer asks for.
type CardOrder struct {
	Person  events.Person
	Replace bool   // the one before was lost
	URL     string // where the ledger answers, as the card is to say it
}

// Card gives an officer a card. The officer has identified the person.
func (o *Office) Card(ctx context.Context, who Officer, order CardOrder) (Issued, error) {
	if err := onlyOfficers(who); err != nil {
		return Issued{}, err
	}
	address, err := cardURL(order.URL)
	if err != nil {
		return Issued{}, err
	}
	say := o.Cards.IssueCard
	if order.Replace {
		say = o.Cards.RotateTrail
	}
	out, err := say(ctx, who, order.Person)
	if err != nil {
		return Issued{}, speakerProblem(err)
	}
	out.Card.URL = address
	return out, o.complete(&out.Card)
}

// complete says on a card which ledger it is of.
func (o *Office) complete(c *proof.Card) error {
	e, err := o.Shown.Opened()
	if err != nil {
		return err
	}
	if c.Policy, err = o.Shown.Policy(); err != nil {
		return err
	}
	c.Log, c.Index = e.Text("keys.log"), e.Text("keys.index")
	vrf, err := base64.RawURLEncoding.DecodeString(e.Text("vrf"))
	if err == nil && len(vrf) != len(c.VRF) {
		err = fmt.Errorf("it has %d bytes", len(vrf))
	}
	if err != nil {
		return fmt.Errorf("reading the ledger's VRF key: %w", err)
	}
	copy(c.VRF[:], vrf)
	if _, err := proof.ParseCard(c.Text()); err != nil {
		return fmt.Errorf("composing a card: %w", err)
	}
	return nil
}

// cardURL is the address of a ledger as a card has it.
func cardURL(s string) (string, error) {
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	if !events.IsAddress(s) || len(s) > 256 {
		return "", &events.Problem{Status: 422, Code: "malformed", Pointer: "/url", Detail: "must be the address of this ledger, as https://ledger.example.org"}
	}
	return s, nil
}

// Address is where r found this ledger, as far as this server can tell.
func (o *Office) Address(r *http.Request) string {
	if o.Secure != nil && o.Secure(r) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
