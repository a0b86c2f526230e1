// The page that opens a card, here and not at the ledger: it finds what the card leads
// to, checks all of it, and shows it. It forgets the card when it is left.

import { Refusal, text, toArray, utf8 } from "../bytes.ts";
import { type Card, readCard } from "../card.ts";
import { byId, el, save } from "../page/dom.ts";
import { readCard as cardIn } from "../page/given.ts";
import { entries, list, steps } from "../page/show.ts";
import { count } from "../page/words.ts";
import { doubts, names } from "./around.ts";
import { Misbehaviour } from "./misbehaviour.ts";
import { type Opened, TooFew, openCard } from "./open.ts";
import { canOpen } from "./opening.ts";

const own = byId("own");
const form = byId<HTMLFormElement>("own-form");
const box = byId<HTMLTextAreaElement>("own-card");
const file = byId<HTMLInputElement>("file");
const kept = byId<HTMLInputElement>("kept");
const note = byId("note");
const status = byId("status");
const found = byId("found");

const maxCard = 12_000;
const maxBundle = 64 << 20;

/** turn counts what was begun, so that what was left does not show itself later. */
let turn = 0;

function put(card: string, said: string): void {
  box.value = card.trim();
  note.textContent = said;
}

/**
 * fromAddress takes a card out of the link, with what mail put behind it, and out of the
 * address. A short # leads to a place on this page.
 */
