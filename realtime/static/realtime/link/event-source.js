// Server-Sent Events of one job: calls the handlers with its snapshots.
//
// The server ends a stream after a minute, and the browser opens it again with the id of the last
// event. An EventSource does not say why it failed, so a plain HTTP request then finds it out.
import { BROKEN } from "./close-codes.js";
import { fetchSnapshot, jitter } from "./fetch-snapshot.js";

// Some proxies hold a response back until it is complete.
export const FIRST_EVENT_TIMEOUT_MS = 10_000;
export const SILENCE_TIMEOUT_MS = 75_000;
// A finished job changes only when it is run again.
export const FINISHED_INTERVAL_MS = 60_000;

export class JobEventSource {
  #watch;
  #handlers;
  #source = null;
  #timer = null;
  #closing = new AbortController();
  #hasReceived = false;
  #isLive = false;

  // `handlers` has onSnapshot, onDenied and onBroken.
  constructor(watch, handlers) {
    this.#watch = watch;
    this.#handlers = handlers;
    this.#open();
  }

  close() {
    clearTimeout(this.#timer);
    this.#source.close();
    this.#closing.abort();
  }

  #open() {
    this.#source?.close();
    this.#isLive = false;
    this.#source = new EventSource(this.#watch.address("events"));
    this.#source.addEventListener("open", () => this.#onOpen());
    this.#source.addEventListener("snapshot", ({ data }) => this.#onSnapshot(JSON.parse(data)));
    this.#source.addEventListener("error", () => this.#onError());
    this.#setTimer(FIRST_EVENT_TIMEOUT_MS, () => this.#checkByRequest());
  }

  // The server always sends an event at first, but not necessarily when the stream is opened again.
  #onOpen() {
    if (this.#hasReceived) {
      this.#isLive = true;
      this.#setTimer(SILENCE_TIMEOUT_MS, () => this.#open());
    }
  }

  #onSnapshot(snapshot) {
    this.#hasReceived = this.#isLive = true;
    this.#handlers.onSnapshot(snapshot);
    if (snapshot.finished_at === null) {
      this.#setTimer(SILENCE_TIMEOUT_MS, () => this.#open());
    } else {
      this.#source.close();
      this.#setTimer(jitter(FINISHED_INTERVAL_MS), () => this.#open());
    }
  }

  #onError() {
    const isNormalEnd = this.#isLive && this.#source.readyState === EventSource.CONNECTING;
    this.#isLive = false;
    if (isNormalEnd) {
      this.#setTimer(FIRST_EVENT_TIMEOUT_MS, () => this.#checkByRequest());
    } else {
      this.#checkByRequest();
    }
  }

  async #checkByRequest() {
    clearTimeout(this.#timer);
    this.#source.close();
    const { signal } = this.#closing;
    const snapshot = await fetchSnapshot(this.#watch, signal).catch(() => undefined);
    if (!signal.aborted) {
      this.#onResponse(snapshot);
    }
  }

  #onResponse(snapshot) {
    if (snapshot === null) {
      this.#handlers.onDenied(this.#watch.id);
    } else if (snapshot && snapshot.finished_at !== null) {
      this.#onSnapshot(snapshot);
    } else {
      this.#handlers.onBroken(BROKEN);
    }
  }

  #setTimer(milliseconds, callback) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(callback, milliseconds);
  }
}
