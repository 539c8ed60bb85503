// The researcher's page: progress per cell, raters with their flags, and replays of ratings with their clips.
import { data, element, show } from "./page.js";

const REFRESH_MS = 5000;
const base = `${data.root}/study/${data.researcher}`;
let shownItem = null;
let stopReplay = () => {};

const boxes = {
  head: element("div"),
  rounds: element("div"),
  raters: element("div"),
  replay: element("section", { class: "replay", "aria-live": "polite" }),
};

async function get(path) {
  const response = await fetch(`${base}/${path}`);
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

function cells(round, setups) {
  const byVideo = new Map();
  for (const cell of round.cells) byVideo.set(cell.video_id, [...(byVideo.get(cell.video_id) ?? []), cell]);
  const header = element("tr", {}, element("th", { scope: "col" }, "video"), ...setups.map((name) => element("th", { scope: "col" }, name)));
  const rows = [...byVideo].map(([video, row]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row", dir: "auto" }, video),
      ...row.map((cell) => {
        const words = `${cell.done} of ${cell.wanted}${cell.in_progress ? `, ${cell.in_progress} in progress` : ""}`;
        const state = cell.done >= cell.wanted ? "full" : cell.done + cell.in_progress ? "part" : "none";
        return element("td", { class: `cell ${state}`, title: words }, words);
      }),
    ),
  );
  return element("div", { class: "wide", tabindex: 0, role: "region", "aria-label": `cells of ${round.round}` }, element("table", {}, element("thead", {}, header), element("tbody", {}, ...rows)));
}

function roundBox(round, setups) {
  const open = round.open
    ? ""
    : element("button", { type: "button", click: async () => {
        await fetch(`${base}/open`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ round: round.round }) });
        refresh();
      } }, `Open the round ${round.round}`);
  const words = `${round.ratings} ratings, ${round.full} of ${round.cells.length} cells full`;
  return element("section", {}, element("h2", {}, round.joint ? `${round.round} (joint)` : round.round), element("p", {}, words), open, cells(round, setups));
}

function ago(seconds) {
  const minutes = Math.round((Date.now() / 1000 - seconds) / 60);
  return minutes < 1 ? "just now" : minutes < 120 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}

function raters(status) {
  const names = ["rater", "state", "clips", "last active", "flags", "ratings"];
  const rows = status.raters.map((rater) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, rater.rater, rater.outside_id ? element("small", { dir: "auto" }, ` ${rater.outside_id}`) : ""),
      element("td", {}, rater.state),
      element("td", {}, String(rater.clips)),
      element("td", {}, ago(rater.last_seen)),
      element("td", { class: rater.flags.length ? "flag" : "" }, rater.flags.join("; ") || "–"),
      element(
        "td",
        {},
        rater.items.length
          ? element(
              "select",
              { "aria-label": `ratings of ${rater.rater}`, change: (event) => event.target.value && replay(rater, rater.items.find((item) => String(item.id) === event.target.value)) },
              element("option", { value: "" }, "replay …"),
              ...rater.items.map((item) => element("option", { value: item.id, selected: item.id === shownItem }, `${item.video}, ${item.setup}${item.kind === "rating" ? "" : `, ${item.kind}`}`)),
            )
          : "–",
      ),
    ),
  );
  const head = element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name))));
  return element("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "raters" }, element("table", {}, head, element("tbody", {}, ...rows)));
}

/** Plays a clip with the rater's pointer, and draws the ratings over time. */
async function replay(rater, item) {
  shownItem = item.id;
  stopReplay();
  const trace = await get(`trace/${item.id}`);
  const title = element("h2", {}, `${rater.rater}: ${item.video}, ${item.setup}`);
  if (!trace.clip) {
    boxes.replay.replaceChildren(title, answers(trace));
    return;
  }
  const player = element("video", { src: `${base}/${trace.clip}`, controls: true, playsinline: true, preload: "auto" });
  const mark = element("div", { class: "mark" });
  const area = element("div", { class: trace.axes.length === 2 ? "area" : "area flat", dir: "ltr" }, element("div", { class: "line across" }), element("div", { class: "line up" }), mark);
  const chart = lanes(trace, player);
  boxes.replay.replaceChildren(title, element("div", { class: "stage beside" }, element("div", { class: "screen" }, player), element("div", { class: "rating" }, area)), chart.root, events(trace, player), answers(trace));
  boxes.replay.scrollIntoView({ block: "nearest" });
  let running = true;
  stopReplay = () => (running = false);
  const tick = () => {
    if (!running || !player.isConnected) return;
    const time = player.currentTime;
    const index = Math.min(trace.points.length - 1, Math.floor(time * 25 + 1e-6));
    const [, x, y] = trace.points[index] ?? [];
    mark.hidden = y === null || y === undefined;
    if (!mark.hidden) {
      mark.style.left = `${(trace.axes.length === 2 ? x : y) * 100}%`;
      mark.style.bottom = trace.axes.length === 2 ? `${y * 100}%` : "50%";
    }
    chart.at(time);
    requestAnimationFrame(tick);
  };
  tick();
}

