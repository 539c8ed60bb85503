"use strict";
// The keys of a page; `?` lists them.

const keys = {
  listed: [],

  /** Binds the keys `pressed` to `act`, which gets the event and returns false to ignore it; lists them as `label` with a `description`. */
  on(label, description, pressed, act) {
    if (label) keys.listed.push([label, description]);
    document.addEventListener("keydown", event => {
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (!pressed.includes(key) || !forPage(event) || document.querySelector("dialog[open]")) return;
      if (act(event) !== false) event.preventDefault();
    });
  },
};

const POINTING = [
  ["click", "put the cursor there"],
  ["drag", "zoom in"],
  ["double-click", "see everything"],
  ["Shift + drag, Shift + wheel", "move"],
  ["Ctrl + wheel, two fingers", "zoom"],
  ["drag ⠿", "move a panel; a click on it shows what else can be done with it"],
];

/** The button and the key that show the list of keys. */
function offerKeys() {
  const dialog = byId("keys"), rows = list => list.map(([label, description]) => element("tr", {}, element("th", {scope: "row", textContent: label}), element("td", {textContent: description})));
  const show = () => {
    dialog.querySelector("tbody").replaceChildren(...rows([...keys.listed, ...POINTING]));
    dialog.showModal();
  };
  keys.on("?", "show this list", ["?"], show);
  byId("help").addEventListener("click", show);
}

/** A dialog closes by its button, by Escape, and by a click beside it. */
function closable(dialog) {
  dialog.addEventListener("click", event => {
    const box = dialog.getBoundingClientRect();
    const isOutside = event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
    if (event.target === dialog && isOutside || event.target.closest(".close")) dialog.close();
  });
}
