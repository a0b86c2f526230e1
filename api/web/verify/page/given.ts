// What somebody gave: a card, a key, a policy, or a file to check.

export type Given = { is: "card" | "key" | "policy"; text: string } | { is: "file"; bytes: Uint8Array };

const cardHead = "daybook/card@1\n";

/** read tells what was given. A card may be its link, with the line breaks that printers and mail make. */
export function read(bytes: Uint8Array): Given {
  if (bytes.length > 64 << 10) return { is: "file", bytes };
  const text = new TextDecoder().decode(bytes).replace(/\r\n/g, "\n");
  const card = readCard(text);
  if (card !== "") return { is: "card", text: card };
  const line = text.trim();
  if (/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/.test(line)) return { is: "key", text: line };
  if (isPolicy(text)) return { is: "policy", text };
  return { is: "file", bytes };
}

/** isPolicy says that the first line with something other than a comment is one of a policy. */
function isPolicy(text: string): boolean {
  const line = text.split("\n").find((l) => !/^\s*(?:#|$)/.test(l)) || "";
  return /^\s*(?:log|witness|group|quorum)\s/.test(line);
}

/** readCard is the text of a card that is given as such or as its link; "" when it is none. */
export function readCard(given: string): string {
  const text = given.trim();
  if (text.startsWith(cardHead.trim())) return text.replace(/\r\n/g, "\n") + "\n";
  const link = text.replace(/\s+/g, "");
  const code = link.slice(link.lastIndexOf("#") + 1);
  if (!/^[\w-]{100,}$/.test(code)) return "";
  try {
    const raw = atob(code.replace(/-/g, "+").replace(/_/g, "/"));
    const card = new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(raw, (c) => c.charCodeAt(0)));
    return card.startsWith(cardHead) ? card : "";
  } catch {
    return "";
  }
}
