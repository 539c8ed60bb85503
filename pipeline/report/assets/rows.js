"use strict";
// The columns of the list of videos: their cells, and the values by which they sort.

const percent = share => share === undefined || share === null ? "–" : share > 0.995 && share < 1 ? "99 %" : `${Math.round(100 * share)} %`;

/** The most probable expression of a video, and its mean probability. */
function leading({expressions = {}}) {
  return Object.entries(expressions).reduce((best, entry) => entry[1] > (best?.[1] ?? -1) ? entry : best, null);
}

const textCell = (className, ...children) => element("td", {className}, ...children);
const numberCell = (className, label, textContent) => {
  const cell = element("td", {className: `number ${className}`, textContent});
  cell.dataset.label = label;
  return cell;
};

/** A column of numbers from the rows' "values", or from the map `values` by the id of the video. */
function valueColumn({name, title, meaning, share}, values = null) {
  const of = row => (values ? values.get(row.video_id) : row.values?.[name]) ?? null;
  const cell = row => numberCell(share && of(row) !== null && of(row) < 0.995 ? "value short" : "value", title, share ? percent(of(row)) : readable(of(row)));
  return {key: name, title, meaning, number: true, of, cell};
}

/** All columns except added ones, in order; `colours` has the colours of expressions. */
function fixedColumns({values, colours, compared}, tick) {
  const bar = expressions => element("span", {className: "bar"}, ...Object.entries(expressions).map(([name, share]) => {
    const part = element("i");
    Object.assign(part.style, {width: `${100 * share}%`, background: `var(--${colours[name]})`});
    return part;
  }));
  const box = ({video_id, page}) => page ? [Object.assign(element("input", {type: "checkbox", autocomplete: "off", value: video_id, ariaLabel: `compare ${video_id}`}), {onchange: tick})] : [];
  const name = row => element("th", {className: "name", scope: "row"}, row.page ? element("a", {href: `videos/${encodeURIComponent(row.video_id)}.html`, textContent: row.video_id}) : row.video_id, element("small", {textContent: row.source}));
  const faces = row => {
    const best = leading(row);
    return textCell("faces", ...(best ? [bar(row.expressions), `${best[0]} ${best[1].toFixed(2)}`] : ["–"]));
  };
  const state = row => {
    const more = [row.damage, row.left_out?.length ? `without ${row.left_out.join(", ")}` : ""].filter(Boolean);
    return textCell(`state ${row.state === "done" ? "done" : "failed"}`, element("b", {textContent: row.state}), row.error ? ` ${row.error}` : "", ...more.map(textContent => element("span", {textContent})));
  };
  return [
    ...(compared ? [{key: "", label: "compare", className: "tick", cell: row => textCell("tick", ...box(row))}] : []),
    {key: "", label: "picture", className: "cover", cell: () => textCell("cover")},
    {key: "name", title: "video", of: row => row.video_id, cell: name},
    {key: "duration", title: "length", number: true, of: row => row.duration_s || null, cell: row => numberCell("length", "length", row.duration_s ? clock(row.duration_s) : "–")},
    {key: "shots", title: "shots", number: true, of: row => row.shots ?? null, cell: row => numberCell("shots", "shots", row.shots ?? "–")},
    {key: "", title: "colour of the frames", cell: () => textCell("look", "–")},
    ...(Object.keys(colours).length ? [{key: "expression", title: "expression", of: row => leading(row)?.[0] ?? null, cell: faces}] : []),
    ...values.filter(({shown}) => shown).map(value => valueColumn(value)),
    {key: "state", title: "state", of: row => row.state, cell: state},
  ];
}
