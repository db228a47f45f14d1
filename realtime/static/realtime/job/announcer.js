// Announcer: writes into a live region, which screen readers read out. It writes only the newest text,
// and at most once in five seconds.
export const INTERVAL_MS = 5_000;

export class Announcer {
  #node;
  #timer = null;
  #text = "";
  #announcedAt = -Infinity;

  constructor(node) {
    this.#node = node;
  }

  announce(text) {
    if (text === this.#text) {
      return;
    }
    this.#text = text;
    const wait = this.#announcedAt + INTERVAL_MS - performance.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#write(), Math.max(0, wait));
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #write() {
    this.#announcedAt = performance.now();
    this.#node.textContent = this.#text;
  }
}
