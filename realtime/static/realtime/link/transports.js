// Which transport the page uses: the best that works.
//
// One that breaks before it has carried anything is soon left for the next; one that has worked is
// given longer, as then it is rather the server that is away. Below the best, the best is tried
// again from time to time, beside the one in use.
import { OUTDONE, OUTGROWN, isServers } from "./close-codes.js";

export const TRIES = 2;
export const TRIES_OF_GOOD = 5;
export const CLIMB_FIRST_MS = 15_000;
export const CLIMB_MOST_MS = 5 * 60_000;

export class Ladder {
  #transports;
  #bestWorks;
  #random;
  #step = 0;
  #good = null;
  #failures = 0;
  #climbs = 0;
  #climbAt = null;
  #timer = null;
  #inUse = null;

  // The best first; `bestWorks` tells whether the first of them could be had now.
  constructor({ transports, bestWorks, random = Math.random }) {
    this.#transports = transports;
    this.#bestWorks = bestWorks;
    this.#random = random;
  }

  // As a transport's own open(), but that onClose is also told whether to come back at once.
  open(need, handlers) {
    const fitting = this.#transports.filter(({ serves }) => serves(need));
    const step = Math.min(this.#step, fitting.length - 1);
    const isLast = step === fitting.length - 1;
    const transport = fitting[step].open({
      onOpen: handlers.onOpen,
      onLive: (state) => this.#live(step, transport, handlers, state),
      onFrame: (frame) => this.#carried(step, frame, handlers),
      onClose: (code) => handlers.onClose(code, this.#closed(step, code, isLast)),
    });
    return transport;
  }

  close(transport) {
    clearTimeout(this.#timer);
    this.#inUse = null;
    transport.close();
  }

  // Something has changed: the page is shown, or the network is back.
  check(transport) {
    this.#climbs = 0;
    this.#climbAt = null;
    transport.check();
    if (this.#inUse) {
      this.#climb();
    }
  }

  #live(step, transport, handlers, state) {
    if (step > 0 && this.#inUse?.transport !== transport) {
      this.#inUse = { handlers, transport };
      this.#climbLater();
    }
    handlers.onLive(state);
  }

  #carried(step, frame, handlers) {
    this.#good = step;
    this.#failures = 0;
    if (step === 0) {
      this.#climbs = 0;
      this.#climbAt = null;
    }
    handlers.onFrame(frame);
  }

  #closed(step, code, isLast) {
    clearTimeout(this.#timer);
    this.#inUse = null;
    if (code === OUTGROWN) {
      return true;
    }
    if (isServers(code) || !this.#isUsedUp(step)) {
      return false;
    }
    // Where none works, it is not the transport: back to the one that did.
    this.#step = isLast ? (this.#good ?? 0) : step + 1;
    return !isLast;
  }

  #isUsedUp(step) {
    this.#failures += 1;
    const isUsedUp = this.#failures >= this.#triesOf(step);
    if (isUsedUp) {
      this.#failures = 0;
    }
    return isUsedUp;
  }

  #triesOf(step) {
    if (step === this.#good) {
      return TRIES_OF_GOOD;
    }
    return step === 0 ? TRIES : 1;
  }

  // A transport that comes and goes does not put it off.
  #climbLater() {
    const longest = Math.min(CLIMB_MOST_MS, CLIMB_FIRST_MS * 2 ** this.#climbs);
    this.#climbAt ??= performance.now() + (longest * (1 + this.#random())) / 2;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#climb(), this.#climbAt - performance.now());
  }

  async #climb() {
    const { handlers, transport } = this.#inUse;
    clearTimeout(this.#timer);
    this.#climbs += 1;
    this.#climbAt = null;
    const works = await this.#bestWorks();
    if (this.#inUse?.transport !== transport) {
      return;
    }
    if (works) {
      this.#step = this.#failures = 0;
      this.close(transport);
      handlers.onClose(OUTDONE, true);
    } else {
      this.#climbLater();
    }
  }
}
