// Whether the far end is still there: a link may die without a word, and then it looks idle.
export const QUIET_MS = 30_000;
export const ANSWER_MS = 10_000;

export class Pulse {
  #ask;
  #giveUp;
  #timer = null;

  constructor({ ask, giveUp }) {
    this.#ask = ask;
    this.#giveUp = giveUp;
  }

  heard() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#wonder(), QUIET_MS);
  }

  check() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#giveUp, ANSWER_MS);
    this.#ask();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  // A hidden page does not need to know: it asks when it is shown.
  #wonder() {
    if (document.hidden) {
      this.heard();
    } else {
      this.check();
    }
  }
}
