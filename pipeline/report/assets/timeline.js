"use strict";
// One time axis for all panels: which part of it is seen, and which window is under the cursor.

const SHORTEST_WINDOWS = 4;

/** What is seen, in seconds; `changed` is called with whether more than the cursor moved. */
function makeAxis(data, changed) {
  const end = data.windows * data.step;
  const view = {step: data.step, windows: data.windows, end, min: 0, max: end, window: 0};
  const shortest = Math.min(end, SHORTEST_WINDOWS * data.step);
  const axis = {view, left: 0, width: 1};

  axis.at = clientX => view.min + (clientX - axis.left) / axis.width * (view.max - view.min);
  axis.zoomed = () => view.max - view.min < end;
  axis.see = (min, max) => {
    const span = Math.min(end, Math.max(shortest, max - min));
    view.min = Math.max(0, Math.min(end - span, (min + max - span) / 2));
    view.max = view.min + span;
    changed(true);
  };
  axis.pan = seconds => axis.see(view.min + seconds, view.max + seconds);
  axis.whole = () => axis.see(0, end);
  axis.zoom = (factor, around = axis.centre()) => axis.see(around - (around - view.min) * factor, around + (view.max - around) * factor);
  /** Puts the cursor there; `heard`: it follows the sound, which need not be told. */
  axis.point = (second, heard = false) => {
    view.window = Math.max(0, Math.min(view.windows - 1, Math.floor(second / view.step + 1e-9)));
    if (!heard) axis.seek(second);
    changed(false);
  };
  axis.seek = () => {};
  axis.playing = () => false;
  axis.centre = () => {
    const second = (view.window + 0.5) * view.step;
    return second > view.min && second < view.max ? second : (view.min + view.max) / 2;
  };
  axis.go = windows => {
    axis.point((view.window + windows) * view.step);
    if (axis.centre() !== (view.window + 0.5) * view.step) axis.pan(Math.sign(windows) * (view.max - view.min) / 2);
  };
  axis.select = (...ends) => {
    const [from, to] = ends.map(x => Math.max(0, Math.min(axis.width, x - axis.left))).sort((a, b) => a - b);
    byId("selection").hidden = !ends.length;
    Object.assign(byId("selection").style, {left: axis.origin + from + "px", width: to - from + "px"});
  };
  return axis;
}

/** The labels of the axis; `spill` pixels more than the panels, for the half of the last label. */
function ruler(host, view, layout, spill) {
  Object.assign(host.style, {width: layout.width + spill + "px", marginRight: -spill + "px"});
  const u = new uPlot({
    width: layout.width + spill,
    height: 26,
    padding: [0, layout.right + spill, 0, layout.gutter],
    cursor: {show: false},
    legend: {show: false},
    scales: {x: {time: false, range: () => [view.min, view.max]}},
    axes: [
      {
        size: 24, gap: 3, font: FONT, stroke: INK, grid: {show: false}, ticks: {stroke: theme("edge"), size: 4}, ...labelsOf(view),
        values: (_, all) => all.map(t => clock(t, all[1] - all[0] < 1 ? 1 : 0)),
      },
      {show: false},
    ],
    series: [{}, {}],
  }, [[0, view.end], [0, 0]], host);
  u.look = () => u.setScale("x", {min: view.min, max: view.max});
  return u;
}

/** The cursor is as wide as its window. */
function placeCursor(cursor, {view, origin, width}) {
  const [from, to] = [view.window, view.window + 1]
    .map(k => Math.max(0, Math.min(width, (k * view.step - view.min) / (view.max - view.min) * width)));
  cursor.hidden = to <= 0 || from >= width;
  Object.assign(cursor.style, {left: origin + from + "px", width: Math.max(1, to - from) + "px"});
}

/** The whole of each video in the colours of its frames, pale where it is not seen. */
function paintOverview(canvas, view, colours) {
  const ctx = canvas.getContext("2d"), ratio = devicePixelRatio;
  const width = canvas.width = canvas.clientWidth * ratio, height = canvas.height = canvas.clientHeight * ratio;
  const empty = theme("empty");
  colours.forEach((row, i) => {
    for (let x = 0; x < width; x++) {
      ctx.fillStyle = row[Math.floor(x / width * view.windows)] || empty;
      ctx.fillRect(x, i * height / colours.length, 1, height / colours.length);
    }
  });
  const [from, to] = [view.min, view.max].map(t => t / view.end * width);
  ctx.fillStyle = theme("veil");
  ctx.fillRect(0, 0, from, height);
  ctx.fillRect(to, 0, width - to, height);
  ctx.strokeStyle = theme("ink");
  ctx.lineWidth = 2 * ratio;
  ctx.strokeRect(from + ratio, ratio, Math.max(2 * ratio, to - from - 2 * ratio), height - 2 * ratio);
}

/** The line above the axis: time, window, the shot if one video is shown, and how many windows a column stands for. */
function readingOf(sources, {view, width}) {
  const decimals = Number.isInteger(view.step * 10) ? 1 : 2, second = view.window * view.step;
  const [{data}] = sources, shot = sources.length > 1 ? -1 : data.shot_of_windows[view.window], [start, end] = data.shots[shot] || [];
  const {per} = columnsOf(view, width);
  return [
    element("b", {textContent: `${clock(second, decimals)}–${clock(second + view.step, decimals)}`}),
    element("span", {textContent: `window ${view.window}`}),
    ...(shot >= 0 ? [element("span", {className: "more", textContent: `shot ${shot + 1} (${clock(start, 1)}–${clock(end, 1)})`})] : []),
    ...(per > 1 ? [element("span", {className: "more", textContent: `drawn: means of ${per} windows`})] : []),
  ];
}

