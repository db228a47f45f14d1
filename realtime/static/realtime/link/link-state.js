// <link-state login="/login/">: whether what the page shows is live. Empty without scripts.
//
// `login` is where to log in again once the session has ended.
import { connection } from "./connection.js";
import { create, webAddress } from "../shared/dom.js";
import { duration } from "../shared/formats.js";
import { EVERY_MS as READ_MS } from "./page-reader.js";
import { EVERY_MS as POLLED_MS } from "./polling.js";

const SECOND = 1_000;
const WORDS = {
  idle: () => "",
  connecting: () => "connecting",
  live: () => "live",
  polling: () => `refreshing every ${duration(POLLED_MS / SECOND)}`,
  pages: () => `refreshing every ${duration(READ_MS / SECOND)}`,
  paused: () => "paused while hidden",
  reconnecting: (wait) => (wait >= 2 ? `reconnecting in ${duration(wait)}` : "reconnecting"),
  busy: (wait) => `too many pages open, trying again in ${duration(wait)}`,
  stopped: () => "no longer live: reload the page",
  ended: () => "your session has ended",
};

export class LinkState extends HTMLElement {
  #listening = null;
  #timer = null;

  connectedCallback() {
    const { signal } = (this.#listening = new AbortController());
    connection.addEventListener("state", () => this.#show(), { signal });
    connection.addEventListener("refused", ({ detail }) => (this.title = detail.detail), { signal });
    this.#show();
  }

  disconnectedCallback() {
    this.#listening.abort();
    clearInterval(this.#timer);
  }

  #show() {
    const { retryAt, state } = connection;
    clearInterval(this.#timer);
    this.dataset.state = state;
    this.#write(state, retryAt);
    if (retryAt !== null) {
      this.#timer = setInterval(() => this.#write(state, retryAt), SECOND);
    }
    if (state === "ended") {
      this.#offerLogin();
    }
  }

  #write(state, retryAt) {
    const wait = retryAt === null ? 0 : Math.max(0, (retryAt - Date.now()) / SECOND);
    this.textContent = WORDS[state](wait);
  }

  #offerLogin() {
    const address = webAddress(this.getAttribute("login") ?? "");
    if (address) {
      const link = create("a", "", "log in again");
      link.href = `${address}?${new URLSearchParams({ next: here() })}`;
      this.append(": ", link);
    }
  }
}

// Without the watch key, which belongs into no other address.
function here() {
  const url = new URL(window.location.href);
  url.searchParams.delete("key");
  return url.pathname + url.search;
}

customElements.define("link-state", LinkState);
