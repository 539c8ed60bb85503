// A position in a plane, or on a slider, that the mouse, a finger, a pen or the arrow keys move.

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
const SPEED = 0.45; // of the whole range per second

const bounded = (value) => Math.min(1, Math.max(0, value));

export class Position {
  #area;
  #held = new Set();
  #last = 0;
  #abort = new AbortController();

  /** `area` takes the pointer; `flat` has one dimension, from left to right if `across`, else from bottom to top. */
  constructor(area, { onMove, flat = false, across = false }) {
    this.#area = area;
    this.onMove = onMove;
    this.flat = flat;
    this.across = across;
    this.x = 0.5;
    this.y = 0.5;
    const options = { signal: this.#abort.signal };
    // The mouse moves the position wherever it is on the page; fingers and pens drag it.
    window.addEventListener("pointermove", (event) => this.#pointed(event, event.pointerType === "mouse"), options);
    area.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse") area.setPointerCapture(event.pointerId);
      this.#pointed(event, true);
    }, options);
    area.addEventListener("gotpointercapture", () => (this.dragged = true), options);
    area.addEventListener("lostpointercapture", () => (this.dragged = false), options);
    window.addEventListener("keydown", (event) => this.#key(event), options);
    window.addEventListener("keyup", (event) => this.#held.delete(event.key), options);
    window.addEventListener("blur", () => this.#held.clear(), options);
  }

  stop() {
    this.#abort.abort();
    this.#held.clear();
  }

  #pointed(event, moves) {
    if (!moves && !this.dragged) return;
    const box = this.#area.getBoundingClientRect();
    const x = bounded((event.clientX - box.left) / box.width);
    const y = bounded((box.bottom - event.clientY) / box.height);
    this.#set(event.timeStamp, x, this.flat && this.across ? x : y);
  }

  #key(event) {
    if (!(event.key in KEYS) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    if (event.repeat || this.#held.has(event.key)) return;
    this.#held.add(event.key);
    if (this.#held.size === 1) {
      this.#last = performance.now();
      // A tap moves a little; a held key moves on with each picture of the screen.
      this.#stepped(1 / 60);
      requestAnimationFrame(() => this.#keep());
    }
  }

  #keep() {
    if (!this.#held.size || this.#abort.signal.aborted) return;
    const now = performance.now();
    this.#stepped(Math.min(0.1, (now - this.#last) / 1000));
    this.#last = now;
    requestAnimationFrame(() => this.#keep());
  }

  #stepped(seconds) {
    let across = 0;
    let up = 0;
    for (const key of this.#held) {
      across += KEYS[key][0];
      up += KEYS[key][1];
    }
    const along = this.flat ? across + up : up;
    this.#set(performance.now(), bounded(this.x + across * SPEED * seconds), bounded(this.y + along * SPEED * seconds));
  }

  #set(ms, x, y) {
    if (x === this.x && y === this.y) return;
    this.x = x;
    this.y = y;
    this.onMove(ms, this.flat ? null : x, y);
  }
}
