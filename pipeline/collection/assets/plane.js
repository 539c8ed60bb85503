// The plane and the slider on which a clip is rated while it plays.
import { element } from "./page.js";
import { face } from "./pictograms.js";
import { Position } from "./pointer.js";

const ANNOUNCE_EVERY_MS = 500;

function valueAt(axis, part) {
  return axis.low + (axis.high - axis.low) * part;
}

function formatted(value) {
  return value.toFixed(2).replace("-", "−");
}

/** An area in which a rater moves a mark. `onMove` takes the page's time in ms and the position, 0..1. */
export class Rating {
  #announcedAt = 0;

  constructor(rating, onMove) {
    this.rating = rating;
    this.flat = rating.kind === "slider";
    this.axes = this.flat ? [rating.axis] : [rating.x, rating.y];
    this.mark = element("div", { class: "mark" });
    this.area = element(
      "div",
      {
        class: this.flat ? "area flat" : "area",
        tabindex: 0,
        role: "application",
        "aria-label": this.axes.map((axis) => axis.title || axis.name).join(", "),
        dir: "ltr",
      },
      ...this.#labels(),
      this.mark,
    );
    this.numbers = element("output", { class: "numbers", "aria-live": "off" });
    this.root = element("div", { class: "rating" }, this.area, rating.coordinates ? this.numbers : null);
    this.position = new Position(this.area, {
      flat: this.flat,
      across: true,
      onMove: (ms, x, y) => {
        this.draw();
        onMove(ms, x, y);
      },
    });
    this.draw();
  }

  stop() {
    this.position.stop();
  }

  draw() {
    const { x, y } = this.position;
    this.mark.style.left = `${(this.flat ? y : x) * 100}%`;
    this.mark.style.bottom = this.flat ? "50%" : `${y * 100}%`;
    const values = this.flat ? [valueAt(this.axes[0], y)] : [valueAt(this.axes[0], x), valueAt(this.axes[1], y)];
    const words = this.axes.map((axis, i) => `${axis.title || axis.name} ${formatted(values[i])}`);
    this.numbers.replaceChildren(...words.map((part) => element("span", { dir: "auto" }, part)));
    const now = performance.now();
    if (now - this.#announcedAt > ANNOUNCE_EVERY_MS) {
      this.#announcedAt = now;
      this.area.setAttribute("aria-description", words.join(", "));
    }
  }

  #labels() {
    const label = (place, words) => (words ? element("span", { class: `sign ${place}`, dir: "auto" }, words) : null);
    const [first, second] = this.axes;
    const labels = [label("left", first.low_text), label("right", first.high_text)];
    if (this.flat) return [element("div", { class: "rail" }), ...labels].filter(Boolean);
    labels.push(label("bottom", second.low_text), label("top", second.high_text));
    labels.push(label("name-x", first.title || first.name), label("name-y", second.title || second.name));
    labels.unshift(element("div", { class: "line across" }), element("div", { class: "line up" }));
    if (this.rating.pictograms) {
      for (const [place, x, y] of [["lb", 0, 0], ["lt", 0, 1], ["rb", 1, 0], ["rt", 1, 1]]) {
        const corner = element("span", { class: `corner ${place}`, "aria-hidden": "true" });
        corner.append(face(x, y));
        labels.push(corner);
      }
    }
    return labels.filter(Boolean);
  }
}
