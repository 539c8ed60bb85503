"use strict";
// The page of a model: its predictions for a video, its score on each video, and its losses.

const HEIGHT = {course: 200, losses: 190};

/** A chart that is as wide as its place. */
function modelChart(host, height, {series, data, bands, y, x = {}, ticks, hooks}) {
  const axis = {font: FONT, stroke: INK, ticks: {show: false}, grid: {stroke: GRID, width: 1}};
  return new uPlot({
    width: host.clientWidth,
    height,
    padding: [8, 10, 0, 0],
    cursor: {show: false},
    legend: {show: false},
    scales: {x: {time: false, ...x}, y},
    axes: [{...axis, size: 24, gap: 3, space: 72, ...ticks}, {...axis, size: 44, gap: 6, space: 26}],
    series: [{}, ...series.map(line => ({points: {show: false}, ...line}))],
    bands, hooks,
  }, data, host);
}

/** Label and prediction of a video, in steps as wide as a window. */
function courseChart(host, dimension, video, step) {
  const windows = video.gold.length, times = Array.from({length: windows + 1}, (_, k) => (video.first + k) * step);
  const closed = values => [...values, values[windows - 1]];
  const paths = uPlot.paths.stepped({align: 1, alignGaps: 1}), bare = {stroke: "transparent", width: 0, paths};
  return modelChart(host, HEIGHT.course, {
    data: [times, closed(video.high), closed(video.low), closed(video.gold), closed(video.prediction)],
    series: [bare, bare, {stroke: theme("slate"), width: 1.5, paths}, {stroke: theme("blue"), width: 1.5, paths}],
    bands: [{series: [1, 2], fill: theme("blue") + "38"}],
    y: {range: () => [dimension.low, dimension.high]},
    ticks: {values: (_, all) => all.map(t => clock(t, all[1] - all[0] < 1 ? 1 : 0)), incrs: SECONDS.filter(s => s >= step)},
  });
}

/** A row per video, from worst to best: its name, its CCC as a bar, and the moment of its largest error. */
function listScores(dimension, pages, step, choose) {
  const ccc = dimension.videos.map(video => video.ccc).filter(value => value !== null);
  const low = Math.min(0, ...ccc), high = Math.max(0.05, dimension.human ?? 0, ...ccc), place = value => 100 * (value - low) / (high - low);
  const mark = (className, value) => {
    const line = element("u", {className});
    line.style.left = `${place(value)}%`;
    return value === null ? [] : [line];
  };
  byId("scores").tBodies[0].replaceChildren(...dimension.videos.map((video, i) => {
    const bar = element("i"), worst = largestError(video, step), page = pages[video.id];
    if (video.ccc !== null) Object.assign(bar.style, {left: `${place(Math.min(0, video.ccc))}%`, width: `${place(Math.abs(video.ccc) + low)}%`});
    const marks = [...mark("zero", 0), ...mark("mean", dimension.mean), ...mark("human", dimension.human)];
    const moment = worst && `${clock(worst.second, 1)} (${worst.error > 0 ? "+" : "−"}${readable(Math.abs(worst.error))})`;
    const errorCell = worst && page ? element("a", {href: `${page}#at=${worst.second}`, textContent: moment, title: "prediction minus label; opens the video there"}) : moment ?? "–";
    const row = element("tr", {}, element("th", {scope: "row"}, page ? element("a", {href: worst ? `${page}#at=${worst.second}` : page, textContent: video.id}) : video.id),
      element("td", {className: "number", textContent: readable(video.ccc)}), element("td", {}, element("span", {className: "ccc"}, bar, ...marks)), element("td", {className: "far"}, errorCell));
    row.addEventListener("click", () => choose(i));
    return row;
  }));
}

/** The largest difference of prediction and label, and its time in seconds; null if no window has both. */
function largestError({gold, prediction, first}, step) {
  let worst = null;
  gold.forEach((label, k) => {
    const error = label === null || prediction[k] === null ? null : prediction[k] - label;
    if (error !== null && (!worst || Math.abs(error) > Math.abs(worst.error))) worst = {second: (first + k) * step, error};
  });
  return worst;
}