function fromAddress(): void {
  const { href, hash, pathname } = location;
  if (hash.length <= 100) return;
  forget();
  // The address bar and the history of the browser need not keep the secret.
  history.replaceState(null, "", pathname);
  const link = /^[^#]*#[\w-]{100,}/.exec(href);
  if (link) put(link[0], "The card from the link is below. It stays on this device.");
  else note.textContent = "The link that you followed has no card in it that can be read. It is not in the address any more.";
}

async function fromFile(): Promise<void> {
  const chosen = file.files?.[0];
  if (!chosen) return;
  if (chosen.size > maxCard) {
    put("", "That file is too long to be a card.");
    return;
  }
  put(await chosen.text(), "The card from the file is below. It stays on this device.");
}

/** ownCard is the text of the card that is given, when it is one of this ledger. */
function ownCard(): string {
  const given = cardIn(box.value);
  let card: Card;
  try {
    card = readCard(utf8(given));
  } catch (e) {
    if (!(e instanceof Refusal)) throw e;
    throw new Error("That is not a trail card. A card has a link that begins with https, or some ten lines of text.");
  }
  const origin = text(card.log.name), { key, origin: here } = own.dataset;
  if (here && origin !== here) throw new Error("This card is of another ledger, " + origin + ".");
  if (key && text(card.log.vkey) !== key) {
    throw new Error("This card names another key than this ledger signs with, so it is not one that this ledger made. Tell the office who gave it to you.");
  }
  return given;
}

/** before is what she kept the last time; null for nothing. */
async function before(): Promise<Uint8Array | null> {
  const chosen = kept.files?.[0];
  if (!chosen) return null;
  if (chosen.size > maxBundle) throw new Error("What you kept is too long to be a file of a trail.");
  return new Uint8Array(await chosen.arrayBuffer());
}

/** openTrail opens the card, under another policy than its own when one is given. */
async function openTrail(policy = ""): Promise<void> {
  const mine = ++turn, tell = (said: string): void => {
    if (mine === turn) status.textContent = said;
  };
  note.textContent = "";
  found.hidden = true;
  found.replaceChildren();
  try {
    const last = await before(), got = await openCard(ownCard(), last, policy, tell), { report } = got;
    const shown = report.entries.map((e) => e.entry as Record<string, unknown>);
    const titles = await names(shown), unproved = await doubts(shown);
    unproved.push("What organizations, systems and datasets are called: the names come from the ledger’s register, and only the references in the entries are proven.");
    if (mine !== turn) return;
    show(got, last !== null, policy !== "", unproved, () =>
      entries(report.entries, titles, "h3", canOpen() ? "Nothing more is sealed for you here, or its key is destroyed." : ""));
  } catch (e) {
    if (mine === turn) fail(e);
  }
}

function fail(e: unknown): void {
  status.textContent = "";
  if (e instanceof TooFew) {
    fewer(e);
    return;
  }
  if (!(e instanceof Misbehaviour)) {
    found.hidden = true;
    found.replaceChildren();
    // What this page throws is a plain Error with a sentence; anything else is a fault of it, or of the browser.
    note.textContent = e instanceof Error && e.name === "Error" ? e.message
      : "Not checked: this page broke off. That says nothing about the ledger. Try again, try another browser, or run the program: daybook trail. (" + String(e) + ")";
    note.focus();
    return;
  }
  const { evidence, secret } = e;
  status.textContent = "Something is wrong with this ledger.";
  found.replaceChildren(
    el("h2", { id: "wrong", tabindex: "-1" }, "Something is wrong with this ledger"),
    el("p", { class: "notice", role: "alert" }, el("strong", {}, e.message)),
    evidence === "" ? el("p", {}, "Keep your card and what you kept before, and tell somebody you trust, and the office that watches over this ledger.")
      : el("p", {}, "That can be shown to anyone: save the file, and give it to somebody you trust. The page that checks says what it shows. ",
        secret ? "But it has the key of your trail in it, without which nobody could see that a number was left out: whoever has the file sees what you see." : "It does not need your card."),
    evidence === "" ? "" : button("Save the evidence", "save-evidence", () => save("daybook.evidence", toArray(evidence))),
    close());
  found.hidden = false;
}

/** fewer says who did not sign, accuses nobody, shows no entry, and asks for another policy. */
function fewer(e: TooFew): void {
  const policy = el("textarea", { class: "mono", id: "other-policy", rows: "6", autocapitalize: "none", spellcheck: "false" }) as HTMLTextAreaElement;
  status.textContent = "Incomplete: not all witnesses signed that were asked for.";
  found.replaceChildren(
    el("h2", { id: "fewer", tabindex: "-1" }, "Incomplete: not all witnesses signed"),
    el("p", { class: "notice", role: "alert" }, el("strong", {}, "Your card names witnesses beside the ledger, and too few of them signed what it shows now. So none of your entries is shown as proven.")),
    list([e.message]),
    el("p", {}, "The ledger records whom it ", el("a", { href: "/entries?kind=witness.removed" }, "removed from its witnesses"), " and whom it ",
      el("a", { href: "/entries?kind=witness.added" }, "added"), ". If ", e.lacking.length === 1 ? "that witness is" : "one of those is", " there, get a new card, or the policy that counts now, from somebody you trust: not from this page alone. If not, ask the witness, or somebody who sees the ledger from elsewhere."),
    el("p", {}, el("label", { for: "other-policy" }, "The text of a policy from somebody you trust, to be used in place of the one on your card")), policy,
    el("p", {}, button("Check with this policy", "use-policy", () => {
      if (policy.value.trim() !== "") void openTrail(policy.value.trim() + "\n");
    })),
    close());
  found.hidden = false;
}

function button(words: string, id: string, press: () => void): HTMLElement {
  const b = el("button", { type: "button", id }, words);
  b.addEventListener("click", press);
  return b;
}

function close(): HTMLElement {
  const b = el("button", { type: "button", class: "quiet", id: "close" }, "Close this, and forget it here");
  b.addEventListener("click", () => {
    forget();
    box.focus();
  });
  return el("p", {}, b);
}

/** behind says what the tail shows: that nothing newer is hers, or what is. */
function behind(tail: Opened["tail"]): { proven: string; open: string } {
  const n = count(tail.entries, "entry") + " that the index does not cover yet";
  if (tail.entries === 0) return { proven: "", open: "" };
  if (!tail.read) return { proven: "", open: "What is newer: " + n + "." };
  if (tail.hers.length === 0) return { proven: "Nothing newer is about you. Looked through: " + n + ".", open: "" };
  return { proven: "", open: "What is about you in " + (tail.hers.length === 1 ? "entry " : "entries ") + tail.hers.join(", ") +
    ", which the index does not cover yet. It should within seconds: try again, and if that stays so, the ledger keeps something from its index: tell somebody." };
}

function show(got: Opened, compared: boolean, replaced: boolean, unproved: string[], all: () => HTMLElement): void {
  const r = got.report, over = got.ended, newer = behind(got.tail);
  const open = [...r.notChecked.filter((s) => !s.startsWith("What is newer: ")), newer.open, ...unproved].filter((s) => s !== "");
  if (!canOpen()) open.unshift("What is sealed for you: this page came over a connection that is not secure (http), where browsers do not open it. Everything else is proved as well.");
  const said = [...r.steps, ...[newer.proven, compared ? "The ledger and its index go on from what you kept the last time, and no event of yours is gone." : ""]
    .filter((s) => s !== "").map((s) => ({ said: s, detail: [] }))];
  status.textContent = count(r.entries.length, "entry") + " about you, found and checked on this device.";
  found.replaceChildren(
    replaced ? el("p", { class: "notice" }, "Checked under the policy that you gave, and not under the one on your card.") : "",
    over === "" ? "" : el("p", { class: "notice" }, over),
    el("p", { class: "lead" }, "Below is what is recorded under your card. At the end stand ", el("a", { href: "#proven" }, "what was proven"), " and ", el("a", { href: "#not" }, "what was not"), "."),
    el("h2", { id: "entries", tabindex: "-1" }, count(r.entries.length, "entry") + " about you, oldest first"),
    r.entries.length === 0 ? el("p", { class: "empty" }, "Nothing is recorded under this card.") : all(),
    el("div", { class: "pair" },
      el("section", { "aria-labelledby": "proven" }, el("h2", { id: "proven" }, "What was proven"), steps({ ...r, steps: said })),
      el("section", { "aria-labelledby": "not" }, el("h2", { id: "not" }, "What was not proven"), list(open))),
    el("h2", { id: "keep" }, "Keep this"),
    el("p", {}, "Save what was found. With your card and ", el("a", { href: "/verify" }, "the page that checks"), " it shows the same offline, whatever becomes of this ledger. Give it to this page the next time: then it checks that nothing was changed or removed in between. It has in clear what was sealed for you, so keep it like a letter."),
    replaced ? el("p", {}, "Keep the policy that you gave beside it: under the one on your card it shows too few witnesses.") : "",
    el("p", {}, button("Save what was found", "save", () => save("trail.bundle", got.bundle))),
    close());
  found.hidden = false;
  byId("entries").focus({ preventScroll: true });
  byId("entries").scrollIntoView({ block: "start" });
}

/** forget leaves nothing of the card, or of what it opened. */
function forget(): void {
  turn++;
  form.reset();
  note.textContent = "";
  status.textContent = "";
  found.hidden = true;
  found.replaceChildren();
}

form.addEventListener("submit", (e) => {
  e.preventDefault();
  void openTrail();
});
file.addEventListener("change", () => { void fromFile(); });
window.addEventListener("hashchange", fromAddress);
// A page that is left and come back to has nothing in it any more.
window.addEventListener("pagehide", forget);
own.hidden = false;
fromAddress();
