// What a verification tells: what was checked, in plain words, each step with its
// arithmetic, and what was not.

import { type Bytes, Refusal, counted, hex, moment, text } from "./bytes.ts";
import { type Disclosure, type Entry, textAt, textsAt } from "./entry.ts";
import { at, inLine, isInteger, plain } from "./json.ts";
import { type Key, type Signed, checkSigned } from "./note.ts";
import { checkQuorum, cosigned, knownAt, type Policy } from "./policy.ts";

export interface Step {
  said: string; // one sentence
  detail: string[]; // the arithmetic behind it, a line each
}

export interface ShownEntry {
  position: number;
  kind: string;
  event: string;
  entry: object;
  disclosures: [string, string][];
  note: string;
}

/** What somebody trusts before anything is checked. */
export interface Given {
  key?: Key;
  policy?: Policy;
  takeUnread?: boolean;
}

export class Account {
  title = "";
  answerable = false; // evidence that the ledger may be able to answer
  steps: Step[] = [];
  notChecked: string[] = [];
  entries: ShownEntry[] = [];
  private few: { why: Refusal; steps: number; notChecked: number } | null = null;

  /** Without detail the arithmetic is done and not told. */
  constructor(readonly given: Given, readonly detailed: boolean) {}

  say(said: string, detail: string[] = []): void {
    this.steps.push({ said, detail });
  }

  doubt(said: string): void {
    this.notChecked.push(said);
  }

  /** Where arithmetic goes that belongs to what is said next. */
  lines(): { list: string[]; line?: (line: string) => void } {
    const list: string[] = [];
    return this.detailed ? { list, line: (line) => list.push(line) } : { list };
  }

  /** Opens a checkpoint of a log, and says so. */
  open(s: Signed, key: Key, whose: string): void {
    checkSigned(s, key);
    this.say(`${whose} signed this state of ${text(s.checkpoint.origin)}: ${counted(s.checkpoint.size, "entry", "entries")}.`, [
      `key = ${text(key.vkey)}`,
      `text = ${JSON.stringify(text(s.note.text))}`,
      `root = ${hex(s.checkpoint.root)}`,
      "signature (R, S), Ed25519: [S]B - [SHA-512(R ‖ key ‖ text)]key = R",
    ]);
  }

  /**
   * Says who beside the log signed these states of it, what a policy asks for, and
   * whether they are enough. What is what the states are of. A signature that is not
   * valid is worse than one that is missing, and said first; so is anything else that
   * does not hold, so that settle refuses what too few signed.
   */
  witnessed(what: string, ...states: [Signed, Key][]): void {
    const policy = this.given.policy;
    if (!policy || policy.quorum == "none") {
      const asks = policy ? "your policy asks nobody beside it to sign" : "no policy was given, which says who beside it has to sign";
      this.doubt(`That others are shown the same ${what}: ${asks}. Compare its checkpoint with somebody's.`);
    }
    if (!policy) return;
    // The logs that a policy accepts are those of the first state: the index's is another.
    const cosigners = states.map(([s, key], i) => cosigned(i == 0 ? policy : { ...policy, logs: [] }, s, key)), all = cosigners.map((c) => c.by);
    let unread: Set<Bytes>;
    try {
      unread = new Set(cosigners.flatMap((c, i) => checkQuorum(policy, states[i][1].name, c, this.given.takeUnread)));
    } catch (x) {
      if (!(x instanceof Refusal)) throw x;
      this.few = { why: x, steps: this.steps.length, notChecked: this.notChecked.length };
      return;
    }
    if (unread.size > 0) this.doubt(`That others are shown the same ${what}: the cosignature of ${[...unread].map(text).join(", ")} is needed for that, is there, and is of ML-DSA-44, a kind of signature that is not checked here.`);
    const at = Math.min(...all.map((by) => knownAt(policy, by)));
    if (at > 0) {
      this.say(`Others are shown the same ${what}: signed by ${all[0].map((c) => text(c.witness)).join(", ")}, who knew nothing newer on ${moment(at)}.`,
        states.reduce((list: string[], [s], i) => list.concat(all[i].map((c) =>
          `${text(c.witness)} on ${text(s.checkpoint.origin)} at ${moment(c.seconds)}, key = ${text(c.key.vkey)}`)), []));
    }
  }

  /** Refuses, once all else holds, what too few signed: what was said of it since counts for nothing. */
  settle(): void {
    if (!this.few) return;
    this.steps.length = this.few.steps;
    this.notChecked.length = this.few.notChecked;
    throw this.few.why;
  }

  show(position: number, e: Entry, open: Disclosure[], note: string): void {
    this.entries.push({
      position, kind: text(e.kind), event: textAt(e, "event"), entry: plain(e.members) as object,
      disclosures: open.map((d): [string, string] => [text(d.name), inLine(d.value)]), note,
    });
  }
}

/** Whom an entry concerns, as far as it tells; "" when it is not about persons. */
export function concerned(e: Entry): string {
  const number = (path: string) => {
    const n = at(e.members, path);
    return isInteger(n) ? n : 0;
  };
  const tags = textsAt(e, "subjects.tags").length;
  switch (textAt(e, "subjects.mode")) {
    case "none":
      return "It concerns nobody in particular.";
    case "unknown":
      return "Whom it concerns is not named.";
    case "single":
      return "It concerns 1 person, by a tag that her key recognizes.";
    case "several":
      return `It concerns ${tags} persons, by tags that their keys recognize.`;
    case "bulk":
      return tags > 0
        ? `It concerns ${counted(tags, "person", "persons")}, by tags that their keys recognize; part ${number("subjects.part")} of ${number("subjects.parts")} of the event ${textAt(e, "subjects.partOf")}.`
        : `It concerns many, named in ${counted(number("subjects.parts"), "part", "parts")} that ${number("subjects.parts") == 1 ? "follows" : "follow"}.`;
  }
  return "";
}
