// Pruned prefix trees that grow: what several answers of the index show of one tree is
// put together here, and cut down to what the labels of one person need. The core
// reads and checks a tree; what is done here it checks again when all is done.

import { type Bytes, fromBase64url, integer, need } from "../bytes.ts";
import { sha256 } from "../primitives.ts";

/** A place of a tree with as much as is shown of it; null is the empty place below a root. */
export type Tree = null
  | { is: "hash"; hash: Bytes }
  | Node & { is: "stub" }
  | Node & { is: "leaf" }
  | Node & { is: "inner"; child: [Tree, Tree] };
type Node = { bits: number; path: Bytes; value: Bytes; hash: Bytes };

/** The first bits of a label. */
export type Prefix = { bits: number; path: Bytes };

/** The first bits of a label, the others zero. */
export function prefixOf(label: Bytes, bits: number): Bytes {
  const whole = bits >> 3, rest = bits & 7;
  const last = rest > 0 ? String.fromCharCode(label.charCodeAt(whole) & (0xff00 >> rest) & 0xff) : "";
  return (label.slice(0, whole) + last).padEnd(32, "\x00");
}

const bitOf = (label: Bytes, at: number): number => (label.charCodeAt(at >> 3) >> (7 - (at & 7))) & 1;
const has = (p: Prefix, label: Bytes): boolean => prefixOf(label, p.bits) === p.path;
const within = (p: Prefix, outer: Prefix): boolean => p.bits >= outer.bits && has(outer, p.path);

const nodeHash = (bits: number, path: Bytes, value: Bytes): Bytes => sha256(value + sha256(integer(bits, 4) + path));
const emptyValue = sha256("\x00");
const ones = "\x01".repeat(32);
const emptyHash = nodeHash(0, ones, nodeHash(0, ones, emptyValue));
const hashOf = (t: Tree): Bytes => (t === null ? emptyHash : t.hash);

/** The tree of a line of an index proof, whose form the core has checked; undefined when there is none. */
export function treeIn(proof: Bytes, name: "tags" | "labels"): Tree | undefined {
  const m = new RegExp("\n" + name + " ([\\w-]+)\n").exec(proof.slice(0, proof.indexOf("\n\n") + 1));
  if (!m) return undefined;
  const r = { b: fromBase64url(m[1]) || "", at: 0 };
  return read(r)[0];
}

function read(r: { b: Bytes; at: number }): [Tree, Bytes] {
  const take = (n: number): Bytes => r.b.slice(r.at, (r.at += n));
  const token = take(1).charCodeAt(0);
  if (token === 0) return [null, ""];
  if (token === 1) return [{ is: "hash", hash: take(32) }, ""];
  if (token === 3) {
    const path = take(32), value = take(32);
    return [{ is: "leaf", bits: 256, path, value, hash: nodeHash(256, path, value) }, path];
  }
  const bits = take(1).charCodeAt(0);
  if (token === 2) {
    const path = take((bits + 7) >> 3).padEnd(32, "\x00"), value = take(32);
    return [{ is: "stub", bits, path, value, hash: nodeHash(bits, path, value) }, path];
  }
  need(token === 4, "the prefix tree has a token that is none");
  const [left, underLeft] = read(r), [right, underRight] = read(r);
  const below = underLeft || underRight;
  return [inner(bits, prefixOf(below || "\x00".repeat(32), bits), left, right), below];
}

function inner(bits: number, path: Bytes, left: Tree, right: Tree): Tree {
  const value = left === null && right === null ? emptyValue : sha256(hashOf(left) + hashOf(right));
  return { is: "inner", bits, path, value, hash: nodeHash(bits, path, value), child: [left, right] };
}

/** write is the tree as a proof has it. */
export function write(t: Tree): Bytes {
  if (t === null) return "\x00";
  if (t.is === "hash") return "\x01" + t.hash;
  if (t.is === "stub") return "\x02" + String.fromCharCode(t.bits) + t.path.slice(0, (t.bits + 7) >> 3) + t.value;
  if (t.is === "leaf") return "\x03" + t.path + t.value;
  return "\x04" + String.fromCharCode(t.bits) + write(t.child[0]) + write(t.child[1]);
}

/** find is the value at a label, null when it is not there, undefined where the tree does not show enough. */
export function find(t: Tree | undefined, label: Bytes): Bytes | null | undefined {
  if (t === undefined) return undefined;
  while (t !== null) {
    if (t.is === "hash") return undefined;
    if (!has(t, label)) return null;
    if (t.is === "leaf") return t.value;
    if (t.is === "stub") return undefined;
    t = t.child[bitOf(label, t.bits)];
  }
  return null;
}

/** labels are those of all items that are shown. */
export function labels(t: Tree): Bytes[] {
  if (t === null || t.is === "hash" || t.is === "stub") return [];
  return t.is === "leaf" ? [t.path] : [...labels(t.child[0]), ...labels(t.child[1])];
}

/** whole says that a tree shows everything that begins with p. */
export function whole(t: Tree, p: Prefix): boolean {
  if (t === null || t.is === "leaf") return true;
  if (t.is === "hash") return false;
  if (!within(t, p) && !within(p, t)) return true;
  if (t.is === "stub") return false;
  if (within(t, p) || t.bits === p.bits) return whole(t.child[0], p) && whole(t.child[1], p);
  return whole(t.child[bitOf(p.path, t.bits)], p);
}

/** merge shows what two views of one tree show. */
export function merge(a: Tree, b: Tree): Tree {
  need(hashOf(a) === hashOf(b), "the index shows two trees under one root");
  if (a === null || b === null || a.is === "leaf" || b.is === "hash") return a;
  if (b.is === "leaf" || a.is === "hash") return b;
  if (a.is === "stub" || b.is === "stub") return a.is === "stub" ? b : a;
  return { ...a, child: [merge(a.child[0], b.child[0]), merge(a.child[1], b.child[1])] };
}

/** show is a tree with no more than what is needed to look for some labels. */
export function show(t: Tree, wanted: Bytes[]): Tree {
  if (t === null || t.is === "hash" || t.is === "stub" || t.is === "leaf") return bare(t, wanted);
  const below = wanted.filter((l) => has(t, l));
  if (t.bits > 0 && below.length === 0) return bare(t, wanted);
  return { ...t, child: [0, 1].map((i) => show(t.child[i], below.filter((l) => bitOf(l, t.bits) === i))) as [Tree, Tree] };
}

/** bare is a place nothing is looked for below: its prefix is shown if that is what says that something is not there. */
function bare(t: Tree, wanted: Bytes[]): Tree {
  if (t === null) return null;
  if (wanted.length === 0) return { is: "hash", hash: t.hash };
  return t.is === "inner" ? { is: "stub", bits: t.bits, path: t.path, value: t.value, hash: t.hash } : t;
}
