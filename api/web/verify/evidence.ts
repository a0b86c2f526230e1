// Evidence: statements that a ledger signed and that cannot stand beside each other.

import type { Account } from "./account.ts";
import { type Bytes, base64url, counted, fromBase64url, hex, moment, need, readHash, refuse, shown, text } from "./bytes.ts";
import { commitment, eventKey, tagOf } from "./crypto.ts";
import { type Entry, pairsOf, readEntry, tagsOf, textAt } from "./entry.ts";
import { type IndexLeaf, indexName, readIndexLeaf } from "./indexproof.ts";
import { isInteger, isMembers, isText, type Members, parse, textOf, type Value } from "./json.ts";
import { limits } from "./kinds.ts";
import { type Checkpoint, type Key, checkSigned, type Note, readCheckpoint, readKey, readNote, readSigned } from "./note.ts";
import { checkKnew, readPolicy } from "./policy.ts";
import { find, indexValue, type Node, personLabel, readTree, tagLabel } from "./prefix.ts";
import { sha256 } from "./primitives.ts";
import { type Proof, checkProof, readProof } from "./proof.ts";
import { checkReceipt, receiptKeyName, readReceipt } from "./receipt.ts";
import { checkConsistency, checkInclusion, leafHash, maxPath } from "./tree.ts";

export const evidenceMark = '{"$":"daybook/evidence@';

/** A proof, and the words for how much of what each kind holds. */
const held: { [kind: string]: string } = {
  "fork": "notes2",
  "inconsistent": "beginning notes2 path",
  "two-entries": "proofs2",
  "duplicate-event": "proofs2",
  "duplicate-tag": "proofs2",
  "duplicate-label": "proofs2",
  "receipt-broken": "notes1 proofs1",
  "receipt-late": "notes2 proofs1",
  "index-root": "leaves1 notes1",
  "index-back": "leaves2",
  "index-tag": "entry leaves1 path position tags",
  "index-label": "entry labels leaves1 path position",
  "gap": "leaves1 numbers3 root tags",
  "order": "numbers2 proofs2 root",
  "not-enrolled": "numbers1 proofs2 root",
};

/** What an evidence file has; what its kind does not hold is empty. */
interface Evidence {
  kind: string;
  opened: Proof | null;
  notes: Bytes[];
  proofs: Proof[];
  leaves: Proof[];
  tags: Node | null;
  labels: Node | null;
  entry: Bytes;
  position: number;
  path: Bytes[];
  beginning: Bytes;
  root: Bytes;
  numbers: number[];
}

function readEvidence(b: Bytes): Evidence {
  need(b.length <= 1048576, "the evidence has more than 1 MiB");
  const v = parse(b);
  if (!isMembers(v) || v.get("$") !== "daybook/evidence@1") refuse("it is not daybook/evidence@1");
  const kind = textOf(v.get("kind")), holds = Object.prototype.hasOwnProperty.call(held, kind) ? held[kind] : undefined;
  if (holds === undefined) refuse(`there is no kind "${shown(kind)}"`);
  const names = ["$", "kind"].concat(holds.replace(/[0-9]/g, "").split(" "), v.has("opened") ? ["opened"] : []).sort();
  need(Array.from(v.keys()).join(" ") == names.join(" ") && v.size == names.length, `it does not hold what evidence of the kind ${kind} does`);
  const list = (name: string): Value[] => {
    const items = v.get(name), n = new RegExp(`\\b${name}([0-9])`).exec(holds);
    if (items === undefined) return [];
    if (!Array.isArray(items) || n && items.length != +n[1]) refuse(`${name}: there are not as many as this kind has`);
    return items;
  };
  const tree = (name: string) => v.has(name) ? readTree(binary(v, name)) : null;
  const e: Evidence = {
    kind, opened: v.has("opened") ? proofOf(v.get("opened")) : null,
    notes: list("notes").map((n) => {
      readNote(textOf(n));
      return textOf(n);
    }),
    proofs: list("proofs").map(proofOf), leaves: list("leaves").map(proofOf), tags: tree("tags"), labels: tree("labels"),
    entry: v.has("entry") ? binary(v, "entry") : "", position: natural(v.get("position")),
    path: list("path").map((h) => readHash(textOf(h), fromBase64url)),
    beginning: v.has("beginning") ? readHash(textOf(v.get("beginning")), fromBase64url) : "",
    root: v.has("root") ? readHash(textOf(v.get("root")), fromBase64url) : "", numbers: list("numbers").map(natural),
  };
  need(e.path.length <= maxPath, `the path has more than ${maxPath} hashes`);
  need(!v.has("entry") || e.entry != "" && e.entry.length <= limits.listed, "the entry is empty or too long");
  e.numbers.forEach((n, i) => need(n > (i > 0 ? e.numbers[i - 1] : 0), "the numbers do not ascend from 1 at least"));
  return e;
}

