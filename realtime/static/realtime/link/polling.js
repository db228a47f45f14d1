// Asking every few seconds, for pages that get neither a WebSocket nor Server-Sent Events.
import { BROKEN, OUTGROWN } from "./close-codes.js";
import { about, look } from "./fetch-snapshot.js";

export const EVERY_MS = 5_000;
// A job that has ended changes only when it is run again: it is asked for once a minute.
export const ENDED_ROUNDS = 12;

export const polling = {
  serves: ({ overview }) => !overview,
  open: (handlers) => new Polling(handlers),
};

class Polling {
  patience = 0;
  #handlers;
  #rests = new Map();
  #timer = null;
  #gone = new AbortController();

  constructor(handlers) {
    this.#handlers = handlers;
    queueMicrotask(() => handlers.onOpen());
  }

  send({ jobs, type }) {
    if (type === "watch") {
      jobs.forEach((watch) => this.#rests.set(watch, 0));
      this.#timer ??= setTimeout(() => this.#round());
    } else if (type === "unwatch") {
      [...this.#rests.keys()].filter(({ id }) => jobs.includes(id)).forEach((watch) => this.#rests.delete(watch));
    } else if (type === "overview") {
      this.close();
      this.#handlers.onClose(OUTGROWN);
    }
  }

  check() {}

  close() {
    clearTimeout(this.#timer);
    this.#gone.abort();
  }

  async #round() {
    try {
      await Promise.all([...this.#rests].map(([watch, rest]) => this.#ask(watch, rest)));
    } catch {
      this.#failed();
      return;
    }
    if (!this.#gone.signal.aborted) {
      this.#handlers.onLive("polling");
      this.#timer = setTimeout(() => this.#round(), about(EVERY_MS));
    }
  }

  async #ask(watch, rest) {
    if (rest > 0) {
      this.#rests.set(watch, rest - 1);
      return;
    }
    const snapshot = await look(watch, this.#gone.signal);
    if (this.#rests.has(watch)) {
      this.#rests.set(watch, snapshot?.finished_at === null ? 0 : ENDED_ROUNDS - 1);
      this.#handlers.onFrame(frameOf(watch, snapshot));
    }
  }

  #failed() {
    if (!this.#gone.signal.aborted) {
      this.close();
      this.#handlers.onClose(BROKEN);
    }
  }
}

function frameOf({ id }, snapshot) {
  return snapshot ? { type: "jobs", jobs: [snapshot] } : { type: "denied", jobs: [id] };
}
