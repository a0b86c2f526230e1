// What the completeness index answered at one leaf of its log, as far as it was asked.

import { Account } from "../account.ts";
import { type Bytes, base64url, hex } from "../bytes.ts";
import { checkIndex, type IndexLeaf, readIndexProof } from "../indexproof.ts";
import type { Key, Signed } from "../note.ts";
import { type IndexAnswer, Refused, proofs } from "./ask.ts";
import { Misbehaviour, evidence, leafProof, notes } from "./misbehaviour.ts";
import { type Prefix, type Tree, find, labels, merge, prefixOf, show, treeIn, whole, write } from "./pruned.ts";

/** NotYet says that the index does not speak of the card yet. It does so a second or two after the card was issued. */
export class NotYet extends Error {
  constructor() {
    super("The index of the ledger does not have all of your card yet. Try again in a few seconds.");
  }
}

const maxMoves = 20; // how often the index may go on while it is asked
const maxRanges = 16; // that are asked for at once
const inRange = 256; // tags that a range has at least, so that nobody sees which one is meant

/** spell is a beginning as questions have it, as 12:a5f0. */
const spell = (p: Prefix): string => p.bits + ":" + hex(p.path.slice(0, (p.bits + 7) >> 3));

/** ranges are the beginnings of labels, as many as one question has. */
function ranges(of: Bytes[], bits: number): Prefix[] {
  const out = new Map<Bytes, Prefix>();
  for (const label of of) {
    const path = prefixOf(label, bits);
    if (out.size < maxRanges) out.set(path, { bits, path });
  }
  return [...out.values()];
}

const unanswered = (): Error => new Error("The index of the ledger does not answer what it was asked.");

/** widened checks that ranges were answered whole, so that asking comes to an end, and returns how long they may be next time. */
function widened(t: Tree | undefined, asked: Prefix[], bits: number): number {
  if (asked.some((p) => t === undefined || !whole(t, p))) throw unanswered();
  if (asked.length === 0 || bits === 0 || asked[0].bits !== bits) return bits;
  const n = labels(t!).filter((l) => prefixOf(l, bits) === asked[0].path).length;
  return n < inRange ? bits - 1 : bits;
}

export class Index {
  private moved = 0;
  private bits: number; // of ranges of tags
  private labelBits: number; // of enrolments, of which there are far fewer
  private proof: { raw: Bytes; leaf: IndexLeaf; path: Bytes[]; signed: Signed } | null = null;
  private trees: { tags: Tree | undefined; labels: Tree | undefined } = { tags: undefined, labels: undefined };
  private where = new Map<Bytes, number>();

  /** The index of a ledger with at most so many tags, signed by its key. */
  constructor(private readonly key: Key, tags: number) {
    this.bits = Math.max(Math.floor(Math.log2(Math.max(tags / inRange, 1))), 0);
    this.labelBits = Math.max(this.bits - 5, 0);
  }

  get leaf(): IndexLeaf {
    return this.proof!.leaf;
  }

  /** note is the signed checkpoint of the index log. */
  get note(): Bytes {
    return noteOf(this.proof!.raw);
  }

  hasTag(label: Bytes): boolean {
    return typeof find(this.trees.tags, label) === "string";
  }

  knowsTag(label: Bytes): boolean {
    return find(this.trees.tags, label) !== undefined;
  }

  hasPerson(label: Bytes): boolean {
    return typeof find(this.trees.labels, label) === "string";
  }

  knowsPerson(label: Bytes): boolean {
    return find(this.trees.labels, label) !== undefined;
  }

  /** place is where in the ledger an item stands, by its label; undefined when that was not said. */
  place(label: Bytes): number | undefined {
    return this.where.get(label);
  }

  /** ask asks for some of the tags and persons that are missing, by their labels. */
  async ask(tags: Bytes[], persons: Bytes[]): Promise<void> {
    const of = ranges(tags, this.bits), ofPersons = ranges(persons, this.labelBits);
    let a: IndexAnswer;
    try {
      a = await proofs(of.map(spell), ofPersons.map(spell));
    } catch (e) {
      if (e instanceof Refused && e.status === 503) throw new NotYet();
      if (!(e instanceof Refused) || e.status !== 422 || this.moved >= maxMoves) throw e;
      // There is more in a range than the server answers with.
      this.moved++;
      this.bits++;
      this.labelBits++;
      return;
    }
    this.add(a);
    this.bits = widened(this.trees.tags, of, this.bits);
    this.labelBits = widened(this.trees.labels, ofPersons, this.labelBits);
  }

  /** add takes an answer in, and forgets all before it when the index went on. */
  private add(a: IndexAnswer): void {
    const p = readIndexProof(a.proof);
    try {
      checkIndex(p, this.key, new Account({}, false));
    } catch (e) {
      throw new Misbehaviour("The index proves something else than it signed.", e);
    }
    const before = this.proof, now = p.signed.checkpoint, trees = { tags: treeIn(a.proof, "tags"), labels: treeIn(a.proof, "labels") };
    if (before && now.size < before.signed.checkpoint.size) throw new Error("The index of the ledger goes back while it is asked.");
    if (before && now.size === before.signed.checkpoint.size) {
      if (now.root !== before.signed.checkpoint.root) {
        throw new Misbehaviour("The index is signed with two roots at one size.", null, evidence("fork", { notes: notes(noteOf(before.raw), noteOf(a.proof)) }));
      }
      const both = (x: Tree | undefined, y: Tree | undefined): Tree | undefined => (x === undefined ? y : y === undefined ? x : merge(x, y));
      this.trees = { tags: both(this.trees.tags, trees.tags), labels: both(this.trees.labels, trees.labels) };
      a.positions.forEach((at, label) => this.where.set(label, at));
      return;
    }
    if (++this.moved > maxMoves) throw new Error("The index of the ledger goes on faster than it answers. Try again.");
    this.proof = { raw: a.proof, leaf: p.leaf, path: p.path, signed: p.signed };
    this.trees = trees;
    this.where = a.positions;
  }

  /** file is the proof as a bundle has it: of tags no more than what answers for these labels. */
  file(tags: Bytes[]): Bytes {
    const raw = this.proof!.raw, head = raw.slice(0, raw.indexOf("\n\n")).split("\n").filter((l) => !/^(?:tags|labels) /.test(l));
    const line = (name: string, t: Tree | undefined): string[] => (t === undefined ? [] : [name + " " + base64url(write(t))]);
    const shown = this.trees.tags === undefined ? undefined : show(this.trees.tags, tags);
    return [...head, ...line("tags", shown), ...line("labels", this.trees.labels)].join("\n") + "\n\n" + this.note;
  }

  /** leafProof is the proof that the leaf is the last, for evidence. */
  leafProof(): string {
    const { raw, path, signed } = this.proof!;
    const lines = raw.split("\n").slice(1, 6);
    return leafProof(lines.join("\n") + "\n", signed.checkpoint.size, path, noteOf(raw));
  }

  /** shown is the tree over tags as far as labels need it, for evidence. */
  shown(tags: Bytes[]): string {
    return base64url(write(show(this.trees.tags!, tags)));
  }
}

/** noteOf is the checkpoint in an index proof. */
function noteOf(raw: Bytes): Bytes {
  return raw.slice(raw.indexOf("\n\n") + 2);
}
