"use strict";
// The list of videos: with filter, sorting and pages, and with the mean of any column.

const AT_A_TIME = 100, PER_FILE = 100;

/** A long name that may break after its dots and underlines. */
const breakable = name => name.split(/(?<=[._])/).flatMap((part, i) => i ? [element("wbr"), part] : [part]);

/** Called by a file of pictures with its content. */
function pictured(looks) {
  document.currentScript.hand(looks);
}

async function index() {
  const data = await unpack(byId("data").textContent), {rows} = data, table = byId("videos"), find = byId("find");
  const texts = rows.map(({video_id, source, state, error, damage, left_out}) => [video_id, source, state, error, damage, ...(left_out ?? [])].join(" ").toLowerCase());
  const compare = new Intl.Collator(undefined, {numeric: true}).compare, place = new Map(rows.map((row, i) => [row, i]));
  const chosen = [], added = [], hash = new URLSearchParams(location.hash.slice(1));
  const columns = () => {
    const fixed = fixedColumns(data, tick);
    return [...fixed.slice(0, -1), ...added, fixed.at(-1)];
  };
  let sorted = hash.get("sort") ?? "", up = hash.get("order") !== "down", page = Math.max(0, (Number(hash.get("page")) || 1) - 1), restored = false;
  find.value = hash.get("find") ?? "";

  /** The rows that match the filter, in order; rows without a value come last. */
  function listed() {
    const words = find.value.toLowerCase().split(/\s+/), fitting = rows.filter((_, i) => words.every(word => texts[i].includes(word)));
    const column = columns().find(({key}) => key && key === sorted);
    if (!column) return fitting;
    const order = column.number ? (a, b) => a - b : compare, keys = new Map(fitting.map(row => [row, column.of(row)]));
    return fitting.sort((a, b) => {
      const [x, y] = [keys.get(a), keys.get(b)];
      return x === null || y === null ? (x === null) - (y === null) : up ? order(x, y) : order(y, x);
    });
  }

  function head() {
    table.tHead.replaceChildren(element("tr", {}, ...columns().map(column => {
      const cell = element("th", {scope: "col", className: [column.className, column.number ? "number" : "", column.title?.length > 14 ? "long" : ""].filter(Boolean).join(" ")});
      if (column.label) cell.append(element("span", {className: "unseen", textContent: column.label}));
      else if (!column.key) cell.append(column.title);
      else {
        const now = column.key === sorted, button = element("button", {type: "button", title: column.meaning ?? ""}, ...breakable(column.title));
        Object.assign(button.dataset, {sort: column.key, order: now ? (up ? "↑" : "↓") : "↕"});
        button.addEventListener("click", () => {
          up = now ? !up : true;
          [sorted, page] = [column.key, 0];
          draw();
          table.tHead.querySelector(`[data-sort="${CSS.escape(column.key)}"]`).focus();
        });
        if (now) cell.ariaSort = up ? "ascending" : "descending";
        cell.append(button);
        if (added.includes(column)) {
          const remove = element("button", {type: "button", className: "remove", textContent: "×", ariaLabel: `remove ${column.key}`, title: "Remove this column"});
          remove.addEventListener("click", () => {
            added.splice(added.indexOf(column), 1);
            if (sorted === column.key) sorted = "";
            draw();
          });
          cell.append(remove);
        }
      }
      return cell;
    })));
  }

  function draw() {
    const matching = listed(), last = Math.max(0, Math.ceil(matching.length / AT_A_TIME) - 1), shown = columns();
    page = Math.min(page, last);
    const visible = matching.slice(page * AT_A_TIME, (page + 1) * AT_A_TIME);
    head();
    const lines = visible.map(row => {
      const line = element("tr", {}, ...shown.map(column => column.cell(row)));
      line.dataset.name = row.video_id;
      return [row, line];
    });
    table.tBodies[0].replaceChildren(...lines.map(([, line]) => line));
    for (const box of table.querySelectorAll("input")) box.checked = chosen.includes(box.value);
    byId("match-count").textContent = find.value.trim() ? `${matching.length} of ${rows.length}` : "";
    byId("pager").hidden = last === 0;
    byId("pager").querySelector("span").textContent = `${page * AT_A_TIME + 1}–${page * AT_A_TIME + visible.length} of ${matching.length.toLocaleString("en")}`;
    byId("earlier").disabled = page === 0;
    byId("later").disabled = page === last;
    address();
    pictures(lines);
    table.parentElement.classList.toggle("over", table.scrollWidth > table.parentElement.clientWidth);
  }

  /** Stores the filter, the order and the added columns in the address. */
  function address() {
    if (!restored) return;
    const parts = [["find", find.value.trim()], ["sort", sorted], ["order", sorted && !up ? "down" : ""], ["page", page ? page + 1 : ""], ...added.map(({key}) => ["column", key])];
    const state = `${new URLSearchParams(parts.filter(([, value]) => value))}`;
    history.replaceState(null, "", state ? `#${state}` : location.pathname + location.search);
  }

  /** Loads pictures from separate files, so that the list need not wait for them. */
  function pictures(lines) {
    for (const [row, line] of lines) {
      if (!row.look) continue;
      load(`pictures/${Math.floor(place.get(row) / PER_FILE)}.js`).then(looks => {
        const {cover, strip} = looks[row.video_id] ?? {}, put = (name, src) => src && line.querySelector(`.${name}`).replaceChildren(element("img", {src, alt: ""}));
        put("cover", cover);
        put("look", strip);
      }, () => {});
    }
  }

  /** Chooses videos to compare, at most two: a third replaces the first. */
  function tick({target}) {
    if (target.checked) chosen.push(target.value);
    else chosen.splice(chosen.indexOf(target.value), 1);
    if (chosen.length > 2) {
      const former = chosen.shift(), box = [...table.querySelectorAll("input")].find(({value}) => value === former);
      if (box) box.checked = false;
    }
    const link = byId("compare"), names = [...chosen, "…"].slice(0, 2);
    link.hash = `${new URLSearchParams(chosen.map(value => ["video", value]))}`;
    link.textContent = chosen.length ? `Compare ${names.join(" and ")}` : "Compare two videos";
  }

  /** Adds the mean of a column of any table. */
  async function add(name) {
    const message = document.querySelector("#columns output"), value = data.values.find(value => value.name === name);
    if (value && !value.shown && !added.some(({key}) => key === name)) return added.push(valueColumn(value));
    const file = data.files.find(({table, columns}) => columns.some(column => `${table}.${column}` === name));
    message.textContent = file || !name ? "" : `There is no column ${name}.`;
    if (!file || added.some(({key}) => key === name)) return;
    try {
      const [columns, all] = await load(file.file.split("/").map(encodeURIComponent).join("/")), count = data.videos.length;
      const index = file.columns.findIndex(column => `${file.table}.${column}` === name);
      const values = new Map(data.videos.map((id, i) => [id, all[index * count + i]]).filter(([, value]) => !Number.isNaN(value)));
      added.push(valueColumn({name, title: name, meaning: `mean of ${name}: ${columns[index].meaning}`}, values));
    } catch (error) {
      message.textContent = `The means are in files beside the index: ${error.message}.`;
    }
  }

  const names = [...data.values.filter(({shown}) => !shown).map(({name}) => name), ...data.files.flatMap(({table, columns}) => columns.map(name => `${table}.${name}`))];
  byId("columns").hidden = !names.length;
  byId("column").addEventListener("focus", () => byId("names").append(...names.map(value => element("option", {value}))), {once: true});
  byId("columns").addEventListener("submit", async event => {
    event.preventDefault();
    const input = byId("column"), before = added.length;
    await add(input.value.trim());
    if (added.length > before) [sorted, up, page, input.value] = [added.at(-1).key, false, 0, ""];
    draw();
  });
  find.addEventListener("input", () => (page = 0, draw()));
  for (const [id, by] of [["earlier", -1], ["later", 1]]) byId(id).addEventListener("click", () => {
    page += by;
    draw();
    scrollTo(0, 0);
  });
  document.addEventListener("keydown", event => {
    if (event.key.toLowerCase() === "c" && forPage(event)) byId("compare")?.click();
  });
  addEventListener("hashchange", () => location.reload());
  draw();
  document.documentElement.dataset.ready = Math.round(performance.now());
  for (const name of hash.getAll("column")) await add(name);
  restored = true;
  if (added.length) draw();
}

index();
