"use strict";
// Saves the visible part as a figure or as a table.

const PX_PER_MM = 96 / 25.4, PNG_SCALE = 3;

function download(name, content) {
  const url = URL.createObjectURL(content);
  element("a", {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A figure as PNG, for programs that take no vector graphics. */
function pngOf({width, height, marks}) {
  const sheet = Object.assign(document.createElement("canvas"), {width: Math.round(width * PNG_SCALE), height: Math.round(height * PNG_SCALE)});
  const ctx = sheet.getContext("2d");
  ctx.fillStyle = "#fff";
  ctx.fillRect(0, 0, sheet.width, sheet.height);
  ctx.scale(PNG_SCALE, PNG_SCALE);
  marks.forEach(mark => paintMark(ctx, mark));
  return new Promise(done => sheet.toBlob(done));
}

/** The dialog that saves panels; returns the function that opens it, for one panel or for all visible ones. */
function offerSaving(stack, sources, view, printAlone) {
  const dialog = byId("save"), list = dialog.querySelector("fieldset div"), preview = dialog.querySelector("figure"), message = dialog.querySelector("output");
  const title = () => document.querySelector("h1").textContent;
  const name = () => title() + (view.max - view.min < view.end ? `_${view.min.toFixed(1)}-${view.max.toFixed(1)}s` : "");
  const chosen = () => {
    const ticked = new Set([...list.querySelectorAll("input:checked")].map(input => input.value));
    return stack.shown().filter(({key}) => ticked.has(key));
  };
  const figure = () => figureOf(chosen(), view, Number(byId("width").value) * PX_PER_MM);
  const caption = () => `${title()}, ${clock(view.min, 1)} to ${clock(view.max, 1)}`;

  function show() {
    const {length} = chosen();
    preview.innerHTML = length ? svgOf(figure(), caption(), "preview") : "";
    message.textContent = length ? "" : "Choose a panel.";
    for (const kind of ["svg", "pdf", "png", "csv", "print"]) byId(kind).disabled = !length;
  }

  function open(only) {
    const keys = new Map(stack.shown().map(({key, panel}) => [key, panel.title]));
    list.replaceChildren(...[...keys].map(([value, text]) => {
      const input = element("input", {type: "checkbox", value, checked: only === undefined || only === value, autocomplete: "off"});
      return element("label", {}, input, text);
    }));
    show();
    dialog.showModal();
  }

  dialog.addEventListener("change", show);
  for (const [id, checked] of [["all", true], ["none", false]])
    byId(id).addEventListener("click", () => (list.querySelectorAll("input").forEach(input => input.checked = checked), show()));
  const kinds = {
    svg: () => new Blob([svgOf(figure(), caption())], {type: "image/svg+xml"}),
    pdf: () => pdfOf(figure(), caption()),
    png: () => pngOf(figure()),
    csv: async () => {
      const {text, lacking} = await tableOf(chosen(), sources, view);
      message.textContent = lacking.length ? `Without ${lacking.join(", ")}: their files are not beside this page.` : "";
      return new Blob([text], {type: "text/csv"});
    },
  };
  for (const [kind, content] of Object.entries(kinds))
    byId(kind).addEventListener("click", async () => download(`${name()}.${kind}`, await content()));
  byId("print").addEventListener("click", () => printAlone(figure(), caption()));
  closable(dialog);
  byId("open_save").addEventListener("click", () => open());
  keys.on("S", "save panels as a figure (SVG, PDF, PNG) or a table (CSV)", ["s"], () => open());
  return open;
}

/** Replaces each chart by a figure for printing; returns the function that prints a single figure on paper of its size. */
function listenToPrinter(stack, view) {
  const paper = byId("paper"), width = 680, sheet = element("style");
  let alone = null;
  const drawn = (figure, title, prefix) => {
    const host = element("figure");
    host.innerHTML = svgOf(figure, title, prefix);
    return host;
  };
  const draw = () => {
    document.body.classList.toggle("alone", Boolean(alone));
    if (alone) return paper.replaceChildren(drawn(alone.figure, alone.title, "paper_"));
    const {min, max, end} = view, part = max - min < end ? [element("p", {textContent: `${clock(min, 1)} to ${clock(max, 1)} of ${clock(end, 1)}`})] : [];
    paper.replaceChildren(...part, ...stack.open().map((placed, i) => drawn(figureOf([placed], view, width), placed.panel.title, `paper${i}_`)));
  };
  const done = () => {
    alone = null;
    document.body.classList.remove("alone");
    paper.replaceChildren();
    sheet.remove();
  };
  addEventListener("beforeprint", draw);
  addEventListener("afterprint", done);
  return (figure, title) => {
    alone = {figure, title};
    // One pixel higher than the figure, which rounding would otherwise push to a second page.
    sheet.textContent = `@page { size: ${figure.width}px ${Math.ceil(figure.height) + 1}px; margin: 0 }`;
    document.head.append(sheet);
    print();
  };
}
