// How the holder of a card finds what the card leads to, and what shows that nothing
// of it is missing. The card stays here. What is found becomes a bundle, which the
// core verifies as it does one from anywhere: nothing else is believed.

import { type Bytes, base64url, fromBase64url, text } from "../bytes.ts";
import { readBundle } from "../bundle.ts";
import type { Card, Generation } from "../card.ts";
import { eventKey, tagOf } from "../crypto.ts";
import { type Disclosure, pairsOf, readDisclosure, readEntry, tagsOf, textsAt } from "../entry.ts";
import { isInteger, textOf } from "../json.ts";
import { readSigned } from "../note.ts";
import { personLabel, tagLabel } from "../prefix.ts";
import { checkConsistency, checkEntries, leafHash } from "../tree.ts";
import { type Read, file, slots } from "./ask.ts";
import { Index, NotYet } from "./index.ts";
import { Misbehaviour, convincing, evidence, hashes, notes } from "./misbehaviour.ts";
import { canOpen, openSlot, ticket } from "./opening.ts";
import { Files } from "./tiles.ts";

const lookAhead = 8;
const maxClaims = 256;
const maxHidden = 1 << 14; // more events than any seal hid
const maxTail = 64 * 256; // entries that are looked through, a score of megabytes

/** An entry, with the JSON texts of the disclosures that were opened. */
type Held = { entry: Bytes; open: Bytes[] };

/** A trail that a seal hid, and that was disclosed. */
type Hidden = { seal: Bytes; events: number; key: Bytes };

/** The entries behind the last that the index covers. It may show an old state of itself, so they are looked through. */
export type Tail = { entries: number; read: boolean; hers: number[] };

/** Found is a bundle, not verified yet, and what stands behind it. */
export type Found = { bundle: Bytes; tail: Tail };

/** Tells how far it is, in a sentence. */
export type Progress = (said: string) => void;

/** collect finds everything that the card leads to. A [Misbehaviour] says that the ledger is to blame. */
export async function collect(card: Card, kept: Bytes | null, tell: Progress): Promise<Found> {
  const read = file("");
  tell("Reading what the ledger signed last …");
  const log = await Files.open(read, card.log);
  return new Collection(card, kept, log, read, tell).collect();
}

class Collection {
  private readonly index: Index;
  private readonly entries = new Map<number, Held>();
  private readonly tried = new Set<Bytes>(); // tags whose slots were asked for
  private readonly hidden: Hidden[] = [];
  private n = 0; // events of her own trail that are known
  private readonly keptNotes: { ledger: Bytes; index: Bytes } | null = null;

  constructor(private readonly card: Card, kept: Bytes | null, private log: Files, private readonly read: Read, private readonly tell: Progress) {
    this.index = new Index(card.index, log.size);
    if (kept !== null) this.keptNotes = this.takeUp(kept);
  }

  /** takeUp begins with what was proved before. */
  private takeUp(kept: Bytes): { ledger: Bytes; index: Bytes } {
    const b = readBundle(kept), head = kept.slice(0, kept.indexOf("\n\n")).split("\n").slice(1);
    let here: Held | undefined;
    for (const line of head) {
      if (line[0] === "[") here!.open.push(line);
      else if (line[0] === "{") here!.entry = line;
      else if (/^\d/.test(line)) this.entries.set(Number(line), (here = { entry: "", open: [] }));
    }
    const tags = new Set(b.held.flatMap((h) => tagsOf(readEntry(h.entry))));
    while (tags.has(this.tagOf(this.n + 1))) this.n++;
    this.given([...this.entries.keys()]);
    const rest = kept.slice(kept.indexOf("\n\n") + 2), proof = rest.slice(rest.indexOf("\ndaybook/index-proof@1\n") + 1);
    return { ledger: rest.slice(0, rest.length - proof.length), index: proof.slice(proof.indexOf("\n\n") + 2) };
  }

  async collect(): Promise<Found> {
    if (this.keptNotes) await extend(this.keptNotes.ledger, this.log);
    while (!await this.step());
    const tail = await this.lookBehind();
    if (this.keptNotes) await extend(this.keptNotes.index, Files.at(file("/index"), this.index.note, this.card.index));
    return { bundle: await this.bundle(), tail };
  }

  /** step goes one step further, and says whether nothing is left to find. */
  private async step(): Promise<boolean> {
    const tags = this.wanted().map(tagLabel).filter((l) => !this.index.knowsTag(l));
    const persons = this.labels().map(personLabel).filter((l) => !this.index.knowsPerson(l));
    if (tags.length + persons.length > 0) {
      this.tell("Asking the index for your events, among those of others: " + this.n + " found so far …");
      await this.index.ask(tags, persons);
      return false;
    }
    if (this.extends()) return false;
    await this.lost();
    this.gaps();
    if (this.log.size < this.index.leaf.size) {
      this.log = await Files.open(this.read, this.card.log);
      if (this.log.size < this.index.leaf.size) throw new Error("The index speaks of more entries than the ledger has published. Try again.");
    }
    return !await this.fetch();
  }

  private generationAt(i: number): Generation | undefined {
    return this.card.generations.filter((g) => g.key !== "" && i >= g.first).pop();
  }

