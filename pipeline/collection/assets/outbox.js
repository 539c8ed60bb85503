// What is not acknowledged is kept, in the browser's own database too, and sent again.
import { post } from "./line.js";
import { sleep } from "./page.js";

const STORE = "batches";
const OPENING_MS = 3000;

function asked(request) {
  return new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
}

export class Outbox {
  #rater;
  #waiting = []; // batches in order
  #store = null;
  #sending = false;
  #drained = [];
  #failure = null;

  /** `onOther` is called when the rater went on in another tab. */
  constructor(rater, tab, onOther) {
    this.#rater = rater;
    this.tab = tab;
    this.onOther = onOther;
  }

  /** Opens the browser's database, and sends what an earlier page left there. */
  async open() {
    try {
      const opening = indexedDB.open(`avcues-${this.#rater}`, 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: ["attempt", "number"] });
      this.#store = await Promise.race([asked(opening), sleep(OPENING_MS).then(() => Promise.reject(new Error("late")))]);
      const left = await asked(this.#store.transaction(STORE).objectStore(STORE).getAll());
      this.#waiting = [...left, ...this.#waiting];
    } catch {
      this.#store = null; // private windows of some browsers have none: then memory alone keeps what waits
    }
    this.#send();
  }

  add(batch) {
    this.#waiting.push(batch);
    this.#write((store) => store.put(batch));
    this.#send();
  }

  /** How many batches are not acknowledged yet. */
  get size() {
    return this.#waiting.length;
  }

  /** Resolves when everything is acknowledged. */
  async drained() {
    if (this.#waiting.length && !this.#failure) await new Promise((done) => this.#drained.push(done));
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
        if (!answer.current) this.onOther();
      }
    } catch (failure) {
      this.#failure = failure;
    } finally {
      this.#sending = false;
      for (const done of this.#drained.splice(0)) done();
    }
  }
}
