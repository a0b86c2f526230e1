// What an entry says, in the words of the other pages. The words themselves are in
// words.json, which a test compares with theirs, as it compares what is made of them.

import table from "./words.json";
import { bucket, capital, clip, count, date, day, indefinite, moment, month, number, period, said, several, small, term } from "./plain.ts";

/** Titles is what a register calls what it has under a reference, "" when that is not known. */
export type Titles = (register: string, reference: string) => string;

/** Row is a field with its values; code is how a value is written, where its words differ. */
export type Row = { label: string; values: { text: string; code: string }[] };

type Entry = Record<string, unknown>;
type Kind = {
  title: string; sayings: string[] | null; object?: string; coarse?: boolean; seals?: boolean;
  fields?: Record<string, string>; labels?: Record<string, string>;
};

const unknown = "?";
const none: Kind = { title: "", sayings: null };

function kindOf(e: Entry): Kind {
  const name = text(e, "kind");
  return Object.prototype.hasOwnProperty.call(table.kinds, name) ? (table.kinds as Record<string, Kind>)[name] : none;
}

function at(e: unknown, path: string): unknown {
  let v: unknown = e;
  for (const name of path.split(".")) {
    if (typeof v !== "object" || v === null || Array.isArray(v) || !Object.prototype.hasOwnProperty.call(v, name)) return undefined;
    v = (v as Entry)[name];
  }
  return v;
}

function text(e: Entry, path: string): string {
  const v = at(e, path);
  return typeof v === "string" ? v : "";
}

function texts(e: Entry, path: string): string[] {
  const v = at(e, path);
  return Array.isArray(v) ? v.filter((x): x is string => typeof x === "string") : [];
}

function figure(e: Entry, path: string): number {
  const v = at(e, path);
  return typeof v === "number" ? v : 0;
}

/** title is what a kind of event is called; its name when it has no other. */
export function title(e: Entry): string {
  return kindOf(e).title || text(e, "kind");
}

function way(k: Kind, path: string): string {
  return said(k.fields || {}, path) || said(table.fields, path);
}

function label(k: Kind, path: string): string {
  return said(k.labels || {}, path) || said(table.labels, path) || term(path.replace(/\./g, "-"));
}

/** inWords is a value that is no reference. */
function inWords(how: string, raw: string): string {
  switch (how) {
    case "kind": return said(table.kinds, raw) ? (table.kinds as Record<string, Kind>)[raw].title : raw;
    case "mode": return said(table.modes, raw);
    case "group": return said(table.groups, raw);
    case "lifted": return said(table.lifted, raw);
    case "request": return said(table.requests, raw);
    case "term": return term(raw);
    case "bucket": return said(table.buckets, raw) || raw;
    case "period": return period(raw);
    case "moment": return moment(raw);
    case "day": return day(raw);
    case "month": return month(raw);
  }
  return raw;
}

/** rows are the public fields, but those that the page shows in another place. */
export function rows(e: Entry, titles: Titles): Row[] {
  return below(e, kindOf(e), "", titles);
}

function below(o: Entry, k: Kind, prefix: string, titles: Titles): Row[] {
  const out: Row[] = [];
  for (const name of Object.keys(o)) {
    const path = prefix + name, v = o[name];
    if (path === "$" || path === "_sd" || path === "event" || path === "pairs") continue;
    if (typeof v === "object" && v !== null && !Array.isArray(v)) {
      out.push(...below(v as Entry, k, path + ".", titles));
    } else {
      out.push({ label: label(k, path), values: values(v, way(k, path), titles) });
    }
  }
  return out;
}

function values(v: unknown, how: string, titles: Titles): { text: string; code: string }[] {
  if (Array.isArray(v)) return v.flatMap((item) => values(item, how, titles));
  if (how === "flag") return [{ text: v === true ? "yes" : "no", code: "" }];
  if (typeof v !== "string" || v === "") return [{ text: JSON.stringify(v), code: "" }];
  if (how.startsWith("in ")) {
    const called = v === unknown ? "not in the register" : find(how.slice(3), v, titles);
    return [{ text: called || v, code: called && v !== unknown ? v : "" }];
  }
  if (how === "event") return [{ text: "another entry", code: v }];
  const words = inWords(how, v);
  return [{ text: words, code: words.toLowerCase() === v.toLowerCase() ? "" : v }];
}

