// <link-state login="/login/">: says whether the page is live. It is empty without JavaScript.
//
// `login` is the address of the page where the viewer logs in again after the session has ended.
import { create, webAddress } from "../shared/dom.js";
import { duration } from "../shared/formats.js";
import { connection } from "./connection.js";
import { INTERVAL_MS as PAGE_INTERVAL_MS } from "./page-reader.js";
import { INTERVAL_MS as POLLING_INTERVAL_MS } from "./polling.js";

const SECOND_MS = 1_000;
const WORDS = {
  idle: () => "",
  connecting: () => "connecting",
  live: () => "live",
  polling: () => `refreshing every ${duration(POLLING_INTERVAL_MS / SECOND_MS)}`,
  pages: () => `refreshing every ${duration(PAGE_INTERVAL_MS / SECOND_MS)}`,
  paused: () => "paused while hidden",
  reconnecting: (wait) => (wait >= 2 ? `reconnecting in ${duration(wait)}` : "reconnecting"),
  busy: (wait) => `too many pages open, trying again in ${duration(wait)}`,
  stopped: () => "no longer live: reload the page",
  ended: () => "your session has ended",
};

export class LinkState extends HTMLElement {
  #listeners = null;
  #timer = null;

  connectedCallback() {
    const { signal } = (this.#listeners = new AbortController());
    connection.addEventListener("state", () => this.#show(), { signal });
    connection.addEventListener("refused", ({ detail }) => (this.title = detail.detail), { signal });
    this.#show();
  }

  disconnectedCallback() {
    this.#listeners.abort();
    clearInterval(this.#timer);
  }

  #show() {
    const { retryAt, state } = connection;
    clearInterval(this.#timer);
    this.dataset.state = state;
    this.#write(state, retryAt);
    if (retryAt !== null) {
      this.#timer = setInterval(() => this.#write(state, retryAt), SECOND_MS);
    }
    if (state === "ended") {
      this.#offerLogin();
    }
  }

  #write(state, retryAt) {
    const wait = retryAt === null ? 0 : Math.max(0, (retryAt - Date.now()) / SECOND_MS);
    this.textContent = WORDS[state](wait);
  }

  #offerLogin() {
    const address = webAddress(this.getAttribute("login") ?? "");
    if (address) {
      const link = create("a", "", "log in again");
      link.href = `${address}?${new URLSearchParams({ next: thisPage() })}`;
      this.append(": ", link);
    }
  }
}

// Without the watch key, which must not appear in another address.
function thisPage() {
  const url = new URL(window.location.href);
  url.searchParams.delete("key");
  return url.pathname + url.search;
}

customElements.define("link-state", LinkState);
