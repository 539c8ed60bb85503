"use strict";
// Finds a column by words of its name and meaning.

const MOST_RESULTS = 80;

/** Every column of some videos as {name, unit, meaning}; units and meanings come from files beside the page, if these exist. */
async function describedColumns(sources) {
  const tables = new Map(sources.flatMap(({data, base}) => data.files.map(({table}) => [table, base])));
  const files = await Promise.all([...tables].map(async ([table, base]) => {
    const columns = await load(`${base}columns/${encodeURIComponent(table)}.js`).catch(() => []);
    return columns.map(([name, unit, meaning]) => [`${table}.${name}`, {unit, meaning}]);
  }));
  const known = new Map(files.flat());
  return namesOf(sources).map(name => ({name, unit: "", meaning: "", ...known.get(name)}));
}

const namesOf = sources => [...new Set(sources.flatMap(({data}) => data.files.flatMap(({table, columns}) => columns.map(name => `${table}.${name}`))))];

/** The columns that contain all words: first those whose names begin with them, then those whose names contain them. */
function matches(columns, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const rank = ({name, meaning}) => {
    const [low, all] = [name.toLowerCase(), `${name} ${name.replaceAll("_", " ")} ${meaning}`.toLowerCase()];
    if (!words.every(word => all.includes(word))) return null;
    if (!words.every(word => low.includes(word))) return 2;
    return words.length && !low.startsWith(words[0]) ? 1 : 0;
  };
  return columns.map(column => ({column, rank: rank(column)})).filter(({rank}) => rank !== null)
    .sort((a, b) => a.rank - b.rank).map(({column}) => column);
}

/** A name that may break after its underscores and dots. */
const parts = name => name.split(/(?<=[_.])/).flatMap(part => [part, element("wbr")]);

/** The dialog that searches columns; returns the function that opens it. `insert` takes a name and its panels, a list per video. */
async function offerColumns(sources, insert) {
  const dialog = byId("search"), input = dialog.querySelector("input"), list = dialog.querySelector("ul"), [message, counter] = dialog.querySelectorAll("output");
  const names = namesOf(sources);
  let columns = null, results = [], active = 0;
  byId("open_search").hidden = !names.length;

  /** Adds a column; returns why it cannot be shown, or an empty text. */
  async function add(name) {
    if (!names.includes(name)) return `There is no column ${name}.`;
    try {
      const panels = await Promise.all(sources.map(source => columnPanel(source, name)));
      insert(name, panels.map(panel => panel ? [panel] : []));
      return "";
    } catch (error) {
      return `The columns are in files beside the pages: ${error.message}.`;
    }
  }

  async function take(name) {
    message.textContent = await add(name);
    if (!message.textContent) dialog.close();
  }

  function point(at) {
    active = Math.max(0, Math.min(results.length - 1, at));
    [...list.children].forEach((item, i) => item.ariaSelected = i === active);
    input.setAttribute("aria-activedescendant", results.length ? `result${active}` : "");
    list.children[active]?.scrollIntoView({block: "nearest"});
  }

  function look() {
    const matching = matches(columns ?? names.map(name => ({name, unit: "", meaning: ""})), input.value);
    results = matching.slice(0, MOST_RESULTS);
    list.replaceChildren(...results.map(({name, unit, meaning}, i) => {
      const item = element("li", {id: `result${i}`, role: "option"}, element("b", {}, ...parts(name)), element("small", {textContent: UNITS[unit] ?? unit}), element("span", {textContent: meaning}));
      item.addEventListener("click", () => take(name));
      return item;
    }));
    counter.textContent = matching.length > results.length ? `${results.length} of ${matching.length} columns` : `${matching.length} ${matching.length === 1 ? "column" : "columns"}`;
    point(0);
  }

  async function open(text = "") {
    [input.value, message.textContent] = [text, ""];
    look();
    dialog.showModal();
    input.select();
    if (text) input.setSelectionRange(text.length, text.length);
    if (columns) return;
    columns = await describedColumns(sources);
    look();
  }

  input.addEventListener("input", () => (message.textContent = "", look()));
  input.addEventListener("keydown", event => {
    const by = {ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8}[event.key];
    if (by) point(active + by);
    if (event.key === "Enter") results.length ? take(results[active].name) : message.textContent = `There is no column ${input.value}.`;
    if (by || event.key === "Enter") event.preventDefault();
  });
  closable(dialog);
  byId("open_search").addEventListener("click", () => open());
  keys.on("A", "add a column", ["a"], () => void open());
  const messages = new Set();
  for (const name of address.all("column")) messages.add(await add(name));
  byId("absent_columns").textContent = [...messages].filter(Boolean).join(" ");
  return open;
}
