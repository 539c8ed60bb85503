"use strict";
// The values of panels as CSV, with the names of the columns in the tables.

const quoted = cell => /[",\n]/.test(cell ?? "") ? `"${String(cell).replaceAll('"', '""')}"` : cell ?? "";
const lines = rows => rows.map(row => row.map(quoted).join(",") + "\r\n").join("");

/** The columns of a panel, by name. */
async function columnsOfPanel({panel}, source, lacking) {
  const {title, series, words, words_column, bins} = panel, columns = new Map();
  for (const {name, column, values, counts_column, counts, other} of series) {
    columns.set(column.includes(".") ? column : `${title}: ${name}`, values);
    if (other) columns.set(`${column}: ${other.name}`, other.values);
    if (counts_column) columns.set(counts_column, counts);
  }
  if (words_column) columns.set(words_column, words);
  for (const name of bins ?? []) {  // the page itself has too few digits
    const loaded = await columnPanel(source, name).catch(() => null);
    if (loaded) columns.set(name, loaded.series[0].values);
    else lacking.push(name);
  }
  return columns;
}

/** CSV with a row per visible window of each video; if only words are chosen, a row per word, as in their table. */
async function tableOf(places, sources, view) {
  const lacking = [], parts = [];
  for (const source of sources) {
    const ofVideo = places.filter(({panel}) => (panel.video ?? source.data.video) === source.data.video);
    const columns = new Map((await Promise.all(ofVideo.map(placed => columnsOfPanel(placed, source, lacking)))).flatMap(part => [...part]));
    parts.push({video: source.data.video, windows: source.data.windows, columns});
  }
  if (places.every(({panel}) => panel.kind === "words")) {
    const rows = places.flatMap(({panel}, i) => panel.spoken.filter(([start, end]) => end > view.min && start < view.max)
      .map(([start, end, word]) => [panel.video ?? sources[i].data.video, word, start, end]));
    return {text: lines([["video_id", "word", "word_start", "word_end"], ...rows]), lacking};
  }
  const names = [...new Set(parts.flatMap(({columns}) => [...columns.keys()]))];
  const rows = [["video_id", "window", "start", "end", ...names]];
  for (const {video, windows, columns} of parts)
    for (let k = Math.floor(view.min / view.step + 1e-9); k < Math.min(windows, view.max / view.step - 1e-9); k++)
      rows.push([video, k, k * view.step, (k + 1) * view.step, ...names.map(name => columns.get(name)?.[k])]);
  return {text: lines(rows), lacking};
}
