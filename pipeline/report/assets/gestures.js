"use strict";
// Moves and zooms the time axis by mouse, fingers and keys.

const CLICK_PX = 4, HANDLE_PX = 8, MANY = 10;

/** Panels: move to read, drag to zoom in, Shift+drag or a finger to move, two fingers or Ctrl+wheel to zoom. */
function listenToPanels(stack, axis) {
  const fingers = new Map();
  let drag = null;
  // Events of a captured pointer do not name the element under it.
  const inside = ({clientX, clientY}) => document.elementFromPoint(clientX, clientY)?.closest(".plot")
    && axis.at(clientX) >= axis.view.min && axis.at(clientX) <= axis.view.max;

  function down(event) {
    if (!inside(event) || event.button) return;
    stack.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event.clientX);
    drag = {x: event.clientX, time: axis.at(event.clientX), moved: false, moves: event.shiftKey || event.pointerType === "touch"};
  }

  function move(event) {
    const x = event.clientX, before = fingers.get(event.pointerId);
    if (before === undefined) {
      if (inside(event) && !axis.playing()) axis.point(axis.at(x));
      return;
    }
    drag.moved ||= Math.abs(x - drag.x) > CLICK_PX;
    if (fingers.size === 2) pinch(event.pointerId, before, x);
    else if (drag.moves && axis.zoomed()) axis.pan(axis.at(before) - axis.at(x));
    else {
      if (drag.moved && !drag.moves) axis.select(drag.x, x);
      axis.point(axis.at(x));
    }
    fingers.set(event.pointerId, x);
  }

  function pinch(finger, before, after) {
    const [other] = [...fingers].filter(([id]) => id !== finger).map(([, x]) => x);
    const [distanceBefore, distance] = [before, after].map(x => Math.abs(x - other));
    if (distanceBefore > CLICK_PX && distance > CLICK_PX) axis.zoom(distanceBefore / distance, axis.at((after + other) / 2));
  }

  function up(event) {
    if (event.type === "pointerup" && drag) {
      if (!drag.moved) axis.point(drag.time);
      else if (!drag.moves) axis.see(...[drag.time, axis.at(event.clientX)].sort((a, b) => a - b));
    }
    fingers.delete(event.pointerId);
    axis.select();
    if (!fingers.size) drag = null;
  }

  function wheel(event) {
    const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (!inside(event) || !(event.ctrlKey || event.metaKey || sideways)) return;
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) axis.zoom(Math.exp(event.deltaY / 200), axis.at(event.clientX));
    else axis.pan(axis.at(event.deltaX || event.deltaY) - axis.at(0));
  }

  stack.addEventListener("pointerdown", down);
  stack.addEventListener("pointermove", move);
  stack.addEventListener("pointerup", up);
  stack.addEventListener("pointercancel", up);
  stack.addEventListener("dblclick", event => inside(event) && axis.whole());
  stack.addEventListener("wheel", wheel, {passive: false});
}

/** The strip of the whole video: drag the visible part, or one of its ends. */
function listenToOverview(strip, axis) {
  const {view} = axis;
  strip.addEventListener("pointerdown", down => {
    const box = strip.getBoundingClientRect();
    const second = event => (event.clientX - box.left) / box.width * view.end;
    const near = end => Math.abs(end - second(down)) / view.end * box.width < HANDLE_PX;
    const part = near(view.min) ? "min" : near(view.max) ? "max" : "both";
    if (part === "both" && (second(down) < view.min || second(down) > view.max)) axis.pan(second(down) - (view.min + view.max) / 2);
    const {min, max} = view;
    const move = event => {
      const by = second(event) - second(down);
      axis.see(part === "max" ? min : min + by, part === "min" ? max : max + by);
    };
    strip.setPointerCapture(down.pointerId);
    strip.addEventListener("pointermove", move);
    strip.addEventListener("lostpointercapture", () => strip.removeEventListener("pointermove", move), {once: true});
  });
}

/** Arrow keys step, with Shift by ten windows; + and - zoom; 0 shows everything. The buttons do the same. */
function listenToKeys(axis) {
  const steps = ({shiftKey: many, key}) => (many ? MANY : 1) * (key === "ArrowLeft" ? -1 : 1);
  keys.on("← →", "step to the next window; with Shift by ten", ["ArrowLeft", "ArrowRight"], event => axis.go(steps(event)));
  const zooms = [["closer", "+", ["+", "="], () => axis.zoom(0.5)], ["wider", "−", ["-"], () => axis.zoom(2)], ["whole", "0", ["0"], axis.whole]];
  for (const [id, shown, pressed, act] of zooms) {
    byId(id).addEventListener("click", () => act());
    keys.on(shown, {closer: "zoom in", wider: "zoom out", whole: "see everything"}[id], pressed, () => act());
  }
  for (const [rel, key] of [["prev", "p"], ["next", "n"]]) {
    const link = document.querySelector(`nav [rel=${rel}]`);
    if (link) keys.on(key.toUpperCase(), `to the ${rel === "prev" ? "previous" : "next"} video`, [key], () => link.click());
  }
}