/** Shows the panels of one video, or those of several below each other, on one axis. `sources`: what their pages hold, and where their files are. */
async function timeline(sources) {
  const stack = byId("stack");
  let charts = [], everything = false, frame = 0;
  const changed = all => {
    everything ||= all;
    frame ||= requestAnimationFrame(show);
  };
  const windows = Math.max(...sources.map(({data}) => data.windows));
  const axis = makeAxis({windows, step: sources[0].data.step}, changed), {view} = axis;
  const panels = sources.map(({data}) => data.film.length ? [filmPanel(data, () => changed(true)), ...data.panels] : data.panels);
  const places = (sources.length > 1 ? sideBySide(sources, panels) : panels[0]).map(shown);
  stack.append(...places.map(placed => placed.section));

  function shown(panel) {
    return place(panel, {picked, add, remove, go, repaint: () => changed(true)});
  }

  function show() {
    if (everything) {
      charts.forEach(u => u.look());
      paintOverview(byId("overview"), view, sources.map(({data}) => data.colours));
    }
    frame = everything = 0;
    const box = charts[charts.length - 1].over.getBoundingClientRect();
    Object.assign(axis, {left: box.left, width: box.width, origin: box.left - stack.getBoundingClientRect().left});
    byId("now").replaceChildren(...readingOf(sources, axis));
    places.forEach(placed => placed.read(view.window));
    placeCursor(byId("cursor"), axis);
  }

  /** Puts the cursor on the next of some windows, or on the one before; after the last comes the first. */
  function go(windows, back) {
    const found = back ? windows.findLast(k => k < view.window) ?? windows.at(-1) : windows.find(k => k > view.window) ?? windows[0];
    if (found === undefined) return;
    axis.point((found + 0.5) * view.step);
    if (found * view.step < view.min || found * view.step >= view.max) axis.pan(found * view.step - (view.min + view.max) / 2);
  }

  /** Another column of a panel was chosen: the same one is shown of the other video. */
  function picked(placed) {
    const alike = video => places.filter(({panel}) => panel.title === placed.panel.title && panel.video === video);
    const nth = alike(placed.panel.video).indexOf(placed), {column} = placed.panel.series[placed.active];
    for (const {data} of sources) {
      const other = alike(data.video)[nth], index = other?.panel.series.findIndex(series => series.column === column);
      if (other && other !== placed && index >= 0) other.pick(index);
    }
    build();
  }

  /** A copy of a panel below it, with the next column. */
  function add(above) {
    const copy = shown(above.panel);
    copy.pick((above.active + 1) % above.panel.series.length);
    places.splice(places.indexOf(above) + 1, 0, copy);
    above.section.after(copy.section);
    build();
    copy.section.querySelector("select").focus();
  }

  const names = new Set(namedColumns());  // those that this video lacks go along to the next

  /** Puts the panel of a column below all others; `made` has a list per video, which is empty where it has no such column. */
  function insert(name, made) {
    const there = places.find(({panel}) => panel.chosen === name);
    if (there) return there.section.scrollIntoView({block: "center"});
    const added = (sources.length > 1 ? sideBySide(sources, made) : made.flat()).map(shown);
    places.push(...added);
    stack.append(...added.map(placed => placed.section));
    nameColumns(names.add(name));
    build();
  }

  /** Removes the panels of a column. */
  function remove({panel: {chosen}}) {
    places.filter(({panel}) => panel.chosen === chosen).forEach(placed => {
      places.splice(places.indexOf(placed), 1);
      placed.section.remove();
    });
    names.delete(chosen);
    nameColumns(names);
    build();
    byId("column").focus();
  }

  /** Everything is made anew when the width changes. */
  function build() {
    charts.forEach(u => u.destroy());
    readTheme();
    const wide = matchMedia("(min-width: 800px)").matches;
    const layout = {
      width: places[0]?.host.clientWidth || stack.clientWidth, gutter: wide ? 44 : 34, right: wide ? 12 : 6,
      lane: wide ? {pitch: 20, top: 3, height: 15} : {pitch: 27, top: 16, height: 9},
    };
    charts = places.map(({panel, host, section, active}) =>
      chart(panel, host, view, {...layout, least: wide ? section.clientHeight : 0}, active));
    charts.push(ruler(byId("axis"), view, layout, wide ? 24 : 10));
    Object.assign(byId("overview").style, {width: layout.width - layout.gutter - layout.right + "px", marginRight: layout.right + "px"});
    changed(true);
  }

  build();
  show();
  listenToPanels(stack, axis);
  listenToOverview(byId("overview"), axis);
  listenToKeys(axis);
  if (byId("media")) listenToPlayer(byId("media"), axis);
  offerDownloads(places, view, document.querySelector("h1").textContent);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
  onNewWidth(stack, build);
  await offerColumns(sources, insert);
  document.documentElement.dataset.ready = Math.round(performance.now());
}
