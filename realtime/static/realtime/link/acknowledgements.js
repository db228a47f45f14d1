// Acknowledgements: every sixteenth frame is acknowledged, which shows the server that this browser
// keeps up.
export const ACK_EVERY = 16;

export class Acknowledgements {
  #unacknowledged = 0;

  // For a new link. The random start spreads the acknowledgements of a thousand pages that watch the
  // same job, and so receive the same frames, over several frames.
  restart() {
    this.#unacknowledged = Math.floor(Math.random() * ACK_EVERY);
  }

  // Counts a frame, and returns whether it is to be acknowledged.
  isDue() {
    this.#unacknowledged = (this.#unacknowledged + 1) % ACK_EVERY;
    return this.#unacknowledged === 0;
  }
}
