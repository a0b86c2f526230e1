// Entries, the public part of events, and disclosures, which open their private
// fields. What each kind has is in kinds.ts, which package events generates.

import {
  type Bytes, base64url, fromBase64url, need, refuse, shown, text,
} from "./bytes.ts";
import { grammars, isBinary, isDate, isInstant, isProse, isQuarter, isReference, isUTC, isFieldName } from "./grammar.ts";
import { at, isInteger, isMembers, isText, itemsOf, type Members, parse, textOf, type Value } from "./json.ts";
import { codes, kinds, limits } from "./kinds.ts";
import { sha256 } from "./primitives.ts";

/** The members that every entry said by somebody may have beside those of its kind. */
const envelope = ["$", "_sd", "event", "kind", "occurredAt", "organization", "recordedAt", "source", "unresolved"];

/** The most bytes of an entry that lists no persons. */
const usual = 16384;

export interface Entry {
  bytes: Bytes;
  kind: Bytes;
  members: Members;
}

/** A public field of a kind, as its table has it: see kinds.ts. */
interface Field {
  path: string;
  type: string;
  codes: string[]; // of type c
  list: boolean;
  required: boolean;
  register: boolean; // it may be published as unknown
  single: boolean; // not published when one person alone is concerned
}

interface Kind {
  times: string;
  whole: boolean;
  slots: number;
  fields: Map<string, Field | null>; // null for an object that fields are in
}

const read = new Map<Bytes, Kind>();

/** The table of a kind, or undefined. */
function kindOf(name: Bytes): Kind | undefined {
  const row = Object.prototype.hasOwnProperty.call(kinds, name) ? kinds[name] : undefined;
  if (row === undefined || read.has(name)) return read.get(name);
  const [head, ...columns] = row.split(" "), fields = new Map<string, Field | null>();
  for (const column of columns) {
    const m = /^([^:]+):([a-z])([0-9]*)([!*?-]*)$/.exec(column)!, has = (mark: string) => m[4].indexOf(mark) >= 0;
    for (let dot = m[1].indexOf("."); dot >= 0; dot = m[1].indexOf(".", dot + 1)) fields.set(m[1].slice(0, dot), null);
    fields.set(m[1], {
      path: m[1], type: m[2], codes: m[3] == "" ? [] : codes[+m[3]].split(" "),
      list: has("*"), required: has("!"), register: has("?"), single: has("-"),
    });
  }
  const kind = { times: head[0], whole: head[1] == "w", slots: +head.slice(2), fields };
  read.set(name, kind);
  return kind;
}

export function readEntry(b: Bytes): Entry {
  need(b.length <= limits.listed, "more bytes than any entry has");
  const members = parse(b);
  if (!isMembers(members)) refuse("it is not an object");
  const kind = textOf(members.get("kind"));
  need(members.get("$") === limits.format, `it does not begin with ${limits.format}`);
  need(isBinary(textOf(members.get("event")), 16), "event is not a name of 22 characters");
  const table = kindOf(kind);
  if (kind == "ledger.opened") checkOpened(members);
  else if (kind == "subject.enrolled") checkEnrolled(members);
  else if (table) checkSaid(table, members);
  else refuse(`unknown kind ${shown(kind)}`);
  const most = at(members, "subjects.part") !== undefined || kind == "subject.enrolled" ? limits.listed : usual;
  need(b.length <= most, `the entry has ${b.length} bytes, and ${text(kind)} takes ${most}`);
  return { bytes: b, kind, members };
}

/** Holds that an object has these members and no others. */
function only(v: Value | undefined, names: string): Members {
  if (!isMembers(v) || v.size != names.split(" ").length || Array.from(v.keys()).join(" ") != names) refuse(`its members are not ${names}`);
  return v;
}

