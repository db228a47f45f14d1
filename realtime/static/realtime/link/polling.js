// The polling transport, for pages that get neither a WebSocket nor Server-Sent Events: it requests
// the snapshot of every watched job every few seconds.
import { BROKEN, UNSUITABLE } from "./close-codes.js";
import { fetchSnapshot, jitter } from "./fetch-snapshot.js";

export const INTERVAL_MS = 5_000;
// A finished job changes only when it is run again, so it is requested once a minute.
export const FINISHED_ROUNDS = 12;

export const polling = {
  canServe: ({ overview }) => !overview,
  open: (handlers) => new PollingTransport(handlers),
};

class PollingTransport {
  keepHiddenMs = 0;
  #handlers;
  #roundsToSkip = new Map();
  #timer = null;
  #closing = new AbortController();

  constructor(handlers) {
    this.#handlers = handlers;
    queueMicrotask(() => handlers.onOpen());
  }

  send({ jobs, type }) {
    if (type === "watch") {
      jobs.forEach((watch) => this.#roundsToSkip.set(watch, 0));
      this.#timer ??= setTimeout(() => this.#round());
    } else if (type === "unwatch") {
      jobs.forEach((id) => this.#remove(id));
    } else if (type === "overview") {
      this.close();
      this.#handlers.onClose(UNSUITABLE);
    }
  }

  check() {}

  close() {
    clearTimeout(this.#timer);
    this.#closing.abort();
  }

  #remove(id) {
    const watches = [...this.#roundsToSkip.keys()].filter((watch) => watch.id === id);
    watches.forEach((watch) => this.#roundsToSkip.delete(watch));
  }

  async #round() {
    try {
      await Promise.all([...this.#roundsToSkip].map(([watch, rounds]) => this.#poll(watch, rounds)));
    } catch {
      this.#onFailure();
      return;
    }
    if (!this.#closing.signal.aborted) {
      this.#handlers.onLive("polling");
      this.#timer = setTimeout(() => this.#round(), jitter(INTERVAL_MS));
    }
  }

  async #poll(watch, rounds) {
    if (rounds > 0) {
      this.#roundsToSkip.set(watch, rounds - 1);
      return;
    }
    const snapshot = await fetchSnapshot(watch, this.#closing.signal);
    if (this.#roundsToSkip.has(watch)) {
      this.#roundsToSkip.set(watch, snapshot?.finished_at === null ? 0 : FINISHED_ROUNDS - 1);
      this.#handlers.onFrame(frameOf(watch, snapshot));
    }
  }

  #onFailure() {
    if (!this.#closing.signal.aborted) {
      this.close();
      this.#handlers.onClose(BROKEN);
    }
  }
}

function frameOf({ id }, snapshot) {
  return snapshot ? { type: "jobs", jobs: [snapshot] } : { type: "denied", jobs: [id] };
}
