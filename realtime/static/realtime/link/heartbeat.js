// Heartbeat: notices a dead link, which otherwise looks like an idle one. It sends a ping after a
// silence, and waits for any answer.
export const SILENCE_MS = 30_000;
export const ANSWER_TIMEOUT_MS = 10_000;

export class Heartbeat {
  #sendPing;
  #onTimeout;
  #timer = null;

  constructor({ onTimeout, sendPing }) {
    this.#onTimeout = onTimeout;
    this.#sendPing = sendPing;
  }

  received() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#onSilence(), SILENCE_MS);
  }

  check() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onTimeout, ANSWER_TIMEOUT_MS);
    this.#sendPing();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  // A hidden page sends no ping: it checks the link when it is shown.
  #onSilence() {
    if (document.hidden) {
      this.received();
    } else {
      this.check();
    }
  }
}
