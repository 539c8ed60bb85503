"use strict";
// The overview of a dataset: any two columns against each other, and correlations.

/** A correlation with two decimals, and never -0.00. */
const two = r => r.toFixed(2).replace(/^-(0\.0+)$/, "$1");

async function overview() {
  const data = await unpack(byId("data").textContent), form = document.querySelector("#scatter form"), output = form.querySelector("output");
  const inputs = ["x", "y"].map(byId), others = data.files.flatMap(({table, columns}) => columns.map(name => `${table}.${name}`));
  const names = [...new Set([...Object.keys(data.main), ...others])], hash = new URLSearchParams(location.hash.slice(1));
  form.addEventListener("focusin", () => byId("names").append(...names.map(value => element("option", {value}))), {once: true});
  let shown = [], drawings = 0;

  /** The mean of a column in each video, null where there is none. */
  async function means(name) {
    if (name in data.main) return data.main[name];
    const file = data.files.find(({table, columns}) => columns.some(column => `${table}.${column}` === name));
    const [, all] = await load(file.file.split("/").map(encodeURIComponent).join("/")), videos = data.videos.length;
    const at = file.columns.findIndex(column => `${file.table}.${column}` === name);
    return Array.from(all.subarray(at * videos, (at + 1) * videos), value => Number.isNaN(value) ? null : value);
  }

  const open = ({id}) => location.href = `videos/${encodeURIComponent(id)}.html`;
  async function draw() {
    const [x, y] = inputs.map(input => input.value.trim()), unknown = [x, y].find(name => !names.includes(name)), drawing = ++drawings;
    output.textContent = unknown === undefined ? "" : `There is no column ${unknown}.`;
    if (unknown !== undefined) return;
    let values;
    try {
      values = await Promise.all([x, y].map(means));
    } catch (error) {
      output.textContent = `The columns are in files beside this page: ${error.message}.`;
      return;
    }
    if (drawing !== drawings) return;  // another drawing has begun meanwhile
    shown = data.videos.map((id, i) => ({id, x: values[0][i], y: values[1][i]})).filter(point => point.x !== null && point.y !== null);
    history.replaceState(null, "", `#${new URLSearchParams({x, y})}`);
    const describe = point => byId("now").replaceChildren(element("b", {textContent: point.id}), ...[["x", x], ["y", y]].map(([key, name]) =>
      element("span", {textContent: `${name} ${readable(point[key])}`})));
    const fit = scatter(byId("plot"), shown, [x, y], {show: describe, open}), without = data.videos.length - shown.length;
    const spearman = fit && fitOf(ranks(shown.map(p => p.x)), ranks(shown.map(p => p.y)));
    const facts = [`${shown.length} ${shown.length === 1 ? "video" : "videos"}`, fit ? `Pearson’s r ${two(fit.r)}` : "r is not defined"];
    if (spearman) facts.push(`Spearman’s ρ ${two(spearman.r)}`);
    if (without) facts.push(`${without} without a value`);
    byId("fit").replaceChildren(...facts.map(textContent => element("span", {textContent})));
    byId("plot").ariaLabel = `${y} against ${x}: ${facts.join("; ")}`;
  }
  const choose = (x, y) => {
    [inputs[0].value, inputs[1].value] = [x, y];
    draw();
  };

  function related() {
    const place = byId("target");
    if (!place) return;
    const target = place.value ?? place.textContent, {videos, between, within, chance, windows} = data.related[target];
    byId("between_note").textContent = chance === null
      ? `Correlations of means need ratings of at least 10 videos; there are ${videos}.`
      : `Means of ${videos} videos. When videos are shuffled, the best of these columns reaches |r| = ${chance.toFixed(2)} in one of 20 cases; only larger values mean something.`;
    byId("within_note").textContent = within.length
      ? `${windows.toLocaleString("en")} windows, each as its deviation from the mean of its video. Neighbouring windows resemble each other, so that r has no simple significance.`
      : "There is no rating over time to compare windows with.";
    for (const [id, list] of [["between", between], ["within", within]])
      byId(id).replaceChildren(...list.map(([name, r]) => {
        const button = element("button", {type: "button", textContent: name, title: `show ${target} against ${name}`}), bar = element("i", {className: r < 0 ? "below" : ""});
        Object.assign(bar.style, {left: `${50 + Math.min(0, r) * 50}%`, width: `${Math.abs(r) * 50}%`});
        button.addEventListener("click", () => (choose(name, target), byId("scatter").scrollIntoView()));
        return element("tr", {}, element("th", {scope: "row"}, button), element("td", {className: "number", textContent: two(r)}), element("td", {}, element("span", {className: "r"}, bar)));
      }));
  }

  function matrix() {
    const main = Object.keys(data.main), table = document.querySelector("#matrix table");
    const head = element("tr", {}, element("td"), ...main.slice(0, -1).map(name => element("th", {scope: "col", textContent: name})));
    const rows = main.slice(1).map((row, i) => element("tr", {}, element("th", {scope: "row", textContent: row, title: row}), ...main.slice(0, i + 1).map(column => {
      const pairs = data.main[row].map((y, k) => [data.main[column][k], y]).filter(([x, y]) => x !== null && y !== null);
      const fit = pairs.length > 2 ? fitOf(pairs.map(([x]) => x), pairs.map(([, y]) => y)) : null, cell = element("td", {textContent: fit ? two(fit.r) : "–"});
      if (fit) cell.style.background = `color-mix(in srgb, var(--${fit.r < 0 ? "orange" : "blue"}) ${Math.round(48 * Math.abs(fit.r))}%, var(--paper))`;
      cell.dataset.at = "";
      cell.title = `${row} against ${column}, ${pairs.length} videos`;
      cell.addEventListener("click", () => (choose(column, row), byId("scatter").scrollIntoView()));
      return cell;
    })));
    table.append(element("thead", {}, head), element("tbody", {}, ...rows));
    byId("matrix").hidden = main.length < 2;
  }

  const first = Object.keys(data.main), start = data.targets.length ? [first[data.targets.length] ?? first[0], data.targets[0]] : [first[0], first[1] ?? first[0]];
  choose(hash.get("x") ?? start[0] ?? "", hash.get("y") ?? start[1] ?? "");
  inputs.forEach(input => {
    input.addEventListener("change", draw);
    input.addEventListener("input", () => names.includes(input.value) && draw());
  });
  form.addEventListener("submit", event => (event.preventDefault(), draw()));
  byId("swap").addEventListener("click", () => choose(inputs[1].value, inputs[0].value));
  byId("csv").addEventListener("click", () => {
    const quoted = text => /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    const lines = [["video_id", ...inputs.map(input => input.value)], ...shown.map(({id, x, y}) => [id, String(x), String(y)])];
    const href = URL.createObjectURL(new Blob([lines.map(line => line.map(quoted).join(",")).join("\n") + "\n"], {type: "text/csv"}));
    element("a", {href, download: `${inputs[1].value} against ${inputs[0].value}.csv`}).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  });
  byId("target")?.addEventListener("change", related);
  related();
  matrix();
  onNewWidth(byId("plot"), draw);
  document.documentElement.dataset.ready = Math.round(performance.now());
}

overview();
