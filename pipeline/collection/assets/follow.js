// The rater follows a moving point; the delay of the pointer is the rater's lag.
import { data, element, pressed, show, text } from "./page.js";
import { post } from "./line.js";
import { Rating } from "./plane.js";
import { Trace } from "./trace.js";

/** The position of the point after `seconds`, 0..1 on both axes. `avcues.pipeline.collection.export.lag` has the same path. */
export function path(seconds) {
  const x = 0.5 + 0.24 * Math.sin(2 * Math.PI * 0.11 * seconds) + 0.14 * Math.sin(2 * Math.PI * 0.23 * seconds);
  const y = 0.5 + 0.24 * Math.sin(2 * Math.PI * 0.09 * seconds) + 0.14 * Math.sin(2 * Math.PI * 0.19 * seconds + 1);
  return [x, y - 0.14 * Math.sin(1)];
}

export async function follow(step, visit) {
  const plane = { kind: "plane", x: axis("x"), y: axis("y"), coordinates: false, pictograms: false };
  let trace = null;
  const rating = new Rating(plane, (ms, x, y) => trace?.moved(ms, x, y));
  const target = element("div", { class: "target" });
  rating.area.append(target);
  const startButton = element("button", { type: "button", class: "main" }, text("start"));
  show(
    element("h1", {}, text("follow_title")),
    element("p", {}, text("follow_text", { seconds: step.seconds }), " ", text("move_hint")),
    element("div", { class: "stage beside" }, rating.root),
    startButton,
  );
  movePoint(target, 0);
  startButton.focus();
  await pressed(startButton);
  startButton.hidden = true;
  rating.area.focus({ preventScroll: true });
  trace = new Trace(visit.outbox, null);
  trace.moved(performance.now(), rating.position.x, rating.position.y);
  const start = performance.now();
  await new Promise((resolve) => {
    const tick = () => {
      const now = performance.now();
      const seconds = (now - start) / 1000;
      movePoint(target, seconds);
      trace.clock(now, seconds);
      if (seconds < step.seconds) requestAnimationFrame(tick);
      else resolve();
    };
    tick();
  });
  rating.stop();
  trace.end();
  show(element("p", { class: "quiet" }, text("saving")));
  await visit.outbox.drained();
  const { attempt, batches } = trace;
  await post(`/r/${data.rater}/answers`, { tab: visit.tab, key: step.key, answers: {}, attempt, batches });
}

function axis(name) {
  return { name, title: " ", low: -1, high: 1, low_text: "", high_text: "" };
}

function movePoint(target, seconds) {
  const [x, y] = path(seconds);
  target.style.left = `${x * 100}%`;
  target.style.bottom = `${y * 100}%`;
}
