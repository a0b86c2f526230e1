// Proofs of the completeness index: what its trees say at the last leaf of its log.

import type { Account } from "./account.ts";
import { type Bytes, after, base64, counted, cut, fromBase64url, hex, lines, need, readHash, readNumber, refuse, shown, text } from "./bytes.ts";
import { type Key, type Signed, readSigned } from "./note.ts";
import { type Node, readTree } from "./prefix.ts";
import { checkInclusion, maxPath } from "./tree.ts";

/** A leaf of the index log: the roots of both trees over a beginning of the ledger. */
export interface IndexLeaf {
  size: number; // of the ledger
  root: Bytes; // of the ledger, at that size
  tags: Bytes;
  labels: Bytes;
}

export const indexName = (origin: Bytes) => origin + "/index";

export function readIndexLeaf(b: Bytes): IndexLeaf {
  const list = lines(b);
  need(list.length == 5 && list[0] == "daybook/index@1", "it is not daybook/index@1, a size and three hashes");
  return { size: readNumber(list[1]), root: readHash(list[2]), tags: readHash(list[3]), labels: readHash(list[4]) };
}

function leafText(l: IndexLeaf): Bytes {
  return `daybook/index@1\n${l.size}\n${base64(l.root)}\n${base64(l.tags)}\n${base64(l.labels)}\n`;
}

export interface IndexProof {
  leaf: IndexLeaf;
  path: Bytes[];
  tags: Node | null;
  labels: Node | null;
  signed: Signed;
}

export const indexProofMark = "daybook/index-proof@1\n";

export function readIndexProof(b: Bytes): IndexProof {
  need(b.length <= 3 * 4194304 + 65536, "the index proof is too long");
  const parts = cut(b, "\n\n");
  if (!parts) refuse("the index proof has no checkpoint");
  const list = after(parts[0], indexProofMark).split("\n");
  need(list.length >= 5, "the index proof has no leaf");
  const leaf = readIndexLeaf(list.splice(0, 5).join("\n") + "\n"), path: Bytes[] = [];
  while (list.length > 0 && list[0].indexOf(" ") < 0) path.push(readHash(list.shift()!));
  need(path.length <= maxPath, `more than ${maxPath} hashes`);
  const tree = (name: Bytes) => {
    if (list.length == 0 || !list[0].startsWith(name)) return null;
    const b = fromBase64url(list.shift()!.slice(name.length));
    if (b === null) refuse("a prefix tree is not base64url in its one form");
    return readTree(b);
  };
  const tags = tree("tags "), labels = tree("labels ");
  need(list.length == 0, `"${shown(list[0] || "")}" has no place here`);
  return { leaf, path, tags, labels, signed: readSigned(parts[1]) };
}

/** Holds that the leaf is the last of the signed index log, and that the trees are those of the leaf. */
export function checkIndex(p: IndexProof, key: Key, tell: Account): void {
  const c = p.signed.checkpoint, { list, line } = tell.lines();
  need(c.size > 0, "the index log is empty");
  checkInclusion(leafText(p.leaf), c.size - 1, p.path, c, line);
  need(p.tags === null || p.tags.hash == p.leaf.tags, "the tree over tags does not have the root that is signed");
  need(p.labels === null || p.labels.hash == p.leaf.labels, "the tree over enrolments does not have the root that is signed");
  tell.say(`The index of ${text(key.name).replace(/\/index$/, "")} speaks about its first ${counted(p.leaf.size, "entry", "entries")}; what it answers is in the trees it signed.`, list.concat([
    `root over tags = ${hex(p.leaf.tags)}`, `root over enrolments = ${hex(p.leaf.labels)}`,
  ]));
  tell.open(p.signed, key, "The index's key");
}

export function proveIndex(p: IndexProof, key: Key, tell: Account): void {
  tell.title = "What the completeness index says";
  checkIndex(p, key, tell);
  tell.doubt("That the entries which the index speaks about are those of the ledger, and whose tags they are: a card and a bundle show that.");
  tell.witnessed("index", [p.signed, key]);
}
