// The line to the server: what cannot be sent now is sent later, and the rater is told in plain words.
import { data, sleep, text } from "./page.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 4000;
const PATIENCE_MS = 15000;

/** The server refused; `code` says why. */
export class Refusal extends Error {
  constructor(status, answer) {
    super(answer.error ?? String(status));
    this.code = answer.error ?? String(status);
    this.answer = answer;
  }
}

const troubled = new Map(); // who waits for the server, and why

function tell(who, why) {
  if (why) troubled.set(who, why);
  else troubled.delete(who);
  const line = document.getElementById("line");
  const words = [...troubled.values()];
  line.hidden = !words.length;
  line.textContent = words.length ? text(words.includes("full") ? "full" : "unsaved") : "";
}

/** Sends until there is an answer. */
export async function post(path, content) {
  const body = JSON.stringify(content);
  const who = Symbol(path);
  let wait = FIRST_WAIT_MS;
  for (;;) {
    let why = "unsaved";
    try {
      const response = await fetch(`${data.root}${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body,
        referrerPolicy: "no-referrer",
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const answer = await response.json();
      if (response.ok) {
        tell(who, null);
        return answer;
      }
      if (response.status < 500 && response.status !== 429) {
        tell(who, null);
        throw new Refusal(response.status, answer);
      }
      why = response.status === 507 ? "full" : response.status === 429 ? null : "unsaved";
    } catch (error) {
      if (error instanceof Refusal) throw error;
    }
    tell(who, why);
    await sleep(wait * (0.75 + Math.random() / 2));
    wait = Math.min(LONGEST_WAIT_MS, wait * 1.5);
  }
}
