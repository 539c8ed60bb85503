"use strict";
// Draws one panel: uPlot draws axes, lines and areas; film strips, hues and lanes are painted into its canvas.

const FAMILY = '"Helvetica Neue", Helvetica, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif';
const FONT = `11px ${FAMILY}`;
const NOTHING = [0, 0, 0, 0];
const LIGHT_RAMP = [[237, 241, 246], [178, 208, 230], [84, 153, 199], [21, 91, 145], [8, 40, 78]];
const DARK_RAMP = [[35, 41, 50], [27, 66, 104], [36, 115, 171], [105, 178, 226], [220, 240, 252]];
let INK, GRID, LANE_RAMP;

/** A colour of the style sheet. */
const theme = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Reads the colours of the style sheet, which differ between light and dark mode. */
function readTheme() {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
  [INK, GRID, LANE_RAMP] = [theme("soft"), theme("grid"), dark ? DARK_RAMP : LIGHT_RAMP];
  const stops = Array.from({length: 9}, (_, i) => `rgb(${laneColour(i / 8).slice(0, 3).map(Math.round)})`);
  document.documentElement.style.setProperty("--ramp", `linear-gradient(to right, ${stops})`);
}

const HEIGHTS = {lines: 84, stack: 132, hues: 92, film: 84, words: 64};
const SECONDS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
// Columns are at least this wide; if windows are narrower, a column is the mean of several.
const COLUMN_PX = 2;

function laneColour(value) {
  // The square root spreads small probabilities, which most classes have.
  const place = Math.sqrt(Math.min(1, Math.max(0, value))) * (LANE_RAMP.length - 1);
  const low = LANE_RAMP[Math.floor(place)], high = LANE_RAMP[Math.ceil(place)], share = place % 1;
  return [...low.map((c, i) => c + (high[i] - c) * share), 255];
}

/** The legend of the colours of lanes, from 0 to 1. */
function ramp() {
  return element("span", {className: "ramp", ariaLabel: "colours from 0 to 1"}, "0", element("i"), "1");
}

