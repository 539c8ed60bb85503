"use strict";
// Filters and sorts the rows of the index.

(() => {
  const body = document.querySelector("#videos tbody"), rows = [...body.rows];
  const find = byId("find"), found = byId("found");
  const texts = new Map(rows.map(row => [row, row.textContent.toLowerCase()]));

  function filter() {
    const words = find.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const fits = words.every(word => texts.get(row).includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    found.textContent = find.value.trim() ? `${shown} of ${rows.length}` : "";
  }

  let sorted = "", up = true;
  function sort(key) {
    up = key === sorted ? !up : true;
    sorted = key;
    const numeric = key === "duration" || key === "shots";
    const compare = new Intl.Collator(undefined, {numeric: true}).compare;
    const order = (a, b) => numeric ? a.dataset[key] - b.dataset[key] : compare(a.dataset[key], b.dataset[key]);
    for (const button of document.querySelectorAll("[data-sort]")) {
      button.setAttribute("aria-pressed", button.dataset.sort === key);
      button.dataset.order = button.dataset.sort === key ? (up ? "↑" : "↓") : "↕";
    }
    body.append(...[...rows].sort((a, b) => up ? order(a, b) : order(b, a)));
  }

  /** Two videos are compared at most: a third takes the place of the first. */
  const chosen = [];
  function tick({target}) {
    if (target.type !== "checkbox") return;
    if (target.checked) chosen.push(target);
    else chosen.splice(chosen.indexOf(target), 1);
    if (chosen.length > 2) chosen.shift().checked = false;
    const link = byId("compare");
    link.hash = `${new URLSearchParams(chosen.map(({value}) => ["video", value]))}`;
    const names = [...chosen.map(({value}) => value), "…"].slice(0, 2);
    link.textContent = chosen.length ? `Compare ${names.join(" and ")}` : "Compare two videos";
  }

  body.addEventListener("change", tick);
  document.addEventListener("keydown", event => {
    if (event.key.toLowerCase() === "c" && forPage(event)) byId("compare")?.click();
  });
  find.addEventListener("input", filter);
  for (const button of document.querySelectorAll("[data-sort]")) button.addEventListener("click", () => sort(button.dataset.sort));
  filter();
})();