function binary(v: Members, name: string): Bytes {
  const b = isText(v.get(name)) ? fromBase64url(textOf(v.get(name))) : null;
  if (b === null) refuse(`${name} is not base64url in its one form`);
  return b;
}

function natural(v: Value | undefined): number {
  if (v === undefined) return 0;
  if (!isInteger(v) || v < 0) refuse("a number is none");
  return v;
}

function proofOf(v: Value | undefined): Proof {
  const p = readProof(textOf(v));
  need(p.entry != "", "a proof carries no entry (no extra line)");
  return p;
}

/** What ends the verification of evidence in which nothing is wrong. */
const nothing = "it shows nothing: the statements do not contradict each other";

/** Holds evidence against a key, which is the log's, or the one that signed all of it. */
class Trial {
  constructor(readonly e: Evidence, readonly key: Key, readonly tell: Account) {}

  /** The key of a name: the one given, or one that entry 0 names. */
  signer(name: Bytes): Key {
    if (name == this.key.name) return this.key;
    const opened = this.e.opened;
    if (opened === null) refuse(`the key ${text(name)} signed it, you gave that of ${text(this.key.name)}, and the entry that names the other is missing`);
    const e = readEntry(opened.entry);
    need(opened.position == 0 && e.kind == "ledger.opened", "entry 0 is another entry");
    for (const field of ["keys.index", "keys.receipt"]) {
      let key: Key;
      try {
        key = readKey(textAt(e, field));
      } catch {
        continue;
      }
      if (key.name != name) continue;
      this.proof(opened);
      this.tell.say(`Entry 0, which the key you gave signed, names the key of ${text(name)}.`, [`${field} = ${text(key.vkey)}`]);
      return key;
    }
    refuse(`entry 0 names no key ${text(name)}`);
  }

  /** Opens a signed checkpoint, or says that it is none of the key's. */
  open(note: Bytes, key: Key): Checkpoint {
    const s = readSigned(note);
    checkSigned(s, key);
    this.tell.say(`${text(key.name)} signed a state with ${counted(s.checkpoint.size, "entry", "entries")}.`, [
      `key = ${text(key.vkey)}`, `root = ${hex(s.checkpoint.root)}`,
    ]);
    return s.checkpoint;
  }

  signerOf(note: Note): Key {
    return this.signer(readCheckpoint(note.text).origin);
  }

  proof(p: Proof, key = this.key): void {
    const { list, line } = this.tell.lines();
    checkProof(p, key);
    if (line) checkInclusion(p.entry, p.position, p.path, p.signed.checkpoint, line);
    this.tell.say(`${text(key.name)} signed a log of ${counted(p.signed.checkpoint.size, "entry", "entries")} with this entry at position ${p.position}.`,
      list.concat([`key = ${text(key.vkey)}`]));
  }

  /** The entries of the proofs, which the log's key signed. */
  entries(): Entry[] {
    return this.e.proofs.map((p) => {
      const e = readEntry(p.entry);
      this.proof(p);
      this.tell.show(p.position, e, [], "");
      return e;
    });
  }

  fork(): string {
    const [a, b] = this.e.notes, key = this.signerOf(readNote(a));
    const one = this.open(a, key), other = this.open(b, key);
    need(one.size == other.size && one.root != other.root, nothing);
    return `${text(key.name)} signed two different logs of ${one.size} entries`;
  }

  inconsistent(): string {
    const [a, b] = this.e.notes, key = this.signerOf(readNote(a)), { list, line } = this.tell.lines();
    const old = this.open(a, key), now = this.open(b, key);
    need(old.size < now.size && old.root != this.e.beginning, nothing);
    checkConsistency({ origin: old.origin, size: old.size, root: this.e.beginning }, now, this.e.path, line);
    this.tell.say(`The larger log has another root at ${counted(old.size, "entry", "entries")}.`, list);
    return `${text(key.name)} signed a log of ${old.size} entries, and one of ${now.size} that begins otherwise`;
  }

  twoEntries(): string {
    const [a, b] = this.e.proofs, key = this.signerOf(a.signed.note);
    this.proof(a, key);
    this.proof(b, key);
    need(a.position == b.position && leafHash(a.entry) != leafHash(b.entry), nothing);
    return `${text(key.name)} signed two logs, of which each has another entry at position ${a.position}`;
  }

