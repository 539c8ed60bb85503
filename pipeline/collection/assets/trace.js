// Records events while a clip plays, in order.
//
//   ["m", ms, x, y]                     the pointer, 0..1 from left to right and from bottom to top; x is null on a slider
//   ["f", ms, shown, seconds, count]    a video frame: the time of the callback, of its display, and in the clip, and the
//                                       number of frames presented so far
//   ["c", ms, seconds]                  the clip's clock
//   ["e", ms, seconds, name, note]      anything else: stalls, pauses, a hidden tab, lost focus, a new size
//
// `ms` is on the page's clock; the event "origin" holds the wall-clock time of its zero.
import { randomToken } from "./page.js";

const BATCH_MS = 1000;
const MAX_EVENTS = 2000;
const CLOCK_EVERY_MS = 100;
const CLOCK_TOLERANCE_S = 0.004;

const rounded = (number, digits) => Math.round(number * 10 ** digits) / 10 ** digits;

export class Trace {
  #outbox;
  #item;
  #events = [];
  #timer;
  #clock = null;
  #flush = () => this.flush();

  constructor(outbox, item) {
    this.#outbox = outbox;
    this.#item = item;
    this.attempt = randomToken();
    this.batches = 0;
    this.#timer = setInterval(this.#flush, BATCH_MS);
    window.addEventListener("pagehide", this.#flush);
    this.event(performance.now(), null, "origin", performance.timeOrigin);
  }

  moved(ms, x, y) {
    this.#push(["m", rounded(ms, 2), x === null ? null : rounded(x, 5), rounded(y, 5)]);
  }

  frame(ms, shown, seconds, count) {
    this.#push(["f", rounded(ms, 2), rounded(shown, 2), rounded(seconds, 6), count]);
  }

  /** Records the clip's clock, unless the last record predicts it. */
  clock(ms, seconds) {
    const last = this.#clock;
    const deviation = last ? Math.abs(last.seconds + (ms - last.ms) / 1000 - seconds) : Infinity;
    if (last && deviation < CLOCK_TOLERANCE_S && ms - last.ms < CLOCK_EVERY_MS) return;
    this.#clock = { ms, seconds };
    this.#push(["c", rounded(ms, 2), rounded(seconds, 6)]);
  }

  event(ms, seconds, name, note = null) {
    const short = typeof note === "string" ? note.slice(0, 300) : note;
    this.#push(["e", rounded(ms, 2), seconds === null ? null : rounded(seconds, 6), name, short]);
  }

  /** Passes the recorded events to the outbox. */
  flush() {
    if (!this.#events.length) return;
    const events = this.#events.splice(0);
    this.#outbox.add({ attempt: this.attempt, item: this.#item, number: this.batches, events });
    this.batches += 1;
  }

  end() {
    clearInterval(this.#timer);
    window.removeEventListener("pagehide", this.#flush);
    this.flush();
  }

  #push(event) {
    this.#events.push(event);
    if (this.#events.length >= MAX_EVENTS) this.flush();
  }
}
