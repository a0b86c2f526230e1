// Receipts: what the ledger promised when it took events.

import type { Account } from "./account.ts";
import { type Bytes, after, counted, cut, fromBase64url, hex, lines, need, readHash, readPosition, refuse, text } from "./bytes.ts";
import { isReceiptTime } from "./grammar.ts";
import { type Key, type Note, checkNote, checkOrigin, readNote } from "./note.ts";

export interface Receipt {
  note: Note;
  origin: Bytes;
  time: Bytes;
  promises: { position: number; hash: Bytes }[];
}

export const receiptMark = "daybook/receipt@";

export function readReceipt(b: Bytes): Receipt {
  const note = readNote(b), list = lines(note.text);
  need(list[0] == "daybook/receipt@1", "it is not daybook/receipt@1");
  need(list.length >= 4, "no position is promised");
  const origin = after(list[1], "origin "), time = after(list[2], "time ");
  checkOrigin(origin);
  need(isReceiptTime(time), "the time is not like 2006-01-02T15:04:05.000Z");
  let last = -1;
  const promises = list.slice(3).map((line) => {
    const parts = cut(line, " ");
    if (!parts) refuse("a promise is not a position and a hash");
    const position = readPosition(parts[0]);
    need(position > last, `position ${position} does not ascend`);
    last = position;
    return { position, hash: readHash(parts[1], fromBase64url) };
  });
  return { note, origin, time, promises };
}

export const receiptKeyName = (origin: Bytes) => origin + "/receipt";

export function checkReceipt(r: Receipt, key: Key): void {
  need(key.name == receiptKeyName(r.origin), `${text(key.name)} is not the receipt key of ${text(r.origin)}`);
  checkNote(r.note, key);
}

export function proveReceipt(b: Bytes, key: Key, tell: Account): void {
  tell.title = "A receipt";
  const r = readReceipt(b), n = r.promises.length;
  checkReceipt(r, key);
  tell.say(`The receipt key of ${text(r.origin)} signed at ${r.time} that ${counted(n, "event stands", "events stand")} at ${n == 1 ? "a position" : "positions"} of the log.`,
    [`key = ${text(key.vkey)}`].concat(r.promises.map((p) => `position ${p.position}: SHA-256(entry) = ${hex(p.hash)}`)));
  tell.doubt("That the entries are in the log by now: ask for the proof of a position and compare its entry's hash.");
}
