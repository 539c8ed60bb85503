// A position in a plane or on a slider, moved by the mouse, a finger, a pen or the arrow keys.

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
const SPEED = 0.45; // of the whole range per second

const clamp = (value) => Math.min(1, Math.max(0, value));

export class Position {
  #area;
  #pressedKeys = new Set();
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
    window.addEventListener("pointermove", (event) => this.#followPointer(event, event.pointerType === "mouse"), options);
    area.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse") area.setPointerCapture(event.pointerId);
      this.#followPointer(event, true);
    }, options);
    area.addEventListener("gotpointercapture", () => (this.dragged = true), options);
    area.addEventListener("lostpointercapture", () => (this.dragged = false), options);
    window.addEventListener("keydown", (event) => this.#key(event), options);
    window.addEventListener("keyup", (event) => this.#pressedKeys.delete(event.key), options);
    window.addEventListener("blur", () => this.#pressedKeys.clear(), options);
  }

  stop() {
    this.#abort.abort();
    this.#pressedKeys.clear();
  }

  #followPointer(event, moves) {
    if (!moves && !this.dragged) return;
    const box = this.#area.getBoundingClientRect();
    const x = clamp((event.clientX - box.left) / box.width);
    const y = clamp((box.bottom - event.clientY) / box.height);
    this.#set(event.timeStamp, x, this.flat && this.across ? x : y);
  }

  #key(event) {
    if (!(event.key in KEYS) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    if (event.repeat || this.#pressedKeys.has(event.key)) return;
    this.#pressedKeys.add(event.key);
    if (this.#pressedKeys.size === 1) {
      this.#last = performance.now();
      // A tap makes one small step; a held key makes a step per frame of the screen.
      this.#step(1 / 60);
      requestAnimationFrame(() => this.#repeatSteps());
    }
  }

  #repeatSteps() {
    if (!this.#pressedKeys.size || this.#abort.signal.aborted) return;
    const now = performance.now();
    this.#step(Math.min(0.1, (now - this.#last) / 1000));
    this.#last = now;
    requestAnimationFrame(() => this.#repeatSteps());
  }

  #step(seconds) {
    let across = 0;
    let up = 0;
    for (const key of this.#pressedKeys) {
      across += KEYS[key][0];
      up += KEYS[key][1];
    }
    const along = this.flat ? across + up : up;
    this.#set(performance.now(), clamp(this.x + across * SPEED * seconds), clamp(this.y + along * SPEED * seconds));
  }

  #set(ms, x, y) {
    if (x === this.x && y === this.y) return;
    this.x = x;
    this.y = y;
    this.onMove(ms, this.flat ? null : x, y);
  }
}
