// The page's only connection to the server: all elements of the page share it.
//
// Events: "state" (detail: { state, retryAt }), "overview" (detail: the frame), "page" (detail:
// { page }, the page as the server renders it now), "refused" (detail: { code, detail }). watch()
// returns a Watch, whose events are "snapshot" and "denied".
import { Acknowledgements } from "./acknowledgements.js";
import { busyDelay, delay } from "./backoff.js";
import { MALFORMED, SESSION_ENDED, TOO_MANY } from "./close-codes.js";
import { eventSources } from "./event-sources.js";
import { pageReader } from "./page-reader.js";
import { polling } from "./polling.js";
import { Transports } from "./transports.js";
import { closeWhileHidden } from "./visibility.js";
import { WatchList } from "./watch-list.js";
import { canOpenWebSocket, webSocket } from "./websocket.js";

// After these codes the server would refuse every other try, too.
const FINAL_STATES = { [MALFORMED]: "stopped", [SESSION_ENDED]: "ended" };
const CURRENT_STATES = new Set(["live", "polling", "pages"]);

export class Connection extends EventTarget {
  #transports;
  #transport = null;
  #isOpen = false;
  #link = null;
  #timer = null;
  #failures = 0;
  #acknowledgements = new Acknowledgements();
  #watches = new WatchList();
  #isFlushing = false;

  state = "idle";
  retryAt = null;

  constructor(transports) {
    super();
    this.#transports = transports;
  }

  // The server is asked once for a job, however often it is watched. Each caller must call
  // unwatch() once.
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

  // Whether the page is kept up to date, at once or every few seconds.
  get isCurrent() {
    return CURRENT_STATES.has(this.state);
  }

  // How many milliseconds a hidden page keeps its link.
  get keepHiddenMs() {
    return this.#transport?.keepHiddenMs ?? 0;
  }

  // Closes the link until resume(), for a page that is hidden or left.
  pause() {
    if (this.#shouldConnect) {
      this.#disconnect("paused");
    }
  }

  // Connects at once instead of after the wait. An open link is checked, as it may be dead.
  resume() {
    if (this.#shouldConnect && this.#transport) {
      this.#transports.check(this.#transport);
    } else if (this.#shouldConnect) {
      this.#connect();
    }
  }

  get #shouldConnect() {
    return !this.#watches.isEmpty && !Object.values(FINAL_STATES).includes(this.state);
  }

  #connect() {
    clearTimeout(this.#timer);
    const link = Symbol("link");
    const ifCurrent = (handle) => (...values) => this.#link === link && handle(...values);
    this.#link = link;
    this.#setState(this.#failures ? "reconnecting" : "connecting");
    this.#transport = this.#transports.open(this.#watches.needs, {
      onOpen: ifCurrent(() => this.#onOpen()),
      onLive: ifCurrent((state) => this.#onLive(state)),
      onFrame: ifCurrent((frame) => this.#onFrame(frame)),
      onClose: ifCurrent((code, isNextReady) => this.#onClose(code, isNextReady)),
    });
  }

  #disconnect(state) {
    const transport = this.#transport;
    this.#clearLink();
    if (transport) {
      this.#transports.close(transport);
    }
    this.#setState(state);
  }

  #clearLink() {
    clearTimeout(this.#timer);
    this.#link = null;
    this.#transport = null;
    this.#isOpen = false;
  }

  #onOpen() {
    this.#isOpen = true;
    this.#acknowledgements.restart();
    this.#watches.restart();
    this.#flush();
  }

  #onLive(state) {
    if (this.state !== state) {
      this.#setState(state);
    }
  }

  #onClose(code, isNextReady) {
    this.#clearLink();
    if (FINAL_STATES[code]) {
      this.#setState(FINAL_STATES[code]);
    } else if (isNextReady) {
      this.#connect();
    } else {
      this.#connectLater(code);
    }
  }

  #connectLater(code) {
    const isBusy = code === TOO_MANY;
    const wait = isBusy ? busyDelay() : delay(this.#failures);
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#connect(), wait);
    this.#setState(isBusy ? "busy" : "reconnecting", Date.now() + wait);
  }

  // A microtask later, so that all watches of one moment are sent in one frame.
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

  // A transport that cannot send a frame closes itself: the frames after it go to the next one.
  #send(frame) {
    if (this.#isOpen) {
      this.#transport.send(frame);
    }
  }

  #onFrame(frame) {
    this.#failures = 0;
    this.#receivers[frame.type]?.(frame);
    if (frame.seq !== undefined && this.#acknowledgements.isDue()) {
      this.#send({ type: "ack", seq: frame.seq });
    }
  }

  #receivers = {
    jobs: ({ jobs }) => jobs.forEach((snapshot) => this.#watches.get(snapshot.id)?.deliver(snapshot)),
    denied: ({ jobs }) => jobs.forEach((id) => this.#watches.get(id)?.deny()),
    overview: (frame) => this.#emit("overview", frame),
    page: ({ page }) => this.#emit("page", { page }),
    error: ({ code, detail }) => this.#emit("refused", { code, detail }),
  };

  #setState(state, retryAt = null) {
    this.state = state;
    this.retryAt = retryAt;
    this.#emit("state", { state, retryAt });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

const transports = new Transports([webSocket, eventSources, polling, pageReader], {
  isBestAvailable: canOpenWebSocket,
});
export const connection = new Connection(transports);
closeWhileHidden(connection);
