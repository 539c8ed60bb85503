"use strict";
// Histograms of columns over all videos; the counts are in a file beside the overview.

/** Called by that file with its content. */
async function distributed(packed) {
  const tables = await unpack(packed), section = byId("histograms"), input = byId("column"), message = section.querySelector("output");
  const columns = new Map(tables.flatMap(({table, videos, columns}) => columns.map(column => [`${table}.${column.name}`, {videos, ...column}])));
  if (!columns.size) return;
  byId("distributed").append(...[...columns.keys()].map(value => element("option", {value})));
  section.hidden = false;

  function show() {
    const name = input.value.trim(), column = columns.get(name);
    message.textContent = column || !name ? "" : `There is no column ${name}.`;
    if (column) drawHistogram(name, column);
  }
  input.addEventListener("change", show);
  input.addEventListener("input", () => columns.has(input.value) && show());
  input.value = DEFAULTS.find(name => columns.has(name)) ?? columns.keys().next().value;
  show();
}

const DEFAULTS = ["emobase.pcm_loudness_sma_amean", "color.saturation_mean", "lighting.lighting_key"];

function drawHistogram(name, {unit, meaning, videos, count, missing, low, high, mean, sd, median, first, width, bars = [], below, above}) {
  const figure = byId("histogram"), units = unit === "1" ? "" : ` ${UNITS[unit] ?? unit}`, counted = value => value.toLocaleString("en");
  const share = missing ? ` (${(100 * missing / (count + missing)).toFixed(1)} %)` : "";
  const facts = [`${counted(count)} values of ${videos} ${videos === 1 ? "video" : "videos"}`, `${counted(missing)} missing${share}`];
  if (count) facts.push(`highest bar ${counted(Math.max(...bars))}`, `${readable(low)} to ${readable(high)}${units}`, `mean ${readable(mean)} ± ${readable(sd)}`, `median ${readable(median)}`);
  if (below + above) facts.push(`not drawn: ${counted(below)} lower, ${counted(above)} higher`);
  figure.querySelector("b").textContent = name;
  figure.querySelector(".meaning").textContent = meaning;
  figure.querySelector(".facts").replaceChildren(...facts.map(textContent => element("span", {textContent})));

  const most = Math.max(...bars), edge = i => readable(first + i * width), places = figure.querySelector(".bars");
  const range = i => `${edge(i)} to ${edge(i + 1)}`;
  places.replaceChildren(...bars.map((n, i) => {
    const bar = element("i", {title: `${range(i)}: ${counted(n)}`});
    bar.style.height = `${100 * n / most}%`;
    return bar;
  }));
  const highest = bars.indexOf(most);
  places.ariaLabel = `Histogram of ${name}: ${meaning}. ${facts.join("; ")}${count ? `; most values lie in ${range(highest)}` : ""}.`;
  figure.querySelector(".ends").replaceChildren(...(count ? [0, bars.length / 2, bars.length] : []).map(i => element("span", {textContent: edge(i)})));
  figure.querySelector("tbody").replaceChildren(...bars.map((n, i) =>
    element("tr", {}, element("th", {scope: "row", textContent: range(i)}), element("td", {textContent: counted(n)}))));
}
