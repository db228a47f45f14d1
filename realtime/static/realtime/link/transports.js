// Transports: opens the best transport that works.
//
// A transport that breaks before it has delivered a frame is soon replaced by the next one. One that
// has worked gets more tries, because then it is more likely that the server is away. While a worse
// transport is in use, the best one is tried from time to time beside it.
//
// A transport has `canServe(needs)` and `open(handlers)`. What open() returns has send(frame),
// check(), close() and `keepHiddenMs`.
import { BETTER_AVAILABLE, UNSUITABLE, isServerCode } from "./close-codes.js";

export const TRIES_OF_FIRST = 2;
export const TRIES_OF_WORKING = 5;
export const UPGRADE_FIRST_MS = 15_000;
export const UPGRADE_MAX_MS = 5 * 60_000;

export class Transports {
  #transports;
  #isBestAvailable;
  #index = 0;
  #workingIndex = null;
  #failures = 0;
  #upgradeTries = 0;
  #upgradeAt = null;
  #timer = null;
  #inUse = null;

  // The best comes first. isBestAvailable() resolves to whether it can be opened now.
  constructor(transports, { isBestAvailable }) {
    this.#transports = transports;
    this.#isBestAvailable = isBestAvailable;
  }

  // Like a transport's own open(), but onClose gets a second argument: whether to open again at once.
  open(needs, handlers) {
    const suitable = this.#transports.filter(({ canServe }) => canServe(needs));
    const index = Math.min(this.#index, suitable.length - 1);
    const isLast = index === suitable.length - 1;
    const transport = suitable[index].open({
      onOpen: handlers.onOpen,
      onLive: (state) => this.#onLive(index, transport, handlers, state),
      onFrame: (frame) => this.#onFrame(index, frame, handlers),
      onClose: (code) => handlers.onClose(code, this.#onClose(index, code, isLast)),
    });
    return transport;
  }

  close(transport) {
    clearTimeout(this.#timer);
    this.#inUse = null;
    transport.close();
  }

  // For a page that is shown again, or whose network is back.
  check(transport) {
    this.#upgradeTries = 0;
    this.#upgradeAt = null;
    transport.check();
    if (this.#inUse) {
      this.#upgrade();
    }
  }

  #onLive(index, transport, handlers, state) {
    if (index > 0 && this.#inUse?.transport !== transport) {
      this.#inUse = { handlers, transport };
      this.#upgradeLater();
    }
    handlers.onLive(state);
  }

  #onFrame(index, frame, handlers) {
    this.#workingIndex = index;
    this.#failures = 0;
    if (index === 0) {
      this.#upgradeTries = 0;
      this.#upgradeAt = null;
    }
    handlers.onFrame(frame);
  }

  // Returns whether to open again at once.
  #onClose(index, code, isLast) {
    clearTimeout(this.#timer);
    this.#inUse = null;
    if (code === UNSUITABLE) {
      return true;
    }
    if (isServerCode(code) || !this.#hasNoTriesLeft(index)) {
      return false;
    }
    // If no transport works, the server is away: start again with the one that worked.
    this.#index = isLast ? (this.#workingIndex ?? 0) : index + 1;
    return !isLast;
  }

  #hasNoTriesLeft(index) {
    this.#failures += 1;
    const hasNoneLeft = this.#failures >= this.#triesOf(index);
    if (hasNoneLeft) {
      this.#failures = 0;
    }
    return hasNoneLeft;
  }

  #triesOf(index) {
    if (index === this.#workingIndex) {
      return TRIES_OF_WORKING;
    }
    return index === 0 ? TRIES_OF_FIRST : 1;
  }

  // A transport that is closed and opened again does not postpone the time that is set.
  #upgradeLater() {
    const max = Math.min(UPGRADE_MAX_MS, UPGRADE_FIRST_MS * 2 ** this.#upgradeTries);
    this.#upgradeAt ??= performance.now() + (max * (1 + Math.random())) / 2;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#upgrade(), this.#upgradeAt - performance.now());
  }

  async #upgrade() {
    const { handlers, transport } = this.#inUse;
    clearTimeout(this.#timer);
    this.#upgradeTries += 1;
    this.#upgradeAt = null;
    const isAvailable = await this.#isBestAvailable();
    if (this.#inUse?.transport !== transport) {
      return;
    }
    if (isAvailable) {
      this.#index = this.#failures = 0;
      this.close(transport);
      handlers.onClose(BETTER_AVAILABLE, true);
    } else {
      this.#upgradeLater();
    }
  }
}