  private tagOf(i: number): Bytes {
    const g = this.generationAt(i);
    return g ? tagOf(eventKey(g.key, i)) : "";
  }

  /** wanted are all tags that the index must answer for. */
  private wanted(): Bytes[] {
    const out: Bytes[] = [], { generations } = this.card;
    for (let i = 1; i <= this.n + lookAhead; i++) if (this.generationAt(i)) out.push(this.tagOf(i));
    generations.forEach((g, at) => {
      if (g.key === "") return;
      const last = at + 1 < generations.length ? generations[at + 1].first - 1 : this.n;
      for (let i = 1; i <= lookAhead; i++) out.push(tagOf(eventKey(g.key, last + i)));
    });
    for (const h of this.hidden) for (let i = 1; i <= h.events + lookAhead; i++) out.push(tagOf(eventKey(h.key, i)));
    return [...new Set(out)];
  }

  /** labels are those of all generations and of the next. */
  private labels(): Bytes[] {
    return [...this.card.generations.map((g) => g.label), this.card.next];
  }

  /** extends counts events of hers that are newly found, and says whether there are any. */
  private extends(): boolean {
    const before = this.n;
    while (this.generationAt(this.n + 1) && this.index.hasTag(tagLabel(this.tagOf(this.n + 1)))) this.n++;
    return this.n > before;
  }

  /** gaps looks for events behind the last one that is there. */
  private gaps(): void {
    const last = this.card.generations[this.card.generations.length - 1];
    if (this.n < last.first) {
      if (this.index.hasTag(tagLabel(tagOf(eventKey(last.key, last.first))))) this.gap(this.n + 1, last.first);
      throw new NotYet();
    }
    for (let i = this.n + 2; i <= this.n + lookAhead; i++) if (this.index.hasTag(tagLabel(this.tagOf(i)))) this.gap(this.n + 1, i);
  }

  /** gap says that an event is not there and a later one is. Within one generation that can be shown to anyone. */
  private gap(missing: number, later: number): never {
    const said = `Event ${later} of your trail is in the index, and event ${missing} is not.`;
    const g = this.generationAt(missing);
    if (!g || g !== this.generationAt(later) || missing === g.first) throw new Misbehaviour(said);
    const numbers = [missing - 1, missing, later], wanted = numbers.map((i) => tagLabel(tagOf(eventKey(g.key, i))));
    throw new Misbehaviour(said, null, evidence("gap", { leaves: [this.index.leafProof()], numbers, root: base64url(g.key), tags: this.index.shown(wanted) }));
  }

  /** lost looks for events that were there before and that the index does not have, which can be shown to anyone. */
  private async lost(): Promise<void> {
    for (let i = 1; i <= this.n; i++) {
      const tag = this.tagOf(i), label = tagLabel(tag);
      if (this.index.hasTag(label)) continue;
      for (const [position, h] of this.entries) {
        if (!tagsOf(readEntry(h.entry)).includes(tag)) continue;
        const said = `Event ${i} of your trail is in entry ${position} of the ledger, as you saw before, and the index does not have it.`;
        const path = await this.log.inclusion(position, this.index.leaf.size);
        throw new Misbehaviour(said, null, convincing(evidence("index-tag", {
          entry: base64url(h.entry), leaves: [this.index.leafProof()], path: hashes(path), position, tags: this.index.shown([label]),
        }), this.card.index));
      }
    }
  }

  /** keys are those of all events that are known, of her own trail and of those she was given. */
  private keys(): Bytes[] {
    const out: Bytes[] = [];
    for (let i = 1; i <= this.n; i++) out.push(eventKey(this.generationAt(i)!.key, i));
    for (const h of this.hidden) {
      for (let i = 1; i <= h.events && this.index.hasTag(tagLabel(tagOf(eventKey(h.key, i)))); i++) out.push(eventKey(h.key, i));
    }
    return out;
  }

  private place(label: Bytes): number {
    const at = this.index.place(label);
    if (at === undefined) throw new Error("The index of the ledger does not say where an event stands.");
    return at;
  }

  /** fetch reads the entries and what is sealed in them, and says whether another trail was found. */
  private async fetch(): Promise<boolean> {
    const wanted = [0];
    this.labels().forEach((label, i) => {
      const l = personLabel(label);
      if (this.index.hasPerson(l)) wanted.push(this.place(l));
      else if (i < this.card.generations.length) throw new NotYet();
    });
    const places = this.keys().map((key) => ({ key, tag: tagOf(key), at: this.place(tagLabel(tagOf(key))) }));
    const all = [...wanted, ...places.map((p) => p.at)];
    for (let i = 0; i < all.length; i++) {
      if (i % 32 === 0) this.tell("Reading entries: " + i + " of " + all.length + " …");
      await this.entry(all[i]);
    }
    if (canOpen()) await this.open(places.filter((p) => !this.tried.has(p.tag) && this.entries.get(p.at)!.open.length === 0));
    return this.given(places.map((p) => p.at));
  }

  private async entry(at: number): Promise<Held> {
    let h = this.entries.get(at);
    if (!h) this.entries.set(at, (h = { entry: await this.log.entry(at), open: [] }));
    return h;
  }

