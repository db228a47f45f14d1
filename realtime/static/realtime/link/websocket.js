// The WebSocket transport: frames in both directions, and the code with which the socket closed.
import { BROKEN } from "./close-codes.js";
import { Heartbeat } from "./heartbeat.js";

export const OPEN_TIMEOUT_MS = 10_000;

const PATH = "/ws/jobs/";
const KEEP_HIDDEN_MS = 5 * 60_000;

export const webSocket = {
  canServe: () => "WebSocket" in window,
  open: (handlers) => new WebSocketTransport(handlers),
};

// Resolves to whether a WebSocket can be opened now: opens one, and waits for the answer to a ping.
export function canOpenWebSocket() {
  return new Promise((resolve) => {
    const trial = new WebSocketTransport({
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

class WebSocketTransport {
  keepHiddenMs = KEEP_HIDDEN_MS;
  #handlers;
  #socket = null;
  #timer;
  #heartbeat = new Heartbeat({
    sendPing: () => this.send({ type: "ping" }),
    onTimeout: () => this.#end(BROKEN),
  });

  constructor(handlers) {
    this.#handlers = handlers;
    // A proxy that does not know WebSockets may neither open nor refuse one.
    this.#timer = setTimeout(() => this.#end(BROKEN), OPEN_TIMEOUT_MS);
    this.#open();
  }

  send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  check() {
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#heartbeat.check();
    }
  }

  // A socket that is still opening is closed when it is open: otherwise browsers log an error.
  close() {
    this.#detach();
    if (this.#socket?.readyState === WebSocket.CONNECTING) {
      this.#socket.addEventListener("open", () => this.#socket.close(1000));
    } else {
      this.#socket?.close(1000);
    }
  }

  #detach() {
    clearTimeout(this.#timer);
    this.#heartbeat.stop();
    this.#handlers = null;
  }

  #open() {
    try {
      this.#socket = new WebSocket(socketAddress());
    } catch {
      // Chromium throws if a content security policy forbids the connection.
      queueMicrotask(() => this.#end(BROKEN));
      return;
    }
    this.#socket.addEventListener("open", () => this.#onOpen());
    this.#socket.addEventListener("message", ({ data }) => this.#onMessage(JSON.parse(data)));
    this.#socket.addEventListener("close", ({ code }) => this.#end(code));
  }

  #onOpen() {
    clearTimeout(this.#timer);
    this.#heartbeat.received();
    this.#handlers?.onOpen();
    this.#handlers?.onLive("live");
  }

  #onMessage(frame) {
    this.#heartbeat.received();
    this.#handlers?.onFrame(frame);
  }

  // Does not wait for the "close" event: for a dead link it comes minutes later.
  #end(code) {
    const handlers = this.#handlers;
    this.#detach();
    this.#socket?.close(1000);
    handlers?.onClose(code);
  }
}

function socketAddress() {
  const url = new URL(PATH, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}
