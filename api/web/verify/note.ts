// Signed notes (c2sp.org/signed-note), the keys that sign them, and checkpoints
// (c2sp.org/tlog-checkpoint).

import {
  type Bytes, after, cannot, characters, cut, fromBase64, hex, isUTF8, lines, need, readHash, readNumber, refuse, shown, text,
} from "./bytes.ts";
import { sha256, signed } from "./primitives.ts";

/** A verifier key, name+hash+keydata. */
export interface Key {
  vkey: Bytes;
  name: Bytes;
  hash: Bytes; // 4 bytes
  type: number; // 1 is Ed25519
  data: Bytes;
}

/** Unicode's white space, as the names of keys cannot have it. */
function isSpace(c: number): boolean {
  return c >= 9 && c <= 13 || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 || c >= 0x2000 && c <= 0x200a ||
    c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

function isName(name: Bytes): boolean {
  const all = characters(name);
  return name != "" && all !== null && !all.some((c) => isSpace(c) || c == 0x2b);
}

/** Reads a key of whatever type, in the one form it has. */
export function readAnyKey(vkey: Bytes): Key {
  const name = cut(vkey, "+"), rest = name && cut(name[1], "+");
  const b = rest && fromBase64(rest[1]);
  if (!name || !rest || !b || !isName(name[0]) || !/^[0-9a-f]{8}$/.test(rest[0])) refuse(`"${shown(vkey)}" is not a verifier key`);
  const key = { vkey, name: name[0], hash: sha256(name[0] + "\n" + b).slice(0, 4), type: b.charCodeAt(0), data: b.slice(1) };
  need(hex(key.hash) == rest[0], "the verifier key does not have the hash that it says");
  return key;
}

/** Reads the key of a log, which is Ed25519. */
export function readKey(vkey: Bytes): Key {
  const key = readAnyKey(vkey);
  if (key.type != 1) cannot(`the key of ${text(key.name)} is of type ${key.type}, which is not checked here: Ed25519 alone is`);
  need(key.data.length == 32, "an Ed25519 key has 32 bytes");
  return key;
}

export interface Signature {
  name: Bytes;
  hash: Bytes;
  bytes: Bytes;
}

export interface Note {
  text: Bytes; // with its last newline
  signatures: Signature[];
}

const dash = "\xe2\x80\x94 ";

function readSignature(line: Bytes): Signature {
  const parts = cut(after(line, dash), " ");
  if (!parts || !isName(parts[0])) refuse(`"${shown(line)}" is not a signature line`);
  const b = fromBase64(parts[1]);
  if (!b || b.length < 5) refuse(`the signature of ${shown(parts[0])} is not in the one form it has`);
  return { name: parts[0], hash: b.slice(0, 4), bytes: b.slice(4) };
}

/** The form of a note, each of its signature lines included; it verifies none. */
export function readNote(b: Bytes): Note {
  need(b.length <= 65536, "the note has more than 65,536 bytes");
  need(isUTF8(b), "the note is not UTF-8");
  need(!/[\x00-\x09\x0b-\x1f]/.test(b), "the note has a control character");
  const at = b.lastIndexOf("\n\n");
  need(at >= 0 && at + 2 < b.length, "the note has no signature");
  const list = lines(b.slice(at + 2));
  need(list.length <= 100, "the note has more than 100 signatures");
  const seen = new Set<Bytes>();
  const signatures = list.map((line) => {
    const s = readSignature(line);
    need(!seen.has(s.name + "\n" + s.hash), `the key ${shown(s.name)} has more than one signature`);
    seen.add(s.name + "\n" + s.hash);
    return s;
  });
  return { text: b.slice(0, at + 1), signatures };
}

/** Holds that the key signed the note. */
export function checkNote(note: Note, key: Key): void {
  const s = note.signatures.find((s) => s.name == key.name && s.hash == key.hash);
  if (!s) refuse(`no signature by the key ${text(key.name)}+${hex(key.hash)}`);
  need(signed(key.data, note.text, s.bytes), `the signature by the key ${text(key.name)}+${hex(key.hash)} is not of this text`);
}

export function checkOrigin(name: Bytes): void {
  const all = characters(name);
  need(name != "" && name.length <= 200 && all !== null, "an origin has 1 to 200 bytes of UTF-8");
  need(!all!.some((c) => isSpace(c) || c == 0x2b || c < 0x20 || c >= 0x7f && c < 0xa0), "the origin has a space, a control character or a plus");
}

/** What a log is at one size. */
export interface Checkpoint {
  origin: Bytes;
  size: number;
  root: Bytes;
}

/** The root of a log without entries: the SHA-256 of nothing. */
export const emptyRoot = sha256("");

export function readCheckpoint(note: Bytes): Checkpoint {
  const list = lines(note);
  need(list.length == 3, `a checkpoint has 3 lines, and this has ${list.length}`);
  checkOrigin(list[0]);
  const c = { origin: list[0], size: readNumber(list[1]), root: readHash(list[2]) };
  checkSize(c);
  return c;
}

export function checkSize(c: Checkpoint): void {
  need(c.size > 0 || c.root == emptyRoot, "size 0 with a root that is not that of the empty tree");
}

/** A signed checkpoint, whose form is checked and whose signatures are not. */
export interface Signed {
  note: Note;
  checkpoint: Checkpoint;
}

export function readSigned(b: Bytes): Signed {
  const note = readNote(b);
  return { note, checkpoint: readCheckpoint(note.text) };
}

/** Holds that a checkpoint is one of the key's own log. */
export function checkSigned(s: Signed, key: Key): void {
  if (s.checkpoint.origin != key.name) cannot(`the checkpoint is one of ${shown(s.checkpoint.origin)}, and the key is that of ${text(key.name)}: another key is needed`);
  checkNote(s.note, key);
}
