// The verifier: what a file shows to who trusts a key, a card or a policy. It needs
// no server, no clock and nothing of a browser.

import { Account, type Given, type ShownEntry, type Step } from "./account.ts";
import { type Bytes, bare, cannot, fromArray, need, Refusal, shown, text, utf8 } from "./bytes.ts";
import { bundleMark } from "./bundle.ts";
import { type Card, cardMark, cardText, readCard } from "./card.ts";
import { readEncodedDisclosure, readEntry } from "./entry.ts";
import { evidenceMark, proveEvidence } from "./evidence.ts";
import { indexProofMark, proveIndex, readIndexProof } from "./indexproof.ts";
import { type Key, readKey, readSigned, type Signed } from "./note.ts";
import { readPolicy } from "./policy.ts";
import { presentationMark, proveEntry, provePresentation } from "./proof.ts";
import { proveReceipt, receiptKeyName, receiptMark } from "./receipt.ts";
import { proveTrail } from "./trail.ts";

/** What is trusted: a verifier key, a card (its text or link), a policy (its text). */
export interface Trust {
  key?: string;
  card?: string;
  policy?: string;
  takeUnread?: boolean; // count cosignatures of ML-DSA-44 that are there, and say that they were not checked
}

/**
 * What came of it. Valid and evidence say that everything was checked that the file is
 * for; incomplete, that what holds shows less, as a signature without an entry, that
 * fewer cosigned than the policy asks for, or that there was nothing to check;
 * unchecked, that it could not be checked. Nothing is ever valid for want of a check.
 */
export type Verdict = "valid" | "not-valid" | "evidence" | "overdue" | "incomplete" | "unchecked";

export interface Report {
  verdict: Verdict;
  format: string;
  title: string;
  reason: string; // of every verdict but valid; of evidence, what it convicts of
  lacking: string[]; // witnesses whose cosignatures are missing; none when they are enough
  steps: Step[];
  notChecked: string[];
  entries: ShownEntry[];
}

/** How the file begins in which the program remembers ledgers. */
const contextMark = "daybook/context@";

/** What a file is, by how it begins. */
export function formatOf(b: Bytes): string {
  const marks: [Bytes, string][] = [
    ["c2sp.org/tlog-proof@", "proof"], [presentationMark, "presentation"], [evidenceMark, "evidence"], [bundleMark, "bundle"],
    [receiptMark, "receipt"], [indexProofMark, "index-proof"], [cardMark, "card"],
  ];
  for (const [mark, format] of marks) if (b.startsWith(mark)) return format;
  return /^[^\n]+\n[0-9]+\n[^\n]+\n\n/.test(b) ? "checkpoint" : "unknown";
}

/** What is trusted, read. */
class Trusted {
  card: Card | null = null;
  given: Given = {};

  constructor(trust: Trust) {
    this.reading("card", trust.card, (b) => this.card = readCard(cardText(b)));
    this.reading("key", trust.key, (b) => this.given.key = readKey(b));
    this.reading("policy", trust.policy, (b) => this.given.policy = readPolicy(b));
    if (this.card !== null && !this.given.policy) this.given.policy = this.card.policy;
    this.given.takeUnread = trust.takeUnread;
  }

  /** What cannot be read is trusted for nothing, so nothing was checked. */
  reading(what: string, given: string | undefined, read: (b: Bytes) => void): void {
    if (given === undefined || bare(given) == "") return;
    try {
      read(utf8(what == "key" ? bare(given) : given));
    } catch (x) {
      if (x instanceof Refusal) cannot(`the ${what} that you gave cannot be read: ${x.why}`);
      throw x;
    }
  }

  /** The key of the log: the one on the card, or else the one that is given. */
  log(): Key {
    const key = this.card !== null ? this.card.log : this.given.key;
    return key || cannot("No key was given: the log's is needed, by a way you trust.");
  }

  /** The key for what is signed under a name. */
  named(name: Bytes): Key {
    const log = this.log(), all = [log, this.card && this.card.index, this.given.key];
    const found = all.find((key) => key && key.name == name);
    return found || cannot(`It is signed by ${shown(name)}, and you gave the key of ${text(log.name)}.`);
  }

  /** The key that signs receipts, which no card has. */
  receipt(): Key {
    const key = this.given.key;
    if (key && key.name.endsWith(receiptKeyName(""))) return key;
    cannot("A receipt is signed by the receipt key, which entry 0 of the log names, and the ledger shows beside its key under “Check it yourself”: give that.");
  }
}