  /** open asks for what is sealed in events that are closed, once for each. */
  private async open(closed: { key: Bytes; tag: Bytes; at: number }[]): Promise<void> {
    for (let from = 0; from < closed.length; from += maxClaims) {
      const some = closed.slice(from, from + maxClaims);
      this.tell("Opening what is sealed for you: " + from + " of " + closed.length + " …");
      const got = await slots(some.map((p) => ({ tag: p.tag, ticket: ticket(p.key) })));
      for (let i = 0; i < some.length; i++) {
        const { key, tag, at } = some[i], s = got[i], h = await this.entry(at);
        this.tried.add(tag);
        if (s === null) continue;
        const { own, head } = await openSlot(key, h.entry, s, async () => (await this.entry(s.head!.position)).entry);
        h.open = own;
        if (s.head && head.length > 0) (await this.entry(s.head.position)).open = head;
      }
    }
  }

  /** given finds hidden trails in what was opened, and says whether there are new ones. */
  private given(positions: number[]): boolean {
    const before = this.hidden.length;
    for (const at of positions) {
      const h = this.entries.get(at)!;
      if (h.open.length === 0 || readEntry(h.entry).kind !== "event.disclosed") continue;
      const t = hiddenIn(h.open.map(readDisclosure));
      if (t && t.events <= maxHidden && !this.hidden.some((x) => x.key === t.key && x.seal === t.seal)) this.hidden.push(t);
    }
    return this.hidden.length > before;
  }

  /** lookBehind reads the tail, each entry of which must be the one that is signed. */
  private async lookBehind(): Promise<Tail> {
    const from = this.index.leaf.size, to = this.log.size, tail: Tail = { entries: to - from, read: to - from <= maxTail, hers: [] };
    if (!tail.read || from === to) return tail;
    this.tell("Looking through what is newer than the index …");
    const positions = Array.from({ length: to - from }, (_, i) => from + i), list: Bytes[] = [];
    for (const at of positions) list.push(await this.log.entry(at));
    const now = this.log.signed.checkpoint;
    try {
      checkEntries(positions, list.map(leafHash), await this.log.nodes(positions, to), now, now);
    } catch (e) {
      throw new Misbehaviour("The newest entries are not those that are signed.", e);
    }
    const tags = new Set(this.wanted().filter((tag) => !this.index.hasTag(tagLabel(tag))).map(base64url));
    list.forEach((b, i) => {
      const e = readEntry(b);
      if (textsAt(e, "subjects.tags").some((tag) => tags.has(tag)) || pairsOf(e).some((p) => p.label === this.card.next)) tail.hers.push(from + i);
    });
    return tail;
  }

  /** bundle puts everything together, as a file. */
  private async bundle(): Promise<Bytes> {
    const positions = [...this.entries.keys()].sort((a, b) => a - b);
    const nodes = await this.log.nodes(positions, this.index.leaf.size);
    const held = positions.map((at) => {
      const h = this.entries.get(at)!;
      return [String(at), h.entry, ...h.open].join("\n") + "\n";
    });
    return "daybook/bundle@1\n" + held.join("") + "nodes " + base64url(nodes.join("")) + "\n\n" + this.log.note + this.index.file(this.wanted().map(tagLabel));
  }
}

/** The key of a hidden trail that was disclosed, null when not all of it was opened. */
function hiddenIn(open: Disclosure[]): Hidden | null {
  const named = (name: string): Disclosure | undefined => open.find((d) => d.name === name);
  const seal = named("seal"), count = named("events"), key = named("key");
  const root = key ? fromBase64url(textOf(key.value)) : null;
  if (!seal || !count || !isInteger(count.value) || root === null || root.length !== 32) return null;
  return { seal: textOf(seal.value), events: Math.max(count.value, 0), key: root };
}

/** extend checks that a log goes on from an earlier checkpoint of it. What shows otherwise can be shown to anyone, if its files are those that are signed. */
async function extend(before: Bytes, log: Files): Promise<void> {
  const old = readSigned(before).checkpoint, now = log.signed.checkpoint, name = text(now.origin);
  if (old.size === now.size && old.root !== now.root) {
    throw new Misbehaviour(`${name} was signed with two roots at size ${old.size}.`, null, evidence("fork", { notes: notes(before, log.note) }));
  }
  if (now.size < old.size) {
    throw new Misbehaviour(`${name} had ${old.size} entries, as you saw before, and is shown with ${now.size}. Keep the file that you kept: it is signed.`);
  }
  const path = await log.consistency(old.size);
  try {
    checkConsistency(old, now, path);
  } catch (e) {
    const beginning = old.size > 0 ? await log.range(0, old.size) : "";
    const file = convincing(evidence("inconsistent", {
      beginning: base64url(beginning), notes: notes(before, log.note), path: hashes(path),
    }), log.key);
    if (file === "") throw new Misbehaviour(`The files of ${name} are not those of the log that is signed.`, e);
    throw new Misbehaviour(`${name} does not go on from the state at ${old.size} entries that you saw before.`, e, file);
  }
}

