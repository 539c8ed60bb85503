// Keeps batches of events, in memory and in the browser's database, until the server has acknowledged them.
import { post } from "./line.js";
import { sleep } from "./page.js";

const STORE = "batches";
const OPENING_MS = 3000;

function promiseOf(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export class Outbox {
  #rater;
  #waiting = []; // batches in order
  #store = null;
  #sending = false;
  #resolvers = [];
  #failure = null;

  /** `onOtherTab` is called when the rater has continued in another tab. */
  constructor(rater, tab, onOtherTab) {
    this.#rater = rater;
    this.tab = tab;
    this.onOtherTab = onOtherTab;
  }

  /** Opens the browser's database, and sends the batches that an earlier page left in it. */
  async open() {
    try {
      const opening = indexedDB.open(`avcues-${this.#rater}`, 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: ["attempt", "number"] });
      this.#store = await Promise.race([promiseOf(opening), sleep(OPENING_MS).then(() => Promise.reject(new Error("late")))]);
      const unsent = await promiseOf(this.#store.transaction(STORE).objectStore(STORE).getAll());
      this.#waiting = [...unsent, ...this.#waiting];
    } catch {
      this.#store = null; // some browsers have no database in private windows
    }
    this.#send();
  }

  add(batch) {
    this.#waiting.push(batch);
    this.#write((store) => store.put(batch));
    this.#send();
  }

  /** The number of batches that are not yet acknowledged. */
  get size() {
    return this.#waiting.length;
  }

  /** Resolves when everything is acknowledged. */
  async drained() {
    if (this.#waiting.length && !this.#failure) await new Promise((resolve) => this.#resolvers.push(resolve));
    if (this.#failure) throw this.#failure;
  }

  #write(change) {
    try {
      if (this.#store) change(this.#store.transaction(STORE, "readwrite").objectStore(STORE));
    } catch {
      this.#store = null;
    }
  }

  async #send() {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#waiting.length) {
        const batch = this.#waiting[0];
        const answer = await post(`/r/${this.#rater}/batch`, { tab: this.tab, ...batch });
        this.#waiting.shift();
        this.#write((store) => store.delete([batch.attempt, batch.number]));
        if (!answer.current) this.onOtherTab();
      }
    } catch (failure) {
      this.#failure = failure;
    } finally {
      this.#sending = false;
      for (const resolve of this.#resolvers.splice(0)) resolve();
    }
  }
}
