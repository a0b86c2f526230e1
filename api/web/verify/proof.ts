// Proofs of single entries (c2sp.org/tlog-proof), and presentations: one entry that a
// person gives to somebody.

import { type Account, concerned } from "./account.ts";
import { type Bytes, after, base64url, counted, cut, fromBase64, fromBase64url, hex, need, readHash, readPosition, refuse } from "./bytes.ts";
import { tagOf } from "./crypto.ts";
import { type Disclosure, type Entry, readEncodedDisclosure, readEntry, tagsOf, textsAt } from "./entry.ts";
import { isMembers, isText, itemsOf, parse, textOf } from "./json.ts";
import { limits } from "./kinds.ts";
import { type Key, type Signed, checkSigned, readSigned } from "./note.ts";
import { checkInclusion, maxPath } from "./tree.ts";

export interface Proof {
  entry: Bytes; // "" when it carries none
  position: number;
  path: Bytes[];
  signed: Signed;
}

const header = "c2sp.org/tlog-proof@v1\n";

export function readProof(b: Bytes): Proof {
  need(b.length <= 262144, "the proof has more than 262,144 bytes");
  const parts = cut(after(b, header), "\n\n");
  if (!parts) refuse("no empty line before the checkpoint");
  const list = parts[0].split("\n");
  let entry = "";
  if (list[0].startsWith("extra ")) {
    const b = fromBase64(list.shift()!.slice(6));
    if (b === null || b == "" || b.length > limits.listed) refuse("the extra line is not the base64 of an entry in its one form");
    entry = b;
  }
  const position = readPosition(after(list.shift(), "index "));
  need(list.length <= maxPath, `the path has more than ${maxPath} hashes`);
  return { entry, position, path: list.map((line) => readHash(line)), signed: readSigned(parts[1]) };
}

/** Holds that the log of the key has the entry at its position. */
export function checkProof(p: Proof, key: Key): void {
  need(p.entry != "", "it carries no entry (no extra line)");
  checkInclusion(p.entry, p.position, p.path, p.signed.checkpoint);
  checkSigned(p.signed, key);
}

/** The same, telling each step. */
function tellProof(p: Proof, key: Key, tell: Account): void {
  const { list, line } = tell.lines();
  need(p.entry != "", "it carries no entry (no extra line)");
  checkInclusion(p.entry, p.position, p.path, p.signed.checkpoint, line);
  tell.say("The entry's bytes hash to a leaf of the log.", list.slice(0, 1));
  tell.say(`${counted(p.path.length, "hash leads", "hashes lead")} from it to the root of the log at ${counted(p.signed.checkpoint.size, "entry", "entries")}: it stands at position ${p.position}.`, list.slice(1));
  tell.open(p.signed, key, "The log's key");
}

/** Verifies a proof file. The entry may be anything, unless daybook says that it is ours. */
export function proveEntry(b: Bytes, key: Key, tell: Account, daybook: boolean): void {
  tell.title = "One entry of a log";
  const p = readProof(b);
  tellProof(p, key, tell);
  tell.witnessed("log", [p.signed, key]);
  if (!daybook) return;
  let e: Entry;
  try {
    e = readEntry(p.entry);
  } catch (x) {
    refuse(`the log has this entry, and it is no Daybook entry: ${(x as { why: string }).why}`);
  }
  tell.show(p.position, e, [], concerned(e));
  tell.doubt(`What the ${textsAt(e, "_sd").length} private digests of the entry commit to.`);
  tell.doubt("That what was recorded is true.");
}

export interface Presentation {
  disclosures: Disclosure[];
  eventKey: Bytes;
  proof: Proof;
}

export const presentationMark = '{"$":"daybook/presentation@';

export function readPresentation(b: Bytes): Presentation {
  need(b.length <= 786432, "the presentation has more than 786,432 bytes");
  const v = parse(b);
  if (!isMembers(v) || v.size != 4 || v.get("$") !== "daybook/presentation@1") refuse("it is not daybook/presentation@1");
  const list = v.get("disclosures"), proof = v.get("proof");
  if (!Array.isArray(list) || !isText(proof)) refuse("it is not in its one form");
  const eventKey = readHash(textOf(v.get("eventKey")), fromBase64url);
  let last = "";
  const disclosures = itemsOf(list).map((item) => {
    need(textOf(item) > last, "the disclosures are not sorted, or one is there twice");
    last = textOf(item);
    return readEncodedDisclosure(last);
  });
  return { disclosures, eventKey, proof: readProof(proof) };
}

/** Verifies one entry that the person whom it concerns gives away. */
export function provePresentation(b: Bytes, key: Key, tell: Account): void {
  tell.title = "One entry that a person shows you";
  const p = readPresentation(b);
  need(p.proof.entry != "", "it carries no entry (no extra line)");
  const e = readEntry(p.proof.entry), digests = new Set(textsAt(e, "_sd"));
  for (const d of p.disclosures) need(digests.delete(d.digest), `the entry does not commit to ${inWords(d.name)}, or it is disclosed twice`);
  const tag = tagOf(p.eventKey);
  need(tagsOf(e).indexOf(tag) >= 0, "the event key makes none of the entry's tags");
  tellProof(p.proof, key, tell);
  tell.say("The event key makes one of the entry's tags: the entry is about a person who had it.", [
    `tag = HMAC-SHA256(${hex(p.eventKey)}, "tag")[:16] = ${hex(tag)}, in the entry ${base64url(tag)}`,
  ]);
  tell.say(`The entry commits to each of the ${counted(p.disclosures.length, "field", "fields")} shown.`,
    p.disclosures.map((d) => `SHA-256 of the disclosure of ${inWords(d.name)}, in base64url = ${d.digest}, in _sd of the entry`));
  tell.witnessed("log", [p.proof.signed, key]);
  tell.show(p.proof.position, e, p.disclosures, concerned(e));
  tell.doubt(`What the other ${digests.size} digests commit to, some of which stand for nothing, and every other entry of the person.`);
  tell.doubt("That who gave you the file is the person concerned, and that what was recorded is true.");
}

function inWords(name: Bytes): string {
  return name.replace(/[^\x20-\x7e]/g, "?");
}
