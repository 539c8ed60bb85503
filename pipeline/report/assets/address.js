"use strict";
// Keeps the state of the page in its address, so that a moment can be sent as a link: `at` (the cursor in seconds), `view` (the
// visible part, as FROM-TO), and for panels, repeated as needed: `column` (added), `pick` (chosen in its panel), `hide`, `fold`,
// `pin`, `order`.

const VIDEO_PARAMETERS = ["at", "view"];

const address = {
  all: name => new URLSearchParams(location.hash.slice(1)).getAll(name),

  /** Sets names to lists of values; other names keep theirs. */
  set(changes) {
    const parameters = new URLSearchParams(location.hash.slice(1));
    for (const [name, values] of Object.entries(changes)) {
      parameters.delete(name);
      values.forEach(value => parameters.append(name, value));
    }
    const hash = String(parameters);
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : location.href.split("#")[0]);
    address.updateLinks();
  },

  /** Passes the state of the panels on to the links to other videos, but not the time, which differs between videos. */
  updateLinks() {
    const parameters = new URLSearchParams(location.hash.slice(1));
    VIDEO_PARAMETERS.forEach(name => parameters.delete(name));
    document.querySelectorAll("nav [rel]").forEach(link => link.hash = String(parameters));
  },
};

// A link to another state of the same page.
addEventListener("hashchange", () => location.reload());

/** Shows the time in the address, and returns a function that stores it there: after a pause, because browsers limit changes. */
function keepTime(axis) {
  const {view} = axis, digits = second => String(Number(second.toFixed(3)));
  const [from, to] = (address.all("view")[0] ?? "").split("-").map(Number), at = Number(address.all("at")[0] ?? NaN);
  if (to > from) axis.see(from, to);
  if (at >= 0) axis.point(Math.min(at, view.end));
  let timer = null;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => address.set({
      at: view.window || address.all("at").length ? [digits(view.window * view.step)] : [],
      view: axis.zoomed() ? [`${digits(view.min)}-${digits(view.max)}`] : [],
    }), 300);
  };
}
