// A rater's page: asks the server for the next step, runs it, and asks again.
import { data, element, paragraphs, pressed, randomToken, show, sleep, text } from "./page.js";
import { post, Refusal } from "./line.js";
import { Outbox } from "./outbox.js";
import { consent, form } from "./questions.js";
import { follow } from "./follow.js";
import { sound } from "./sound.js";
import { trial } from "./trial.js";

const WAIT_MS = 5000;
const REFRESH_FRAMES = 40;

const tab = randomToken();
const visit = {
  tab,
  playing: false,
  stop: () => {},
  outbox: new Outbox(data.rater, tab, () => otherTab()),
};
let isReplaced = false;

/** Stops this page, because the rater continues in another tab; its recorded events are still sent. */
async function otherTab() {
  if (isReplaced) return;
  isReplaced = true;
  visit.stop();
  const useThisTab = element("button", { type: "button", class: "main" }, text("use_this_tab"));
  show(element("p", { role: "alert" }, text("other_tab")), useThisTab);
  await pressed(useThisTab);
  location.reload();
}

async function page(step) {
  const consentFields = step.consent ? [consent()] : [];
  const { root, answered } = form(step.questions, { button: text("go_on"), extra: consentFields });
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

/** The refresh rate of the screen in Hz; 0 if it is unknown. */
async function refreshRate() {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
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
  let deviceInfo = await device();
  for (;;) {
    const step = await post(`/r/${data.rater}/next`, { tab, ...(deviceInfo ? { device: deviceInfo } : {}) });
    // Batches that an earlier page left are sent only when this tab has become the rater's current one.
    if (deviceInfo) await visit.outbox.open();
    deviceInfo = null;
    if (isReplaced) return;
    if (step.step === "end") {
      end(step);
      return;
    }
    await STEPS[step.step](step);
    if (isReplaced) return;
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