  duplicate(what: string, names: (e: Entry) => Bytes[]): string {
    const [one, other] = this.entries(), a = this.e.proofs[0].position, b = this.e.proofs[1].position;
    const found = names(one).find((name) => names(other).indexOf(name) >= 0);
    if (a == b || found === undefined) refuse(nothing);
    return `${text(this.key.name)} has ${what} ${found} at position ${Math.min(a, b)} and again at position ${Math.max(a, b)}`;
  }

  receiptBroken(): string {
    const r = readReceipt(this.e.notes[0]), [p] = this.e.proofs;
    checkReceipt(r, this.signer(receiptKeyName(this.key.name)));
    this.proof(p);
    const hash = sha256(p.entry), promise = r.promises.find((x) => x.position == p.position);
    if (!promise || promise.hash == hash) refuse(nothing);
    this.tell.say(`The receipt promises the position to another entry.`, [
      `promised at ${p.position}: SHA-256(entry) = ${hex(promise.hash)}`, `in the log: SHA-256(entry) = ${hex(hash)}`,
    ]);
    return `${text(this.key.name)} promised position ${p.position} on ${r.time} to an entry, and has another there`;
  }

  receiptLate(): string {
    const r = readReceipt(this.e.notes[0]), late = readSigned(this.e.notes[1]), last = r.promises[r.promises.length - 1];
    checkReceipt(r, this.signer(receiptKeyName(this.key.name)));
    const [changed] = this.entries();
    need(changed.kind == "witness.added" || changed.kind == "witness.removed", "the entry neither adds nor removes a witness");
    const policy = readPolicy(textAt(changed, "policy"));
    this.open(this.e.notes[1], this.key);
    need(this.e.proofs[0].position < late.checkpoint.size, `no log of ${late.checkpoint.size} entries holds the entry that changes the witnesses, at ${this.e.proofs[0].position}`);
    const by = checkKnew(policy, late, this.key, Math.floor(Date.parse(r.time) / 1000) + 86400);
    need(last.position >= late.checkpoint.size && by.length > 0, nothing);
    const first = Math.min(...by.map((c) => c.seconds));
    this.tell.say("The witnesses of the policy in that entry knew nothing larger, and without them there is no quorum.", by.map((c) => `${text(c.witness)} at ${moment(c.seconds)}, key = ${text(c.key.vkey)}`));
    return `${text(this.key.name)} promised position ${last.position} on ${r.time}, and no quorum of its witnesses knew more than ${late.checkpoint.size} entries on ${moment(first)}`;
  }

  /** Leaf i, which the index's key signed. */
  leaf(i: number): IndexLeaf {
    const p = this.e.leaves[i], key = this.signerOf(p.signed.note);
    need(key.name == this.key.name || key.name == indexName(this.key.name), `${text(key.name)} is not the index of ${text(this.key.name)}`);
    this.proof(p, key);
    return readIndexLeaf(p.entry);
  }

  /** The name of the index log. */
  index(): string {
    return text(this.e.leaves[0].signed.checkpoint.origin);
  }

  indexRoot(): string {
    const c = this.open(this.e.notes[0], this.key), leaf = this.leaf(0);
    need(this.e.leaves[0].signed.checkpoint.origin == indexName(c.origin), `the checkpoint is one of ${text(c.origin)}, and no leaf of its index is here`);
    need(leaf.size == c.size && leaf.root != c.root, nothing);
    return `${text(this.key.name)} signed one log of ${c.size} entries, and its index states the root of another`;
  }

  indexBack(): string {
    const a = this.leaf(0), b = this.leaf(1), [one, other] = this.e.leaves;
    need(one.position < other.position && a.size >= b.size, nothing);
    return `leaf ${one.position} of ${this.index()} covers ${a.size} entries, and the later leaf ${other.position} only ${b.size}`;
  }

