// The requests that a trail needs. None of them has the card, or a key of it: what the
// ledger learns is how tags begin, which files are read, and from the tickets which
// entries are of one person. What answers is not trusted to end: no answer may be longer
// than its kind can be, or stand still for long.

import { type Bytes, base64url, fromArray, fromBase64url, need, text, utf8 } from "../bytes.ts";

/** Read reads one file of a log. */
export type Read = (path: string) => Promise<Bytes>;

/** Refused is an answer that is none. */
export class Refused extends Error {
  constructor(readonly status: number, said: string) {
    super(said);
  }
}

/** An answer of the index, none of it verified: a proof, and where what it shows stands, by label. */
export type IndexAnswer = { proof: Bytes; positions: Map<Bytes, number> };

/** What an entry has sealed for one person, and of a part, what its head has. */
export type Slot = { position: number; box: Bytes; head: { position: number; boxes: Bytes[] } | null };

const options: RequestInit = { credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer", redirect: "error" };

const patience = 30_000; // milliseconds without a byte

/** The most bytes that an answer has, by what it is. */
const most = { checkpoint: 64 << 10, tile: 256 * 32, entries: 256 * 65537, json: 32 << 20, problem: 64 << 10 };

/** answer asks, and reads no more than a limit. */
async function answer(path: string, init: RequestInit, limit: number): Promise<Uint8Array> {
  const end = new AbortController();
  let timer = 0;
  const progress = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => end.abort(), patience);
  };
  try {
    progress();
    const r = await fetch(path, { ...options, ...init, signal: end.signal });
    const body = await whole(r, r.ok ? limit : most.problem, progress);
    if (r.ok) return body;
    throw new Refused(r.status, "The ledger answers " + r.status + problem(body));
  } catch (e) {
    if (e instanceof Refused) throw e;
    throw new Refused(0, end.signal.aborted ? "The ledger stopped in the middle of an answer. Try again later." : "The ledger does not answer. Try again when you are online.");
  } finally {
    clearTimeout(timer);
    end.abort(); // of what is not read to its end
  }
}

/** whole reads a body that is not longer than a limit. */
async function whole(r: Response, limit: number, progress: () => void): Promise<Uint8Array> {
  const parts: Uint8Array[] = [], reader = r.body?.getReader();
  let n = 0;
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    progress();
    if ((n += next.value.length) > limit) throw new Refused(r.status, "The ledger answers with more bytes than there can be. Nothing of it was used.");
    parts.push(next.value);
  }
  const out = new Uint8Array(n);
  for (const p of parts.reverse()) out.set(p, (n -= p.length));
  return out;
}

/** problem is what an answer says of what is wrong. */
function problem(body: Uint8Array): string {
  try {
    const { detail } = parsed(body);
    if (typeof detail === "string" && detail !== "") return ": " + prose(detail) + ".";
  } catch { /* the status says enough */ }
  return ".";
}

function parsed(body: Uint8Array): Record<string, unknown> {
  const v = JSON.parse(text(fromArray(body)));
  if (typeof v !== "object" || v === null) throw new Error("The ledger’s answer cannot be read.");
  return v;
}

/** file reads a file of the public log, or of that of the index. */
export const file = (below: string): Read => async (path) => {
  const limit = path === "checkpoint" ? most.checkpoint : path.startsWith("tile/entries/") ? most.entries : most.tile;
  return fromArray(await answer(below + "/" + path, {}, limit));
};

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return parsed(await answer(path, init, most.json));
}

/** json is a JSON answer of the ledger. */
export async function json(path: string): Promise<Record<string, unknown>> {
  return parsed(await answer(path, {}, most.json));
}

const unseen = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** prose is text that nothing proves, without what is not seen or puts other text in another order, and not long. */
export function prose(s: string): string {
  const all = [...s.replace(unseen, "")];
  return (all.length > 160 ? all.slice(0, 160).join("") + "…" : all.join("")).trim();
}

const isPosition = (v: unknown): v is number => typeof v === "number" && Number.isSafeInteger(v) && v >= 0;

/** proofs asks the index for all that begins in some ways. */
export async function proofs(ranges: string[], labelRanges: string[]): Promise<IndexAnswer> {
  const got = await post("/v1/index/proofs", {
    ...(ranges.length > 0 ? { ranges } : {}), ...(labelRanges.length > 0 ? { labelRanges } : {}),
  });
  need(typeof got.proof === "string", "the index answers something else");
  const positions = new Map<Bytes, number>();
  for (const [label, at] of Object.entries(got.positions || {})) {
    const b = fromBase64url(label);
    if (b && isPosition(at)) positions.set(b, at);
  }
  return { proof: utf8(got.proof as string), positions };
}

/** slots fetches what is sealed for who shows tickets, null where there is nothing. */
export async function slots(claims: { tag: Bytes; ticket: Bytes }[]): Promise<(Slot | null)[]> {
  const got = await post("/v1/trail/slots", { slots: claims.map((c) => ({ tag: base64url(c.tag), ticket: base64url(c.ticket) })) });
  const list = got.slots;
  if (!Array.isArray(list) || list.length !== claims.length) throw new Error("What is sealed for you cannot be read: the answer is not to this question.");
  return list.map((s) => {
    if (s === null) return null;
    const box = binary(s.box), head = s.head ? { position: s.head.position, boxes: (s.head.boxes as unknown[]).map(binary) } : null;
    need(isPosition(s.position) && (head === null || isPosition(head.position)), "a slot has no position");
    return { position: s.position, box, head };
  });
}

function binary(v: unknown): Bytes {
  const b = typeof v === "string" ? fromBase64url(v) : null;
  if (b === null) throw new Error("What is sealed for you cannot be read: it is not base64url.");
  return b;
}
