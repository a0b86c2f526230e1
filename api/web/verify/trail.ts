// What a trail bundle shows to who has the card: every tag of her trail from the first
// on is in one of its entries, and none lies behind the last.

import { type Account, concerned } from "./account.ts";
import { type Bytes, base64url, counted, fromBase64url, grouped, hex, need, refuse, text } from "./bytes.ts";
import { type Bundle, readBundle } from "./bundle.ts";
import type { Card, Generation } from "./card.ts";
import { vrfText } from "./card.ts";
import { commitment, eventKey, tagOf } from "./crypto.ts";
import { type Disclosure, type Entry, pairsOf, readEntry, tagsOf, textAt, textsAt } from "./entry.ts";
import { checkIndex } from "./indexproof.ts";
import { isInteger, isText } from "./json.ts";
import { checkSigned } from "./note.ts";
import { indexValue, look, personLabel, tagLabel } from "./prefix.ts";
import { checkEntries, leafHash } from "./tree.ts";

/** How many tags behind the last are looked for: who skips one hides what is behind it from who looks for one alone. */
const lookAhead = 8;

interface Event {
  at: number; // which of the bundle's entries
  counter: number; // which of its trail's
  generation: number; // 0 in the trail of a seal
  seal: Bytes; // whose hidden trail has it
}

class Trail {
  entries: Entry[] = [];
  tags = new Map<Bytes, number>(); // which entry has it
  enrolled = new Map<Bytes, { at: number; commitment: Bytes }>(); // by label
  heads = new Map<Bytes, number>(); // by the name of a bulk event
  used: boolean[] = []; // an entry that something needed
  taken: boolean[] = []; // an entry of a trail
  events: Event[] = [];

  constructor(readonly b: Bundle, readonly card: Card, readonly tell: Account) {}

  position(at: number): number {
    return this.b.held[at].position;
  }

  read(): void {
    this.b.held.forEach((held, i) => {
      const e = readEntry(held.entry);
      this.entries.push(e);
      for (const tag of tagsOf(e)) {
        need(!this.tags.has(tag), `the tag ${base64url(tag)} is in two entries`);
        this.tags.set(tag, i);
      }
      if (textAt(e, "subjects.mode") == "bulk" && textAt(e, "subjects.partOf") == "") this.heads.set(textAt(e, "event"), i);
      for (const pair of pairsOf(e)) this.enrolled.set(pair.label, { at: i, commitment: pair.commitment });
      const digests = textsAt(e, "_sd");
      for (const d of held.open) need(digests.indexOf(d.digest) >= 0, `entry ${held.position} does not commit to ${text(d.name)}`);
    });
    const open = this.b.held.reduce((n, held) => n + held.open.length, 0);
    this.tell.say(`${counted(this.entries.length, "entry is", "entries are")} well formed, and each commits to what was opened of it: ${counted(open, "field", "fields")}.`,
      this.b.held.reduce((list: string[], held) => list.concat(held.open.map((d) =>
        `entry ${held.position}: SHA-256 of the disclosure of ${text(d.name)}, in base64url = ${d.digest}`)), []));
  }

  /** Holds entry 0 against the card. */
  opened(): void {
    need(this.entries.length > 0 && this.position(0) == 0, "entry 0 is missing");
    this.used[0] = true;
    const e = this.entries[0], c = this.card;
    const pairs = [["origin", c.log.name], ["keys.log", c.log.vkey], ["keys.index", c.index.vkey], ["vrf", vrfText(c)]];
    for (const [field, value] of pairs) need(textAt(e, field) == value, `entry 0 and the card name different ledgers: ${field}`);
    this.tell.say("Entry 0 names the keys that are on your card.", pairs.map(([field, value]) => `${field} = ${text(value)}`));
  }

  inclusion(): void {
    const { list, line } = this.tell.lines(), { leaf, signed } = this.b.index, now = this.b.signed.checkpoint;
    need(signed.checkpoint.size > 0, "the index log is empty");
    checkEntries(this.b.held.map((h) => h.position), this.b.held.map((h) => leafHash(h.entry)), this.b.nodes,
      { origin: now.origin, size: leaf.size, root: leaf.root }, now, line);
    this.tell.say(`Each of the ${counted(this.entries.length, "entry", "entries")} is in the ledger of ${counted(now.size, "entry", "entries")}, and the ${grouped(leaf.size)} that the index covers are its beginning.`, list);
  }

