// One job's snapshots as Server-Sent Events.
//
// The server ends a stream after a minute and the browser opens it again, with the id of the last
// event. Whatever else ends one is found out by plain HTTP: the browser does not tell why.
import { BROKEN } from "./close-codes.js";
import { about, look } from "./fetch-snapshot.js";

// Some proxies pass on nothing of an answer before its end.
export const FIRST_MS = 10_000;
export const SILENT_MS = 75_000;
// A job that has ended changes only when it is run again.
export const ENDED_MS = 60_000;

export class Stream {
  #watch;
  #tell;
  #source = null;
  #timer = null;
  #gone = new AbortController();
  #hasHeard = false;
  #isUp = false;

  // `tell` has onSnapshot, onDenied and onBroken.
  constructor(watch, tell) {
    this.#watch = watch;
    this.#tell = tell;
    this.#open();
  }

  close() {
    clearTimeout(this.#timer);
    this.#source.close();
    this.#gone.abort();
  }

  #open() {
    this.#source?.close();
    this.#isUp = false;
    this.#source = new EventSource(this.#watch.address("events"));
    this.#source.addEventListener("open", () => this.#opened());
    this.#source.addEventListener("snapshot", ({ data }) => this.#received(JSON.parse(data)));
    this.#source.addEventListener("error", () => this.#failed());
    this.#after(FIRST_MS, () => this.#doubt());
  }

  // Opened again it may have no news, but the first time there is always some.
  #opened() {
    if (this.#hasHeard) {
      this.#isUp = true;
      this.#after(SILENT_MS, () => this.#open());
    }
  }

  #received(snapshot) {
    this.#hasHeard = this.#isUp = true;
    this.#tell.onSnapshot(snapshot);
    if (snapshot.finished_at === null) {
      this.#after(SILENT_MS, () => this.#open());
    } else {
      this.#source.close();
      this.#after(about(ENDED_MS), () => this.#open());
    }
  }

  #failed() {
    const isEnd = this.#isUp && this.#source.readyState === EventSource.CONNECTING;
    this.#isUp = false;
    if (isEnd) {
      this.#after(FIRST_MS, () => this.#doubt());
    } else {
      this.#doubt();
    }
  }

  async #doubt() {
    clearTimeout(this.#timer);
    this.#source.close();
    const snapshot = await look(this.#watch, this.#gone.signal).catch(() => undefined);
    if (!this.#gone.signal.aborted) {
      this.#judge(snapshot);
    }
  }

  #judge(snapshot) {
    if (snapshot === null) {
      this.#tell.onDenied(this.#watch.id);
    } else if (snapshot && snapshot.finished_at !== null) {
      this.#received(snapshot);
    } else {
      this.#tell.onBroken(BROKEN);
    }
  }

  #after(milliseconds, act) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, milliseconds);
  }
}
