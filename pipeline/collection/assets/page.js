// The page's data and texts, and elements made of text that is never read as HTML.

export const data = JSON.parse(document.getElementById("page-data").textContent);

/** A text of the study, with {name} filled in. */
export function text(name, values = {}) {
  return data.texts[name].replace(/\{(\w+)\}/g, (all, key) => (key in values ? String(values[key]) : all));
}

/** An element; attributes that are functions listen to events. Children are elements or text. */
export function element(tag, attributes = {}, ...children) {
  const made = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Paragraphs of a text, which blank lines separate. Text in any direction is laid out by its own letters. */
export function paragraphs(words) {
  return words
    .split(/\n\s*\n/)
    .filter((part) => part.trim())
    .map((part) => element("p", { dir: "auto" }, part.trim()));
}

/** Shows something in place of what the page showed, and moves the focus there. */
export function show(...children) {
  const main = document.getElementById("main");
  main.replaceChildren(...children.filter(Boolean));
  main.focus({ preventScroll: true });
  window.scrollTo(0, 0);
  return main;
}

/** Resolves when a button is pressed. */
export function pressed(button) {
  return new Promise((done) => button.addEventListener("click", done, { once: true }));
}

export function sleep(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

/** An unguessable word. */
export function word() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