  /** What the index says of an entry. */
  stands(at: number, value: Bytes): void {
    need(value == indexValue(this.position(at), this.b.held[at].entry), `the index has it elsewhere than in entry ${this.position(at)}`);
  }

  /** Where a label is enrolled; null if the index says that it is not. */
  enrolment(label: Bytes): { at: number; commitment: Bytes } | null {
    const value = look(this.b.index.labels, personLabel(label));
    if (value === null) return null;
    const e = this.enrolled.get(label);
    if (!e) refuse("an enrolment is missing");
    this.used[e.at] = true;
    this.stands(e.at, value);
    return e;
  }

  generations(): void {
    const list = this.card.generations, gone = list.filter((g) => g.key == "").length, detail: string[] = [];
    for (const g of list) {
      const e = this.enrolment(g.label);
      if (e === null) refuse(`generation ${g.number} is not enrolled`);
      if (g.key == "") continue;
      need(e.commitment == commitment(g.label, g.key), `generation ${g.number} is enrolled with another key than the card's`);
      detail.push(`generation ${g.number}: SHA-256("daybook/commitment@1\\n" ‖ label ‖ K) = ${hex(e.commitment)}, in entry ${this.position(e.at)}`);
    }
    const replaced = this.enrolment(this.card.next);
    if (replaced !== null) {
      this.tell.doubt(`What was recorded since your card was replaced on ${textAt(this.entries[replaced.at], "recordedAt")}.`);
    }
    const n = list.length - gone, more = replaced === null ? ", and no later one is" : "";
    this.tell.say(n > 1 ? `Your trail has ${n} generations, each enrolled with the key on your card${more}.`
      : `Your trail is enrolled with the key on your card${more}.`, detail);
    if (gone > 0) this.tell.doubt(`What was recorded before your keys were destroyed: ${counted(gone, "earlier generation", "earlier generations")}.`);
  }

  /** The generation that event i of her trail belongs to. */
  generationAt(i: number): Generation | null {
    const list = this.card.generations.filter((g) => g.key != "" && i >= g.first);
    return list.length > 0 ? list[list.length - 1] : null;
  }

  /** Marks what an event needs: its entry, and that of its head. */
  use(at: number): void {
    this.used[at] = true;
    const head = this.headOf(at);
    if (head !== undefined) this.use(head);
  }

  headOf(at: number): number | undefined {
    const of = textAt(this.entries[at], "subjects.partOf");
    return of == "" ? undefined : this.heads.get(of);
  }

  /** Finds the events of a trail from the first on, and says how many there are. */
  follow(seal: Bytes, key: (i: number) => Bytes): number {
    let last = -1;
    for (let i = 1;; i++) {
      const tag = tagOf(key(i)), at = this.tags.get(tag);
      if (at === undefined) return i - 1;
      need(!this.taken[at], `entry ${this.position(at)} is of two trails`);
      this.taken[at] = true;
      this.use(at);
      need(at > last, `event ${i} stands before event ${i - 1}`);
      last = at;
      const value = look(this.b.index.tags, tagLabel(tag));
      if (value === null) refuse(`event ${i}: the index does not have it`);
      this.stands(at, value);
      const g = seal == "" ? this.generationAt(i) : null;
      this.events.push({ at, counter: i, generation: g === null ? 0 : g.number, seal });
    }
  }

  /** Holds that none of the tags behind the n-th is in the index. */
  absent(n: number, key: (i: number) => Bytes): void {
    for (let i = n + 1; i <= n + lookAhead; i++) {
      need(look(this.b.index.tags, tagLabel(tagOf(key(i)))) === null, `event ${i}: the index has it, and the bundle does not`);
    }
  }

  own(): number {
    const n = this.follow("", (i) => eventKey(this.generationAt(i)!.key, i)), list = this.card.generations;
    // First of all, so that no number below is larger than there are entries.
    for (const g of list) need(n >= g.first, `event ${n + 1} is missing, with which generation ${g.number} begins`);
    list.forEach((g, i) => {
      if (g.key == "") return;
      const key = (i: number) => eventKey(g.key, i);
      this.absent(i + 1 < list.length ? list[i + 1].first - 1 : n, key);
      const first = this.tags.get(tagOf(key(g.first)))!;
      need(this.enrolled.get(g.label)!.at < first, `generation ${g.number} has an event before it is enrolled`);
    });
    return n;
  }