/** Verifies a file of a format; what evidence convicts of, and why a file shows less than the whole, is returned. */
function prove(format: string, b: Bytes, trusted: Trusted, tell: Account, daybook: boolean): string {
  const said = proveAll(format, b, trusted, tell, daybook);
  tell.settle();
  return said;
}

/** The same, but for whether enough cosigned. */
function proveAll(format: string, b: Bytes, trusted: Trusted, tell: Account, daybook: boolean): string {
  switch (format) {
    case "proof":
      proveEntry(b, trusted.log(), tell, daybook);
      return "";
    case "presentation":
      provePresentation(b, trusted.log(), tell);
      return "";
    case "evidence":
      return proveEvidence(b, trusted.log(), tell);
    case "receipt":
      proveReceipt(b, trusted.receipt(), tell);
      return "A receipt is a promise and no proof: a signature alone was checked.";
    case "index-proof": {
      const p = readIndexProof(b);
      proveIndex(p, trusted.named(p.signed.checkpoint.origin), tell);
      return "";
    }
    case "checkpoint":
    case "cosigned":
      proveCheckpoint(readSigned(b), trusted, tell);
      return "A signed state of a log proves no entry: signatures alone were checked.";
    case "bundle":
      if (trusted.card === null) cannot("This is what somebody kept of a trail: give the card it is of.");
      proveTrail(b, trusted.card, tell);
      return "";
    case "card":
      return "This is a card, which proves nothing by itself, and is a secret: a file with a trail is checked with it. Nothing was checked.";
  }
  if (b.startsWith(contextMark)) cannot("This is what the program remembers of ledgers, for daybook context: it is compared with a ledger, and shows nothing by itself.");
  cannot("It is none of the files that can be checked here.");
}

function proveCheckpoint(s: Signed, trusted: Trusted, tell: Account): void {
  tell.title = "A state of a log";
  const key = trusted.named(s.checkpoint.origin);
  tell.open(s, key, `The key of ${text(key.name)}`);
  tell.witnessed("log", [s, key]);
  tell.doubt("Any entry: a proof of it, or an audit of the log, shows that.");
}

/** The verdict on a file that holds; of evidence that an honest ledger may stand against, another than of all other. */
function verdictOf(format: string, tell: Account): Verdict {
  if (format == "evidence") return tell.answerable ? "overdue" : "evidence";
  return format == "checkpoint" || format == "receipt" || format == "card" ? "incomplete" : "valid";
}

/** Verifies a file, and says what was checked and what was not. */
export function verify(file: Uint8Array, trust: Trust): Report {
  let tell = new Account({}, true), verdict: Verdict = "valid", reason = "", format = "unknown", lacking: string[] = [];
  try {
    const b = fromArray(file);
    format = formatOf(b);
    if (b.trim() == "") return report("incomplete", format, tell, "The file is empty: nothing was checked.");
    const trusted = new Trusted(trust);
    tell = new Account(trusted.given, true);
    reason = prove(format, b, trusted, tell, true);
    verdict = verdictOf(format, tell);
    need(verdict == "incomplete" || tell.steps.length > 0, "nothing was checked");
  } catch (x) {
    if (!(x instanceof Refusal)) throw x;
    verdict = x.unchecked ? "unchecked" : x.lacking.length > 0 ? "incomplete" : "not-valid";
    ({ why: reason, lacking } = x);
    tell.entries = []; // nothing in them may be believed
  }
  return report(verdict, format, tell, reason, lacking);
}

function report(verdict: Verdict, format: string, tell: Account, reason: string, lacking: string[] = []): Report {
  const { title, steps, notChecked, entries } = tell;
  return { verdict, format, title: title || "A file", reason: reason && reason[0].toUpperCase() + reason.slice(1), lacking, steps, notChecked, entries };
}

/**
 * Says why a value of a format does not hold, "" when it does. What only has a form,
 * entries, disclosures, cards and policies, holds when it is well formed, and a proof whatever
 * its entry is. Programs that compare verifiers ask this.
 */
export function check(format: string, file: Uint8Array, trust: Trust): string {
  try {
    const b = fromArray(file);
    if (format == "entry") readEntry(b);
    else if (format == "disclosure") readEncodedDisclosure(b);
    else if (format == "card") readCard(b);
    else if (format == "policy") readPolicy(b);
    else {
      const trusted = new Trusted(trust);
      prove(format, b, trusted, new Account(trusted.given, false), false);
    }
    return "";
  } catch (x) {
    if (x instanceof Refusal) return x.why;
    throw x;
  }
}
