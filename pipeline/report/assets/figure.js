"use strict";
// Panels as a vector figure for paper: always in light colours, without the cursor.

const FIGURE = {label: 148, gutter: 40, right: 8, gap: 10, size: 10, line: 13, small: 9, axis: 18, narrow: 480, inset: 6};
const FIGURE_HEIGHTS = {lines: 76, stack: 110, hues: 80, film: 62, words: 60};
const SLACK_PX = 0.5;

/** Calls `make` with light colours, even on a dark page. */
function inLight(make) {
  const page = document.documentElement;
  page.classList.add("light");
  readTheme();
  try {
    return make();
  } finally {
    page.classList.remove("light");
    readTheme();
  }
}

/** Round numbers between two ends, about `room` pixels apart. */
function ticksBetween(low, high, pixels, room) {
  const least = (high - low) * room / pixels, power = 10 ** Math.floor(Math.log10(least));
  const step = power * ([1, 2, 2.5, 5].find(digit => digit * power >= least * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({length: Math.max(0, last - first + 1)}, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function timesOf(view, width, room = 60) {
  const step = SECONDS.find(seconds => seconds >= view.step && seconds / (view.max - view.min) * width >= room) ?? SECONDS.at(-1);
  const first = Math.ceil(view.min / step - 1e-9), last = Math.floor(view.max / step + 1e-9);
  return Array.from({length: last - first + 1}, (_, i) => ({second: (first + i) * step, label: clock((first + i) * step, step < 1 ? 1 : 0)}));
}

/** A text in up to `most` lines of a width, broken after blanks and underscores; an ellipsis ends a text that is cut. */
function wrapped(text, width, look, most) {
  const fits = line => widthOf(line.trimEnd(), look) <= width, lines = [""];
  for (const word of text.split(/(?<=[ _])/)) {
    if (!lines.at(-1) || fits(lines.at(-1) + word)) lines[lines.length - 1] += word;
    else if (lines.length < most) lines.push(word);
    else {
      lines[most - 1] += "…";
      break;
    }
  }
  return lines.map(line => {
    if (fits(line)) return line.trimEnd();
    while (line.length > 1 && !fits(line + "…")) line = line.slice(0, -1);
    return line + "…";
  });
}

/** The entries of the legend: a name, and the colour of its swatch. */
function legendOf({pick_one, series, kind}, active) {
  const named = ({name, unit}) => UNITS[unit] ?? unit ? `${name} (${UNITS[unit] ?? unit})` : name;
  const drawn = pick_one ? [series[active], series[active].other].filter(Boolean) : series.filter(({colour, role}) => colour && role === "line");
  const [high, low] = ["high", "low"].map(end => series.find(({role}) => role === end));
  return [
    ...drawn.map(line => ({text: named(line), fill: theme(line.colour)})),
    ...(high && low && kind === "lines" ? [{text: `${low.name} to ${high.name}`, fill: theme(drawn[0].colour) + "38"}] : []),
    ...(series.some(({role}) => role === "faint") ? [{text: "each rater", fill: theme("faint")}] : []),
  ];
}

/** Title, note and legend in a column of the given width, or in lines across it. */
function headingMarks(panel, active, width, across) {
  const marks = [], {size, small, line} = FIGURE, soft = theme("soft");
  let x = 0, y = size;
  const write = (text, look) => marks.push({kind: "text", text, x, y, ...look});
  for (const text of wrapped(panel.title, width, {size, bold: true}, 2)) {
    write(text, {size, bold: true, fill: theme("ink")});
    y += line;
  }
  const note = [panel.video, panel.pick_one || panel.kind === "film" ? "" : panel.note].filter(Boolean).join(" · ");
  if (note) for (const text of wrapped(note, width, {size: small}, across ? 2 : 4)) {
    write(text, {size: small, fill: soft});
    y += small + 2;
  }
  if (panel.kind === "lanes") return {marks: [...marks, ...rampMarks(width)], height: y - size + 4};
  y += 2;
  for (const {text, fill} of legendOf(panel, active)) {
    const names = wrapped(text, width - 12, {size: small}, across ? 1 : 3), wide = 12 + widthOf(names[0], {size: small}) + 12;
    if (across && x && x + wide > width) [x, y] = [0, y + line];
    marks.push({kind: "rect", x, y: y - 7, width: 8, height: 8, fill});
    names.forEach((text, i) => marks.push({kind: "text", text, x: x + 12, y: y + i * (small + 2), size: small, fill: theme("ink")}));
    if (across) x += wide;
    else y += line + (names.length - 1) * (small + 2);
  }
  return {marks, height: across && x ? y + 4 : y - size + 4};
}

/** The colours of lanes, from 0 to 1, at the right. */
function rampMarks(width) {
  const {small} = FIGURE, steps = 24, cell = 2, left = width - FIGURE.right - 10 - steps * cell, look = {kind: "text", y: FIGURE.size, size: small, fill: theme("soft")};
  return [
    {...look, text: "0", x: left - 4, align: "right"}, {...look, text: "1", x: left + steps * cell + 4},
    ...Array.from({length: steps}, (_, i) => ({kind: "rect", x: left + i * cell, y: 3, width: cell + 0.2, height: 7, fill: `rgb(${laneColour(i / (steps - 1)).slice(0, 3).map(Math.round)})`})),
  ];
}

/** Stepped lines and areas of a panel. */
function lineMarks(panel, active, field) {
  const {range: [low, high], styles, bands = [], values} = linesOf(panel, active), {columns, x, width, height} = field;
  const y = value => height - (value - low) / (high - low) * height;
  const all = values(columns), edges = columns.times.map(x);
  const runs = lines => {  // runs of columns in which all lines have a value
    const stretches = [];
    for (let k = 0; k < columns.count; k++) {
      if (lines.some(line => line[k] === null || line[k] === undefined)) continue;
      if (stretches.at(-1)?.at(-1) === k - 1) stretches.at(-1).push(k);
      else stretches.push([k]);
    }
    return stretches;
  };
  const stepped = (run, line) => run.flatMap(k => [[edges[k], y(line[k])], [edges[k + 1], y(line[k])]]);
  const marks = bands.flatMap(({series: [above, below], fill}) => runs([all[above - 1], all[below - 1]]).map(run =>
    ({kind: "area", fill, points: [...stepped(run, all[above - 1]), ...stepped(run, all[below - 1]).reverse()]})));
  styles.forEach(({stroke, fill, width: thick}, i) => runs([all[i]]).forEach(run => {
    const points = stepped(run, all[i]), colour = typeof stroke === "function" ? stroke({data: [columns.times], width}) : stroke;
    const [first, last] = [points[0][0], points.at(-1)[0]];
    if (fill) marks.push({kind: "area", fill, points: [[first, height], ...points, [last, height]]});
    if (thick) marks.push({kind: "line", stroke: colour, thick: thick * 0.8, points});
  }));
  return marks;
}

/** Grid and labels of the axes around a plot. */
function axesMarks(panel, active, {view, width, height, x}) {
  const bare = ["lanes", "film", "words"].includes(panel.kind), grid = theme("grid"), {small} = FIGURE;
  const behind = timesOf(view, width).map(({second}) => ({kind: "rect", x: x(second) - 0.25, y: 0, width: 0.5, height, fill: grid}));
  if (bare) return {behind: panel.kind === "film" ? [] : behind, beside: []};
  const [low, high] = panel.kind === "hues" ? [0, 360] : linesOf(panel, active).range;
  const ticks = panel.kind === "hues" ? [0, 120, 240, 360] : ticksBetween(low, high, height, 22), beside = [];
  for (const value of ticks) {
    const y = height - (value - low) / (high - low) * height;
    behind.push({kind: "rect", x: 0, y: y - 0.25, width, height: 0.5, fill: grid});
    const text = panel.kind === "hues" ? `${value}°` : value && Math.abs(value) < 1e-3 ? value.toExponential() : String(value).replace("-", "\u2212");
    beside.push({kind: "text", text, x: -5, y: y + small / 3, size: small, fill: theme("soft"), align: "right"});
  }
  return {behind, beside};
}

/** A panel at (0, 0): its plot, with the heading at the left, or above if there is no room. */
function panelMarks({panel, active}, view, width) {
  const wide = width >= FIGURE.narrow, lanes = panel.kind === "lanes", left = (wide ? FIGURE.label : 0) + FIGURE.gutter;
  const lane = wide ? {pitch: 15, top: 2, height: 11} : {pitch: 22, top: 12, height: 8};
  const heading = headingMarks(panel, active, wide && !lanes ? FIGURE.label : width, lanes || !wide);
  const top = (lanes || !wide ? heading.height : 0) + FIGURE.inset, height = lanes ? panel.series.length * lane.pitch : FIGURE_HEIGHTS[panel.kind];
  const field = fieldOf(view, width - left - FIGURE.right, height);
  const {behind, beside} = axesMarks(panel, active, field);
  const drawn = ["lines", "stack"].includes(panel.kind) ? lineMarks(panel, active, field) : marksOf(panel, field, lane);
  const names = !lanes ? [] : panel.series.map(({name}, i) => {
    const look = {size: FIGURE.small}, [text] = wrapped(name, wide ? left - 8 : field.width, look, 1);
    return {kind: "text", text, ...(wide ? {x: -left, y: i * lane.pitch + 11} : {x: 0, y: i * lane.pitch + 9}), ...look, fill: theme("ink")};
  });
  const inside = [{kind: "group", x: 0, y: -SLACK_PX, clip: [field.width, height + 2 * SLACK_PX], marks: [{kind: "group", x: 0, y: SLACK_PX, marks: drawn}]}];
  const plot = {kind: "group", x: left, y: top, marks: [...behind, ...inside, ...beside, ...names]};
  return {marks: [...heading.marks, plot], left, right: width - FIGURE.right, height: Math.max(wide && !lanes ? heading.height : 0, top + height)};
}

/** The labels of the time axis. */
function timeMarks(view, left, right) {
  const width = right - left;
  return timesOf(view, width).flatMap(({second, label}) => {
    const x = left + (second - view.min) / (view.max - view.min) * width, {small} = FIGURE;
    return [
      {kind: "rect", x: x - 0.25, y: 0, width: 0.5, height: 3, fill: theme("faint")},
      {kind: "text", text: label, x, y: 5 + small, size: small, fill: theme("soft"), align: "center"},
    ];
  });
}

/** Panels below each other with one time axis, as {width, height, marks}. */
function figureOf(places, view, width) {
  return inLight(() => {
    const marks = [], margin = 8;
    let y = margin, last;
    for (const placed of places) {
      last = panelMarks(placed, view, width - 2 * margin);
      marks.push({kind: "group", x: margin, y, marks: last.marks});
      y += last.height + FIGURE.gap;
    }
    y -= FIGURE.gap - 2;
    if (last) marks.push({kind: "group", x: margin, y, marks: timeMarks(view, last.left, last.right)});
    return {width, height: y + FIGURE.axis + margin, marks};
  });
}
