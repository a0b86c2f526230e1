// JSON in its canonical form, and no other: RFC 8785 restricted to what the ledger
// writes. What is read has no space, its members are sorted and stand once, and each
// string has the shortest escapes, so writing it again gives the same bytes.

import { type Bytes, isUTF8, need, refuse, text } from "./bytes.ts";

/** A number that is no integer below 2^53: read, and nowhere accepted as one. */
export class Digits {
  constructor(readonly digits: Bytes) {}
}

export type Value = null | boolean | number | Bytes | Digits | Value[] | Members;
export type Members = Map<Bytes, Value>;

export const isText = (v: Value | undefined): v is Bytes => typeof v == "string";
export const isInteger = (v: Value | undefined): v is number => typeof v == "number";
export const isMembers = (v: Value | undefined): v is Members => v instanceof Map;

/** The string that v is, or "". */
export function textOf(v: Value | undefined): Bytes {
  return isText(v) ? v : "";
}

/** The list that v is, or an empty one. */
export function itemsOf(v: Value | undefined): Value[] {
  return Array.isArray(v) ? v : [];
}

/** The value at a dotted path. */
export function at(v: Value, path: string): Value | undefined {
  let here: Value | undefined = v;
  for (const name of path.split(".")) here = isMembers(here) ? here.get(name) : undefined;
  return here;
}

const mostDeep = 16;
const mostMembers = 256;

/** Reads one JSON text, which must be in its canonical form. */
export function parse(b: Bytes): Value {
  const r = new Reader(b);
  const v = r.value(0);
  need(r.at == b.length, "something follows the JSON value");
  return v;
}

class Reader {
  at = 0;
  constructor(readonly b: Bytes) {}

  fail(why: string): never {
    refuse(`JSON at byte ${this.at}: ${why}`);
  }

  take(c: string): boolean {
    if (this.b[this.at] != c) return false;
    this.at++;
    return true;
  }

  value(depth: number): Value {
    if (depth > mostDeep) this.fail(`nested deeper than ${mostDeep}`);
    switch (this.b[this.at]) {
      case "{":
        return this.members(depth);
      case "[":
        return this.list(depth);
      case '"':
        return this.string();
      case "t":
        return this.literal("true", true);
      case "f":
        return this.literal("false", false);
      case "n":
        return this.literal("null", null);
    }
    return this.number();
  }

  literal(word: string, v: Value): Value {
    if (this.b.substr(this.at, word.length) != word) this.fail("not a value");
    this.at += word.length;
    return v;
  }

  members(depth: number): Value {
    this.at++;
    const out: Members = new Map();
    if (this.take("}")) return out;
    let last: Bytes | null = null;
    do {
      if (this.b[this.at] != '"') this.fail("a member name is missing");
      const name = this.string();
      if (last !== null && name <= last) this.fail("the members are not sorted, or a name stands twice");
      if (out.size == mostMembers) this.fail(`more than ${mostMembers} members`);
      if (!this.take(":")) this.fail("a colon is missing");
      last = name;
      out.set(name, this.value(depth + 1));
    } while (this.take(","));
    if (!this.take("}")) this.fail("a closing brace is missing");
    return out;
  }

  list(depth: number): Value {
    this.at++;
    const out: Value[] = [];
    if (this.take("]")) return out;
    do out.push(this.value(depth + 1));
    while (this.take(","));
    if (!this.take("]")) this.fail("a closing bracket is missing");
    return out;
  }

  number(): Value {
    let end = this.at;
    while (end < this.b.length && "+-.0123456789Ee".indexOf(this.b[end]) >= 0) end++;
    const s = this.b.slice(this.at, end);
    if (!/^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(s)) this.fail("not a value");
    this.at = end;
    const whole = /^-?[0-9]{1,16}$/.test(s) && s != "-0" && s.replace("-", "").padStart(16, "0") < "9007199254740992";
    return whole ? Number(s) : new Digits(s);
  }

  string(): Bytes {
    let out = "", quote = this.at++;
    for (;;) {
      if (quote < this.at) quote = this.b.indexOf('"', this.at);
      if (quote < 0) this.fail("a string does not end");
      const rest = this.b.slice(this.at, quote), escape = rest.indexOf("\\"), part = escape < 0 ? rest : rest.slice(0, escape);
      if (/[\x00-\x1f]/.test(part)) this.fail("a control character stands unescaped");
      out += part;
      this.at += part.length;
      if (escape < 0) break;
      out += this.escape();
    }
    this.at++;
    if (!isUTF8(out)) this.fail("text is not UTF-8");
    return out;
  }

  escape(): string {
    const c = this.b[this.at + 1], i = '"\\bfnrt'.indexOf(c);
    if (i >= 0) {
      this.at += 2;
      return '"\\\b\f\n\r\t'[i];
    }
    const unit = this.b.substr(this.at, 6), code = parseInt(unit.slice(2), 16);
    if (!/^\\u00[01][0-9a-f]$/.test(unit) || "\b\f\n\r\t".indexOf(String.fromCharCode(code)) >= 0) {
      this.fail("an escape that is not the shortest");
    }
    this.at += 6;
    return String.fromCharCode(code);
  }
}

/** A value for programs and people: its strings as text. */
export function plain(v: Value): unknown {
  if (isText(v)) return text(v);
  if (v instanceof Digits) return v.digits;
  if (Array.isArray(v)) return v.map(plain);
  if (!isMembers(v)) return v;
  const out: { [name: string]: unknown } = {};
  v.forEach((value, name) => Object.defineProperty(out, text(name), { value: plain(value), enumerable: true }));
  return out;
}

/** A value in a line: text as it is, everything else as JSON. */
export function inLine(v: Value): string {
  const p = plain(v);
  return (typeof p == "string" ? p : JSON.stringify(p)).replace(/\s+/g, " ");
}
