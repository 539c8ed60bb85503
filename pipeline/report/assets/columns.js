"use strict";
// Loads any column of the tables from files beside the pages. They are scripts, because a page opened from a disk can load nothing else.

/** Called by a file of values with its content. */
function received(columns, values) {
  document.currentScript.hand(Promise.all([unpack(columns), inflate(values).then(joined)]));
}

/** Called by the file that describes the columns of a table. */
function described(columns) {
  document.currentScript.hand(unpack(columns));
}

const loading = new Map();

/** Loads a file. A file of values returns the documentation of its columns, and the values column by column. */
function load(address) {
  if (!loading.has(address)) {
    loading.set(address, new Promise((hand, failed) => {
      const onerror = () => failed(new Error(`${decodeURI(address)} is missing`));
      // A single page that is passed on contains the files.
      const embedded = document.querySelector(`script[data-file="${CSS.escape(decodeURI(address).replace("../", ""))}"]`);
      document.head.append(element("script", {...(embedded ? {textContent: embedded.textContent} : {src: address}), hand, onerror}));
    }));
  }
  return loading.get(address);
}

/** Joins the bytes of numbers, which are stored as all first bytes, then all second bytes, ... */
function joined(planes) {
  const count = planes.length / 4, bytes = new Uint8Array(planes.length);
  for (let byte = 0; byte < 4; byte++)
    for (let i = 0; i < count; i++) bytes[4 * i + byte] = planes[byte * count + i];
  return new Float32Array(bytes.buffer);
}

/** A panel with one column of a video; null if the video has no such column. */
async function columnPanel({data, base}, name) {
  const file = data.files.find(({table, columns}) => columns.some(column => `${table}.${column}` === name));
  if (!file) return null;
  const [columns, all] = await load(base + file.file.split("/").map(encodeURIComponent).join("/"));
  const index = file.columns.findIndex(column => `${file.table}.${column}` === name), windows = all.length / file.columns.length;
  const digits = value => Number.isNaN(value) ? null : Number(value.toPrecision(4));
  const values = Array.from(all.subarray(index * windows, (index + 1) * windows), digits);
  const series = {...columns[index], name: file.columns[index], column: name, values, colour: "blue", role: "line", counts: []};
  return {title: capital(file.table), kind: "lines", note: series.meaning, series: [series], words: [], chosen: name, table: file.table};
}

const capital = table => (table[0].toUpperCase() + table.slice(1)).replaceAll("_", " ");
