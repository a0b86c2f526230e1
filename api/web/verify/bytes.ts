// Bytes, their spellings and the reasons why something is refused. Everything is
// read as a string with one character for each byte, U+0000 to U+00FF: such strings
// are compared, cut and searched as bytes are, and nothing depends on what an
// engine makes of text.

export type Bytes = string;

/** Why something does not hold. Unchecked says that it could not be checked; lacking, whose cosignatures alone are missing. */
export class Refusal {
  constructor(readonly why: string, readonly unchecked = false, readonly lacking: string[] = []) {}
}

export function refuse(why: string): never {
  throw new Refusal(why);
}

/** Ends the verification because something is missing that it needs. */
export function cannot(why: string): never {
  throw new Refusal(why, true);
}

export function need(holds: boolean, why: string): void {
  if (!holds) refuse(why);
}

export function fromArray(a: Uint8Array): Bytes {
  let out = "";
  for (let i = 0; i < a.length; i += 4096) {
    out += String.fromCharCode.apply(null, a.subarray(i, i + 4096) as unknown as number[]);
  }
  return out;
}

export function toArray(b: Bytes): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(b.length);
  for (let i = 0; i < b.length; i++) out[i] = b.charCodeAt(i);
  return out;
}

/** The number n in so many bytes, big-endian. */
export function integer(n: number, width: number): Bytes {
  let out = "";
  for (; width > 0; width--) {
    out = String.fromCharCode(n % 256) + out;
    n = Math.floor(n / 256);
  }
  return out;
}

/** The number that b is, its first byte the lowest. */
export function littleEndian(b: Bytes): bigint {
  let out = 0n;
  for (let i = b.length; i-- > 0;) out = out << 8n | BigInt(b.charCodeAt(i));
  return out;
}

export function hex(b: Bytes): string {
  let out = "";
  for (let i = 0; i < b.length; i++) out += (b.charCodeAt(i) + 256).toString(16).slice(1);
  return out;
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const standard = letters + "+/";
const forURLs = letters + "-_";

function encode(b: Bytes, alphabet: string, pad: string): string {
  let out = "";
  for (let i = 0; i < b.length; i += 3) {
    const n = b.length - i;
    const word = b.charCodeAt(i) << 16 | (n > 1 ? b.charCodeAt(i + 1) << 8 : 0) | (n > 2 ? b.charCodeAt(i + 2) : 0);
    out += alphabet[word >> 18] + alphabet[word >> 12 & 63] +
      (n > 1 ? alphabet[word >> 6 & 63] : pad) + (n > 2 ? alphabet[word & 63] : pad);
  }
  return out;
}

function sextets(alphabet: string): number[] {
  const out: number[] = [];
  for (let i = 0; i < 64; i++) out[alphabet.charCodeAt(i)] = i;
  return out;
}

const ofStandard = sextets(standard), ofURLs = sextets(forURLs);

/** The bytes that s spells without padding, or null. Spare bits are zero. */
function decode(s: Bytes, values: number[]): Bytes | null {
  if (s.length % 4 == 1) return null;
  const out = new Uint8Array(s.length * 3 >> 2);
  let n = 0, word = 0, bits = 0;
  for (let i = 0; i < s.length; i++) {
    const v = values[s.charCodeAt(i)];
    if (v === undefined) return null;
    word = (word << 6 | v) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[n++] = word >> bits;
    }
  }
  return (word & (1 << bits) - 1) == 0 ? fromArray(out) : null;
}

/** RFC 4648 section 4, padded; null for all but the one spelling there is. */
export function fromBase64(s: Bytes): Bytes | null {
  if (s.length % 4 != 0) return null;
  const bare = s.slice(-2) == "==" ? s.slice(0, -2) : s.slice(-1) == "=" ? s.slice(0, -1) : s;
  return decode(bare, ofStandard);
}

/** RFC 4648 section 5 without padding; null for all but the one spelling there is. */
export function fromBase64url(s: Bytes): Bytes | null {
  return decode(s, ofURLs);
}

export function base64(b: Bytes): string {
  return encode(b, standard, "=");
}

export function base64url(b: Bytes): string {
  return encode(b, forURLs, "");
}

/** The 32 bytes of a hash. */
export function readHash(s: Bytes, decoder = fromBase64): Bytes {
  const b = decoder(s);
  if (b === null || b.length != 32) refuse(`"${shown(s)}" is not the base64 of a SHA-256 hash`);
  return b;
}

