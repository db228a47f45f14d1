// The page itself, read again, for an overview that gets no WebSocket.
import { BROKEN, SESSION_ENDED } from "./close-codes.js";
import { about, request, requireSuccess } from "./fetch-snapshot.js";

export const EVERY_MS = 30_000;

const FORBIDDEN = 403;

export const pages = {
  serves: ({ overview }) => overview,
  open: (handlers) => new Pages(handlers),
};

// The page as the server would make it now; null when it is no longer for this viewer.
// Throws when there is no answer.
export function readPage(signal) {
  return request(window.location.href, signal, async (response) => {
    if (response.redirected || response.status === FORBIDDEN) {
      return null;
    }
    requireSuccess(response);
    return new DOMParser().parseFromString(await response.text(), "text/html");
  });
}

class Pages {
  patience = 0;
  #handlers;
  #timer;
  #gone = new AbortController();

  constructor(handlers) {
    this.#handlers = handlers;
    queueMicrotask(() => handlers.onOpen());
    this.#timer = setTimeout(() => this.#read());
  }

  // Whatever is watched is in the page.
  send() {}

  check() {}

  close() {
    clearTimeout(this.#timer);
    this.#gone.abort();
  }

  async #read() {
    const page = await readPage(this.#gone.signal).catch(() => undefined);
    if (this.#gone.signal.aborted) {
      return;
    }
    if (page) {
      this.#handlers.onLive("pages");
      this.#handlers.onFrame({ type: "page", page });
      this.#timer = setTimeout(() => this.#read(), about(EVERY_MS));
    } else {
      this.#handlers.onClose(page === null ? SESSION_ENDED : BROKEN);
    }
  }
}
