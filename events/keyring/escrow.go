package keyring

const (
	escrowNote = "escrow"
	escrowLock = "escrow.lock"
)
