"use strict";
// What the address keeps, so that a moment can be sent as a link: `at` (seconds, the cursor), `view` (what is seen, as
// FROM-TO), and of panels, each as often as needed: `column` (added), `pick` (chosen in its panel), `hide`, `fold`, `pin`, `order`.

const OF_THIS_VIDEO = ["at", "view"];

const address = {
  all: name => new URLSearchParams(location.hash.slice(1)).getAll(name),

  /** Sets names to lists of values; what is not named stays. */
  set(changes) {
    const kept = new URLSearchParams(location.hash.slice(1));
    for (const [name, values] of Object.entries(changes)) {
      kept.delete(name);
      values.forEach(value => kept.append(name, value));
    }
    const hash = String(kept);
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : location.href.split("#")[0]);
    address.lead();
  },

  /** Leads with the panels to the neighbours, which have moments of their own. */
  lead() {
    const kept = new URLSearchParams(location.hash.slice(1));
    OF_THIS_VIDEO.forEach(name => kept.delete(name));
    document.querySelectorAll("nav [rel]").forEach(link => link.hash = String(kept));
  },
};

// Another link to the same page.
addEventListener("hashchange", () => location.reload());

/** Shows what the address says of time, and keeps it there; browsers refuse addresses that change all the time. */
function keepTime(axis) {
  const {view} = axis, digits = second => String(Number(second.toFixed(3)));
  const [from, to] = (address.all("view")[0] ?? "").split("-").map(Number), at = Number(address.all("at")[0] ?? NaN);
  if (to > from) axis.see(from, to);
  if (at >= 0) axis.point(Math.min(at, view.end));
  let waits = null;
  return () => {
    clearTimeout(waits);
    waits = setTimeout(() => address.set({
      at: view.window || address.all("at").length ? [digits(view.window * view.step)] : [],
      view: axis.zoomed() ? [`${digits(view.min)}-${digits(view.max)}`] : [],
    }), 300);
  };
}
