package locallog

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/google/trillian"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// leafHeader is the part of a stored leaf before its identity.
const leafHeader = 8 + 8 + hashSize + 1

// appendLeaf appends the stored form of a leaf queued at that time and not
// yet integrated. positional says that its identity is its position's.
func appendLeaf(b []byte, leaf *trillian.LogLeaf, positional bool, queued time.Time) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(queued.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, 0)
	b = append(b, leaf.MerkleLeafHash...)
	if positional {
		b = append(b, 0)
	} else {
		b = append(b, hashSize)
		b = append(b, leaf.LeafIdentityHash...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(leaf.LeafValue)))
	b = append(b, leaf.LeafValue...)
	return append(b, leaf.ExtraData...)
}

func hasPositionIdentity(leaf *trillian.LogLeaf) bool {
	identity := positionIdentity(uint64(leaf.LeafIndex))
	return bytes.Equal(identity[:], leaf.LeafIdentityHash)
}

// parseLeaf reads what appendLeaf wrote. The leaf shares b's memory.
func parseLeaf(b []byte, index uint64) (*trillian.LogLeaf, error) {
	if len(b) < leafHeader {
		return nil, damagedLeaf(index)
	}
	var parts struct { // one allocation instead of four
		leaf               trillian.LogLeaf
		queued, integrated timestamppb.Timestamp
		identity           [hashSize]byte
	}
	setTimestamp(&parts.queued, b)
	setTimestamp(&parts.integrated, b[8:])
	leaf := &parts.leaf
	leaf.LeafIndex = int64(index)
	leaf.QueueTimestamp, leaf.IntegrateTimestamp = &parts.queued, &parts.integrated
	leaf.MerkleLeafHash = b[16 : 16+hashSize : 16+hashSize]
	n, rest := int(b[leafHeader-1]), b[leafHeader:]
	if (n != 0 && n != hashSize) || len(rest) < n+4 {
		return nil, damagedLeaf(index)
	}
	if n == 0 {
		parts.identity = positionIdentity(index)
		leaf.LeafIdentityHash = parts.identity[:]
	} else {
		leaf.LeafIdentityHash = rest[:n:n]
	}
	m, rest := uint64(binary.BigEndian.Uint32(rest[n:])), rest[n+4:]
	if m > uint64(len(rest)) {
		return nil, damagedLeaf(index)
	}
	leaf.LeafValue, leaf.ExtraData = rest[:m:m], rest[m:]
	return leaf, nil
}

func damagedLeaf(index uint64) error {
	return status.Errorf(codes.DataLoss, "the stored leaf %d is damaged", index)
}

func setTimestamp(to *timestamppb.Timestamp, b []byte) {
	t := time.Unix(0, int64(binary.BigEndian.Uint64(b)))
	to.Seconds, to.Nanos = t.Unix(), int32(t.Nanosecond())
}

// sameLeaf reports whether both leaves are the same entry; when it was queued
// and integrated does not matter.
func sameLeaf(a, b *trillian.LogLeaf) bool {
	return bytes.Equal(a.LeafValue, b.LeafValue) &&
		bytes.Equal(a.MerkleLeafHash, b.MerkleLeafHash) &&
		bytes.Equal(a.LeafIdentityHash, b.LeafIdentityHash) &&
		bytes.Equal(a.ExtraData, b.ExtraData)
}
