// The grammars of single values, as the fields of entries have them.

import { type Bytes, characters } from "./bytes.ts";

export function isReference(s: Bytes): boolean {
  return /^[a-z0-9][a-z0-9._/@-]{0,95}$/.test(s);
}

/** Says whether s can be the path of a field. */
export function isFieldName(s: Bytes): boolean {
  return /^[A-Za-z][A-Za-z0-9.]{0,63}$/.test(s);
}

/** Says whether s is so many bytes in base64url. Bits of the last character that no byte takes are zero. */
export function isBinary(s: Bytes, size: number): boolean {
  if (s.length != Math.ceil(size * 4 / 3) || !/^[A-Za-z0-9_-]*$/.test(s)) return false;
  return size % 3 == 0 || (size % 3 == 1 ? "AQgw" : "AEIMQUYcgkosw048").indexOf(s[s.length - 1]) >= 0;
}

function isDay(year: number, month: number, day: number): boolean {
  const leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

/** A day of the calendar, as 2026-06-24. */
export function isDate(s: Bytes): boolean {
  const m = /^(\d{4})-(\d\d)-(\d\d)$/.exec(s);
  return m !== null && m[1] != "0000" && isDay(+m[1], +m[2], +m[3]);
}

/** An RFC 3339 time, as the ledger accepts one. */
export function isInstant(s: Bytes): boolean {
  const m = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/.exec(s);
  if (m === null || s.length > 35 || !isDay(+m[1], +m[2], +m[3])) return false;
  const [hour, minute, second] = [+m[4], +m[5], +m[6]];
  if (hour > 23 || minute > 59 || second > 59) return false;
  const zoneHour = +(m[9] || 0), zoneMinute = +(m[10] || 0);
  if (zoneHour > 24 || zoneMinute > 60) return false;
  const utc = new Date(0);
  utc.setUTCFullYear(+m[1], +m[2] - 1, +m[3]);
  utc.setUTCMinutes(hour * 60 + minute - (m[8] == "-" ? -1 : 1) * (zoneHour * 60 + zoneMinute));
  return utc.getUTCFullYear() >= 1 && utc.getUTCFullYear() <= 9999;
}

/** A time in UTC in its one form, without zeros at the end of the fraction. */
export function isUTC(s: Bytes): boolean {
  return /^[^.]{19}(\.\d{0,8}[1-9])?Z$/.test(s) && isInstant(s);
}

/** A time with exactly three decimals, as receipts have it. */
export function isReceiptTime(s: Bytes): boolean {
  const m = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/.exec(s);
  return m !== null && isDay(+m[1], +m[2], +m[3]);
}

export function isQuarter(s: Bytes): boolean {
  return /^\d{4}-Q[1-4]$/.test(s);
}

function isPeriod(s: Bytes): boolean {
  return s.length <= 32 && /^P(\d{1,9}Y)?(\d{1,9}M)?(\d{1,9}W)?(\d{1,9}D)?(T(\d{1,9}H)?(\d{1,9}M)?(\d{1,9}S)?)?$/.test(s) &&
    !/[PT]$/.test(s);
}

function isZone(s: Bytes): boolean {
  return s.length <= 64 && s != "Local" && /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z][A-Za-z0-9_+-]*)*$/.test(s);
}

/** The beginning of an address: a name or a number for the host, and perhaps a port. */
const host = "([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?";
const path = "(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*";
const linkForm = new RegExp(`^https://${host}${path}$`);
const addressForm = new RegExp(`^https?://${host}${path}$`);

function isLink(s: Bytes): boolean {
  return s.length <= 512 && linkForm.test(s);
}

/** The address of a ledger, as a card has it: a slash does not end it. */
export function isAddress(s: Bytes): boolean {
  return addressForm.test(s) && s.slice(-1) != "/";
}

/** Text of 1 to so many characters, without control characters and marks that reorder it. */
export function isProse(s: Bytes, most: number, breaks: boolean): boolean {
  const all = characters(s);
  return all !== null && all.length > 0 && all.length <= most && !all.some((c) =>
    (c < 0x20 || c >= 0x7f && c < 0xa0) && !(breaks && (c == 9 || c == 10 || c == 13)) ||
    c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069);
}

const witnessKey = "[A-Za-z0-9][A-Za-z0-9._/:@-]{0,95}\\+[0-9a-f]{8}\\+[A-Za-z0-9+/=]+";
const witnessKeyForm = new RegExp(`^${witnessKey}$`);
const reference = "[a-z0-9][a-z0-9._/@-]{0,95}";
const policyLine = new RegExp(`^(witness ${reference} (${witnessKey})|group ${reference} [0-9]{1,2}( ${reference})+)$`);
const quorumLine = new RegExp(`^quorum ${reference}$`);

function isWitnessKey(s: Bytes): boolean {
  return s.length <= 4096 && witnessKeyForm.test(s);
}

/** The lines of a policy in its one form: witnesses, groups and last the quorum. */
function isPolicy(s: Bytes): boolean {
  if (s.length > 8192 || s.slice(-1) != "\n") return false;
  const list = s.slice(0, -1).split("\n"), last = list.pop()!;
  return quorumLine.test(last) && list.every((line) => {
    const m = policyLine.exec(line);
    return m !== null && (m[2] === undefined || m[2].length <= 4096);
  });
}

/** The grammars of texts, by the letters that the table of kinds has for them. */
export const grammars: { [letter: string]: (s: Bytes) => boolean } = {
  r: isReference,
  d: isDate,
  p: isPeriod,
  l: isLink,
  x: (s) => /^-?\d{1,3}(\.\d{1,15})?$/.test(s),
  h: (s) => /^[0-9a-f]{64}$/.test(s),
  z: isZone,
  t: (s) => isProse(s, 2000, true),
  i: (s) => isProse(s, 512, false),
  e: (s) => isBinary(s, 16),
  q: isQuarter,
  m: (s) => isDate(s + "-01") && s.length == 7,
  k: (s) => isBinary(s, 32),
  w: isWitnessKey,
  o: isPolicy,
};