/** The characters of UTF-8, or null for what is none. */
export function characters(b: Bytes): number[] | null {
  const out: number[] = [];
  for (let i = 0; i < b.length;) {
    const first = b.charCodeAt(i++);
    if (first < 0x80) {
      out.push(first);
      continue;
    }
    const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4) return null;
    let c = first & 0x3f >> more;
    for (let n = 0; n < more; n++, i++) {
      if (i == b.length || (b.charCodeAt(i) & 0xc0) != 0x80) return null;
      c = c << 6 | b.charCodeAt(i) & 0x3f;
    }
    if (c < [0x80, 0x800, 0x10000][more - 1] || c > 0x10ffff || c >= 0xd800 && c < 0xe000) return null;
    out.push(c);
  }
  return out;
}

export function isUTF8(b: Bytes): boolean {
  return !/[\x80-\xff]/.test(b) || characters(b) !== null;
}

/** The text that b is the UTF-8 of, to be shown. What is none is shown byte by byte. */
export function text(b: Bytes): string {
  if (!/[\x80-\xff]/.test(b)) return b;
  const all = characters(b);
  if (all === null) return b;
  let out = "";
  for (const c of all) out += c < 0x10000 ? String.fromCharCode(c) : String.fromCharCode(0xd7c0 + (c >> 10), 0xdc00 | c & 0x3ff);
  return out;
}

/** The UTF-8 of what somebody typed or pasted. */
export function utf8(s: string): Bytes {
  let out = "";
  for (let i = 0; i < s.length; i++) {
    let c = s.charCodeAt(i);
    const low = s.charCodeAt(i + 1);
    if ((c & 0xfc00) == 0xd800 && (low & 0xfc00) == 0xdc00) {
      c = 0x10000 + ((c & 0x3ff) << 10 | low & 0x3ff);
      i++;
    }
    const more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    out += String.fromCharCode(more == 0 ? c : 0xff00 >> more + 1 & 0xff | c >> 6 * more);
    for (let n = more - 1; n >= 0; n--) out += String.fromCharCode(0x80 | c >> 6 * n & 0x3f);
  }
  return out;
}

/** What is shown of text that somebody else wrote, without what would put other text in another order. */
export function shown(b: Bytes): string {
  let most = 60;
  while (most > 56 && (b.charCodeAt(most) & 0xc0) == 0x80) most--; // within a character
  return text(b.slice(0, most)).replace(/[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, "?");
}

/** What stands between blanks and breaks. A name can begin with what String.trim takes away. */
export function bare(s: string): string {
  const blank = (i: number) => " \t\r\n".indexOf(s.charAt(i)) >= 0;
  let from = 0, to = s.length;
  while (from < to && blank(from)) from++;
  while (to > from && blank(to - 1)) to--;
  return s.slice(from, to);
}

/** The lines of text that ends in a newline. */
export function lines(b: Bytes): Bytes[] {
  need(b.slice(-1) == "\n", "the last line does not end in a newline");
  return b.slice(0, -1).split("\n");
}

/** What stands before and behind the first mark; null when it is not there. */
export function cut(b: Bytes, mark: Bytes): [Bytes, Bytes] | null {
  const at = b.indexOf(mark);
  return at < 0 ? null : [b.slice(0, at), b.slice(at + mark.length)];
}

/** What stands behind the beginning of a line, which must be there. */
export function after(line: Bytes | undefined, beginning: Bytes): Bytes {
  if (line === undefined || !line.startsWith(beginning)) refuse(`something else stands where "${beginning.trim()}" is expected`);
  return line.slice(beginning.length);
}

/** The largest log there can be: numbers are exact up to here. */
export const largest = 9007199254740992;

/** A number in its shortest decimal form, up to largest. */
export function readNumber(s: Bytes): number {
  need(/^(0|[1-9][0-9]{0,15})$/.test(s), `"${shown(s)}" is not a decimal number in its one form`);
  need(s.length < 16 || s <= "9007199254740992", `${s} is above ${largest}`);
  return Number(s);
}

/** A position, which is below largest. */
export function readPosition(s: Bytes): number {
  const n = readNumber(s);
  need(n < largest, `${s} is above ${largest - 1}`);
  return n;
}

/** A number for people: 12,345. */
export function grouped(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function counted(n: number, one: string, many: string): string {
  return n == 1 ? "1 " + one : grouped(n) + " " + many;
}

/** A moment in UTC by its second after 1970, as far as a calendar goes. */
export function moment(seconds: number): string {
  return seconds < 253402300800 ? new Date(seconds * 1000).toISOString().replace(".000", "") : `second ${seconds} of the clock`;
}
