// The page's data and texts, and functions that make elements; no text is parsed as HTML.

export const data = JSON.parse(document.getElementById("page-data").textContent);

/** A text of the study, with each {name} replaced by its value. */
export function text(name, values = {}) {
  return data.texts[name].replace(/\{(\w+)\}/g, (all, key) => (key in values ? String(values[key]) : all));
}

/** An element; attributes that are functions listen to events. Children are elements or text. */
export function element(tag, attributes = {}, ...children) {
  const node = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Paragraphs of a text, which blank lines separate. The letters of each determine its direction. */
export function paragraphs(words) {
  return words
    .split(/\n\s*\n/)
    .filter((part) => part.trim())
    .map((part) => element("p", { dir: "auto" }, part.trim()));
}

/** Replaces the content of the page, and moves the focus to it. */
export function show(...children) {
  const main = document.getElementById("main");
  main.replaceChildren(...children.filter(Boolean));
  main.focus({ preventScroll: true });
  window.scrollTo(0, 0);
  return main;
}

/** Resolves when a button is pressed. */
export function pressed(button) {
  return new Promise((resolve) => button.addEventListener("click", resolve, { once: true }));
}

export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A random token that cannot be guessed. */
export function randomToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
