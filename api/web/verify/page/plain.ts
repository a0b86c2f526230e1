// Numbers, days and codes the way people say them, as the other pages do.

import table from "./words.json";

const months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const ordinals = ["first", "second", "third", "fourth"];

/** number writes n with commas at the thousands. */
export function number(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** small writes numbers up to twelve as words. */
export function small(n: number): string {
  return ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"][n] ?? number(n);
}

export function plural(noun: string): string {
  return noun.endsWith("y") && !noun.endsWith("ay") ? noun.slice(0, -1) + "ies" : noun + "s";
}

/** count is "1 entry", "2 entries". */
export function count(n: number, noun: string): string {
  return n === 1 ? "1 " + noun : number(n) + " " + plural(noun);
}

/** several is "no events", "one event", "24 events". */
export function several(n: number, what: string): string {
  return small(n) + " " + (n === 1 ? what : plural(what));
}

export function capital(s: string): string {
  return s === "" ? s : s[0].toUpperCase() + s.slice(1);
}

/** indefinite puts a or an before words. */
export function indefinite(words: string): string {
  return ("aeio".includes(words[0] || "-") ? "an " : "a ") + words;
}

/** day writes 2026-06-24, and a quarter as 2026-Q4, the way people say it. */
export function day(s: string): string {
  const d = /^(\d{4})-(\d{2})-(\d{2})$/.exec(s);
  if (d && months[+d[2] - 1]) return +d[3] + " " + months[+d[2] - 1] + " " + d[1];
  const q = /^(\d{4})-Q([1-4])$/.exec(s);
  return q ? "the " + ordinals[+q[2] - 1] + " quarter of " + q[1] : s;
}

/** month writes 2026-06. */
export function month(s: string): string {
  const m = /^(\d{4})-(\d{2})$/.exec(s);
  return m && months[+m[2] - 1] ? months[+m[2] - 1] + " " + m[1] : s;
}

const instant = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** moment writes an RFC 3339 time in UTC, to the minute. */
export function moment(s: string): string {
  const m = instant.exec(s);
  if (!m) return day(s);
  const [hour, minute] = m[3] === "Z" ? [0, 0] : m[3].slice(1).split(":").map(Number); // of 24:00 too, which Date does not read
  const at = Date.parse(m[1] + "T" + m[2] + "Z") + (m[3][0] === "-" ? 1 : -1) * (60 * hour + minute) * 60_000;
  if (Number.isNaN(at)) return s;
  const utc = new Date(at).toISOString();
  return day(utc.slice(0, 10)) + " at " + utc.slice(11, 16) + " UTC";
}

/** date is the day of an RFC 3339 time as its writer gave it, or of a day. */
export function date(s: string): string {
  const m = instant.exec(s);
  return day(m ? m[1] : s);
}

/** period writes an ISO 8601 duration, as P30D. */
export function period(s: string): string {
  if (!/^P(?:\d+[YMWD])*(?:T(?:\d+[HMS])*)?$/.test(s)) return s;
  const [days, hours = ""] = s.slice(1).split("T");
  const units: Record<string, string>[] = [{ Y: "year", M: "month", W: "week", D: "day" }, { H: "hour", M: "minute", S: "second" }];
  const parts = [days, hours].map((half, i) => (half.match(/\d+[A-Z]/g) || []).map((p) => count(parseInt(p, 10), units[i][p[p.length - 1]])));
  return parts[0].concat(parts[1]).join(" ");
}

/** bucket is a public count of things called unit. */
export function bucket(s: string, unit: string): string {
  const words = said(table.buckets, s) || s;
  return words + " " + (s === "1" ? unit : plural(unit));
}

/** said is what a table says of a code, "" for nothing. */
export function said(words: object, code: string): string {
  return Object.prototype.hasOwnProperty.call(words, code) ? (words as Record<string, string>)[code] : "";
}

const isCapital = (c: string | undefined): boolean => c !== undefined && c.toLowerCase() !== c;

/** term writes a code as words, and a citation of the GDPR as one. */
export function term(s: string): string {
  if (s.startsWith("eu-gdpr:A")) return article(s.slice("eu-gdpr:A".length));
  if (s.toUpperCase() === s) return s;
  const all = [...s];
  let out = "";
  all.forEach((c, i) => {
    if (c === "-" || c === "_") {
      out += " ";
    } else if (!isCapital(c)) {
      out += c;
    } else if (i + 1 < all.length ? isCapital(all[i + 1]) : i > 0 && isCapital(all[i - 1])) {
      out += (i > 0 && !isCapital(all[i - 1]) ? " " : "") + c;
    } else {
      out += (i > 0 ? " " : "") + c.toLowerCase();
    }
  });
  return out;
}

function article(cite: string): string {
  const parts = cite.split("-");
  if (!/^\d+$/.test(parts[0])) return "GDPR, a" + term(cite);
  let out = "GDPR Article " + parts[0];
  for (let i = 1; i < parts.length; i++) {
    if (parts[i].length > 1) return out + ", " + parts.slice(i).join(" ");
    out += "(" + parts[i] + ")";
  }
  return out;
}

/** clip shortens a text at a word and leaves the full stop to the sentence. */
export function clip(s: string): string {
  const whole = s.split(/\s+/u).filter((w) => w !== "").join(" ").replace(/\.+$/, "");
  const all = [...whole];
  if (all.length <= 160) return whole;
  const short = all.slice(0, 160).join("");
  const at = short.lastIndexOf(" ");
  return (at > 0 ? short.slice(0, at) : short) + "…";
}
