// One trial: a clip that is rated while it plays, then questions about it.
import { data, element, pressed, show, text } from "./page.js";
import { post } from "./line.js";
import { loadClip, untilPlayable } from "./media.js";
import { Playback } from "./clip.js";
import { Rating } from "./plane.js";
import { form } from "./questions.js";
import { Trace } from "./trace.js";

/** Runs a trial; resolves when the server has stored all of it. `visit` holds the tab and the outbox. */
export async function trial(step, visit) {
  const head = heading(step);
  let played = { attempt: null, batches: 0 };
  if (step.clip) played = await playClip(step, head, visit);
  const answers = await ask(step, head, played.attempt !== null);
  show(element("p", { class: "quiet" }, text("saving")));
  await visit.outbox.drained();
  await post(`/r/${data.rater}/done`, { tab: visit.tab, item: step.item, ...played, answers });
}

function heading(step) {
  const words = text(step.practice ? "practice" : "progress", step);
  return element(
    "header",
    {},
    element("h1", { class: "quiet" }, words),
    element("progress", { max: step.total, value: step.number - 1, "aria-label": words }),
  );
}

async function playClip(step, head, visit) {
  const picture = step.shows.includes("picture");
  const player = element(picture ? "video" : "audio", {
    playsinline: true,
    preload: "auto",
    disablepictureinpicture: true,
    disableremoteplayback: true,
    tabindex: -1,
  });
  player.disablePictureInPicture = true;
  const notice = element("div", { class: "notice", role: "alert", hidden: true });
  const caption = element("p", { class: "words", dir: "auto" });
  let trace = null;
  let movedAt = 0;
  const rating = step.rating
    ? new Rating(step.rating, (ms, x, y) => {
        movedAt = performance.now();
        hint.textContent = "";
        trace?.moved(ms, x, y);
      })
    : null;
  const hint = element("p", { class: "hint", role: "status" });
  const screen = element(
    "div",
    { class: "screen" },
    player,
    picture ? null : element("p", { class: "listen" }, text("listen")),
    step.transcript.length ? caption : null,
  );
  const stage = element("div", { class: `stage ${picture ? "" : "dark"} ${step.overlay ?? (picture ? "alone" : "beside")}` }, screen);
  if (rating) (step.overlay === "over" ? screen : stage).append(rating.root);
  screen.append(notice);
  const startButton = element("button", { type: "button", class: "main", disabled: true }, text("start"));
  const state = element("p", { class: "quiet", role: "status" }, text("loading", { percent: 0 }));
  const ready = element("div", { class: "ready" }, state, startButton);
  show(
    head,
    step.instruction ? element("p", { dir: "auto", class: "instruction" }, step.instruction) : null,
    stage,
    hint,
    ready,
  );
  if (rating) hint.textContent = text("move_hint");
  let clip = null;
  try {
    clip = await loadClip(step.clip, (percent) => (state.textContent = text("loading", { percent })));
    const playable = untilPlayable(player);
    player.src = clip.address;
    await playable;
    state.textContent = text(rating ? "ready" : "listen");
    if (!rating) state.textContent = "";
    startButton.disabled = false;
    startButton.focus();
    await pressed(startButton);
    ready.hidden = true;
    hint.textContent = "";
    document.activeElement?.blur();
    rating?.area.focus({ preventScroll: true });
    visit.playing = true;
    trace = new Trace(visit.outbox, step.item);
    movedAt = performance.now();
    if (rating) trace.moved(performance.now(), rating.flat ? null : rating.position.x, rating.position.y);
    const playback = new Playback(player, trace, notice, {
      unmoved: () => (rating ? (performance.now() - movedAt) / 1000 : 0),
      onUnmoved: (still) => {
        if (still && !hint.textContent) {
          hint.textContent = text("unmoved");
          trace.event(performance.now(), player.currentTime, "unmoved");
        }
      },
    });
    visit.stop = () => playback.stop();
    showTranscript(step, player, caption);
    await playback.run();
    trace.end();
  } catch (error) {
    show(head, element("p", { role: "alert" }, text("clip_failed", { reason: String(error.message ?? error) })));
    trace?.end();
    await new Promise(() => {});
  } finally {
    visit.playing = false;
    rating?.stop();
    clip?.free();
  }
  return { attempt: trace.attempt, batches: trace.batches };
}

/** Shows the lines of the transcript that are spoken now. */
function showTranscript(step, player, caption) {
  if (!step.transcript.length) return;
  const tick = () => {
    const now = player.currentTime;
    const lines = step.transcript.filter((part) => part.start <= now && now < part.end);
    const spoken = lines.map((part) => part.text).join("\n");
    if (caption.textContent !== spoken) caption.textContent = spoken;
    if (!player.ended && player.isConnected) requestAnimationFrame(tick);
  };
  tick();
}

async function ask(step, head, played) {
  const transcript = played || !step.transcript.length ? [] : step.transcript;
  if (!step.questions.length && !transcript.length) return {};
  const { root, answered } = form(step.questions, { button: text("go_on") });
  show(
    head,
    step.instruction && !played ? element("p", { dir: "auto", class: "instruction" }, step.instruction) : null,
    transcript.length
      ? element("blockquote", { dir: "auto" }, transcript.map((line) => line.text).join(" "))
      : element("h1", {}, text("after_clip")),
    root,
  );
  return answered;
}