function checkOpened(o: Members): void {
  only(o, "$ event formats keys kind origin policy recordedAt vrf");
  const keys = only(o.get("keys"), "index log receipt");
  const formats = itemsOf(o.get("formats"));
  need(formats.length > 0, "it names no formats");
  need(formats.concat(Array.from(keys.values())).every((v) => isProse(textOf(v), 512, false)), "a format or key is not one line");
  need(isProse(textOf(o.get("origin")), 256, false) && isProse(textOf(o.get("policy")), 8192, true) &&
    isBinary(textOf(o.get("vrf")), 32), "origin, policy or vrf is malformed");
  need(isUTC(textOf(o.get("recordedAt"))), "recordedAt is not a UTC time");
}

function checkEnrolled(o: Members): void {
  only(o, "$ event kind pairs recordedAt");
  const pairs = itemsOf(o.get("pairs"));
  need(pairs.length > 0 && pairs.length <= limits.pairs, `there must be 1 to ${limits.pairs} pairs`);
  let last = "";
  for (const pair of pairs) {
    const p = only(pair, "commitment label"), label = textOf(p.get("label"));
    need(isBinary(textOf(p.get("commitment")), 32) && isBinary(label, 64), "a pair is malformed");
    need(label > last, "the pairs are not sorted by label");
    last = label;
  }
  need(isDate(textOf(o.get("recordedAt"))), "recordedAt is not a day");
}

function checkSaid(kind: Kind, o: Members): void {
  need(isReference(textOf(o.get("source"))), "source is malformed");
  need(kind.whole ? !o.has("organization") : isReference(textOf(o.get("organization"))), "organization is malformed");
  checkTimes(kind.times, textOf(o.get("occurredAt")), textOf(o.get("recordedAt")));
  const list = itemsOf(o.get("unresolved"));
  need(!o.has("unresolved") || list.length > 0, "unresolved is not a list of field names");
  list.forEach((name, i) => need(isText(name) && (i == 0 || name > (list[i - 1] as Bytes)), "unresolved is not sorted"));
  const check = { kind, unresolved: new Set(list), single: at(o, "subjects.mode") === "single" };
  let unknown = list.indexOf("organization") >= 0 ? 1 : 0;
  o.forEach((v, name) => {
    if (envelope.indexOf(name) < 0) unknown += checkMember(check, "", name, v);
  });
  need(unknown == list.length, "unresolved names a field that is not there or is known");
  kind.fields.forEach((f) => need(f === null || !f.required || f.single && check.single || at(o, f.path) !== undefined, `${f && f.path} is missing`));
  checkDigests(kind.slots, o);
}

function checkTimes(times: string, occurred: Bytes, recorded: Bytes): void {
  const good = times == "q" ? isQuarter(occurred) && isQuarter(recorded)
    : times == "d" ? isDate(occurred) && isDate(recorded) : isInstant(occurred) && isUTC(recorded);
  need(good, "occurredAt or recordedAt is malformed");
}

interface Check {
  kind: Kind;
  unresolved: Set<Value>;
  single: boolean;
}

/** Holds a member against the table, and says how many references in it are unknown. */
function checkMember(c: Check, before: string, name: Bytes, v: Value): number {
  const path = before + name, f = name.indexOf(".") < 0 ? c.kind.fields.get(path) : undefined;
  let unknown = 0;
  if (f === null) {
    if (!isMembers(v) || v.size == 0) refuse(`${path} is malformed`);
    v.forEach((value, name) => unknown += checkMember(c, path + ".", name, value));
    return unknown;
  }
  if (f === undefined || f.single && c.single) refuse(`${shown(path)} is no public field of it`);
  const items = f.list ? itemsOf(v) : [v];
  need(items.length > 0 && items.length <= limits.list, `${path} is not a list`);
  items.forEach((item, i) => {
    const name = f.list ? `${path}/${i}` : path;
    const missing = f.register && c.unresolved.has(name);
    need(missing ? item === "?" : fits(f, item), `${name} is malformed`);
    if (missing) unknown++;
  });
  return unknown;
}

