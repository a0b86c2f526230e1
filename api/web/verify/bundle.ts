// Trail bundles, as files: what a person keeps of her trail.

import { type Bytes, after, cut, fromBase64url, need, readPosition, refuse } from "./bytes.ts";
import { type Disclosure, readDisclosure } from "./entry.ts";
import { type IndexProof, indexProofMark, readIndexProof } from "./indexproof.ts";
import { limits } from "./kinds.ts";
import { type Signed, readSigned } from "./note.ts";

export interface Held {
  position: number;
  entry: Bytes;
  open: Disclosure[];
}

export interface Bundle {
  held: Held[];
  nodes: Bytes[];
  signed: Signed;
  index: IndexProof;
}

export const bundleMark = "daybook/bundle@";

const mostBytes = 67108864;
const mostHeld = 65536;

export function readBundle(b: Bytes): Bundle {
  need(b.length <= mostBytes, "the bundle has more than 64 MiB");
  const parts = cut(after(b, "daybook/bundle@1\n"), "\n\n");
  if (!parts) refuse("the bundle has no checkpoint");
  const rest = cut(parts[1], "\n" + indexProofMark);
  if (!rest) refuse("the bundle has no proof of the index");
  const list = parts[0].split("\n"), last = list.pop()!;
  const held = readHeld(list);
  const nodes = fromBase64url(after(last, "nodes "));
  if (nodes === null || nodes.length % 32 != 0) refuse("the nodes are not whole hashes in base64url");
  return {
    held, nodes: nodes.match(/[^]{32}/g) || [], signed: readSigned(rest[0] + "\n"), index: readIndexProof(indexProofMark + rest[1]),
  };
}

/** The entries, each behind its position and before what of it was opened. */
function readHeld(list: Bytes[]): Held[] {
  const out: Held[] = [];
  for (let n = 0; n < list.length;) {
    const position = readPosition(list[n++]), entry = list[n++];
    need(out.length == 0 || position > out[out.length - 1].position, "the positions do not ascend");
    need(out.length < mostHeld, `more than ${mostHeld} entries`);
    need(entry !== undefined && entry[0] == "{" && entry.length <= limits.listed, `no entry follows the position ${position}`);
    const open: Disclosure[] = [], seen = new Set<Bytes>();
    for (; n < list.length && list[n][0] == "["; n++) {
      need(!seen.has(list[n]), "a disclosure is there twice");
      seen.add(list[n]);
      open.push(readDisclosure(list[n]));
    }
    out.push({ position, entry, open });
  }
  return out;
}
