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

async function takeFiles(files: Iterable<File>): Promise<void> {
  for (const f of files) {
    if (f.size > maxFile) {
      say(f.name + " is too long to be a file of a ledger.");
      return;
    }
    take(read(new Uint8Array(await f.arrayBuffer())), f.name);
  }
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

/** go checks as soon as there is something to check, and to check it with. */
function go(): void {
  if (!held.file) {
    say(held.card || held.key ? "Now give the file to check." : "");
  } else if (!held.card && !held.key) {
    say(held.name + " is here. Now give the ledger’s key, or your card.");
  } else {
    check();
  }
}

/** check asks the core, after the browser had time to say so. */
function check(): void {
  const { file: bytes, name } = held;
  if (!bytes) {
    say("There is nothing to check yet: choose a file, drop one here, or paste its text.");
    return;
  }
  say("");
  result.replaceChildren();
  status.textContent = "Checking " + name + " …";
  setTimeout(() => {
    const trust = { key: held.key || undefined, card: held.card || undefined };
    // A policy asks for more than a card does, never for less: it may have come with the file, or be left from another.
    let r = verify(bytes, trust);
    if (held.policy !== "" && (held.card === "" || r.verdict === "valid" || r.verdict === "incomplete" && r.lacking.length === 0)) r = verify(bytes, { ...trust, policy: held.policy });
    status.textContent = word(r.verdict) + ": " + name + ".";
    show(r, name);
  }, 30);
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
