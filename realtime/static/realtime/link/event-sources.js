// Server-Sent Events, a stream a job, for pages that get no WebSocket.
import { OUTGROWN } from "./close-codes.js";
import { Stream } from "./event-source.js";

// Under HTTP/1.1 a browser has six connections for a site, all its tabs together.
export const MOST = 4;

const HIDDEN_MS = 30_000;

export const streams = {
  serves: ({ jobs, overview }) => "EventSource" in window && !overview && jobs <= MOST,
  open: (handlers) => new Streams(handlers),
};

class Streams {
  patience = HIDDEN_MS;
  #handlers;
  #streams = new Map();

  constructor(handlers) {
    this.#handlers = handlers;
    queueMicrotask(() => handlers.onOpen());
  }

  // The frames of the wire, as far as they mean something here.
  send({ jobs, type }) {
    if (type === "watch") {
      jobs.forEach((watch) => this.#open(watch));
    } else if (type === "unwatch") {
      jobs.forEach((id) => this.#drop(id));
    }
    if (type === "overview" || this.#streams.size > MOST) {
      this.close();
      this.#handlers.onClose(OUTGROWN);
    }
  }

  check() {}

  close() {
    this.#streams.forEach((stream) => stream.close());
    this.#streams.clear();
  }

  #open(watch) {
    this.#drop(watch.id);
    const stream = new Stream(watch, {
      onSnapshot: (snapshot) => this.#tell({ type: "jobs", jobs: [snapshot] }),
      onDenied: (id) => this.#tell({ type: "denied", jobs: [id] }),
      onBroken: (code) => {
        this.close();
        this.#handlers.onClose(code);
      },
    });
    this.#streams.set(watch.id, stream);
  }

  #drop(id) {
    this.#streams.get(id)?.close();
    this.#streams.delete(id);
  }

  #tell(frame) {
    this.#handlers.onLive("live");
    this.#handlers.onFrame(frame);
  }
}