function lanes(trace, player) {
  const end = trace.points.length ? trace.points.at(-1)[0] : 1;
  const columns = trace.axes.length === 2 ? [1, 2] : [2];
  const cursors = [];
  const rows = columns.map((column, i) => {
    const points = trace.points.filter((point) => point[column] !== null).map((point) => `${(point[0] / end) * 1000},${100 - point[column] * 100}`);
    const cursor = element("svg:line", { x1: 0, x2: 0, y1: 0, y2: 100, class: "cursor" });
    cursors.push(cursor);
    const picture = element(
      "svg:svg",
      { viewBox: "0 0 1000 100", preserveAspectRatio: "none", class: "lane", role: "img", "aria-label": trace.axes[i].name, click: (event) => {
        const box = event.currentTarget.getBoundingClientRect();
        player.currentTime = ((event.clientX - box.left) / box.width) * end;
      } },
      element("svg:line", { x1: 0, x2: 1000, y1: 50, y2: 50, class: "zero" }),
      element("svg:polyline", { points: points.join(" ") }),
      cursor,
    );
    return element("div", { dir: "ltr" }, element("h3", {}, trace.axes[i].title || trace.axes[i].name), picture);
  });
  return {
    root: element("div", { class: "lanes" }, ...rows),
    at: (time) => cursors.forEach((cursor) => { cursor.setAttribute("x1", (time / end) * 1000); cursor.setAttribute("x2", (time / end) * 1000); }),
  };
}

function events(trace, player) {
  const list = trace.events.map((event) =>
    element("li", {}, element("button", { type: "button", class: "small", click: () => (player.currentTime = event.seconds ?? 0) }, `${(event.seconds ?? 0).toFixed(2)} s`), ` ${event.name}${event.note === null ? "" : ` (${event.note})`}`),
  );
  return element("details", {}, element("summary", {}, `Events (${list.length})`), element("ul", {}, ...list));
}

function answers(trace) {
  const entries = Object.entries(JSON.parse(trace.answers ?? "{}"));
  if (!entries.length) return "";
  const words = (answer) => {
    if (answer === null || typeof answer !== "object") return String(answer);
    return (Array.isArray(answer) ? answer : [...answer.labels, answer.free]).filter(Boolean).join(", ");
  };
  return element("dl", {}, ...entries.flatMap(([name, answer]) => [element("dt", {}, name), element("dd", { dir: "auto" }, words(answer))]));
}

async function refresh() {
  const status = await get("status");
  const states = Object.entries(status.states).map(([state, count]) => `${count} ${state}`).join(", ");
  boxes.head.replaceChildren(
    element("h1", { dir: "auto" }, status.title),
    element("p", {}, `Raters: ${states}; ${status.flagged} with flags. `, element("a", { href: `${base}/export.zip` }, "Download all ratings")),
  );
  const scrolled = [...document.querySelectorAll(".wide")].map((box) => [box.scrollLeft, box.scrollTop]);
  const focused = document.activeElement?.tagName === "SELECT" || document.activeElement?.closest?.(".wide, section button");
  if (focused && boxes.raters.childElementCount) return; // never redraw what the user is working on
  boxes.rounds.replaceChildren(...status.rounds.map((round) => roundBox(round, status.setups)));
  boxes.raters.replaceChildren(element("h2", {}, "Raters"), status.raters.length ? raters(status) : element("p", {}, "No raters yet."));
  [...document.querySelectorAll(".wide")].forEach((box, i) => scrolled[i] && box.scrollTo(...scrolled[i]));
}

show(boxes.head, boxes.raters, boxes.replay, boxes.rounds);
refresh();
setInterval(() => document.hidden || refresh().catch(() => {}), REFRESH_MS);
