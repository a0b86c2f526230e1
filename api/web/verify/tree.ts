// The tree of RFC 6962: that an entry is in a log, and that one log begins with another.
// Sizes reach 2^53, where bits are counted by division.

import { type Bytes, hex, need, refuse, text } from "./bytes.ts";
import { type Checkpoint, checkSize } from "./note.ts";
import { sha256 } from "./primitives.ts";

export function leafHash(entry: Bytes): Bytes {
  return sha256("\x00" + entry);
}

export function nodeHash(left: Bytes, right: Bytes): Bytes {
  return sha256("\x01" + left + right);
}

/** The most hashes that any proof has. */
export const maxPath = 63;

const half = (n: number) => Math.floor(n / 2);
const odd = (n: number) => n % 2 == 1;

/** Receives a line of arithmetic. */
export type Line = (line: string) => void;

/** The hash of two nodes, told as arithmetic. */
function told(left: Bytes, right: Bytes, name: string, line?: Line): Bytes {
  const h = nodeHash(left, right);
  if (line) line(`${name} = SHA-256(0x01 ‖ ${hex(left)} ‖ ${hex(right)}) = ${hex(h)}`);
  return h;
}

/** Holds that entry is the one at a position of the log. */
export function checkInclusion(entry: Bytes, position: number, path: Bytes[], c: Checkpoint, line?: Line): void {
  checkSize(c);
  need(path.length <= maxPath, `more than ${maxPath} hashes`);
  need(position < c.size, `position ${position} is outside a log of size ${c.size}`);
  let hash = leafHash(entry);
  if (line) line(`leaf = SHA-256(0x00 ‖ the entry's ${entry.length} bytes) = ${hex(hash)}`);
  let at = position, last = c.size - 1, n = 0;
  for (const beside of path) {
    need(last > 0, "the path does not lead to the root: it is too long");
    n++;
    if (odd(at) || at == last) {
      hash = told(beside, hash, "node " + n, line);
      while (!odd(at) && at > 0) {
        at = half(at);
        last = half(last);
      }
    } else {
      hash = told(hash, beside, "node " + n, line);
    }
    at = half(at);
    last = half(last);
  }
  need(last == 0 && hash == c.root, `position ${position} of size ${c.size}: the path does not lead to the root`);
  if (line) line(`root of the checkpoint = ${hex(c.root)}, the same`);
}

/**
 * The roots that a consistency path leads to, of a log of size old and of one of
 * size now, when 0 < old < now (RFC 9162, 2.1.4.2).
 */
export function consistencyRoots(old: number, now: number, oldRoot: Bytes, path: Bytes[], line?: Line): [Bytes, Bytes] {
  let at = old - 1, last = now - 1;
  while (odd(at)) {
    at = half(at);
    last = half(last);
  }
  const rest = at == 0 ? [oldRoot].concat(path) : path.slice();
  const first = rest.shift();
  if (first === undefined) refuse("the path has no hashes");
  let before = first, after = first, n = 0;
  for (const beside of rest) {
    need(last > 0, "the path is too long");
    n++;
    if (odd(at) || at == last) {
      before = told(beside, before, `before ${n}`, line);
      after = told(beside, after, `after ${n}`, line);
      while (!odd(at) && at > 0) {
        at = half(at);
        last = half(last);
      }
    } else {
      after = told(after, beside, `after ${n}`, line);
    }
    at = half(at);
    last = half(last);
  }
  need(last == 0, "the path is too short");
  return [before, after];
}

/** Holds that the log now begins with all entries of the log old. */
export function checkConsistency(old: Checkpoint, now: Checkpoint, path: Bytes[], line?: Line): void {
  need(old.origin == now.origin, `${text(old.origin)} and ${text(now.origin)} are two logs`);
  checkSize(old);
  checkSize(now);
  need(path.length <= maxPath, `more than ${maxPath} hashes`);
  need(old.size <= now.size, `size ${now.size} is not an extension of size ${old.size}`);
  if (old.size == now.size || old.size == 0) {
    need(old.size != now.size || old.root == now.root, `two roots at size ${old.size}`);
    need(path.length == 0, "the path must be empty");
    return;
  }
  const [before, after] = consistencyRoots(old.size, now.size, old.root, path, line);
  need(before == old.root && after == now.root, `sizes ${old.size} and ${now.size}: the path does not lead to both roots`);
}

/** The largest power of two below n, which is above 1. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/**
 * Holds that the log now has leaves at positions, which ascend and lie in the log
 * old, and that it begins with old. The nodes are the hashes that are not computed, of
 * full subtrees, from left to right.
 */
export function checkEntries(positions: number[], leaves: Bytes[], nodes: Bytes[], old: Checkpoint, now: Checkpoint, line?: Line): void {
  checkSize(old);
  checkSize(now);
  need(old.size > 0 && old.size <= now.size, `size ${old.size} is no beginning of size ${now.size}`);
  positions.forEach((p, i) => need((i == 0 || p > positions[i - 1]) && p < old.size,
    `position ${p} is out of order, or outside a log of size ${old.size}`));
  let node = 0, leaf = 0;
  /** The hash of the entries from lo until hi, and of those of them that old has. */
  const walk = (lo: number, hi: number): [Bytes, Bytes | null] => {
    const n = hi - lo, wanted = leaf < positions.length && positions[leaf] < hi;
    if (n == 1 && wanted) {
      if (line) line(`leaf ${lo} = SHA-256(0x00 ‖ entry ${lo}) = ${hex(leaves[leaf])}`);
      return [leaves[leaf], leaves[leaf++]];
    }
    const middle = lo + (n > 1 ? split(n) : 0), full = n == 1 || (middle - lo) * 2 == n;
    if (full && !wanted && !(lo < old.size && old.size < hi)) {
      need(node < nodes.length, "there are fewer hashes than are needed");
      return [nodes[node], nodes[node++]];
    }
    const [left, leftOld] = walk(lo, middle);
    const [right, rightOld] = walk(middle, hi);
    const both = told(left, right, `entries ${lo} to ${hi - 1}`, line);
    if (old.size <= middle) return [both, leftOld];
    if (old.size >= hi) return [both, both];
    return [both, told(left, rightOld!, `entries ${lo} to ${old.size - 1}`, line)];
  };
  const [root, before] = walk(0, now.size);
  need(node == nodes.length, "there are more hashes than are needed");
  need(root == now.root, `the hashes do not lead to the root at size ${now.size}`);
  need(before == old.root, `the hashes do not lead to the root at size ${old.size}`);
}
