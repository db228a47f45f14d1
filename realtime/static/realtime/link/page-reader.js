// The transport of an overview that gets no WebSocket: it requests the page itself again.
import { learnServerTime } from "../shared/clock.js";
import { BROKEN, SESSION_ENDED } from "./close-codes.js";
import { jitter, request, requireSuccess } from "./fetch-snapshot.js";

export const INTERVAL_MS = 30_000;

const FORBIDDEN = 403;

export const pageReader = {
  canServe: ({ overview }) => overview,
  open: (handlers) => new PageReaderTransport(handlers),
};

// Resolves to the page as the server renders it now, or to null if the viewer may no longer see it.
// Rejects if the server does not answer.
export function readPage(signal) {
  return request(window.location.href, signal, async (response) => {
    if (response.redirected || response.status === FORBIDDEN) {
      return null;
    }
    requireSuccess(response);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    learnServerTime(page, 0);
    return page;
  });
}

class PageReaderTransport {
  keepHiddenMs = 0;
  #handlers;
  #timer;
  #closing = new AbortController();

  constructor(handlers) {
    this.#handlers = handlers;
    queueMicrotask(() => handlers.onOpen());
    this.#timer = setTimeout(() => this.#read());
  }

  // Every watched job is in the page, so there is nothing to send.
  send() {}

  check() {}

  close() {
    clearTimeout(this.#timer);
    this.#closing.abort();
  }

  async #read() {
    const page = await readPage(this.#closing.signal).catch(() => undefined);
    if (this.#closing.signal.aborted) {
      return;
    }
    if (page) {
      this.#handlers.onLive("pages");
      this.#handlers.onFrame({ type: "page", page });
      this.#timer = setTimeout(() => this.#read(), jitter(INTERVAL_MS));
    } else {
      this.#handlers.onClose(page === null ? SESSION_ENDED : BROKEN);
    }
  }
}
