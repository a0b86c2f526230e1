// Opening what an entry has sealed for one person: AES-256-GCM by the browser itself,
// which does it only where the page came over a secure connection.

import { type Bytes, fromArray, fromBase64url, need, toArray } from "../bytes.ts";
import { hmac, sha256 } from "../primitives.ts";
import { itemsOf, isMembers, parse, textOf } from "../json.ts";
import type { Slot } from "./ask.ts";

/** canOpen says that this browser opens boxes here. */
export function canOpen(): boolean {
  return typeof crypto !== "undefined" && crypto.subtle !== undefined;
}

/** ticket is what is shown to be given what one event has sealed. */
export function ticket(eventKey: Bytes): Bytes {
  return hmac(eventKey, "daybook/ticket").slice(0, 16);
}

/** open decrypts a box of the person's kind, which belongs to an entry. */
async function open(key: Bytes, entry: Bytes, box: Bytes): Promise<Bytes> {
  need(box.length >= 28, "a box is shorter than its nonce and tag");
  const derived = hmac(hmac("\x00".repeat(32), key), "daybook/person/1\x01");
  const imported = await crypto.subtle.importKey("raw", toArray(derived), "AES-GCM", false, ["decrypt"]);
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: toArray(box.slice(0, 12)), additionalData: toArray(sha256(entry)) }, imported, toArray(box.slice(12)));
  return fromArray(new Uint8Array(plain));
}

/** What a box has: the JSON texts of disclosures, and of a part the key to what its head has. */
type Slip = { open: Bytes[]; detail: Bytes };

function slip(b: Bytes): Slip {
  const v = parse(b);
  need(isMembers(v) && textOf(v.get("$")) === "daybook/slip@1", "a box has something else in it");
  if (!isMembers(v)) return { open: [], detail: "" };
  const detail = v.get("detail") === undefined ? "" : fromBase64url(textOf(v.get("detail"))) || "";
  return { open: itemsOf(v.get("disclosures")).map((d) => fromBase64url(textOf(d)) || ""), detail };
}

/** openSlot is what is in a slot: the disclosures of the entry, and of its head, which headEntry gives. */
export async function openSlot(key: Bytes, entry: Bytes, s: Slot, headEntry: () => Promise<Bytes>): Promise<{ own: Bytes[]; head: Bytes[] }> {
  const own = slip(await open(key, entry, s.box));
  if (!s.head) return { own: own.open, head: [] };
  const head = await headEntry();
  for (const box of s.head.boxes) {
    let plain: Bytes;
    try {
      plain = await open(own.detail, head, box);
    } catch {
      continue; // it is for those who stand to the matter in another way
    }
    return { own: own.open, head: slip(plain).open };
  }
  throw new Error("What is sealed for you cannot be opened: your key opens none of the boxes of an event.");
}