function fits(f: Field, v: Value): boolean {
  switch (f.type) {
    case "c":
      return isText(v) && f.codes.indexOf(v) >= 0;
    case "n":
      return isInteger(v) && v >= 0;
    case "f":
      return typeof v == "boolean";
    case "s":
      return areSubjects(v);
  }
  return isText(v) && grammars[f.type](v);
}

/** Says whether v is what the public sees of whom an event concerns. */
function areSubjects(v: Value): boolean {
  if (!isMembers(v)) return false;
  const names = Array.from(v.keys()).join(" "), tags = itemsOf(v.get("tags"));
  const part = v.get("part"), parts = v.get("parts");
  const among = (least: number, most: number) => tags.length >= least && tags.length <= most;
  let good = false;
  switch (v.get("mode")) {
    case "none":
    case "unknown":
      good = names == "mode";
      break;
    case "single":
      good = names == "mode tags" && among(1, 1);
      break;
    case "several":
      good = names == "mode tags" && among(2, limits.several);
      break;
    case "bulk":
      good = isInteger(parts) && parts >= 1 && parts <= limits.parts && (names == "mode parts" ||
        names == "mode part partOf parts tags" && isInteger(part) && part >= 1 && part <= parts &&
        isBinary(textOf(v.get("partOf")), 16) && among(1, limits.part));
  }
  return good && ascend(tags, 16);
}

/** Says whether a list has so many bytes in each item, sorted as text. */
function ascend(list: Value[], size: number): boolean {
  return list.every((v, i) => isBinary(textOf(v), size) && (i == 0 || (v as Bytes) > (list[i - 1] as Bytes)));
}

function checkDigests(slots: number, o: Members): void {
  const digests = o.get("_sd"), tags = itemsOf(at(o, "subjects.tags"));
  if (slots == 0) {
    need(digests === undefined, "it has no private fields");
    return;
  }
  need(itemsOf(digests).length == slots + tags.length, `it must have ${slots} digests and one for each tag`);
  need(ascend(itemsOf(digests), 32), "a digest is malformed or out of order");
}

/** A private field that is opened. */
export class Disclosure {
  private hashed = "";

  constructor(readonly name: Bytes, readonly value: Value, private readonly json: Bytes) {}

  /** As the entry has it. It is computed when it is asked for: files can have many that no entry commits to. */
  get digest(): Bytes {
    return this.hashed ||= base64url(sha256(base64url(this.json)));
  }
}

/** Reads the JSON text [salt,name,value] of a disclosure. */
export function readDisclosure(json: Bytes): Disclosure {
  const v = parse(json);
  if (!Array.isArray(v) || v.length != 3 || !isBinary(textOf(v[0]), 16) || !isText(v[1]) || !isFieldName(v[1])) {
    refuse("a disclosure is not [salt,name,value]");
  }
  return new Disclosure(v[1], v[2], json);
}

/** Reads a disclosure as it is passed on, in base64url. */
export function readEncodedDisclosure(s: Bytes): Disclosure {
  const json = fromBase64url(s);
  if (json === null) refuse("a disclosure is not base64url");
  return readDisclosure(json);
}

/** The tags of an entry, 16 bytes each. */
export function tagsOf(e: Entry): Bytes[] {
  return textsAt(e, "subjects.tags").map((s) => fromBase64url(s)!);
}

export function textAt(e: Entry, path: string): Bytes {
  return textOf(at(e.members, path));
}

export function textsAt(e: Entry, path: string): Bytes[] {
  return itemsOf(at(e.members, path)).map(textOf);
}

/** The labels and commitments that an entry enrols. */
export function pairsOf(e: Entry): { label: Bytes; commitment: Bytes }[] {
  return itemsOf(e.members.get("pairs")).map((p) => ({
    label: fromBase64url(textOf(at(p, "label")))!,
    commitment: fromBase64url(textOf(at(p, "commitment")))!,
  }));
}
