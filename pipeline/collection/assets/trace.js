// Everything that happens while a clip plays, in the order in which it happens.
//
//   ["m", ms, x, y]                     the pointer, 0..1 from left to right and from bottom to top; x is null on a slider
//   ["f", ms, shown, seconds, count]    a frame of the picture: when the callback ran, when it is on screen, its own time,
//                                       and how many were presented
//   ["c", ms, seconds]                  the clip's clock
//   ["e", ms, seconds, name, note]      anything else: stalls, pauses, a hidden tab, lost focus, a new size
//
// `ms` is the page's clock; the event "origin" tells what the wall clock says at its zero.
import { word } from "./page.js";

const BATCH_MS = 1000;
const MOST_EVENTS = 2000;
const CLOCK_EVERY_MS = 100;
const CLOCK_OFF_S = 0.004;

const rounded = (number, digits) => Math.round(number * 10 ** digits) / 10 ** digits;

export class Trace {
  #outbox;
  #item;
  #events = [];
  #timer;
  #clock = null;
  #cut = () => this.cut();

  constructor(outbox, item) {
    this.#outbox = outbox;
    this.#item = item;
    this.attempt = word();
    this.batches = 0;
    this.#timer = setInterval(this.#cut, BATCH_MS);
    window.addEventListener("pagehide", this.#cut);
    this.happened(performance.now(), null, "origin", performance.timeOrigin);
  }

  moved(ms, x, y) {
    this.#push(["m", rounded(ms, 2), x === null ? null : rounded(x, 5), rounded(y, 5)]);
  }

  frame(ms, shown, seconds, count) {
    this.#push(["f", rounded(ms, 2), rounded(shown, 2), rounded(seconds, 6), count]);
  }

  /** Keeps the clip's clock only where it is not where the last kept one leads to expect it. */
  clock(ms, seconds) {
    const last = this.#clock;
    const off = last ? Math.abs(last.seconds + (ms - last.ms) / 1000 - seconds) : Infinity;
    if (last && off < CLOCK_OFF_S && ms - last.ms < CLOCK_EVERY_MS) return;
    this.#clock = { ms, seconds };
    this.#push(["c", rounded(ms, 2), rounded(seconds, 6)]);
  }

  happened(ms, seconds, name, note = null) {
    const short = typeof note === "string" ? note.slice(0, 300) : note;
    this.#push(["e", rounded(ms, 2), seconds === null ? null : rounded(seconds, 6), name, short]);
  }

  /** Hands what happened so far over to the outbox. */
  cut() {
    if (!this.#events.length) return;
    const events = this.#events.splice(0);
    this.#outbox.add({ attempt: this.attempt, item: this.#item, number: this.batches, events });
    this.batches += 1;
  }

  end() {
    clearInterval(this.#timer);
    window.removeEventListener("pagehide", this.#cut);
    this.cut();
  }

  #push(event) {
    this.#events.push(event);
    if (this.#events.length >= MOST_EVENTS) this.cut();
  }
}
