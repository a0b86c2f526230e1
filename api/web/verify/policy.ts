// Policies (c2sp.org/tlog-policy) and the cosignatures they ask for
// (c2sp.org/tlog-cosignature). Those of Ed25519 are checked. Those of ML-DSA-44 are
// not: they count as not given, and where they would be needed nothing can be said,
// unless somebody asks for the rest.

import { type Bytes, Refusal, cannot, characters, hex, lines, need, refuse, shown, text } from "./bytes.ts";
import { signed } from "./primitives.ts";
import { type Key, type Signed, readAnyKey, readKey } from "./note.ts";

const ed25519 = 4, mldsa44 = 6, mldsa44Size = 1312, mldsa44Signature = 2420;
const most = 64; // witnesses and groups, and logs

interface Group {
  name: Bytes;
  least: number;
  members: Bytes[];
}

export interface Policy {
  logs: Key[];
  witnesses: { name: Bytes; key: Key }[];
  groups: Group[];
  quorum: Bytes;
}

export interface Cosignature {
  witness: Bytes;
  key: Key;
  seconds: number; // since 1970
}

/** The key of a witness: an Ed25519 or ML-DSA-44 cosigner's. */
export function readCosigner(vkey: Bytes): Key {
  const key = readAnyKey(vkey), all = characters(key.name);
  need(key.name.length <= 255 && all !== null && !all.some((c) => c < 0x20 || c >= 0x7f && c < 0xa0), "the name of a witness's key is malformed");
  need(key.type == ed25519 && key.data.length == 32 || key.type == mldsa44 && key.data.length == mldsa44Size,
    `the key of ${text(key.name)} is neither an Ed25519 nor an ML-DSA-44 cosigner's key`);
  return key;
}

export function readPolicy(b: Bytes): Policy {
  need(b.length <= 65536, "the policy has more than 65,536 bytes");
  need(!/[\x00-\x08\x0b-\x1f\x7f]/.test(b), "the policy has a control character");
  const p: Policy = { logs: [], witnesses: [], groups: [], quorum: "" };
  for (const line of lines(b)) {
    const words = line.split(/[ \t]+/).filter((w) => w != "");
    if (words.length > 0 && words[0][0] != "#") readLine(p, words[0], words.slice(1));
    need(p.logs.length <= most && p.witnesses.length + p.groups.length <= most, `there are more than ${most} logs, or witnesses and groups`);
  }
  need(p.quorum != "", "the policy has no quorum line");
  return p;
}

/** A policy in its one form: without logs, comments and addresses, witnesses before groups. */
export function policyText(p: Policy): Bytes {
  return p.witnesses.map((w) => `witness ${w.name} ${w.key.vkey}\n`).join("") +
    p.groups.map((g) => `group ${g.name} ${g.least} ${g.members.join(" ")}\n`).join("") + `quorum ${p.quorum}\n`;
}

function readLine(p: Policy, word: Bytes, rest: Bytes[]): void {
  const known = (name: Bytes) => p.witnesses.some((w) => w.name == name) || p.groups.some((g) => g.name == name);
  const free = (name: Bytes) => need(name != "none" && !known(name), `"${shown(name)}" is there already, or cannot be a name`);
  switch (word) {
    case "log": {
      need(rest.length == 1 || rest.length == 2, "a log is a key and perhaps an address");
      const key = readKey(rest[0]);
      need(!p.logs.some((l) => l.data == key.data), "the key of a log is there twice");
      p.logs.push(key);
      return;
    }
    case "witness": {
      need(rest.length == 2 || rest.length == 3, "a witness is a name, a key and perhaps an address");
      free(rest[0]);
      const key = readCosigner(rest[1]);
      need(!p.witnesses.some((w) => w.key.type == key.type && w.key.data == key.data), "the key of a witness is there twice");
      p.witnesses.push({ name: rest[0], key });
      return;
    }
    case "group": {
      const [name, count, ...members] = rest;
      need(members.length > 0, "a group is a name, how many of its members it needs, and these");
      free(name);
      members.forEach((m, i) => need(known(m) && members.indexOf(m) == i && !p.groups.some((g) => g.members.indexOf(m) >= 0),
        `"${shown(m)}" is not the name of a witness or group before it, or is a member already`));
      const least = count == "any" ? 1 : count == "all" ? members.length : /^[1-9][0-9]{0,5}$/.test(count) ? Number(count) : 0;
      need(least >= 1 && least <= members.length, `"${shown(count)}" is neither any, all nor a number of members`);
      p.groups.push({ name, least, members });
      return;
    }
    case "quorum":
      need(p.quorum == "", "there is a quorum already");
      need(rest.length == 1 && (rest[0] == "none" || known(rest[0])), "the quorum is not one name of a witness or group before it, or none");
      p.quorum = rest[0];
      return;
  }
  refuse(`"${shown(word)}" is neither log, witness, group nor quorum`);
}