  /** Judges what a tree says of an entry below the ledger root in the same leaf. */
  indexWrong(tree: Node, name: string, state: (l: IndexLeaf) => Bytes, labels: (e: Entry) => Bytes[]): string {
    const leaf = this.leaf(0), { list, line } = this.tell.lines(), e = readEntry(this.e.entry);
    checkInclusion(this.e.entry, this.e.position, this.e.path, { origin: "", size: leaf.size, root: leaf.root }, line);
    this.tell.say(`The entry is at position ${this.e.position} of the log that the leaf speaks about.`, list);
    need(tree.hash == state(leaf), "the tree does not have the root that is signed");
    for (const label of labels(e)) {
      const got = find(tree, label), want = indexValue(this.e.position, this.e.entry);
      if (got === undefined || got == want) continue;
      this.tell.say("The tree of the index says otherwise.", [
        `label = ${hex(label)}`, `value in the tree: ${got === null ? "none" : hex(got)}`, `SHA-256(u64 position ‖ leaf hash) = ${hex(want)}`,
      ]);
      return `${this.index()} over ${leaf.size} entries ${got === null ? "does not have" : "puts elsewhere"} ${name} of entry ${this.e.position}`;
    }
    refuse(nothing);
  }

  tag(n: number): Bytes {
    return tagOf(eventKey(this.e.root, this.e.numbers[n]));
  }

  gap(): string {
    const leaf = this.leaf(0), tree = this.e.tags!, [first, missing, third] = this.e.numbers;
    need(tree.hash == leaf.tags, "the tree does not have the root that is signed");
    const there = [0, 1, 2].map((n) => {
      const got = find(tree, tagLabel(this.tag(n)));
      need(got !== undefined, `the tree does not show whether tag ${this.e.numbers[n]} is there`);
      return got !== null;
    });
    need(there.join() == "true,false,true", nothing);
    return `${this.index()} over ${leaf.size} entries has events ${first} and ${third} of a trail and not event ${missing}`;
  }

  order(): string {
    const list = this.entries(), [a, b] = this.e.proofs, [first, second] = this.e.numbers;
    list.forEach((e, i) => need(tagsOf(e).indexOf(this.tag(i)) >= 0,
      `the entry at ${this.e.proofs[i].position} is not event ${this.e.numbers[i]} of the trail`));
    need(a.position >= b.position, nothing);
    return `${text(this.key.name)} has event ${first} of a trail at position ${a.position}, and the later event ${second} not behind it, at ${b.position}`;
  }

  notEnrolled(): string {
    const [event, enrolment] = this.entries(), [a, b] = this.e.proofs, [n] = this.e.numbers;
    need(tagsOf(event).indexOf(this.tag(0)) >= 0, `the entry at ${a.position} is not event ${n} of the trail`);
    need(pairsOf(enrolment).some((p) => p.commitment == commitment(p.label, this.e.root)), "the other entry does not commit to the root key");
    need(a.position <= b.position, nothing);
    return `${text(this.key.name)} has event ${n} of a trail at position ${a.position}, and enrolled the trail only behind it, at ${b.position}`;
  }

  judge(): string {
    const e = this.e;
    switch (e.kind) {
      case "fork":
        return this.fork();
      case "inconsistent":
        return this.inconsistent();
      case "two-entries":
        return this.twoEntries();
      case "duplicate-event":
        return this.duplicate("the event", (e) => [textAt(e, "event")]);
      case "duplicate-tag":
        return this.duplicate("the tag", (e) => tagsOf(e).map(base64url));
      case "duplicate-label":
        return this.duplicate("the person enrolled as", (e) => pairsOf(e).map((p) => base64url(p.label)));
      case "receipt-broken":
        return this.receiptBroken();
      case "receipt-late":
        return this.receiptLate();
      case "index-root":
        return this.indexRoot();
      case "index-back":
        return this.indexBack();
      case "index-tag":
        return this.indexWrong(e.tags!, "the tag", (l) => l.tags, (e) => tagsOf(e).map(tagLabel));
      case "index-label":
        return this.indexWrong(e.labels!, "the enrolment", (l) => l.labels, (e) => pairsOf(e).map((p) => personLabel(p.label)));
      case "gap":
        return this.gap();
      case "order":
        return this.order();
    }
    return this.notEnrolled();
  }
}

/** What evidence convicts of, in a sentence without a full stop. */
export function proveEvidence(b: Bytes, key: Key, tell: Account): string {
  tell.title = "Evidence about a log";
  const e = readEvidence(b), says = new Trial(e, key, tell).judge();
  if (e.kind == "receipt-late") {
    tell.answerable = true;
    tell.doubt("That these are the ledger's witnesses still: if it changed them since, those who are not asked any more know no better, and the entries may have been published in time. Ask for a newer checkpoint.");
  }
  tell.doubt("Whose fault it is, and that the key is of the ledger you think of.");
  if (e.root != "") tell.doubt("Who has this file: it holds the root key of a person's trail, which opens every event of that generation. Give it to nobody who may not.");
  return says;
}
