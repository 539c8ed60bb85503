"use strict";
// The page of a model: what it says of a video, how good it is on each, and how its losses fell.

const HEIGHT = {course: 200, scores: 170, losses: 190};

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
    series: [{}, ...series.map(one => ({points: {show: false}, ...one}))],
    bands, hooks,
  }, data, host);
}

/** Label and prediction of a video, each half second as wide as it lasts. */
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

/** A bar per video from the worst to the best, and the mean of all; the chosen one stands out. */
function scoresChart(host, dimension, chosen, choose) {
  const ccc = dimension.videos.map(video => video.ccc), everywhere = value => ccc.map(() => value);
  const known = ccc.filter(value => value !== null), low = Math.min(0, ...known), high = Math.max(0, dimension.human ?? 0, ...known);
  const line = stroke => ({stroke, width: 1.5, dash: [6, 4]});
  const u = modelChart(host, HEIGHT.scores, {
    data: [ccc.map((_, i) => i), ccc, everywhere(dimension.mean), everywhere(dimension.human)],
    series: [{fill: theme("blue") + "99", stroke: theme("blue"), width: 0, paths: uPlot.paths.bars({size: [0.8, 36]})}, line(theme("orange")), line(theme("green"))],
    x: {range: () => [-0.6, ccc.length - 0.4]},
    y: {range: () => [low - 0.05, high + 0.05]},
    ticks: {values: () => [], size: 6},
    hooks: {draw: [u => {
      const half = u.valToPos(0.5, "x", true) - u.valToPos(0, "x", true);
      u.ctx.fillStyle = theme("cursor");
      u.ctx.fillRect(u.valToPos(chosen(), "x", true) - half, u.bbox.top, 2 * half, u.bbox.height);
    }]},
  });
  u.over.addEventListener("click", event => choose(Math.round(u.posToVal(event.offsetX, "x"))));
  return u;
}

/** What the charts show, for those who do not see them. */
const saidOf = {
  course: (dimension, {id, ccc, gold, prediction}) => {
    const line = (name, values) => ({name, values, role: "line"});
    return `${dimension.name} of ${id}, CCC ${readable(ccc)}. ${rangesOf([line("label", gold), line("prediction", prediction)])}`;
  },
  scores: ({name, mean, human, videos}) => {
    const [worst, best] = [videos.find(video => video.ccc !== null), videos.at(-1)];
    const raters = human === null ? "" : `, rater vs. others ${readable(human)}`;
    return `CCC for ${name} of each of ${videos.length} videos: mean ${readable(mean)}${raters}` +
      (worst ? `; lowest ${worst.id} ${readable(worst.ccc)}, highest ${best.id} ${readable(best.ccc)}` : "");
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
      scores: host => scoresChart(host, dimension(), () => state.video, choose),
      losses: host => lossesChart(host, runs),
    };
    readTheme();
    for (const name of names) {
      charts[name]?.destroy();
      if (!byId(name)) continue;
      charts[name] = make[name](byId(name));
      byId(name).ariaLabel = saidOf[name](dimension(), name === "losses" ? runs : video());
    }
  }

  function choose(index) {
    state.video = Math.max(0, Math.min(dimension().videos.length - 1, index));
    const one = video(), said = (name, value) => element("span", {textContent: `${name} ${readable(value)}`});
    byId("video").value = state.video;
    byId("now").replaceChildren(element("b", {textContent: one.id}), said("CCC", one.ccc), said("Pearson", one.pearson), said("RMSE", one.rmse), element("span", {textContent: `tested by fold ${one.fold + 1}`}));
    draw("course");
    charts.scores?.redraw(false);
  }

  function turn(index) {
    const id = video()?.id;
    state.dimension = (index + data.dimensions.length) % data.dimensions.length;
    state.stage = 0;
    const option = (textContent, value) => element("option", {textContent, value});
    byId("dimension").selectedIndex = state.dimension;
    byId("video").replaceChildren(...dimension().videos.map((one, i) => option(`${one.id}: ${readable(one.ccc)}`, i)));
    byId("stage")?.replaceChildren(...stages().map((name, i) => option(name === "main" ? "labels" : `pretraining of ${name}`, i)));
    if (byId("stage")) byId("stage").hidden = stages().length < 2;
    draw("scores", "losses");
    choose(Math.max(0, dimension().videos.findIndex(one => one.id === id)));
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
  const everything = () => draw("course", "scores", "losses");
  onNewWidth(byId("course"), everything);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", everything);
  document.documentElement.dataset.ready = Math.round(performance.now());
}

main();