/** Says whether witnesses with these names are a quorum. */
function isMet(p: Policy, names: Bytes[]): boolean {
  const met = new Set(["none"].concat(names));
  for (const g of p.groups) if (g.members.filter((m) => met.has(m)).length >= g.least) met.add(g.name);
  return met.has(p.quorum);
}

/** The seconds that a cosignature states, whose form is checked, and of Ed25519 the signature. */
function cosignedAt(key: Key, note: Bytes, signature: Bytes): number {
  let seconds = 0;
  for (let i = 0; i < 8; i++) seconds = seconds * 256 + signature.charCodeAt(i);
  const size = key.type == mldsa44 ? mldsa44Signature : 64, time = decimal(signature.slice(0, 8));
  need(signature.length == 8 + size && seconds > 0 && signature.charCodeAt(0) < 128 &&
    (key.type == mldsa44 || signed(key.data, `cosignature/v1\ntime ${time}\n${note}`, signature.slice(8))), `the cosignature of ${text(key.name)} is not valid`);
  return seconds;
}

/** The decimal form of 8 bytes, which need not be exact as a number. */
function decimal(b: Bytes): string {
  return BigInt("0x" + hex(b)).toString();
}

/** Who of a policy cosigned a checkpoint, and who has a line there that is of ML-DSA-44. */
export interface Cosigned {
  by: Cosignature[];
  unread: Bytes[];
}

/** Says whether a policy accepts a log. */
export function accepts(p: Policy, log: Key): boolean {
  return p.logs.length == 0 || p.logs.some((l) => l.name == log.name && l.hash == log.hash);
}

/** Who of a policy cosigned a checkpoint that the key signed. */
export function cosigned(p: Policy, s: Signed, log: Key): Cosigned {
  need(accepts(p, log), `the policy does not accept the log ${shown(s.checkpoint.origin)}`);
  const by: Cosignature[] = [], unread: Bytes[] = [];
  for (const { name, key } of p.witnesses) {
    const line = s.note.signatures.find((x) => x.name == key.name && x.hash == key.hash);
    if (!line) continue;
    const seconds = cosignedAt(key, s.note.text, line.bytes);
    if (key.type == mldsa44) unread.push(name);
    else by.push({ witness: name, key, seconds });
  }
  return { by, unread };
}

function cannotRead(unread: Bytes[]): never {
  cannot(`the cosignature of ${unread.map(text).join(", ")} is needed, and is of ML-DSA-44, a kind of signature that is not checked here`);
}

/**
 * Holds that those who cosigned a log are a quorum, and says whose lines of ML-DSA-44
 * were counted for that, which is done when they are taken unread.
 */
export function checkQuorum(p: Policy, log: Bytes, { by, unread }: Cosigned, takeUnread = false): Bytes[] {
  const names = by.map((c) => c.witness), all = names.concat(unread);
  if (isMet(p, names)) return [];
  if (isMet(p, all)) return takeUnread ? unread : cannotRead(unread);
  const missing = p.witnesses.filter((w) => all.indexOf(w.name) < 0).map((w) => `${text(w.name)} (${text(w.key.name)})`);
  throw new Refusal((all.length == 0 ? `no witness of the policy cosigned this state of ${text(log)}, and the quorum is ${text(p.quorum)}`
    : `only ${all.map(text).join(", ")} cosigned this state of ${text(log)}, which is not the quorum ${text(p.quorum)} of the policy`) +
    `. The cosignatures that are missing: ${missing.join(", ")}. Either the ledger lost or replaced a witness since the policy was made, or it shows you something else than others.`, false, missing);
}

/** Who of a policy cosigned a checkpoint after a time; none when there is a quorum without them. */
export function checkKnew(p: Policy, s: Signed, log: Key, after: number): Cosignature[] {
  const { by, unread } = cosigned(p, s, log), late = by.filter((c) => c.seconds > after);
  const without = (some: Bytes[]) => isMet(p, p.witnesses.map((w) => w.name).filter((name) => some.indexOf(name) < 0));
  const names = late.map((c) => c.witness);
  if (!without(names)) return late;
  if (!without(names.concat(unread))) cannotRead(unread);
  return [];
}

/** The latest second at which those who had signed by then, or later, are a quorum; 0 when nobody has to. */
export function knownAt(p: Policy, by: Cosignature[]): number {
  const newest = by.slice().sort((a, b) => b.seconds - a.seconds);
  const i = newest.findIndex((_, i) => isMet(p, newest.slice(0, i + 1).map((c) => c.witness)));
  return p.quorum == "none" || i < 0 ? 0 : newest[i].seconds;
}
