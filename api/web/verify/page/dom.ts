// Elements, made of text alone: nothing that comes from a file is read as markup.

type Child = Node | string | null;

/** el makes an element. Attributes that are "" are left out. */
export function el(name: string, attributes: Record<string, string>, ...children: Child[]): HTMLElement {
  return fill(document.createElement(name), attributes, children);
}

function fill<T extends Element>(e: T, attributes: Record<string, string>, children: Child[]): T {
  for (const [k, v] of Object.entries(attributes)) if (v !== "") e.setAttribute(k, v);
  e.append(...children.filter((c): c is Node | string => c !== null));
  return e;
}

/** svg makes an element of a drawing. */
export function svg(name: string, attributes: Record<string, string>, ...children: Node[]): SVGElement {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name) as SVGElement, attributes, children);
}

/** byId finds what the page has for certain. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const e = document.getElementById(id);
  if (!e) throw new Error("the page has no " + id);
  return e as T;
}

/** save offers bytes as a file. */
export function save(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  const a = el("a", { href: url, download: name }) as HTMLAnchorElement;
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
