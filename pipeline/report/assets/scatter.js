"use strict";
// A scatter plot of two columns with a point per video.

const SVG = "http://www.w3.org/2000/svg", PLOT = {left: 58, right: 14, top: 12, bottom: 44}, NEAR_PX = 24, LABELLED = 6;

function shape(tag, attributes, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

/** Round numbers from low to high, about `count` of them. */
function ticksOf(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find(factor => factor * power >= rough) ?? 10);
  return Array.from({length: Math.floor(high / step) - Math.ceil(low / step) + 1}, (_, i) => (Math.ceil(low / step) + i) * step);
}

const meanOf = values => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Pearson's r and the line of least squares; null if a column is constant. */
function fitOf(xs, ys) {
  const mx = meanOf(xs), my = meanOf(ys);
  const [xx, yy, xy] = xs.reduce(([xx, yy, xy], x, i) => [xx + (x - mx) ** 2, yy + (ys[i] - my) ** 2, xy + (x - mx) * (ys[i] - my)], [0, 0, 0]);
  return xx > 0 && yy > 0 ? {r: xy / Math.sqrt(xx * yy), slope: xy / xx, offset: my - xy / xx * mx} : null;
}

/** Ranks from 0 on; ties get their mean rank. */
function ranks(values) {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]), ranked = [];
  for (let i = 0; i < order.length;) {
    let end = i;
    while (end < order.length && values[order[end]] === values[order[i]]) end++;
    for (let k = i; k < end; k++) ranked[order[k]] = (i + end - 1) / 2;
    i = end;
  }
  return ranked;
}

/** How many robust standard deviations each value lies from the median. */
function distances(values) {
  const middle = list => [...list].sort((a, b) => a - b)[list.length >> 1], median = middle(values);
  const sd = 1.4826 * middle(values.map(value => Math.abs(value - median)));
  return values.map(value => sd > 0 ? Math.abs(value - median) / sd : 0);
}

/** Draws the points {id, x, y} into a host; calls `show` with the point under the pointer, and `open` with a clicked one. */
function scatter(host, points, names, {show, open}) {
  const width = host.clientWidth || 600, height = Math.max(260, Math.min(440, width * 0.6));
  const svg = shape("svg", {viewBox: `0 0 ${width} ${height}`, height});
  const ends = key => {
    const values = points.map(point => point[key]), low = Math.min(...values), high = Math.max(...values), margin = 0.05 * (high - low) || 0.5;
    return [low - margin, high + margin];
  };
  const [x0, x1] = ends("x"), [y0, y1] = ends("y");
  const across = x => PLOT.left + (x - x0) / (x1 - x0) * (width - PLOT.left - PLOT.right);
  const up = y => height - PLOT.bottom - (y - y0) / (y1 - y0) * (height - PLOT.top - PLOT.bottom);
  const tickLabel = (value, step) => Math.abs(value) < step / 1e3 ? "0" : String(+value.toPrecision(4));
  const xTicks = ticksOf(x0, x1, width / 110), yTicks = ticksOf(y0, y1, height / 60);
  for (const x of xTicks) svg.append(
    shape("line", {x1: across(x), x2: across(x), y1: PLOT.top, y2: height - PLOT.bottom}),
    shape("text", {x: across(x), y: height - PLOT.bottom + 15, "text-anchor": "middle"}, tickLabel(x, x1 - x0)));
  for (const y of yTicks) svg.append(
    shape("line", {x1: PLOT.left, x2: width - PLOT.right, y1: up(y), y2: up(y)}),
    shape("text", {x: PLOT.left - 7, y: up(y) + 4, "text-anchor": "end"}, tickLabel(y, y1 - y0)));
  svg.append(
    shape("text", {class: "axis", x: (PLOT.left + width - PLOT.right) / 2, y: height - 6, "text-anchor": "middle"}, names[0]),
    shape("text", {class: "axis", "text-anchor": "middle", transform: `translate(13 ${(PLOT.top + height - PLOT.bottom) / 2}) rotate(-90)`}, names[1]));
  const placed = points.map(point => ({...point, at: [across(point.x), up(point.y)]}));
  for (const {at: [cx, cy]} of placed) svg.append(shape("circle", {cx, cy, r: points.length > 800 ? 2.5 : 4}));
  const fit = points.length > 2 ? fitOf(points.map(p => p.x), points.map(p => p.y)) : null;
  if (fit) {
    const clip = x => Math.max(y0, Math.min(y1, fit.offset + fit.slope * x)), back = y => (y - fit.offset) / fit.slope;
    const [from, to] = [x0, x1].map(x => fit.slope ? Math.max(x0, Math.min(x1, back(clip(x)))) : x);
    svg.append(shape("line", {class: "fit", x1: across(from), x2: across(to), y1: up(clip(from)), y2: up(clip(to))}));
  }
  labelled(placed).forEach(({id, at: [x, y]}) =>
    svg.append(shape("text", {class: "name", x: x + (x > width / 2 ? -7 : 7), y: y + 4, "text-anchor": x > width / 2 ? "end" : "start"}, id)));
  const ring = shape("circle", {class: "shown", r: 7, cx: -99, cy: -99});
  svg.append(ring);
  host.replaceChildren(svg);

  const order = [...placed].sort((a, b) => a.x - b.x || a.y - b.y);
  let at = -1;
  const choose = index => {
    at = Math.max(0, Math.min(order.length - 1, index));
    [ring.cx, ring.cy].forEach((length, i) => length.baseVal.value = order[at].at[i]);
    show(order[at]);
  };
  const nearest = ({clientX, clientY}) => {
    const box = svg.getBoundingClientRect(), far = ({at: [x, y]}) => Math.hypot(x - clientX + box.left, y - clientY + box.top);
    const best = order.reduce((best, point, i) => far(point) < far(order[best]) ? i : best, 0);
    return order.length && far(order[best]) < NEAR_PX ? best : -1;
  };
  host.onpointermove = event => nearest(event) >= 0 && choose(nearest(event));
  host.onclick = event => nearest(event) >= 0 && open(order[nearest(event)]);
  host.onkeydown = event => {
    const acts = {ArrowRight: () => choose(at + 1), ArrowLeft: () => choose(at - 1), Home: () => choose(0), End: () => choose(order.length - 1), Enter: () => at >= 0 && open(order[at])};
    if (!acts[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  };
  return fit;
}

/** The points furthest from the others, as far as their labels do not overlap. */
function labelled(points) {
  if (points.length < 5) return points;
  const [xs, ys] = ["x", "y"].map(key => distances(points.map(point => point[key])));
  const far = points.map((point, i) => ({...point, far: Math.max(xs[i], ys[i])})).filter(point => point.far > 3.5).sort((a, b) => b.far - a.far);
  const chosen = [];
  for (const point of far) {
    if (chosen.length === LABELLED) break;
    if (chosen.every(({at: [x, y]}) => Math.abs(y - point.at[1]) > 14 || Math.abs(x - point.at[0]) > 160)) chosen.push(point);
  }
  return chosen;
}
