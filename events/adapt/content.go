package adapt

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// contentID is the id of the nth event of a row whose source gives it none:
// 16 bytes of the hash of its content, so that identical rows are the same
// event. It must never change, or an import done again would double.
func contentID(row any, n int) string {
	sum := sha256.Sum256(appendContent(make([]byte, 0, 4096), row))
	id := hex.EncodeToString(sum[:16])
	if n > 0 {
		id += "/" + strconv.Itoa(n)
	}
	return id
}

// appendContent writes v so that no two values are written alike: members by
// name, texts behind their length, numbers as given.
func appendContent(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, 'n')
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return appendText(append(dst, 's'), v)
	case json.Number:
		return appendText(append(dst, 'd'), v.String())
	case []any:
		dst = append(strconv.AppendInt(append(dst, 'l'), int64(len(v)), 10), ':')
		for _, item := range v {
			dst = appendContent(dst, item)
		}
		return dst
	case map[string]any:
		dst = append(strconv.AppendInt(append(dst, 'o'), int64(len(v)), 10), ':')
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			dst = appendContent(appendText(dst, name), v[name])
		}
		return dst
	}
	return appendText(append(dst, 'd'), fmt.Sprint(v))
}

func appendText(dst []byte, s string) []byte {
	dst = append(strconv.AppendInt(dst, int64(len(s)), 10), ':')
	return append(dst, s...)
}
