// A rater's page: asks the server for the next step, runs it, and asks again.
import { data, element, paragraphs, pressed, show, sleep, text, word } from "./page.js";
import { post, Refusal } from "./line.js";
import { Outbox } from "./outbox.js";
import { consent, form } from "./questions.js";
import { follow } from "./follow.js";
import { sound } from "./sound.js";
import { trial } from "./trial.js";

const WAIT_MS = 5000;
const REFRESH_FRAMES = 40;

const tab = word();
const visit = {
  tab,
  playing: false,
  stop: () => {},
  outbox: new Outbox(data.rater, tab, () => otherTab()),
};
let moved = false;

/** Another tab has taken over; this one stops, and what it traced is still sent. */
async function otherTab() {
  if (moved) return;
  moved = true;
  visit.stop();
  const here = element("button", { type: "button", class: "main" }, text("use_this_tab"));
  show(element("p", { role: "alert" }, text("other_tab")), here);
  await pressed(here);
  location.reload();
}

async function page(step) {
  const agreed = step.consent ? [consent()] : [];
  const { root, answered } = form(step.questions, { button: text("go_on"), extra: agreed });
  const clip = step.clip
    ? element("video", { src: `${data.root}/r/${data.rater}/${step.clip}`, controls: true, playsinline: true, preload: "auto" })
    : null;
  show(element("h1", { dir: "auto" }, step.title), ...paragraphs(step.text), clip, root);
  const answers = await answered;
  await post(`/r/${data.rater}/answers`, { tab, key: step.key, answers: step.consent ? { ...answers, consent: true } : answers });
}

async function wait() {
  show(element("p", { role: "status" }, text("wait")));
  await sleep(WAIT_MS);
}

const STEPS = { page, sound: (step) => sound(step, visit), follow: (step) => follow(step, visit), trial: (step) => trial(step, visit), wait };

function end(step) {
  forget();
  show(
    element("h1", {}, text("end_title")),
    element("p", {}, text("end")),
    step.completion ? element("p", {}, element("a", { href: step.completion, class: "main", rel: "noreferrer" }, text("completion"))) : null,
  );
}

function forget() {
  for (const key of Object.keys(localStorage)) {
    if (localStorage.getItem(key) === data.rater) localStorage.removeItem(key);
  }
}

/** Pictures of the screen per second. */
async function refreshRate() {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const first = await frame();
  let last = first;
  for (let i = 0; i < REFRESH_FRAMES; i += 1) last = await Promise.race([frame(), sleep(200).then(() => last)]);
  return last > first ? Math.round((REFRESH_FRAMES / (last - first)) * 10000) / 10 : 0;
}

async function device() {
  return {
    agent: navigator.userAgent.slice(0, 400),
    screen: [screen.width, screen.height, devicePixelRatio],
    refresh_hz: Math.min(1000, document.hidden ? 0 : await refreshRate()),
    touch: matchMedia("(any-pointer: coarse)").matches,
    language: (navigator.language ?? "").slice(0, 35),
  };
}

async function run() {
  show(element("p", { class: "quiet" }, text("loading", { percent: 0 })));
  let about = await device();
  for (;;) {
    const step = await post(`/r/${data.rater}/next`, { tab, ...(about ? { device: about } : {}) });
    // What an earlier page left is sent once this tab is the rater's, not before.
    if (about) await visit.outbox.open();
    about = null;
    if (moved) return;
    if (step.step === "end") {
      end(step);
      return;
    }
    await STEPS[step.step](step);
    if (moved) return;
  }
}

window.addEventListener("beforeunload", (event) => {
  if (visit.playing || visit.outbox.size) event.preventDefault();
});

run().catch((error) => {
  if (error instanceof Refusal && error.code === "other-tab") otherTab();
  else if (error instanceof Refusal && error.code === "unknown") {
    forget();
    show(element("p", { role: "alert" }, text("removed")));
  } else {
    show(element("p", { role: "alert" }, text("clip_failed", { reason: String(error.message ?? error) })));
    throw error;
  }
});
