// What shows to others that a ledger is not what it signed that it is, as a file in
// the format daybook/evidence@1, and what to say of it.

import { type Bytes, Refusal, base64, base64url, text, toArray, utf8 } from "../bytes.ts";
import { check } from "../core.ts";
import type { Key } from "../note.ts";

/** Misbehaviour says that the ledger is to blame. Evidence is "" where nothing shows it to a stranger. */
export class Misbehaviour extends Error {
  readonly evidence: Bytes;
  /** The evidence has the key of the trail in it. */
  readonly secret: boolean;
  constructor(said: string, why: unknown = null, evidence: Bytes = "") {
    super(why instanceof Refusal ? said + " (" + why.why + ")" : said);
    this.evidence = evidence;
    this.secret = evidence.includes('"root":');
  }
}

type Member = string | number[] | string[] | number;

/** evidence writes a file of one kind with what that has. */
export function evidence(kind: string, has: Record<string, Member>): Bytes {
  const all: Record<string, Member> = { $: "daybook/evidence@1", kind, ...has };
  const sorted = Object.fromEntries(Object.keys(all).sort().map((k) => [k, all[k]]));
  return utf8(JSON.stringify(sorted));
}

/** convincing is evidence that the core accepts under a key, "" when a stranger would see nothing in it. */
export function convincing(file: Bytes, key: Key): Bytes {
  return check("evidence", toArray(file), { key: text(key.vkey) }) === "" ? file : "";
}

/** notes are signed notes as evidence has them. */
export function notes(...list: Bytes[]): string[] {
  return list.map(text);
}

/** hashes are as evidence has a path. */
export function hashes(list: Bytes[]): string[] {
  return list.map(base64url);
}

/** leafProof is the proof that a leaf is the last of the index log. */
export function leafProof(leaf: Bytes, size: number, path: Bytes[], note: Bytes): string {
  const lines = ["c2sp.org/tlog-proof@v1", "extra " + base64(leaf), "index " + (size - 1), ...path.map(base64)];
  return text(lines.join("\n") + "\n\n" + note);
}
