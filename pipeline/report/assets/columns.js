"use strict";
// Shows any column of the tables: its values lie in files beside the pages, which are scripts because a page on a disk may
// load no others.

/** What such a file calls with its content. */
function received(columns, values) {
  document.currentScript.hand(Promise.all([unpack(columns), inflate(values).then(joined)]));
}

const arriving = new Map();

/** The columns of a file, as their table documents them, and the values of all windows of the first, then of the second... */
function load(address) {
  if (!arriving.has(address)) {
    arriving.set(address, new Promise((hand, failed) => {
      const onerror = () => failed(new Error(`${decodeURI(address)} is not there`));
      // A page that is passed on alone holds the files itself.
      const held = document.querySelector(`script[data-file="${CSS.escape(decodeURI(address).replace("../", ""))}"]`);
      document.head.append(element("script", {...(held ? {textContent: held.textContent} : {src: address}), hand, onerror}));
    }));
  }
  return arriving.get(address);
}

/** Numbers from the first bytes of all, then the second... */
function joined(planes) {
  const count = planes.length / 4, bytes = new Uint8Array(planes.length);
  for (let byte = 0; byte < 4; byte++)
    for (let i = 0; i < count; i++) bytes[4 * i + byte] = planes[byte * count + i];
  return new Float32Array(bytes.buffer);
}

/** A panel with one column of a video; nothing where the video has no such column. */
async function columnPanel({data, base}, name) {
  const file = data.files.find(({table, columns}) => columns.some(column => `${table}.${column}` === name));
  if (!file) return null;
  const [described, every] = await load(base + file.file.split("/").map(encodeURIComponent).join("/"));
  const at = file.columns.findIndex(column => `${file.table}.${column}` === name), windows = every.length / file.columns.length;
  const digits = value => Number.isNaN(value) ? null : Number(value.toPrecision(4));
  const values = Array.from(every.subarray(at * windows, (at + 1) * windows), digits);
  const series = {...described[at], name: file.columns[at], column: name, values, colour: "blue", role: "line", counts: []};
  return {title: capital(file.table), kind: "lines", note: series.meaning, series: [series], words: [], chosen: name};
}

const capital = table => (table[0].toUpperCase() + table.slice(1)).replaceAll("_", " ");

/** The columns that the address names. */
const namedColumns = () => new URLSearchParams(location.hash.slice(1)).getAll("column");

/** Keeps the columns that are shown in the address, and leads with them to the neighbours. */
function nameColumns(names) {
  const hash = new URLSearchParams(location.hash.slice(1));
  hash.delete("column");
  names.forEach(name => hash.append("column", name));
  history.replaceState(null, "", `#${hash}`);
  document.querySelectorAll("nav [rel]").forEach(link => link.hash = location.hash);
}

/** The line below the panels where a column is chosen; `insert` takes its name and its panels, a list per video. */
async function offerColumns(sources, insert) {
  const files = sources.flatMap(({data}) => data.files);
  const names = [...new Set(files.flatMap(({table, columns}) => columns.map(name => `${table}.${name}`)))];
  const form = byId("columns"), input = form.querySelector("input"), said = form.querySelector("output");
  form.hidden = !names.length;
  nameColumns(namedColumns());
  form.querySelector("datalist").append(...names.map(value => element("option", {value})));

  async function show(name) {
    said.textContent = "";
    if (!names.includes(name)) return said.textContent = name ? `There is no column ${name}.` : "";
    try {
      const panels = await Promise.all(sources.map(source => columnPanel(source, name)));
      insert(name, panels.map(panel => panel ? [panel] : []));
    } catch (error) {
      said.textContent = `The columns are kept in files beside the pages: ${error.message}.`;
    }
  }
  form.addEventListener("submit", async event => {
    event.preventDefault();
    await show(input.value.trim());
    if (!said.textContent) input.value = "";
  });
  document.addEventListener("keydown", event => {
    if (event.key.toLowerCase() !== "a" || !forPage(event)) return;
    event.preventDefault();
    input.focus();
  });
  for (const name of namedColumns()) await show(name);
}
