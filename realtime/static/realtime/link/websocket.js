// The wire over a WebSocket: frames in, frames out, and the code it closed with.
import { BROKEN } from "./close-codes.js";
import { Pulse } from "./heartbeat.js";

export const OPEN_MS = 10_000;

const PATH = "/ws/jobs/";
const HIDDEN_MS = 5 * 60_000;

export const webSocket = {
  serves: () => "WebSocket" in window,
  open: (handlers) => new Socket(handlers),
};

// Whether one can be had now.
export function socketWorks() {
  return new Promise((resolve) => {
    const trial = new Socket({
      onOpen: () => trial.check(),
      onLive: () => {},
      onFrame: () => {
        trial.close();
        resolve(true);
      },
      onClose: () => resolve(false),
    });
  });
}

class Socket {
  patience = HIDDEN_MS;
  #handlers;
  #socket = null;
  #timer;
  #pulse = new Pulse({
    ask: () => this.send({ type: "ping" }),
    giveUp: () => this.#end(BROKEN),
  });

  constructor(handlers) {
    this.#handlers = handlers;
    // A proxy that knows nothing of WebSockets may neither open nor refuse one.
    this.#timer = setTimeout(() => this.#end(BROKEN), OPEN_MS);
    this.#open();
  }

  send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  check() {
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#pulse.check();
    }
  }

  // Not before it is open, if it is to be: browsers complain of that on the console.
  close() {
    this.#letGo();
    if (this.#socket?.readyState === WebSocket.CONNECTING) {
      this.#socket.addEventListener("open", () => this.#socket.close(1000));
    } else {
      this.#socket?.close(1000);
    }
  }

  #letGo() {
    clearTimeout(this.#timer);
    this.#pulse.stop();
    this.#handlers = null;
  }

  #open() {
    try {
      this.#socket = new WebSocket(address());
    } catch {
      // A content security policy forbids it, as Chromium says by an exception.
      queueMicrotask(() => this.#end(BROKEN));
      return;
    }
    this.#socket.addEventListener("open", () => this.#opened());
    this.#socket.addEventListener("message", ({ data }) => this.#received(JSON.parse(data)));
    this.#socket.addEventListener("close", ({ code }) => this.#end(code));
  }

  #opened() {
    clearTimeout(this.#timer);
    this.#pulse.heard();
    this.#handlers?.onOpen();
    this.#handlers?.onLive("live");
  }

  #received(frame) {
    this.#pulse.heard();
    this.#handlers?.onFrame(frame);
  }

  // Not only once the browser says so: of a dead link it does minutes later.
  #end(code) {
    const handlers = this.#handlers;
    this.#letGo();
    this.#socket?.close(1000);
    handlers?.onClose(code);
  }
}

function address() {
  const url = new URL(PATH, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}
