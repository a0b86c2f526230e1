package events

import "strconv"

// Append writes v in the canonical form of RFC 8785: no space, members sorted,
// the shortest escapes. Names are ASCII, so byte order is the order the RFC
// asks for. A null or a fractional number writes nothing a parser accepts;
// neither ever reaches an entry.
func (v Value) Append(dst []byte) []byte {
	switch v.shape {
	case shapeString:
		return appendString(dst, v.text)
	case shapeInteger:
		return strconv.AppendInt(dst, v.num, 10)
	case shapeBoolean:
		return strconv.AppendBool(dst, v.num == 1)
	case shapeList:
		dst = append(dst, '[')
		for i, item := range v.Items() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.Append(dst)
		}
		return append(dst, ']')
	case shapeObject:
		return v.Object().Append(dst)
	case shapeNumber:
		return append(dst, v.text...)
	}
	return append(dst, "null"...)
}

// Append writes o in the canonical form.
func (o Object) Append(dst []byte) []byte {
	dst = append(dst, '{')
	for i, m := range o {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, m.Name)
		dst = append(dst, ':')
		dst = m.Value.Append(dst)
	}
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	plain := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[plain:i]...)
		dst = appendEscape(dst, c)
		plain = i + 1
	}
	dst = append(dst, s[plain:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
