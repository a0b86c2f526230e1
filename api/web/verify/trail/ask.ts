// The requests that a trail needs. None of them has the card, or a key of it: what the
// ledger learns is how tags begin, which files are read, and from the tickets which
// entries are of one person.

import { type Bytes, base64url, fromArray, fromBase64url, need, utf8 } from "../bytes.ts";

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

async function answer(path: string, init: RequestInit): Promise<Response> {
  let r: Response;
  try {
    r = await fetch(path, { ...options, ...init });
  } catch {
    throw new Refused(0, "The ledger does not answer. Try again when you are online.");
  }
  if (r.ok) return r;
  let said = "";
  try {
    said = String((await r.json()).detail || "");
  } catch { /* the status says enough */ }
  throw new Refused(r.status, "The ledger answers " + r.status + (said === "" ? "." : ": " + said + "."));
}

/** file reads a file of the public log, or of that of the index. */
export const file = (below: string): Read => async (path) =>
  fromArray(new Uint8Array(await (await answer(below + "/" + path, {})).arrayBuffer()));

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const r = await answer(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  return r.json();
}

/** read is a JSON answer of the ledger. */
export async function json(path: string): Promise<Record<string, unknown>> {
  return (await answer(path, {})).json();
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
