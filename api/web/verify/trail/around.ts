// What the ledger itself says around a trail: what its register calls things, and how
// much there is that no trail can show. None of it is proved.

import { day } from "../page/plain.ts";
import { type Titles, count, number, rows, sentence } from "../page/words.ts";
import { json } from "./ask.ts";

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
      if (typeof called === "string") known.set(key, called);
    } catch { /* it is not in the register */ }
  }
  return (register, id) => known.get(register + " " + id) || "";
}

type Sources = { sources?: { organization: string; source: string; since: string; events: number; unnamed: number }[] };

/** doubts are what the ledger counts and a trail does not show. */
export async function doubts(entries: Entry[]): Promise<string[]> {
  const out: string[] = [], whose = " (the ledger’s own count).";
  try {
    const real = ((await json("/v1/seals")).real || []) as { standing: number }[];
    out.push("What seals hide that stand: " + count(real.reduce((n, x) => n + x.standing, 0), "seal") + ", over whomever" + whose);
  } catch {
    out.push("What seals hide that stand: the ledger does not say how many there are.");
  }
  try {
    const got = await json("/v1/coverage"), mine = new Set(entries.map((e) => e.organization + " " + e.source));
    for (const part of [got.real, got.example] as Sources[]) {
      for (const s of part?.sources || []) {
        if (!mine.has(s.organization + " " + s.source)) continue;
        const since = s.since === "" ? "since the first of them; it was never announced" : "since " + day(s.since);
        out.push("What " + s.source + " recorded without naming anybody: " + number(s.unnamed) + " of " + number(s.events) +
          (s.events === 1 ? " use" : " uses") + " of data, " + since + whose);
      }
    }
  } catch {
    out.push("What was recorded without naming anybody: the ledger does not say how much that is.");
  }
  return out;
}
