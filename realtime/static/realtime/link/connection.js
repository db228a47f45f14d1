// The page's one connection: what is watched, and the link that brings it.
//
// Events: "state" (detail: { state, retryAt }), "overview" (detail: the frame), "page" (detail:
// { page }, read again), "refused" (detail: { code, detail }). A Watch, which watch() returns, has
// "snapshot" and "denied".
import { delay, longDelay } from "./backoff.js";
import { MALFORMED, SESSION_ENDED, TOO_MANY } from "./close-codes.js";
import { Ladder } from "./transports.js";
import { followPage } from "./visibility.js";
import { pages } from "./page-reader.js";
import { polling } from "./polling.js";
import { socketWorks, webSocket } from "./websocket.js";
import { streams } from "./event-sources.js";
import { WatchList } from "./watch-list.js";

export const ACK_EVERY = 16;

// After these, trying again would only be refused again.
const FINAL = { [MALFORMED]: "stopped", [SESSION_ENDED]: "ended" };
const CURRENT = new Set(["live", "polling", "pages"]);

export class Connection extends EventTarget {
  #ladder;
  #random;
  #transport = null;
  #isOpen = false;
  #link = null;
  #timer = null;
  #failures = 0;
  #unacknowledged = 0;
  #watches = new WatchList();
  #isFlushing = false;

  state = "idle";
  retryAt = null;

  constructor({ ladder, random = Math.random }) {
    super();
    this.#ladder = ladder;
    this.#random = random;
  }

  // Watched once however many ask; each must unwatch() once.
  watch(id, key = "", url = undefined) {
    const watch = this.#watches.add(id, key, url);
    this.#flushSoon();
    return watch;
  }

  unwatch(id) {
    this.#watches.remove(id);
    this.#flushSoon();
  }

  watchOverview() {
    this.#watches.addOverview();
    this.#flushSoon();
  }

  unwatchOverview() {
    this.#watches.removeOverview();
    this.#flushSoon();
  }

  // Whether what the page shows is kept up to date, at once or every few seconds.
  get isCurrent() {
    return CURRENT.has(this.state);
  }

  // How long a hidden page keeps its link.
  get patience() {
    return this.#transport?.patience ?? 0;
  }

  // Not wanted for now: a hidden tab, a page that is left.
  pause() {
    if (this.#isWanted) {
      this.#disconnect("paused");
    }
  }

  // Now rather than at the end of the wait; and a link that is there may be dead.
  resume() {
    if (this.#isWanted && this.#transport) {
      this.#ladder.check(this.#transport);
    } else if (this.#isWanted) {
      this.#connect();
    }
  }

  get #isWanted() {
    return !this.#watches.isEmpty && !Object.values(FINAL).includes(this.state);
  }

  #connect() {
    clearTimeout(this.#timer);
    const link = Symbol("link");
    const current = (handle) => (...values) => this.#link === link && handle(...values);
    this.#link = link;
    this.#setState(this.#failures ? "reconnecting" : "connecting");
    this.#transport = this.#ladder.open(this.#watches.need, {
      onOpen: current(() => this.#opened()),
      onLive: current((state) => this.#came(state)),
      onFrame: current((frame) => this.#received(frame)),
      onClose: current((code, isNextReady) => this.#closed(code, isNextReady)),
    });
  }

  #disconnect(state) {
    const transport = this.#transport;
    this.#forget();
    if (transport) {
      this.#ladder.close(transport);
    }
    this.#setState(state);
  }

  #forget() {
    clearTimeout(this.#timer);
    this.#link = null;
    this.#transport = null;
    this.#isOpen = false;
  }

  #opened() {
    this.#isOpen = true;
    // A thousand pages that watch one job do not all acknowledge the same frame.
    this.#unacknowledged = Math.floor(this.#random() * ACK_EVERY);
    this.#watches.askAgain();
    this.#flush();
  }

  #came(state) {
    if (this.state !== state) {
      this.#setState(state);
    }
  }

  #closed(code, isNextReady) {
    this.#forget();
    if (FINAL[code]) {
      this.#setState(FINAL[code]);
    } else if (isNextReady) {
      this.#connect();
    } else {
      this.#waitAfter(code);
    }
  }

  #waitAfter(code) {
    const isBusy = code === TOO_MANY;
    const wait = isBusy ? longDelay(this.#random) : delay(this.#failures, this.#random);
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#connect(), wait);
    this.#setState(isBusy ? "busy" : "reconnecting", Date.now() + wait);
  }

  // Several watches of one moment go in one frame.
  #flushSoon() {
    if (!this.#isFlushing) {
      this.#isFlushing = true;
      queueMicrotask(() => this.#flush());
    }
  }

  #flush() {
    this.#isFlushing = false;
    if (this.#watches.isEmpty) {
      this.#disconnect("idle");
    } else if (this.state === "idle") {
      this.#connect();
    } else if (this.#isOpen) {
      this.#watches.takeFrames().forEach((frame) => this.#send(frame));
    }
  }

  // What a link has no room for closes it; the next is asked for everything.
  #send(frame) {
    if (this.#isOpen) {
      this.#transport.send(frame);
    }
  }

  #received(frame) {
    this.#failures = 0;
    this.#receivers[frame.type]?.(frame);
    if (frame.seq !== undefined) {
      this.#acknowledge(frame.seq);
    }
  }

  #receivers = {
    jobs: ({ jobs }) => jobs.forEach((snapshot) => this.#watches.get(snapshot.id)?.deliver(snapshot)),
    denied: ({ jobs }) => jobs.forEach((id) => this.#watches.get(id)?.deny()),
    overview: (frame) => this.#emit("overview", frame),
    page: ({ page }) => this.#emit("page", { page }),
    error: ({ code, detail }) => this.#emit("refused", { code, detail }),
  };

  #acknowledge(seq) {
    this.#unacknowledged += 1;
    if (this.#unacknowledged >= ACK_EVERY) {
      this.#unacknowledged = 0;
      this.#send({ type: "ack", seq });
    }
  }

  #setState(state, retryAt = null) {
    this.state = state;
    this.retryAt = retryAt;
    this.#emit("state", { state, retryAt });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// The best first.
const transports = [webSocket, streams, polling, pages];
export const connection = new Connection({ ladder: new Ladder({ transports, bestWorks: socketWorks }) });
followPage(connection);
