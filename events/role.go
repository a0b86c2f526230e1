package events

// MayRead says whether a token of role r may have opened what an organization
// recorded and sealed: an officer's own organization's, an auditor's likewise, and
// everything for an auditor bound to none, who then names one organization each
// time. Own is the token's organization, "" for none. No other role reads.
func (r Role) MayRead(own, organization string) bool {
	switch r {
	case Officer:
		return own != "" && own == organization
	case Auditor:
		return own == "" || own == organization
	}
	return false
}
