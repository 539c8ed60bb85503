"use strict";
// One time axis for all panels: its visible part, and the window under the cursor.

const SHORTEST_WINDOWS = 4;

/** The axis with its visible part, in seconds; `changed` is called with true if more than the cursor moved. */
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
  /** Moves the cursor; `fromPlayer`: the player moved it, and need not seek. */
  axis.point = (second, fromPlayer = false) => {
    view.window = Math.max(0, Math.min(view.windows - 1, Math.floor(second / view.step + 1e-9)));
    if (!fromPlayer) axis.seek(second);
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

/** The labels of the axis; `spill` pixels wider than the panels, so that the last label fits. */
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

/** Places the cursor, which is as wide as its window. */
function placeCursor(cursor, {view, origin, width}) {
  const [from, to] = [view.window, view.window + 1]
    .map(k => Math.max(0, Math.min(width, (k * view.step - view.min) / (view.max - view.min) * width)));
  cursor.hidden = to <= 0 || from >= width;
  Object.assign(cursor.style, {left: origin + from + "px", width: Math.max(1, to - from) + "px"});
}

/** Paints each video as a whole in the colours of its frames, pale outside the visible part. */
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

/** The line above the axis: time, window, the shot if only one video is shown, and the number of windows per drawn column. */
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