/** Descriptions of the charts for screen readers. */
const descriptions = {
  course: (dimension, {id, ccc, gold, prediction}) => {
    const line = (name, values) => ({name, values, role: "line"});
    return `${dimension.name} of ${id}, CCC ${readable(ccc)}. ${rangesOf([line("label", gold), line("prediction", prediction)])}`;
  },
  losses: (_, runs) => {
    const last = kind => {
      const ends = runs.map(run => run[kind].filter(loss => loss !== null).at(-1)).filter(loss => loss !== undefined);
      return ends.length ? `${readable(Math.min(...ends))} to ${readable(Math.max(...ends))}` : "none";
    };
    return `Loss by epoch of ${runs.length} fits: in the last epoch ${last("train")} on training videos, ${last("validation")} on validation videos`;
  },
};

/** The losses of every fold and seed in a stage of fitting. */
function lossesChart(host, runs) {
  const epochs = Math.max(...runs.map(run => run.train.length));
  const long = values => Array.from({length: epochs}, (_, i) => values[i] ?? null);
  return modelChart(host, HEIGHT.losses, {
    data: [Array.from({length: epochs}, (_, i) => i + 1), ...runs.map(run => long(run.train)), ...runs.map(run => long(run.validation))],
    series: [...runs.map(() => ({stroke: theme("grey"), width: 1})), ...runs.map(() => ({stroke: theme("red"), width: 1}))],
    y: {range: (_, low, high) => [0, high * 1.05 || 1]},
    ticks: {incrs: [1, 2, 5, 10, 20, 50]},
  });
}

async function main() {
  const data = await unpack(byId("data").textContent);
  const state = {dimension: 0, video: 0, stage: 0}, charts = {};
  const dimension = () => data.dimensions[state.dimension], video = () => dimension().videos[state.video];
  const stages = () => [...new Set(dimension().losses.map(run => run.stage))];

  function draw(...names) {
    const runs = dimension().losses.filter(run => run.stage === stages()[state.stage]);
    const make = {
      course: host => courseChart(host, dimension(), video(), data.step),
      losses: host => lossesChart(host, runs),
    };
    readTheme();
    for (const name of names) {
      charts[name]?.destroy();
      if (!byId(name)) continue;
      charts[name] = make[name](byId(name));
      byId(name).ariaLabel = descriptions[name](dimension(), name === "losses" ? runs : video());
    }
  }

  function choose(index) {
    state.video = Math.max(0, Math.min(dimension().videos.length - 1, index));
    const {id, ccc, pearson, rmse, fold} = video(), score = (name, value) => element("span", {textContent: `${name} ${readable(value)}`});
    byId("video").value = state.video;
    byId("now").replaceChildren(element("b", {textContent: id}), score("CCC", ccc), score("Pearson", pearson), score("RMSE", rmse), element("span", {textContent: `predicted without it, in fold ${fold + 1}`}));
    draw("course");
    [...byId("scores").tBodies[0].rows].forEach((row, i) => i === state.video ? row.setAttribute("aria-current", "true") : row.removeAttribute("aria-current"));
  }

  function turn(index) {
    const id = video()?.id;
    state.dimension = (index + data.dimensions.length) % data.dimensions.length;
    state.stage = 0;
    const option = (textContent, value) => element("option", {textContent, value});
    byId("dimension").selectedIndex = state.dimension;
    byId("video").replaceChildren(...dimension().videos.map(({id, ccc}, i) => option(`${id}: ${readable(ccc)}`, i)));
    byId("stage")?.replaceChildren(...stages().map((name, i) => option(name === "main" ? "labels" : `pretraining of ${name}`, i)));
    if (byId("stage")) byId("stage").hidden = stages().length < 2;
    draw("losses");
    listScores(dimension(), data.pages, data.step, choose);
    choose(Math.max(0, dimension().videos.findIndex(other => other.id === id)));
  }

  turn(0);
  choose(dimension().videos.length - 1);
  byId("dimension").addEventListener("change", event => turn(event.target.selectedIndex));
  byId("video").addEventListener("change", event => choose(Number(event.target.value)));
  byId("stage")?.addEventListener("change", event => (state.stage = Number(event.target.value), draw("losses")));
  byId("before").addEventListener("click", () => choose(state.video - 1));
  byId("after").addEventListener("click", () => choose(state.video + 1));
  const acts = {
    ArrowLeft: () => choose(state.video - 1), ArrowRight: () => choose(state.video + 1),
    ArrowUp: () => turn(state.dimension - 1), ArrowDown: () => turn(state.dimension + 1),
  };
  document.addEventListener("keydown", event => {
    if (!forPage(event) || !acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });
  const redraw = () => draw("course", "losses");
  onNewWidth(byId("course"), redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  document.documentElement.dataset.ready = Math.round(performance.now());
}

main();