function hueColour(bin, bins) {
  const share = channel => {
    const k = (channel + bin * 12 / bins) % 12;
    return Math.round(255 * (0.5 - 0.45 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [share(0), share(8), share(4)];
}

/** The visible part in columns of `per` windows each; the grouping does not depend on where it begins. */
function columnsOf(view, width) {
  const first = Math.max(0, Math.floor(view.min / view.step));
  const last = Math.min(view.windows, Math.ceil(view.max / view.step));
  const per = Math.max(1, Math.ceil((last - first) / (width / COLUMN_PX)));
  const from = first - first % per, count = Math.max(1, Math.ceil((last - from) / per));
  const edges = Array.from({length: count + 1}, (_, i) => Math.min(view.windows, from + i * per));
  return {per, count, edges, times: edges.map(k => k * view.step)};
}

/** One value per column, combined from the windows that have a value; null if none has. */
function perColumn(values, {count, edges}, combine) {
  return Array.from({length: count}, (_, column) => {
    let combined = null, n = 0;
    for (let k = edges[column]; k < edges[column + 1]; k++) {
      if (values[k] == null) continue;  // undefined: the video has ended
      combined = n++ ? combine(combined, values[k], n) : values[k];
    }
    return combined;
  });
}
const mean = (soFar, value, n) => soFar + (value - soFar) / n;
const higher = (a, b) => Math.max(a, b), lower = (a, b) => Math.min(a, b);

/** The plotting area of a panel: the visible part of time on a width; `x` gives the place of a second. */
function fieldOf(view, width, height, columns = columnsOf(view, width)) {
  const x = second => (second - view.min) / (view.max - view.min) * width;
  return {view, width, height, columns, x};
}

/** An image with a row of pixels per series and a pixel per column, and its place. */
function rowsImage({columns, x}, rows, colourOf) {
  const pixels = new ImageData(columns.count, rows.length);
  rows.forEach((values, row) => perColumn(values, columns, mean).forEach((value, column) => {
    if (value !== null) pixels.data.set(colourOf(value, row), 4 * (row * columns.count + column));
  }));
  const image = Object.assign(document.createElement("canvas"), {width: columns.count, height: rows.length});
  image.getContext("2d").putImageData(pixels, 0, 0);
  const [left, right] = [columns.times[0], columns.times[columns.count]].map(x);
  return {kind: "image", image, x: left, width: right - left};
}

// The edges of each row of pixels are left out, because programs that scale images mix in the neighbouring rows.
const BLEED = 0.05;

function laneMarks(panel, field, lane) {
  const image = rowsImage(field, panel.series.map(s => s.values), laneColour);
  return panel.series.map((_, row) =>
    ({...image, from: [0, row + BLEED, image.image.width, 1 - 2 * BLEED], y: row * lane.pitch + lane.top, height: lane.height}));
}

function hueMarks(panel, field) {
  const bins = panel.rows.length;
  const rows = [...panel.rows].reverse();
  const colours = rows.map((_, row) => hueColour(bins - 1 - row, bins));
  const image = rowsImage(field, rows, (value, row) =>
    value ? [...colours[row], Math.round(255 * Math.min(1, 0.12 + Math.sqrt(value / 110)))] : NOTHING);
  return [{...image, from: [0, 0, image.image.width, bins], y: 0, height: field.height}];
}

/** Each stretch is as wide as its duration; its picture is cut to fit, and stays visible while part of the stretch is. */
function filmMarks(panel, {x, width, height}) {
  return panel.film.flatMap(({start, end, image, colour, cut}) => {
    const left = x(start), right = x(end);
    if (right < 0 || left > width) return [];
    const marks = [{kind: "rect", x: left, y: 0, width: right - left, height, fill: colour || theme("empty")}];
    if (image?.complete && image.naturalWidth) {
      const scale = height / image.naturalHeight, wide = Math.min(right - left, image.naturalWidth * scale);
      const middle = (Math.max(left, 0) + Math.min(right, width) - wide) / 2;
      const from = [(image.naturalWidth - wide / scale) / 2, 0, wide / scale, image.naturalHeight];
      marks.push({kind: "image", image, from, x: Math.max(left, Math.min(right - wide, middle)), y: 0, width: wide, height, smooth: true});
    }
    if (cut && right - left > 4) marks.push({kind: "rect", x: left - 1, y: 0, width: 2, height, fill: theme("paper")});
    return marks;
  });
}

/** The marks of a panel that is not made of lines; empty for others. */
function marksOf(panel, field, lane) {
  const make = {lanes: laneMarks, hues: hueMarks, film: filmMarks}[panel.kind] ?? (panel.kind === "words" && wordMarks);
  return make ? make(panel, field, lane) : [];
}

/** Running totals from the last series to the first, so that each area is painted over the ones above it. */
function totals(rows) {
  const sums = [];
  for (const row of rows) sums.unshift(row.map((v, i) => v === null ? null : v + (sums.length ? sums[0][i] : 0)));
  return sums;
}

/** The lines of a panel: their styles, and their values in columns, with the last value repeated to end the last step. */
function linesOf(panel, active) {
  const closed = values => [...values, values[values.length - 1]];
  const drawn = panel.pick_one ? [panel.series[active], panel.series[active].other].filter(Boolean) : panel.series.filter(s => s.role === "line");
  const faint = panel.series.filter(s => s.role === "faint");
  if (panel.kind === "stack") {
    return {
      range: [0, 1],
      // White seams between areas, if the steps are wide enough.
      styles: drawn.map(s => ({fill: theme(s.colour), stroke: u => u.data[0].length * 6 < u.width ? theme("paper") : theme(s.colour), width: 0.7})).reverse(),
      values: columns => totals(drawn.map(s => perColumn(s.values, columns, mean))).map(closed),
    };
  }
  const end = role => panel.series.find(s => s.role === role);
  const around = (s, role) => s === drawn[0] && end(role) || s;
  const all = [...drawn, ...faint, end("high"), end("low")].filter(Boolean);
  const bare = {width: 0, stroke: "transparent"};
  return {
    range: [Math.min(...all.map(s => s.low)), Math.max(...all.map(s => s.high))],
    styles: [...faint.map(s => ({stroke: theme(s.colour) + "a0", width: 0.8})), ...drawn.flatMap(s => [bare, bare, {stroke: theme(s.colour), width: faint.length ? 2 : 1.5}])],
    bands: drawn.map((s, i) => ({series: [0, 1].map(k => faint.length + 3 * i + 1 + k), fill: theme(s.colour) + "38"})),
    values: columns => [...faint.map(s => perColumn(s.values, columns, mean)), ...drawn.flatMap(s => [
      perColumn(around(s, "high").values, columns, higher),
      perColumn(around(s, "low").values, columns, lower),
      perColumn(s.values, columns, mean),
    ])].map(closed),
  };
}

/** Grid lines at the labels of the ruler above all panels. */
const xAxis = view => ({
  size: 0, grid: {stroke: GRID, width: 1}, ticks: {show: false}, values: (_, all) => all.map(() => ""), ...labelsOf(view),
});

/** The places of labels. */
const labelsOf = view => ({space: 72, incrs: SECONDS.filter(seconds => seconds >= view.step)});

function yAxis(panel, layout) {
  const hues = panel.kind === "hues";
  return {
    size: layout.gutter, gap: 6, font: FONT, stroke: INK, ticks: {show: false}, grid: {stroke: GRID, width: 1}, space: 26,
    splits: hues ? [0, 120, 240, 360] : undefined,
    values: (_, all) => all.map(v => hues ? v + "°" : v && Math.abs(v) < 1e-3 ? (+v.toPrecision(3)).toExponential() : String(+v.toPrecision(6))),
  };
}

/** Makes the chart of a panel in `host`; `layout` has its width, its least height and its margins. */
function chart(panel, host, view, layout, active = 0) {
  const bare = ["lanes", "film", "words"].includes(panel.kind), lane = layout.lane;
  const lines = panel.kind === "lines" || panel.kind === "stack" ? linesOf(panel, active) : null;
  const columns = () => columnsOf(view, layout.width);
  const paint = u => paintInto(u, marksOf(panel, fieldOf(view, u.bbox.width / devicePixelRatio, u.bbox.height / devicePixelRatio, columns()), lane));
  const u = new uPlot({
    width: layout.width,
    height: panel.kind === "lanes" ? panel.series.length * lane.pitch + 4 : Math.max(HEIGHTS[panel.kind], layout.least),
    padding: [bare ? 0 : 6, layout.right, bare ? 0 : 6, bare ? layout.gutter : 0],
    cursor: {show: false},
    legend: {show: false},
    scales: {
      x: {time: false, range: () => [view.min, view.max]},
      y: {range: panel.kind === "hues" ? [0, 360] : lines?.range || [0, 1]},
    },
    axes: bare ? [{show: false}, {show: false}] : [xAxis(view), yAxis(panel, layout)],
    series: [{}, ...(lines?.styles || []).map(style => ({
      ...style, paths: uPlot.paths.stepped({align: 1, alignGaps: 1}), points: {show: false},
    }))],
    bands: lines?.bands,
    hooks: {draw: lines ? [] : [paint]},
  }, null, host);
  u.look = () => {
    const visible = columns();
    u.setData([visible.times, ...(lines ? lines.values(visible) : [])]);
  };
  u.look();
  return u;
}