  /** Follows the trail of a seal. Its first event is the seal.placed, whose tag only its key makes. */
  hidden(seal: Bytes, count: number, root: Bytes): void {
    const key = (i: number) => eventKey(root, i), n = this.follow(seal, key);
    need(n == count, `the trail of the seal ${text(seal)}: ${count} events were disclosed, ${n} are here`);
    const at = this.tags.get(tagOf(key(1))), e = at === undefined ? null : this.entries[at];
    need(e !== null && e.kind == "seal.placed" && textAt(e, "event") == seal,
      `the trail of the seal ${text(seal)}: its first event is not the seal.placed: the key is of something else`);
    this.absent(n, key);
    this.tell.say(`A seal was lifted, and all ${counted(n, "event", "events")} that it hid are here.`);
  }

  trails(): void {
    const n = this.own(), last = grouped(this.b.index.leaf.size - 1);
    this.tell.say(`All events of your trail up to entry ${last} of the ledger: ${counted(n, "event", "events")}, and no other tag of yours is in its index.`,
      this.events.map((e) => `event ${e.counter}: tag = HMAC-SHA256(k, "tag")[:16] with k = HMAC-SHA256(K, "daybook/event" ‖ u64 ${e.counter}), in entry ${this.position(e.at)}`));
    let unopened = 0;
    for (const e of this.events.slice()) {
      if (this.entries[e.at].kind != "event.disclosed") continue;
      const given = hiddenTrail(this.b.held[e.at].open);
      if (given) this.hidden(given.seal, given.events, given.key);
      else unopened++;
    }
    if (unopened > 0) this.tell.doubt(`What ${counted(unopened, "lifted seal", "lifted seals")} hid: the key was not opened.`);
  }

  /** Refuses what was not needed, and shows the rest. */
  finish(): void {
    this.entries.forEach((_, i) => need(this.used[i] === true, `entry ${this.position(i)} is not about her`));
    this.events.sort((a, b) => a.at - b.at);
    let closed = 0;
    for (const e of this.events) {
      const head = this.headOf(e.at), open = this.b.held[e.at].open.concat(head === undefined ? [] : this.b.held[head].open);
      if (open.length == 0) closed++;
      const which = e.seal != "" ? "A seal hid this from you until it was lifted." : `Event ${e.counter} of your trail.`;
      this.tell.show(this.position(e.at), this.entries[e.at], open.filter((d) => d.name != "key"), which + " " + concerned(this.entries[e.at]));
    }
    if (closed > 0) this.tell.doubt(`The details of ${counted(closed, "event", "events")}, which were not asked for, or not given, or whose keys are destroyed.`);
    const behind = this.b.signed.checkpoint.size - this.b.index.leaf.size;
    if (behind > 0) this.tell.doubt(`What is newer: ${counted(behind, "entry", "entries")} that the index does not cover yet.`);
  }
}

/** The key of a hidden trail that was disclosed, null when not all of it was opened. */
function hiddenTrail(open: Disclosure[]): { seal: Bytes; events: number; key: Bytes } | null {
  const out = { seal: "", events: 0, key: "" };
  let found = 0;
  for (const d of open) {
    if (d.name == "seal") out.seal = isText(d.value) ? d.value : "";
    else if (d.name == "events") out.events = isInteger(d.value) ? Math.max(d.value, 0) : 0;
    else if (d.name == "key") {
      const b = isText(d.value) ? fromBase64url(d.value) : null;
      if (b === null || b.length != 32) continue;
      out.key = b;
    } else continue;
    found++;
  }
  return found == 3 ? out : null;
}

/** Verifies a bundle with the card of the person who keeps it. */
export function proveTrail(b: Bytes, card: Card, tell: Account): void {
  tell.title = "What you kept of your trail";
  const bundle = readBundle(b), t = new Trail(bundle, card, tell);
  checkSigned(bundle.signed, card.log); // told below: what nobody signed is not computed
  checkSigned(bundle.index.signed, card.index);
  t.read();
  t.opened();
  t.inclusion();
  tell.open(bundle.signed, card.log, "The ledger's key");
  checkIndex(bundle.index, card.index, tell);
  tell.witnessed("ledger and the same index", [bundle.signed, card.log], [bundle.index.signed, card.index]);
  t.generations();
  t.trails();
  t.finish();
  tell.doubt("That this card is yours: the labels on it are of an identifier that is not in it.");
  tell.doubt("That everything was recorded: a service that says nothing leaves nothing to prove; and what seals hide that stand.");
}
