// The page that checks a file here: it takes what is dropped, chosen or pasted, asks
// the core, and shows the report. It can reach nobody, and forgets all when it is left.

import { verify, type Report } from "../core.ts";
import { byId, el } from "./dom.ts";
import { banner, entries, list, steps, word } from "./show.ts";
import { read, type Given } from "./given.ts";
import { count } from "./words.ts";

/** What was given so far; of each the last. */
type Held = { file: Uint8Array | null; name: string; card: string; key: string; policy: string };

const nothing = (): Held => ({ file: null, name: "", card: "", key: "", policy: "" });
let held = nothing();

/** maxFile is what the largest of the formats may have. */
const maxFile = 64 << 20;

const form = byId<HTMLFormElement>("check");
const file = byId<HTMLInputElement>("file");
const text = byId<HTMLTextAreaElement>("text");
const trust = byId<HTMLTextAreaElement>("trust");
const policy = byId<HTMLTextAreaElement>("policy");
const using = byId("using");
const note = byId("note");
const status = byId("status");
const result = byId("result");

function say(what: string): void {
  note.textContent = what;
}

/** take keeps one thing that was given, by what it is. */
function take(g: Given, name: string): void {
  switch (g.is) {
    case "card": trusts("", g.text, "The card from " + name + " is used. It is not shown, since it is a secret."); break;
    case "key": trusts(g.text, "", ""); trust.value = g.text; break;
    case "policy": held.policy = g.text; policy.value = g.text; break;
    case "file": held.file = g.bytes; held.name = name; break;
  }
}

/** dismiss shows no verdict any more, and says why nothing is checked. */
function dismiss(why: string): void {
  Object.assign(held, { file: null, name: "" });
  status.textContent = "";
  result.replaceChildren();
  result.hidden = true;
  say(why);
}

/** takeFiles takes one thing of each kind. Of two there would be one that is not checked. */
async function takeFiles(files: Iterable<File>): Promise<void> {
  const given = new Map<Given["is"], { g: Given; name: string }>(), list = [...files]; // which the browser empties
  for (const f of list) {
    let g: Given;
    try {
      if (f.size > maxFile) return dismiss(f.name + " is too long to be a file of a ledger.");
      g = read(new Uint8Array(await f.arrayBuffer()));
    } catch {
      return dismiss(f.name + " cannot be read.");
    }
    const other = given.get(g.is);
    if (other) return dismiss("Nothing was checked: " + other.name + " and " + f.name + (g.is === "file" ? " are both files to check. Give one at a time." : " are both a " + g.is + ". Give one."));
    given.set(g.is, { g, name: f.name });
  }
  given.forEach(({ g, name }) => take(g, name));
  go();
}

/** pasted is a text as its file has it: copying loses, or adds, what ends the last line. */
function pasted(s: string): string {
  const whole = s.trim();
  return whole.startsWith("{") ? whole : whole + "\n";
}

/** trusts is what a file is checked with from now on. */
function trusts(key: string, card: string, said: string): void {
  Object.assign(held, { key, card });
  using.textContent = said;
  if (card !== "") trust.value = "";
}

/** fields reads what was typed or pasted. */
function fields(): void {
  const typed = read(new TextEncoder().encode(trust.value));
  if (typed.is === "card") take(typed, "the field above");
  else if (trust.value.trim() !== "" || held.key !== "") trusts(trust.value.trim(), "", "");
  held.policy = policy.value.trim() === "" ? "" : policy.value.trim() + "\n";
  if (text.value.trim() !== "") take(read(new TextEncoder().encode(pasted(text.value))), "What you pasted");
}

const cardAlone = "A card is not checked: it is what a file is checked with. Now give the file, as what you kept of your trail.";

/** go checks as soon as there is something to check, and to check it with. */
function go(): void {
  if (!held.file) {
    say(held.card ? cardAlone : held.key ? "Now give the file to check." : "");
  } else if (!held.card && !held.key) {
    say(held.name + " is here. Now give the ledger’s key, or your card.");
  } else {
    check();
  }
}

/** check asks the core, after the browser had time to say so. */
function check(): void {
  const mine = held, { file: bytes, name } = held;
  if (!bytes) {
    say(held.card ? cardAlone : "There is nothing to check yet: choose a file, drop one here, or paste its text.");
    return;
  }
  say("");
  result.replaceChildren();
  status.textContent = "Checking " + name + " …";
  setTimeout(() => {
    if (mine !== held || bytes !== held.file) return;
    try {
      judge(bytes, name);
    } catch (e) {
      broken(e, name);
    }
  }, 30);
}

function judge(bytes: Uint8Array, name: string): void {
  const trust = { key: held.key || undefined, card: held.card || undefined };
  // A policy asks for more than a card does, never for less: it may have come with the file, or be left from another.
  let r = verify(bytes, trust);
  if (held.policy !== "" && (held.card === "" || r.verdict === "valid" || r.verdict === "incomplete" && r.lacking.length === 0)) r = verify(bytes, { ...trust, policy: held.policy });
  status.textContent = word(r.verdict) + ": " + name + ".";
  show(r, name);
}

/** broken says that this page did not come to a verdict. */
function broken(e: unknown, name: string): void {
  status.textContent = word("unchecked") + ": " + name + ".";
  result.replaceChildren(banner("unchecked"),
    el("p", { class: "notice" }, "This page broke off while it checked " + name + ". That says nothing about the file. Try another browser, or the program: daybook verify."),
    el("p", { class: "soft" }, String(e)));
  result.hidden = false;
}

function show(r: Report, name: string): void {
  result.replaceChildren(
    banner(r.verdict),
    el("p", { class: "lead" }, r.title),
    r.reason === "" ? "" : el("p", { class: "notice" }, r.reason),
    el("p", { class: "soft" }, name + (r.format === "" ? "" : ", read as " + r.format)),
    el("h3", {}, "What was checked"),
    r.steps.length === 0 ? el("p", {}, "Nothing.") : steps(r),
    r.notChecked.length === 0 ? "" : el("h3", {}, "What was not checked"),
    r.notChecked.length === 0 ? "" : list(r.notChecked),
    r.entries.length === 0 ? "" : el("h3", {}, "What it says: " + count(r.entries.length, "entry")),
    r.entries.length === 0 ? "" : entries(r.entries, () => "", "h4"));
  result.hidden = false;
  byId("verdict").scrollIntoView({ block: "start" });
}

/** forget leaves nothing of what was given; a card holds a secret key. */
function forget(): void {
  held = nothing();
  form.reset();
  say("");
  using.textContent = "";
  status.textContent = "";
  result.replaceChildren();
  result.hidden = true;
}

file.addEventListener("change", () => { void takeFiles(file.files || []); });
form.addEventListener("submit", (e) => {
  e.preventDefault();
  fields();
  check();
});
for (const box of [text, trust, policy]) {
  box.addEventListener("change", () => {
    fields();
    go();
  });
}
byId("forget").addEventListener("click", () => {
  forget();
  file.focus();
});
document.addEventListener("dragover", (e) => e.preventDefault());
document.addEventListener("drop", (e) => {
  e.preventDefault();
  void takeFiles(e.dataTransfer ? e.dataTransfer.files : []);
});
window.addEventListener("pagehide", forget);
form.hidden = false;

// For programs that compare verifiers: the ones that this page has.
export { check, verify } from "../core.ts";
