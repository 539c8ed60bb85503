"use strict";
// The labels beside each chart: its title, and the value of each series in the window under the cursor.

const UNITS = {probability: "", fraction: "", count: "", degree: "°"};

function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/** Seconds as 1:02:03 or 2:03.5. */
function clock(seconds, decimals = 0) {
  const rounded = Math.round(seconds * 10 ** decimals) / 10 ** decimals;
  const hours = Math.floor(rounded / 3600), minutes = Math.floor(rounded / 60) % 60;
  const secondsText = (rounded % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${secondsText}` : `${minutes}:${secondsText}`;
}

/** A number in readable form; a dash if it is missing. */
function readable(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) return String(value);
  if (size < 5e-4) return value ? value.toExponential(1) : "0";
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : size >= 1 ? value.toFixed(2) : value.toFixed(3);
}

/** The line of one series: a swatch, its name, its value, its unit. */
function lineOf(panel, series) {
  const swatch = element("i", {hidden: !series.colour}), value = element("b");
  swatch.style.background = series.colour && `var(--${series.colour})`;
  const name = element("span", {textContent: series.name, title: `${series.column}: ${series.meaning}`});
  const unit = element("small", {textContent: UNITS[series.unit] ?? series.unit});
  const read = window => {
    const count = series.counts[window];
    value.textContent = (count > 1 ? `${count} × ` : "") + readable(series.values[window]);
    if (series.other) other.textContent = readable(series.other.values[window]);
  };
  const other = element("b"), colour = element("i");
  colour.style.background = `var(--${series.other?.colour})`;
  return {item: element("li", {}, swatch, name, value, ...(series.other ? [colour, other] : []), unit), read};
}

/** The range and the mean of each series, in words. */
function rangesOf(series) {
  return series.filter(({role}) => role === "line" || role === "text").map(({name, values}) => {
    const measured = values.filter(value => value !== null);
    if (!measured.length) return `${name}: no value`;
    const [low, high] = measured.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
    return `${name} from ${readable(low)} to ${readable(high)}, mean ${readable(measured.reduce((a, b) => a + b) / measured.length)}`;
  }).join("; ");
}

/** A description of a chart for screen readers. */
function summaryOf(panel, series = panel.series) {
  return `${panel.title} over time. ${panel.note ? panel.note + ". " : ""}${rangesOf(series)}`;
}

/** The name of a panel in the address: its column if it was added, otherwise its title. */
const keyOf = ({chosen, key, title}) => chosen ?? (key || title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-"));

/** The place of a panel on the page: `host` for its chart, `read` to show the values of a window. */
function place(panel, acts) {
  const words = element("span", {className: "words"}), notes = [panel.video, panel.note].filter(Boolean);
  // Separate lines keep the panels of two videos equally high; lanes have no room for them.
  const lines = (panel.kind === "lanes" ? [notes.join(" · ")] : notes).map(textContent => element("p", {textContent}));
  const grip = element("button", {className: "grip", ariaLabel: `arrange ${panel.title}`, ariaHasPopup: "menu", title: "Drag to move; click for more"});
  const label = element("header", {}, grip, element("h2", {textContent: panel.title}), words, ...lines);
  if (panel.kind === "lanes") label.lastChild.append(ramp());
  if (panel.kind === "words") label.append(searchOf(panel, acts));
  const values = panel.series.filter(series => series.role !== "faint").map(series => lineOf(panel, series));
  const host = element("div", {className: "plot", role: "img", ariaLabel: panel.pick_one ? "" : summaryOf(panel)});
  const list = element("ul", {className: "values"}, ...values.map(value => value.item));
  const placed = {panel, host, key: keyOf(panel), active: 0, section: element("section", {className: `panel ${panel.kind}`}, label, list, host)};
  if (panel.video) placed.section.dataset.side = panel.side;
  placed.read = window => {
    words.textContent = (panel.words[window] || "").replaceAll("_", " ");
    values.forEach(value => value.item.hidden || value.read(window));
  };
  const button = (textContent, title, ariaLabel, act) => {
    const control = element("button", {textContent, title, ariaLabel});
    control.addEventListener("click", () => act(placed));
    return control;
  };
  const select = panel.pick_one && picker(placed, values, acts.picked);
  if (select && !panel.follows) label.append(select);
  if (select && acts.another && panel.series[0].column.includes(".")) label.append(button("+", "Add another column of this table", `another column of ${panel.title}`, () => acts.another(panel.series[0].column.split(".")[0])));
  if (panel.chosen) words.after(button("×", "Remove this panel", `remove ${panel.chosen}`, acts.remove));
  return placed;
}

/** Chooses which series of a panel is shown. */
function picker(placed, values, picked) {
  const named = ({name, unit}) => unit ? `${name} (${unit})` : name;
  const options = placed.panel.series.map((series, i) => element("option", {value: i, textContent: named(series)}));
  const select = element("select", {ariaLabel: `column of ${placed.panel.title}`}, ...options);
  placed.pick = index => index >= 0 && (select.value = index, show());
  const show = () => {
    placed.active = Number(select.value);
    values.forEach((value, i) => value.item.hidden = i !== placed.active);
    placed.host.ariaLabel = summaryOf(placed.panel, [placed.panel.series[placed.active]]);
  };
  select.addEventListener("change", () => (show(), picked(placed)));
  show();
  return select;
}

/** The shots as a panel: a strip of pictures, and the shot of each window. */
function filmPanel(data, loaded) {
  const film = data.film.map(({start, end, jpeg, cut}) => {
    const image = jpeg ? Object.assign(new Image(), {onload: loaded, src: jpeg}) : null;
    const middle = data.colours[Math.floor((start + end) / 2 / data.step)];
    return {start, end, image, cut, colour: middle};
  });
  const shots = data.shots.length, pictures = film.length < shots ? `, ${film.length} pictures` : "";
  const words = data.shot_of_windows.map(shot => shot < 0 ? null : `shot ${shot + 1} · ${(data.shots[shot][1] - data.shots[shot][0]).toFixed(1)} s`);
  return {title: "Shots", kind: "film", words_column: "", note: `${shots} ${shots === 1 ? "shot" : "shots"}${pictures}`, film, words, series: []};
}
