"use strict";
// Saves what is seen as a table or as a picture.

const PNG = {label: 210, head: 58, line: 17, gap: 8, margin: 14};

function save(name, content) {
  const url = URL.createObjectURL(content);
  element("a", {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** CSV with a row per window that is seen and a column per series of the panels. */
function tableOf(places, view) {
  const quoted = cell => /[",\n]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : cell ?? "";
  const columns = new Map(places.flatMap(({panel: {title, series, video}}) => series.map(({name, column, values}) =>
    [(video ? `${video}: ` : "") + (column.includes(".") ? column : `${title}: ${name}`), values])));
  const rows = [["window", "start", "end", ...columns.keys()]];
  for (let k = Math.floor(view.min / view.step + 1e-9); k < Math.min(view.windows, view.max / view.step - 1e-9); k++)
    rows.push([k, k * view.step, (k + 1) * view.step, ...[...columns.values()].map(values => values[k])]);
  return rows.map(row => row.map(quoted).join(",") + "\r\n").join("");
}

/** A chart in the picture: where it begins, the lines beside it, and how high the two are. */
function rowOf(canvas, section) {
  const height = canvas.height / devicePixelRatio;
  const items = [...section?.querySelectorAll("li:not([hidden])") || []];
  if (section?.classList.contains("lanes")) return {section, canvas, items, top: 26, first: 26, pitch: height / items.length, height: height + 26};
  return {section, canvas, items, top: 0, first: 20, pitch: PNG.line, height: Math.max(height, section ? 26 + PNG.line * items.length : 0)};
}

/** The charts below each other, each with its title and, at its left, the values under the cursor. */
function pictureOf(places, title) {
  const ratio = devicePixelRatio, sheet = document.createElement("canvas"), ctx = sheet.getContext("2d");
  const rows = [...places.map(({section, host}) => rowOf(host.querySelector("canvas"), section)), rowOf(byId("axis").querySelector("canvas"))];
  sheet.width = (PNG.label + rows[0].canvas.width / ratio + PNG.margin) * ratio;
  sheet.height = (PNG.head + rows.reduce((sum, row) => sum + row.height + PNG.gap, 0)) * ratio;
  ctx.scale(ratio, ratio);
  ctx.fillStyle = theme("paper");
  ctx.fillRect(0, 0, sheet.width, sheet.height);
  const write = (text, x, y, font, colour, most) => {
    ctx.font = FONT.replace("11px", font);
    ctx.fillStyle = theme(colour);
    ctx.fillText(text, x, y, most);
  };
  write(title, PNG.margin, 26, "650 18px", "ink");
  write([...byId("now").children].map(part => part.textContent).join("   "), PNG.margin, 46, "12px", "soft");
  let y = PNG.head;
  for (const {section, canvas, items, top, first, pitch, height} of rows) {
    if (section) write(section.querySelector("h2").textContent + (section.dataset.side ? ` ${Number(section.dataset.side) + 1}` : ""), PNG.margin, y + 14, "650 13px", "ink", PNG.label);
    items.forEach((item, k) => {
      const at = y + first + pitch * (k + 0.75), [swatch, name, value] = ["i", "span", "b"].map(tag => item.querySelector(tag));
      ctx.fillStyle = getComputedStyle(swatch).backgroundColor;
      if (!swatch.hidden) ctx.fillRect(PNG.margin, at - 9, 10, 10);
      write(`${name.textContent}  ${value.textContent}`, PNG.margin + (swatch.hidden ? 0 : 16), at, "12px", "soft", PNG.label - 40);
    });
    ctx.drawImage(canvas, PNG.label, y + top, canvas.width / ratio, canvas.height / ratio);
    y += height + PNG.gap;
  }
  return new Promise(done => sheet.toBlob(done));
}

function offerDownloads(places, view, title) {
  const name = () => title + (view.max - view.min < view.end ? `_${view.min.toFixed(1)}-${view.max.toFixed(1)}s` : "");
  byId("csv").addEventListener("click", () => save(`${name()}.csv`, new Blob([tableOf(places, view)], {type: "text/csv"})));
  byId("png").addEventListener("click", async () => save(`${name()}.png`, await pictureOf(places, title)));
}
