// What the ledger itself says around a trail: what its register calls things, and how
// much there is that no trail can show. None of it is proved.

import { day } from "../page/plain.ts";
import { type Titles, count, number, rows, sentence } from "../page/words.ts";
import { json, prose } from "./ask.ts";

type Entry = Record<string, unknown>;

const maxNames = 200;

/** names asks the register for the names in some entries, each once. Where it does not answer they stay as they are written. */
export async function names(entries: Entry[]): Promise<Titles> {
  const wanted = new Map<string, [string, string]>(), known = new Map<string, string>();
  const note: Titles = (register, id) => {
    if (id !== "?" && id !== "") wanted.set(register + " " + id, [register, id]);
    return "";
  };
  for (const e of entries) {
    sentence(e, note);
    rows(e, note);
  }
  for (const [key, [register, id]] of [...wanted].slice(0, maxNames)) {
    try {
      const fields = ((await json("/v1/register/" + encodeURIComponent(register) + "/" + encodeURIComponent(id))).fields || {}) as Entry;
      const called = fields.name || fields.title;
      if (typeof called === "string" && prose(called) !== "") known.set(key, prose(called));
    } catch { /* it is not in the register */ }
  }
  return (register, id) => known.get(register + " " + id) || "";
}

/** listed is a list in an answer, of objects alone. */
function listed(v: unknown): Entry[] {
  return Array.isArray(v) ? v.filter((x): x is Entry => typeof x === "object" && x !== null) : [];
}

/** whole is a count in an answer. Anything else is no answer. */
function whole(v: unknown): number {
  if (typeof v !== "number" || !Number.isSafeInteger(v) || v < 0) throw new Error("that is no count");
  return v;
}

/** unnamedIn says how much of what a source recorded names nobody. */
function unnamedIn(s: Entry): string {
  const n = whole(s.events), since = String(s.since || "");
  if (since !== "" && !/^\d{4}-\d{2}-\d{2}$/.test(since)) throw new Error("that is no day");
  return number(whole(s.unnamed)) + " of " + number(n) + (n === 1 ? " use" : " uses") + " of data, " +
    (since === "" ? "since the first of them; it was never announced" : "since " + day(since));
}

/** doubts are what the ledger counts and a trail does not show. */
export async function doubts(entries: Entry[]): Promise<string[]> {
  const out: string[] = [], whose = " (the ledger’s own count).";
  try {
    const standing = listed((await json("/v1/seals")).real).reduce((n, x) => n + whole(x.standing), 0);
    out.push("What seals hide that stand: " + count(standing, "seal") + ", over whomever" + whose);
  } catch {
    out.push("What seals hide that stand: the ledger does not say how many there are.");
  }
  try {
    const got = await json("/v1/coverage"), mine = new Set(entries.map((e) => e.organization + " " + e.source));
    const sources = listed([got.real, got.example]).flatMap((part) => listed(part.sources));
    out.push(...sources.filter((s) => mine.has(s.organization + " " + s.source)) // which is as in her entries
      .map((s) => "What " + s.source + " recorded without naming anybody: " + unnamedIn(s) + whose));
  } catch {
    out.push("What was recorded without naming anybody: the ledger does not say how much that is.");
  }
  return out;
}
