package proof

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// SpotSeed is what a sample is drawn from: SHA-256("daybook/spot@1\n" ‖ the text of a
// checkpoint). Its signatures are not in it: whoever passes a note on may add and
// drop lines, and who holds the key can sign one text in many ways.
func SpotSeed(c Checkpoint) [32]byte {
	return sha256.Sum256([]byte("daybook/spot@1\n" + c.Text()))
}

// Sample draws m different numbers below n, all of them when there are not more, in
// the order they are drawn. Number i, from 0, is the first 64 bits of
// SHA-256(seed ‖ u64 i), big-endian; it is dropped if it is not below the largest
// multiple of n that 64 bits hold, and is else taken modulo n, and dropped when it
// was drawn before.
func Sample(seed [32]byte, n uint64, m int) []uint64 {
	if n == 0 || m <= 0 {
		return nil
	}
	m = int(min(uint64(m), n))
	out, drawn := make([]uint64, 0, m), make(map[uint64]bool, m)
	limit := math.MaxUint64 - (math.MaxUint64%n+1)%n // the last number below that multiple
	for i := uint64(0); len(out) < m; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(seed[:], i))
		x := binary.BigEndian.Uint64(sum[:])
		if x > limit || drawn[x%n] {
			continue
		}
		drawn[x%n] = true
		out = append(out, x%n)
	}
	return out
}

// Detection is how likely a sample of m finds at least one of the entries that
// cannot be opened, if they are this fraction of all: 1 - (1-fraction)^m. Of a
// sample from few entries it is higher.
func Detection(fraction float64, m int) float64 {
	return -math.Expm1(float64(m) * math.Log1p(-fraction))
}