/** find is what the register, or of several the first that has it, calls something. */
function find(register: string, id: string, titles: Titles): string {
  const all = register === "*" ? ["organization", "system", "dataset", "activity", "policy", "agreement", "grant"] : [register];
  for (const r of all) {
    const t = titles(r, id);
    if (t) return t;
  }
  return "";
}

/** A piece of a sentence; a name keeps its capitals. */
type Piece = { text: string; name?: boolean };

const plainly = (s: string): Piece[] => (s === "" ? [] : [{ text: s }]);

type Telling = { e: Entry; k: Kind; titles: Titles };

function named(t: Telling, register: string, id: string, own = ""): Piece[] {
  const called = own || (id === "" || id === unknown ? "" : find(register, id, t.titles));
  if (called) return [{ text: called, name: true }];
  return id === unknown ? [{ text: indefinite(said(table.objects, register) || register) + " not in the register" }] : [{ text: id, name: true }];
}

const ownName = (t: Telling): string => text(t.e, "name") || text(t.e, "title");
const object = (t: Telling): Piece[] => named(t, t.k.object || "", text(t.e, t.k.object || "-"), ownName(t));

function theObject(t: Telling): Piece[] {
  if (text(t.e, t.k.object || "-") === unknown && !ownName(t)) return object(t);
  return [{ text: "the " + (said(table.objects, t.k.object || "") || t.k.object) + " " }, ...object(t)];
}

const persons = (n: number): string => (n === 1 ? "one person" : small(n) + " persons");

function aboutWhom(t: Telling): Piece[] {
  const n = texts(t.e, "subjects.tags").length;
  switch (text(t.e, "subjects.mode")) {
    case "several": return plainly(" about " + persons(n));
    case "bulk":
      if (!text(t.e, "subjects.partOf")) return plainly(" about many persons");
      return plainly(" about " + persons(n) + " (part " + number(figure(t.e, "subjects.part")) + " of " + number(figure(t.e, "subjects.parts")) + ")");
  }
  return [];
}

function data(t: Telling): Piece[] {
  if (text(t.e, "subjects.mode") === "single") return plainly("data about one person");
  const dataset = text(t.e, "dataset");
  return [...(dataset ? named(t, "dataset", dataset) : plainly("data")), ...aboutWhom(t)];
}

function theseKeys(t: Telling): Piece[] {
  if (text(t.e, "what") === "person") return plainly("the keys of one person");
  return plainly("the keys to what officers could read of " + (text(t.e, "month") ? month(text(t.e, "month")) : "one month"));
}

function undone(e: Entry): string {
  const v = at(e, "reversible");
  return v === undefined ? "" : v === true ? "this can be undone" : "this cannot be undone";
}

function absent(n: number): string {
  return n === 0 ? "none is missing" : small(n) + (n === 1 ? " is" : " are") + " missing";
}

/** What stands for a name of a saying that is no field, or not as it stands. */
const slots: Record<string, (t: Telling) => Piece[]> = {
  "by": (t) => named(t, "organization", text(t.e, "organization")),
  "it": object,
  "the": theObject,
  "data": data,
  "done": (t) => plainly(said(table.operations, text(t.e, "operation")) || "carried out “" + term(text(t.e, "operation")) + "” on"),
  "ending": (t) => plainly(({ denied: ", but was denied access.", error: ", but it ended with an error." } as Record<string, string>)[text(t.e, "outcome")] || "."),
  "undone": (t) => plainly(undone(t.e)),
  "an assessment": (t) => plainly(indefinite(term(text(t.e, "assessmentKind")) + " assessment")),
  "opened on": (t) => plainly(date(text(t.e, "recordedAt"))),
  "pairs": (t) => plainly(persons(((at(t.e, "pairs") as unknown[]) || []).length)),
  "a reader": (t) => plainly(capital(indefinite(term(text(t.e, "role"))))),
  "search": (t) => plainly(text(t.e, "subjects.mode") === "none" ? "searched the trail of " : ""),
  "records": (t) => plainly(bucket(text(t.e, "count"), "record")),
  "events": (t) => plainly(several(figure(t.e, "count"), "event")),
  "absent": (t) => plainly(absent(figure(t.e, "missing"))),
  "gap": (t) => plainly(capital(several(figure(t.e, "missing"), "event"))),
  "are": (t) => plainly(figure(t.e, "missing") === 1 ? "is" : "are"),
  "unnamed": (t) => plainly(figure(t.e, "unnamed") ? small(figure(t.e, "unnamed")) + " of them without naming" : ""),
  "about whom": aboutWhom,
  "the entry": () => plainly("an entry"),
  "the seal": () => plainly("a seal"),
  "the request": () => plainly("a person’s request"),
  "to have": (t) => plainly(said(table.requests, text(t.e, "request"))),
  "has decided": (t) => plainly(said(table.decisions, text(t.e, "decision"))),
  "for the sake of": (t) => plainly("for the sake of " + said(table.groups, text(t.e, "group"))),
  "how it ended": (t) => plainly(said(table.lifted, text(t.e, "how"))),
  "these keys": theseKeys,
};

