// Cards: what a person holds to find, open and check her trail.

import { type Bytes, after, base64url, cut, fromBase64url, need, refuse } from "./bytes.ts";
import { labelOf } from "./crypto.ts";
import { isAddress, isReference } from "./grammar.ts";
import { indexName } from "./indexproof.ts";
import { type Key, checkOrigin, readKey } from "./note.ts";
import { type Policy, policyText, readPolicy } from "./policy.ts";

/** One generation of a trail. */
export interface Generation {
  number: number;
  first: number; // the number of its first event, 0 when its keys are destroyed
  key: Bytes; // the root key, "" when it is destroyed
  label: Bytes;
}

export interface Card {
  log: Key;
  index: Key;
  vrf: Bytes;
  generations: Generation[];
  next: Bytes; // the label of the generation behind the last
  policy: Policy; // whose cosignatures both checkpoints need
}

export const cardMark = "daybook/card@";

/** Bytes in base64url in their one form. */
function binary(s: Bytes, size: number): Bytes {
  const b = fromBase64url(s);
  if (b === null || b.length != size) refuse(`it is not ${size} bytes of base64url`);
  return b;
}

const decimal = (s: Bytes, most: number) => /^(0|[1-9][0-9]{0,15})$/.test(s) && Number(s) <= most;

function readGeneration(line: Bytes, number: number): Generation {
  const words = line.split(" "), gone = words[0] == "gone";
  need(gone ? words.length == 3 : words[0] == "trail" && words.length == 5, "a line is neither trail, gone nor next");
  need(decimal(words[1], 4294967295) && Number(words[1]) == number, "the generations do not follow each other");
  const label = labelOf(binary(words[words.length - 1], 80));
  if (gone) return { number, first: 0, key: "", label };
  need(decimal(words[2], 9007199254740991), "the first event of a generation is no number");
  return { number, first: Number(words[2]), key: binary(words[3], 32), label };
}

/** Holds that the events of a generation come behind those before it, or begin anew behind keys that are gone. */
function checkOrder(list: Generation[]): void {
  list.forEach((g, i) => {
    const before = i > 0 ? list[i - 1].first : 0;
    need(g.first > 0 ? before > 0 ? g.first > before : g.first == 1 : before == 0 && g.key == "",
      `generation ${g.number} does not begin where it should`);
  });
  need(list[list.length - 1].key != "", "the last generation has no key");
}

export function readCard(b: Bytes): Card {
  need(b.length <= 6144, "the card has more than 6,144 bytes");
  const parts = cut(b, "\n\n");
  if (!parts) refuse("the card is not in its one form");
  const list = parts[0].split("\n");
  need(list.shift() == "daybook/card@1", "it is not daybook/card@1");
  const log = readKey(after(list.shift(), "log ")), index = readKey(after(list.shift(), "index "));
  checkOrigin(log.name);
  need(index.name == indexName(log.name), "the index's key is not named like the log's");
  const vrf = binary(after(list.shift(), "vrf "), 32);
  need(isAddress(after(list.shift(), "url ")), "url: it is no address of a ledger");
  const scheme = after(list.shift(), "scheme ");
  need(isReference(scheme) && scheme.length <= 32, "scheme: it is not a scheme");
  const last = list.pop();
  need(list.length > 0, "the card has no generation");
  const generations = list.map((line, i) => readGeneration(line, i + 1));
  const next = labelOf(binary(after(last, "next "), 80));
  checkOrder(generations);
  const policy = readPolicy(parts[1]);
  need(policyText(policy) == parts[1], "the policy is not in its one form");
  return { log, index, vrf, generations, next, policy };
}

/** The card that a link opens, or that the text is. */
export function cardText(given: Bytes): Bytes {
  const at = given.lastIndexOf("#");
  if (given.startsWith(cardMark)) return given;
  const b = fromBase64url(given.slice(at + 1).trim());
  if (b === null || !b.startsWith(cardMark)) refuse("it is neither a card nor a link that opens one");
  return b;
}

/** The VRF key as entry 0 has it. */
export const vrfText = (c: Card) => base64url(c.vrf);
