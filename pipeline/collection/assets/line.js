// Sends requests to the server: repeats those that fail, and shows the rater the problem until they succeed.
import { data, sleep, text } from "./page.js";

const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 4000;
const TIMEOUT_MS = 15000;

/** The server refused a request; `code` is the reason. */
export class Refusal extends Error {
  constructor(status, answer) {
    super(answer.error ?? String(status));
    this.code = answer.error ?? String(status);
    this.answer = answer;
  }
}

const problems = new Map(); // by waiting request

function setProblem(request, problem) {
  if (problem) problems.set(request, problem);
  else problems.delete(request);
  const line = document.getElementById("line");
  const messages = [...problems.values()];
  line.hidden = !messages.length;
  line.textContent = messages.length ? text(messages.includes("full") ? "full" : "unsaved") : "";
}

/** Sends a request until the server accepts or refuses it. */
export async function post(path, content) {
  const body = JSON.stringify(content);
  const request = Symbol(path);
  let wait = FIRST_WAIT_MS;
  for (;;) {
    let problem = "unsaved";
    try {
      const response = await fetch(`${data.root}${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body,
        referrerPolicy: "no-referrer",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const answer = await response.json();
      if (response.ok) {
        setProblem(request, null);
        return answer;
      }
      if (response.status < 500 && response.status !== 429) {
        setProblem(request, null);
        throw new Refusal(response.status, answer);
      }
      problem = response.status === 507 ? "full" : response.status === 429 ? null : "unsaved";
    } catch (error) {
      if (error instanceof Refusal) throw error;
    }
    setProblem(request, problem);
    await sleep(wait * (0.75 + Math.random() / 2));
    wait = Math.min(MAX_WAIT_MS, wait * 1.5);
  }
}
