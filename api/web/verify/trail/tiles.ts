// The files of a log (c2sp.org/tlog-tiles) at one checkpoint. What they give is not
// verified: the hashes that are put together of it are, by whoever knows the root.

import { type Bytes, need } from "../bytes.ts";
import { type Key, type Signed, checkSigned, readSigned } from "../note.ts";
import { nodeHash } from "../tree.ts";
import type { Read } from "./ask.ts";
import { Misbehaviour } from "./misbehaviour.ts";

const width = 256;

/** A full subtree: how high it is, and which of those. */
type Place = { level: number; n: number };

/** number3 is a number as paths have it: x001/x234/067. */
function number3(n: number): string {
  let out = String(n % 1000).padStart(3, "0");
  for (n = Math.floor(n / 1000); n > 0; n = Math.floor(n / 1000)) out = "x" + String(n % 1000).padStart(3, "0") + "/" + out;
  return out;
}

/** The largest power of two below n, which is above 1. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

const height = (n: number): number => Math.round(Math.log2(n));
const isPower = (n: number): boolean => 2 ** height(n) === n;

/**
 * entryNodes says which subtrees prove entries at positions, which ascend, to be in
 * the tree of size, and that tree to begin with the one of size old, in the order in
 * which a bundle has them.
 */
export function entryNodes(positions: number[], old: number, size: number): Place[] {
  const out: Place[] = [];
  let at = 0;
  const walk = (lo: number, hi: number): void => {
    const n = hi - lo, marked = at < positions.length && positions[at] < hi;
    if (isPower(n) && !marked && !(lo < old && old < hi)) {
      out.push({ level: height(n), n: lo / n });
    } else if (n === 1) {
      at++;
    } else {
      walk(lo, lo + split(n));
      walk(lo + split(n), hi);
    }
  };
  if (size > 0) walk(0, size);
  return out;
}

/** A log at one checkpoint. */
export class Files {
  private constructor(private readonly read: Read, readonly note: Bytes, readonly signed: Signed, readonly key: Key) {}
  private readonly kept = new Map<string, Bytes>();

  get size(): number {
    return this.signed.checkpoint.size;
  }

  /** open reads the checkpoint, which the key must have signed. */
  static async open(read: Read, key: Key): Promise<Files> {
    return Files.at(read, await read("checkpoint"), key);
  }

  /** at is the log at a checkpoint that is at hand. */
  static at(read: Read, note: Bytes, key: Key): Files {
    const signed = readSigned(note);
    try {
      checkSigned(signed, key);
    } catch (e) {
      throw new Misbehaviour("The checkpoint is not signed by the key on your card.", e);
    }
    return new Files(read, note, signed, key);
  }

  /** tile n of a level, or of the entries, with how many things are in it. */
  private async tile(level: string, inLevel: number, n: number): Promise<[Bytes, number]> {
    const w = Math.min(width, inLevel - n * width);
    need(w > 0, "a file is asked for that the log does not have");
    const path = "tile/" + level + "/" + number3(n) + (w < width ? ".p/" + w : "");
    let b = this.kept.get(path);
    if (b === undefined) this.kept.set(path, b = await this.read(path));
    return [b, w];
  }

  /** entry is the one at a position. */
  async entry(position: number): Promise<Bytes> {
    const n = Math.floor(position / width), [b, w] = await this.tile("entries", this.size, n);
    let at = 0, found: Bytes | undefined;
    for (let i = 0; i < w; i++) {
      need(at + 2 <= b.length, "a file of entries ends too early");
      const length = b.charCodeAt(at) * 256 + b.charCodeAt(at + 1);
      if (i === position % width) found = b.slice(at + 2, at + 2 + length);
      at += 2 + length;
    }
    need(found !== undefined && at === b.length, "a file of entries has another length than it should");
    return found!;
  }

  /** subtree is the hash of a full subtree. */
  async subtree(p: Place): Promise<Bytes> {
    const level = Math.floor(p.level / 8), count = 2 ** (p.level % 8), first = p.n * count;
    const inLevel = Math.floor(this.size / width ** level);
    const [b, w] = await this.tile(String(level), inLevel, Math.floor(first / width));
    need(b.length === w * 32 && first % width + count <= w, "a tile has another length than it should");
    let row = Array.from({ length: count }, (_, i) => b.slice((first % width + i) * 32, (first % width + i + 1) * 32));
    while (row.length > 1) row = row.filter((_, i) => i % 2 === 0).map((left, i) => nodeHash(left, row[2 * i + 1]));
    return row[0];
  }

  /** nodes are the hashes that [entryNodes] says. */
  async nodes(positions: number[], old: number): Promise<Bytes[]> {
    const out: Bytes[] = [];
    for (const p of entryNodes(positions, old, this.size)) out.push(await this.subtree(p));
    return out;
  }

  /** range is the hash of the entries from lo until hi, lo being where such a subtree begins. */
  async range(lo: number, hi: number): Promise<Bytes> {
    const n = hi - lo;
    if (isPower(n)) return this.subtree({ level: height(n), n: lo / n });
    const middle = lo + split(n);
    return nodeHash(await this.range(lo, middle), await this.range(middle, hi));
  }

  /** inclusion is the path from an entry to the root (RFC 6962, 2.1.1) of the first size entries. */
  async inclusion(position: number, size: number): Promise<Bytes[]> {
    const path = async (lo: number, hi: number): Promise<Bytes[]> => {
      if (hi - lo === 1) return [];
      const middle = lo + split(hi - lo);
      return position < middle
        ? [...await path(lo, middle), await this.range(middle, hi)]
        : [...await path(middle, hi), await this.range(lo, middle)];
    };
    return path(0, size);
  }

  /** consistency is the path from a smaller size to this one (RFC 6962, 2.1.2). */
  async consistency(old: number): Promise<Bytes[]> {
    const path = async (lo: number, hi: number, old: number, known: boolean): Promise<Bytes[]> => {
      if (old === hi) return known ? [] : [await this.range(lo, hi)];
      const middle = lo + split(hi - lo);
      return old <= middle
        ? [...await path(lo, middle, old, known), await this.range(middle, hi)]
        : [...await path(middle, hi, old, false), await this.range(lo, middle)];
    };
    return old === 0 || old === this.size ? [] : path(0, this.size, old, true);
  }
}
