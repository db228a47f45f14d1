// The transport by Server-Sent Events, for pages that get no WebSocket: one EventSource for each job.
import { UNSUITABLE } from "./close-codes.js";
import { JobEventSource } from "./event-source.js";

// Over HTTP/1.1 a browser opens at most six connections to a site, for all its tabs together.
export const MAX_JOBS = 4;

const KEEP_HIDDEN_MS = 30_000;

export const eventSources = {
  canServe: ({ jobs, overview }) => "EventSource" in window && !overview && jobs <= MAX_JOBS,
  open: (handlers) => new EventSourcesTransport(handlers),
};

class EventSourcesTransport {
  keepHiddenMs = KEEP_HIDDEN_MS;
  #handlers;
  #sources = new Map();

  constructor(handlers) {
    this.#handlers = handlers;
    queueMicrotask(() => handlers.onOpen());
  }

  // Takes the same frames as a WebSocket, and ignores those that mean nothing here.
  send({ jobs, type }) {
    if (type === "watch") {
      jobs.forEach((watch) => this.#open(watch));
    } else if (type === "unwatch") {
      jobs.forEach((id) => this.#close(id));
    }
    if (type === "overview" || this.#sources.size > MAX_JOBS) {
      this.#end(UNSUITABLE);
    }
  }

  check() {}

  close() {
    this.#sources.forEach((source) => source.close());
    this.#sources.clear();
  }

  #open(watch) {
    this.#close(watch.id);
    const source = new JobEventSource(watch, {
      onSnapshot: (snapshot) => this.#onFrame({ type: "jobs", jobs: [snapshot] }),
      onDenied: (id) => this.#onFrame({ type: "denied", jobs: [id] }),
      onBroken: (code) => this.#end(code),
    });
    this.#sources.set(watch.id, source);
  }

  #close(id) {
    this.#sources.get(id)?.close();
    this.#sources.delete(id);
  }

  #end(code) {
    this.close();
    this.#handlers.onClose(code);
  }

  #onFrame(frame) {
    this.#handlers.onLive("live");
    this.#handlers.onFrame(frame);
  }
}
