// A report as it is shown: the verdict as a word in a shape, what was checked, step by
// step down to the hashes, what was not checked, and what the entries say.

import type { Report } from "../core.ts";
import { el, svg } from "./dom.ts";
import { count, detail, isExample, number, rows, sentence, title, type Row, type Titles } from "./words.ts";

type Verdict = Report["verdict"];
type Entry = Report["entries"][number];

/** The word of each verdict, and its shape: an outline with a sign in it. */
const verdicts: Record<Verdict, { word: string; outline: string; sign: string }> = {
  "valid": { word: "Valid", outline: "M16 2a14 14 0 1 0 0 28a14 14 0 1 0 0-28z", sign: "M9.5 16.5l4.5 4.5l8.5-10" },
  "not-valid": { word: "Not valid", outline: "M10.2 2h11.6l8.2 8.2v11.6l-8.2 8.2h-11.6l-8.2-8.2v-11.6z", sign: "M11 11l10 10m0-10l-10 10" },
  "evidence": { word: "Evidence of cheating", outline: "M16 3l14.5 26h-29z", sign: "M16 12v9m0 3.6v.4" },
  "overdue": { word: "Overdue: ask the ledger", outline: "M5 3h22l-8 13l8 13h-22l8-13z", sign: "M12 25.5h8" },
  "incomplete": { word: "Incomplete", outline: "M16 2l14 14l-14 14l-14-14z", sign: "M10 16h.4m5.4 0h.4m5.4 0h.4" },
  "unchecked": { word: "Not checked", outline: "M3 3h26v26h-26z", sign: "M11.5 12.5c0-6 9-6 9 0c0 3-4.5 3.5-4.5 6.5m0 4.6v.4" },
};

/** word is what a verdict is called. */
export function word(v: Verdict): string {
  return verdicts[v].word;
}

/** banner is the verdict with its shape. */
export function banner(v: Verdict): HTMLElement {
  const drawn = svg("svg", { viewBox: "0 0 32 32", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: verdicts[v].outline, class: "outline" }), svg("path", { d: verdicts[v].sign, class: "sign" }));
  return el("h2", { class: "verdict " + v, id: "verdict", tabindex: "-1" }, drawn, el("span", {}, verdicts[v].word));
}

/** steps are what was checked; each opens to what was computed. */
export function steps(r: Report): HTMLElement {
  return el("ol", { class: "checks" }, ...r.steps.map((s) => {
    if (s.detail.length === 0) return el("li", {}, el("p", {}, s.said));
    return el("li", {}, el("details", {}, el("summary", {}, s.said), el("pre", { tabindex: "0" }, s.detail.join("\n"))));
  }));
}

/** list is sentences. */
export function list(said: string[]): HTMLElement {
  return el("ul", { class: "said prose" }, ...said.map((s) => el("li", {}, s)));
}

const atOnce = 100;

/**
 * entries are what was shown to be in the ledger, in plain words, a hundred at a time.
 * Closed is said of those of which nothing was opened.
 */
export function entries(all: Entry[], titles: Titles, level: string, closed = ""): HTMLElement {
  const out = el("div", {});
  let shown = 0;
  const more = el("button", { type: "button", class: "quiet" });
  const next = (): void => {
    const some = all.slice(shown, shown + atOnce).map((e) => entry(e, titles, level, closed));
    shown += some.length;
    more.before(...some);
    more.textContent = "Show more; " + count(all.length - shown, "entry") + " left";
    if (shown >= all.length) more.remove();
  };
  out.append(more);
  more.addEventListener("click", next);
  next();
  return out;
}

function entry(e: Entry, titles: Titles, level: string, closed: string): HTMLElement {
  const said = e.entry as Record<string, unknown>;
  const open = e.disclosures.filter(([name]) => name !== "key"); // which opens more, and says nothing
  return el("section", { class: "matter" },
    el(level, {}, "Entry " + number(e.position) + ": " + title(said), isExample(said) ? " " : null, isExample(said) ? el("span", { class: "badge" }, "invented example") : null),
    e.note === "" ? null : el("p", { class: e.note.startsWith("A seal hid this") ? "notice" : "soft" }, e.note),
    el("p", { class: "sentence" }, sentence(said, titles)),
    open.length === 0 ? (closed === "" ? null : el("p", {}, closed)) : pairs("Sealed, and opened here", open.map(([name, value]) => {
      const d = detail(name, parsed(name, value));
      return { label: d.label, values: d.values.map((text) => ({ text, code: "" })) };
    })),
    el("details", {}, el("summary", {}, "Everything public about it"), pairs("The public fields of entry " + number(e.position), rows(said, titles)),
      el("p", { class: "soft" }, "Event ", el("span", { class: "hash" }, e.event))));
}

/** parsed is what a private field has: the core gives text as it is, and what has parts as JSON. */
function parsed(name: string, value: string): unknown {
  if (!/^(?:subject|counts|unresolved|inputs|positions|filter)$/.test(name) || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** pairs is a table of fields. */
export function pairs(caption: string, all: Row[]): HTMLElement {
  return el("div", { class: "scroll" }, el("table", { class: "stack pairs" }, el("caption", {}, caption), el("tbody", {}, ...all.map((r) =>
    el("tr", {}, el("th", { scope: "row" }, r.label), el("td", { class: "value" }, ...r.values.flatMap((v, i) => [
      i > 0 ? el("br", {}) : null, v.text, v.code === "" ? null : el("span", { class: "ref" }, v.code),
    ])))))));
}
