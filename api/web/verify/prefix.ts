// The prefix trees of the completeness index: what is in them, and what is not. They
// come pruned, with no more than what answers the questions that were asked.

import { type Bytes, hex, integer, need, refuse } from "./bytes.ts";
import { sha256 } from "./primitives.ts";
import { leafHash } from "./tree.ts";

/** Where the index keeps a tag: SHA-256(0x01 ‖ tag). */
export const tagLabel = (tag: Bytes) => sha256("\x01" + tag);

/** Where it keeps an enrolment: SHA-256(0x02 ‖ VRF output). */
export const personLabel = (output: Bytes) => sha256("\x02" + output);

/** What it keeps there: SHA-256(u64 position ‖ leaf hash). */
export function indexValue(position: number, entry: Bytes): Bytes {
  return sha256(integer(position, 8) + leafHash(entry));
}

/** A node. One whose hash alone is known has none of the others. */
export interface Node {
  hash: Bytes;
  bits?: number; // how long its prefix is
  path?: Bytes; // the prefix, 32 bytes, zero behind it
  value?: Bytes; // of a leaf
  children?: [Node | null, Node | null]; // null is the empty place beside a root's only child
}

function bitOf(label: Bytes, at: number): number {
  return label.charCodeAt(at >> 3) >> 7 - (at & 7) & 1;
}

/** The first bits of a label, the others zero. */
function prefixOf(label: Bytes, bits: number): Bytes {
  const whole = bits >> 3, rest = bits & 7;
  let out = label.slice(0, whole);
  if (rest > 0) out += String.fromCharCode(label.charCodeAt(whole) & 0xff00 >> rest & 0xff);
  return out + "\x00".repeat(32 - out.length);
}

function nodeOf(bits: number, path: Bytes, value: Bytes): Bytes {
  return sha256(value + sha256(integer(bits, 4) + path));
}

const emptyValue = sha256("\x00");
const ones = "\x01".repeat(32);

/** The hash in place of a missing child of the root. */
const emptyHash = nodeOf(0, ones, nodeOf(0, ones, emptyValue));

const mostBytes = 4194304;

/** Reads a pruned tree. Everything in it is in its place, so what [find] says of a tree with a trusted root holds. */
export function readTree(b: Bytes): Node {
  need(b.length <= mostBytes, "the prefix tree has more than 4 MiB");
  need(b.startsWith("\x04\x00"), "the prefix tree does not begin with a root");
  const r = { b, at: 0 };
  const [root] = readNode(r, 0);
  need(r.at == b.length, "bytes are left over behind the prefix tree");
  return root!;
}

interface Reader {
  b: Bytes;
  at: number;
}

function take(r: Reader, n: number): Bytes {
  need(r.at + n <= r.b.length, "the prefix tree ends too early");
  r.at += n;
  return r.b.slice(r.at - n, r.at);
}

/** A node with at least so many bits, and a label that lies below it, null when none is shown. */
function readNode(r: Reader, least: number): [Node | null, Bytes | null] {
  switch (take(r, 1).charCodeAt(0)) {
    case 0:
      need(least == 1, "an empty place that is not below the root");
      return [null, null];
    case 1:
      return [{ hash: take(r, 32) }, null];
    case 2: {
      const bits = take(r, 1).charCodeAt(0), shown = take(r, bits + 7 >> 3), path = shown + "\x00".repeat(32 - shown.length);
      need(bits >= Math.max(least, 1) && prefixOf(path, bits) == path, "a prefix is not below its parent's, or has spare bits");
      return [{ hash: nodeOf(bits, path, take(r, 32)), bits, path }, path];
    }
    case 3: {
      const path = take(r, 32), value = take(r, 32);
      return [{ hash: nodeOf(256, path, value), bits: 256, path, value }, path];
    }
    case 4:
      return readInner(r, least);
  }
  refuse("the prefix tree has a token that is none");
}

function readInner(r: Reader, least: number): [Node, Bytes | null] {
  const bits = take(r, 1).charCodeAt(0);
  need(bits >= least, "a prefix is not below its parent's");
  const [left, underLeft] = readNode(r, bits + 1);
  const [right, underRight] = readNode(r, bits + 1);
  const below = underLeft === null ? underRight : underLeft;
  need(bits == 0 || left !== null && right !== null, "an empty place that is not below the root");
  need(below !== null || left === null || right === null, "a node is open and nothing is shown below it");
  const path = prefixOf(below === null ? "\x00".repeat(32) : below, bits);
  [underLeft, underRight].forEach((label, side) =>
    need(label === null || prefixOf(label, bits) == path && bitOf(label, bits) == side, "a label is on the wrong side"));
  const value = left === null && right === null ? emptyValue
    : sha256((left === null ? emptyHash : left.hash) + (right === null ? emptyHash : right.hash));
  return [{ hash: nodeOf(bits, path, value), bits, path, children: [left, right] }, below];
}

/** Looks for a label: its value, null when it is not there, undefined where the tree does not show enough. */
export function find(root: Node, label: Bytes): Bytes | null | undefined {
  let n: Node | null = root;
  while (n !== null) {
    if (n.bits === undefined) return undefined;
    if (prefixOf(label, n.bits) != n.path) return null;
    if (n.value !== undefined) return n.value;
    if (n.children === undefined) return undefined;
    n = n.children[bitOf(label, n.bits)];
  }
  return null;
}

/** What a tree says of a label, which it must answer for. */
export function look(root: Node | null, label: Bytes): Bytes | null {
  if (root === null) refuse("the index was not asked");
  const v = find(root, label);
  if (v === undefined) refuse(`the index does not answer for ${hex(label)}`);
  return v;
}
