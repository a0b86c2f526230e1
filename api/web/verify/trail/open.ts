// From a card to what it opens, checked: what the page does, without the page.

import { Refusal, fromArray, toArray, utf8 } from "../bytes.ts";
import { readCard } from "../card.ts";
import { type Report, verify } from "../core.ts";
import { accepts, readPolicy } from "../policy.ts";
import { date } from "../page/plain.ts";
import { type Found, type Progress, collect } from "./collect.ts";
import { Misbehaviour } from "./misbehaviour.ts";

/** Opened is what a card opens. */
export type Opened = {
  report: Report; // of the bundle
  bundle: Uint8Array<ArrayBuffer>; // to be kept
  tail: Found["tail"];
  ended: string; // why the card shows nothing newer, "" when it does
};

/** TooFew says whose cosignatures are missing, for which the ledger need not be to blame. */
export class TooFew extends Error {
  constructor(said: string, readonly lacking: string[]) {
    super(said);
  }
}

/**
 * openCard finds and checks everything that a card leads to, its text being given, and
 * that the ledger goes on from what was kept the last time, null for nothing. A policy
 * other than "" counts in place of the card's. A [Misbehaviour] says that the ledger is
 * to blame, [TooFew] that it may be; any other Error what else is wrong.
 */
export async function openCard(card: string, kept: Uint8Array | null, policy: string, tell: Progress): Promise<Opened> {
  if (policy !== "") usable(policy, card);
  if (kept) { // others may have cosigned then: what is found now is verified whole
    const r = verify(kept, { card, policy: "quorum none\n" });
    if (r.format !== "bundle" || r.verdict !== "valid") throw new Error("What you kept does not hold with this card: " + r.reason);
  }
  let got: Found;
  try {
    got = await collect(readCard(utf8(card)), kept ? fromArray(kept) : null, tell);
  } catch (e) {
    throw e instanceof Refusal ? new Error("The ledger’s answer cannot be read: " + e.why + ".") : e;
  }
  tell("Checking everything …");
  const bundle = toArray(got.bundle);
  const report = verify(bundle, { card, policy, takeUnread: true });
  if (report.lacking.length > 0) throw new TooFew(report.reason, report.lacking);
  if (report.verdict !== "valid") throw new Misbehaviour("What the ledger shows does not add up. " + report.reason);
  return { report, bundle, tail: got.tail, ended: ended(report) };
}

/** usable holds that a policy can be read, and is for the log of a card. */
function usable(policy: string, card: string): void {
  let good: boolean;
  try {
    good = accepts(readPolicy(utf8(policy)), readCard(utf8(card)).log);
  } catch (e) {
    throw e instanceof Refusal ? new Error("The policy that you gave cannot be read: " + e.why + ".") : e;
  }
  if (!good) throw new Error("The policy that you gave is for other logs than this ledger.");
}

/** ended says why a card shows nothing newer, "" when it does. */
function ended(r: Report): string {
  for (const e of [...r.entries].reverse()) {
    const on = date(String((e.entry as Record<string, unknown>).recordedAt || ""));
    if (e.kind === "key.shredded") return "The keys of this card were destroyed on " + on + ". The entries stay, and nobody can open their details any more. What is recorded since then is found with another card.";
  }
  const replaced = r.notChecked.map((s) => /^What was recorded since your card was replaced on ([^ ]+)\.$/.exec(s)).find((m) => m);
  return replaced ? "This card was replaced on " + date(replaced[1]) + ". What is recorded since then is found with the new one. If you did not ask for it, tell the office." : "";
}
