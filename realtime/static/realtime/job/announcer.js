// Tells a screen reader what has changed, the latest of it, and not oftener than it can be heard.
export const PAUSE_MS = 5_000;

export class Announcer {
  #node;
  #timer = null;
  #text = "";
  #saidAt = -Infinity;

  constructor(node) {
    this.#node = node;
  }

  say(text) {
    if (text === this.#text) {
      return;
    }
    this.#text = text;
    const wait = this.#saidAt + PAUSE_MS - performance.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#speak(), Math.max(0, wait));
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #speak() {
    this.#saidAt = performance.now();
    this.#node.textContent = this.#text;
  }
}
