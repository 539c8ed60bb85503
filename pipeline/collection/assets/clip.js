// Plays one clip from its beginning to its end, and traces what happens.
import { data, element, pressed, text } from "./page.js";

const CUT_SHORT_S = 0.05;
const FROZEN_MS = 250;

/**
 * Plays a clip to its end.
 *
 * `player` is the media element, `trace` the trace, `notice` an element for words over the clip. `unmoved` tells for how
 * many seconds the rating has not moved.
 */
export class Playing {
  #player;
  #trace;
  #notice;
  #abort = new AbortController();
  #halted = false;
  #done;

  constructor(player, trace, notice, { unmoved = () => 0, onUnmoved = () => {} } = {}) {
    this.#player = player;
    this.#trace = trace;
    this.#notice = notice;
    this.unmoved = unmoved;
    this.onUnmoved = onUnmoved;
  }

  /** Resolves when the clip has ended; rejects if it cannot be played. */
  run() {
    return new Promise((done, failed) => {
      this.#done = done;
      this.#listen(failed);
      this.#frames();
      this.#clock();
      this.#player.play().catch((error) => this.#halt(`refused: ${error.name}`));
    });
  }

  stop() {
    this.#abort.abort();
    this.#player.pause();
  }

  #say(name, note) {
    this.#trace.happened(performance.now(), this.#player.currentTime, name, note);
  }

  #listen(failed) {
    const player = this.#player;
    const on = (target, names, action) => {
      for (const name of names) target.addEventListener(name, action, { signal: this.#abort.signal });
    };
    on(player, ["playing", "waiting", "stalled", "seeking", "seeked", "ratechange"], (event) => {
      this.#clockNow();
      this.#say(event.type, event.type === "ratechange" ? player.playbackRate : null);
      if (player.playbackRate !== 1) player.playbackRate = 1;
    });
    on(player, ["pause"], () => {
      this.#clockNow();
      this.#say("pause");
      // Not by the rater's wish or the end: by a media key, or the system.
      if (!player.ended && !this.#halted) this.#halt("pause");
    });
    on(player, ["ended"], () => this.#end());
    on(player, ["error"], () => failed(new Error(player.error ? `${player.error.code} ${player.error.message}` : "")));
    const stops = data.checks?.pause_when ?? [];
    on(document, ["visibilitychange"], () => {
      this.#say(document.hidden ? "hidden" : "visible");
      if (document.hidden && stops.includes("hidden")) this.#halt("hidden");
    });
    on(window, ["blur", "focus"], (event) => {
      this.#say(event.type);
      if (event.type === "blur" && stops.includes("unfocused")) this.#halt("unfocused");
    });
    on(window, ["resize"], () => this.#say("resize", `${innerWidth}x${innerHeight}`));
    on(document, ["freeze", "resume"], (event) => this.#say(event.type));
    for (const action of ["play", "pause", "stop", "seekbackward", "seekforward", "seekto"]) {
      try {
        navigator.mediaSession?.setActionHandler(action, () => {});
      } catch {
        // Not every browser knows every action.
      }
    }
    this.#say("size", `${innerWidth}x${innerHeight}`);
  }

  /** Every frame that is shown, with its own time. */
  #frames() {
    const player = this.#player;
    if (!player.requestVideoFrameCallback) return;
    const frame = (now, about) => {
      if (this.#abort.signal.aborted) return;
      this.#trace.frame(now, about.expectedDisplayTime ?? now, about.mediaTime, about.presentedFrames ?? null);
      player.requestVideoFrameCallback(frame);
    };
    player.requestVideoFrameCallback(frame);
  }

  #clock() {
    let last = performance.now();
    const tick = (now) => {
      if (this.#abort.signal.aborted) return;
      this.#clockNow();
      // The page itself stood still; what the rater saw meanwhile is not sure.
      if (now - last > FROZEN_MS && !document.hidden) this.#say("frozen", Math.round(now - last));
      last = now;
      const still = this.unmoved();
      if (data.checks?.unmoved_s && !this.#player.paused) this.onUnmoved(still > data.checks.unmoved_s);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  #clockNow() {
    this.#trace.clock(performance.now(), this.#player.currentTime);
  }

  /** Pauses, and waits until the rater goes on. */
  async #halt(why) {
    if (this.#halted || this.#player.ended) return;
    this.#halted = true;
    this.#player.pause();
    this.#say("halt", why);
    const button = element("button", { type: "button", class: "main" }, text("resume"));
    this.#notice.replaceChildren(element("p", {}, text("stopped")), button);
    this.#notice.hidden = false;
    button.focus();
    await pressed(button);
    if (this.#abort.signal.aborted) return;
    this.#notice.hidden = true;
    this.#halted = false;
    this.#say("resume");
    this.#player.play().catch((error) => this.#halt(`refused: ${error.name}`));
  }

  #end() {
    const { currentTime, duration } = this.#player;
    this.#clockNow();
    const quality = this.#player.getVideoPlaybackQuality?.();
    this.#say("ended", Math.abs(currentTime - duration) < CUT_SHORT_S ? null : `of ${duration}`);
    if (quality) this.#say("frames", `${quality.totalVideoFrames} ${quality.droppedVideoFrames}`);
    this.#abort.abort();
    this.#done();
  }
}
