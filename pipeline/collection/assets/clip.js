// Plays one clip from its beginning to its end, and records events.
import { data, element, pressed, text } from "./page.js";

const CUT_SHORT_S = 0.05;
const FROZEN_MS = 250;

/**
 * Plays a clip to its end.
 *
 * `player` is the media element, `trace` records events, `notice` is an element for messages over the clip. `unmoved`
 * returns the seconds since the rating last moved.
 */
export class Playback {
  #player;
  #trace;
  #notice;
  #abort = new AbortController();
  #halted = false;
  #resolve;

  constructor(player, trace, notice, { unmoved = () => 0, onUnmoved = () => {} } = {}) {
    this.#player = player;
    this.#trace = trace;
    this.#notice = notice;
    this.unmoved = unmoved;
    this.onUnmoved = onUnmoved;
  }

  /** Resolves when the clip has ended; rejects if it cannot be played. */
  run() {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#listen(reject);
      this.#recordFrames();
      this.#startClock();
      this.#player.play().catch((error) => this.#halt(`refused: ${error.name}`));
    });
  }

  stop() {
    this.#abort.abort();
    this.#player.pause();
  }

  #record(name, note) {
    this.#trace.event(performance.now(), this.#player.currentTime, name, note);
  }

  #listen(reject) {
    const player = this.#player;
    const on = (target, names, action) => {
      for (const name of names) target.addEventListener(name, action, { signal: this.#abort.signal });
    };
    on(player, ["playing", "waiting", "stalled", "seeking", "seeked", "ratechange"], (event) => {
      this.#recordClock();
      this.#record(event.type, event.type === "ratechange" ? player.playbackRate : null);
      if (player.playbackRate !== 1) player.playbackRate = 1;
    });
    on(player, ["pause"], () => {
      this.#recordClock();
      this.#record("pause");
      // Paused by a media key or by the system, not at the end of the clip.
      if (!player.ended && !this.#halted) this.#halt("pause");
    });
    on(player, ["ended"], () => this.#end());
    on(player, ["error"], () => reject(new Error(player.error ? `${player.error.code} ${player.error.message}` : "")));
    const pauseWhen = data.checks?.pause_when ?? [];
    on(document, ["visibilitychange"], () => {
      this.#record(document.hidden ? "hidden" : "visible");
      if (document.hidden && pauseWhen.includes("hidden")) this.#halt("hidden");
    });
    on(window, ["blur", "focus"], (event) => {
      this.#record(event.type);
      if (event.type === "blur" && pauseWhen.includes("unfocused")) this.#halt("unfocused");
    });
    on(window, ["resize"], () => this.#record("resize", `${innerWidth}x${innerHeight}`));
    on(document, ["freeze", "resume"], (event) => this.#record(event.type));
    for (const action of ["play", "pause", "stop", "seekbackward", "seekforward", "seekto"]) {
      try {
        navigator.mediaSession?.setActionHandler(action, () => {});
      } catch {
        // Some browsers do not support every action.
      }
    }
    this.#record("size", `${innerWidth}x${innerHeight}`);
  }

  /** Records every presented frame with its time in the clip. */
  #recordFrames() {
    const player = this.#player;
    if (!player.requestVideoFrameCallback) return;
    const frame = (now, metadata) => {
      if (this.#abort.signal.aborted) return;
      this.#trace.frame(now, metadata.expectedDisplayTime ?? now, metadata.mediaTime, metadata.presentedFrames ?? null);
      player.requestVideoFrameCallback(frame);
    };
    player.requestVideoFrameCallback(frame);
  }

  #startClock() {
    let last = performance.now();
    const tick = (now) => {
      if (this.#abort.signal.aborted) return;
      this.#recordClock();
      // The page froze: what the rater saw meanwhile is uncertain.
      if (now - last > FROZEN_MS && !document.hidden) this.#record("frozen", Math.round(now - last));
      last = now;
      if (data.checks?.unmoved_s && !this.#player.paused) this.onUnmoved(this.unmoved() > data.checks.unmoved_s);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  #recordClock() {
    this.#trace.clock(performance.now(), this.#player.currentTime);
  }

  /** Pauses until the rater presses a button. */
  async #halt(reason) {
    if (this.#halted || this.#player.ended) return;
    this.#halted = true;
    this.#player.pause();
    this.#record("halt", reason);
    const button = element("button", { type: "button", class: "main" }, text("resume"));
    this.#notice.replaceChildren(element("p", {}, text("stopped")), button);
    this.#notice.hidden = false;
    button.focus();
    await pressed(button);
    if (this.#abort.signal.aborted) return;
    this.#notice.hidden = true;
    this.#halted = false;
    this.#record("resume");
    this.#player.play().catch((error) => this.#halt(`refused: ${error.name}`));
  }

  #end() {
    const { currentTime, duration } = this.#player;
    this.#recordClock();
    const quality = this.#player.getVideoPlaybackQuality?.();
    this.#record("ended", Math.abs(currentTime - duration) < CUT_SHORT_S ? null : `of ${duration}`);
    if (quality) this.#record("frames", `${quality.totalVideoFrames} ${quality.droppedVideoFrames}`);
    this.#abort.abort();
    this.#resolve();
  }
}