function slot(t: Telling, name: string): Piece[] {
  if (Object.prototype.hasOwnProperty.call(slots, name)) return slots[name](t);
  const how = way(t.k, name), one = text(t.e, name);
  return joined((one ? [one] : texts(t.e, name)).map((s) => {
    if (how.startsWith("in ")) return named(t, how.slice(3), s);
    return plainly(how === "prose" ? clip(s) : inWords(how, s));
  }));
}

/** joined lists up to four; of more, three and how many there are besides. */
function joined(list: Piece[][]): Piece[] {
  if (list.length > 4) list = [...list.slice(0, 3), plainly(number(list.length - 3) + " more")];
  return list.flatMap((p, i) => (i === 0 ? p : [{ text: i === list.length - 1 ? " and " : ", " }, ...p]));
}

/** tell fills in a saying; null when something that it needs is missing. */
function tell(t: Telling, saying: string): Piece[] | null {
  const out: Piece[] = [];
  for (const part of saying.match(/\[(?:[^\]])*\]|\{[^}]*\}|[^[{]+/g) || []) {
    if (part[0] === "[") {
      out.push(...(tell(t, part.slice(1, -1)) || []));
      continue;
    }
    const more = part[0] === "{" ? slot(t, part.slice(1, -1)) : plainly(part);
    if (more.length === 0) return null;
    out.push(...more);
  }
  return out;
}

/** oneStop leaves a sentence one full stop where a name brings its own. */
function oneStop(p: Piece[]): Piece[] {
  const last = p.length - 1;
  if (last > 0 && p[last - 1].text.endsWith(".") && p[last].text.startsWith(".")) p[last] = { text: p[last].text.slice(1) };
  return p;
}

/** sentence says in plain words what an entry records, and when it does not say the exact time, on which day. */
export function sentence(e: Entry, titles: Titles): string {
  const t = { e, k: kindOf(e), titles };
  let p: Piece[] = [{ text: title(e) + "." }];
  for (const saying of t.k.sayings || []) {
    const whole = tell(t, saying);
    if (whole) {
      p = oneStop(whole);
      break;
    }
  }
  if (t.k.coarse) {
    const from = text(e, "occurredAt"), until = text(e, "occurredUntil");
    if (!p[0].name) p[0] = { text: p[0].text[0].toLowerCase() + p[0].text.slice(1) };
    let when = (t.k.seals ? "In " : "On ") + day(from) + ", ";
    if (until && until !== from) when = "From " + day(from) + " to " + day(until) + ", ";
    p = [{ text: when }, ...p];
  }
  return p.map((x) => x.text).join("");
}

/** detail is a private field as it is shown: what it is called, and what it says, a line each. */
export function detail(name: string, value: unknown): { label: string; values: string[] } {
  return { label: said(table.details, name) || name, values: lines(name, value) };
}

function lines(name: string, v: unknown): string[] {
  if (Array.isArray(v)) return v.flatMap((item) => lines("", item));
  if (typeof v === "object" && v !== null) return Object.entries(v).map(([k, x]) => k + ": " + lines("", x).join(", "));
  if (typeof v === "string" && v !== "") return [name === "recordedAt" ? moment(v) + " (" + v + ")" : v];
  return [JSON.stringify(v)];
}

/** isExample says that an entry is of the invented organization. */
export function isExample(e: Entry): boolean {
  return /^example\//.test(text(e, "organization") + "/");
}

export { count, number };
