// Plain HTTP requests: for pages that have neither a WebSocket nor Server-Sent Events.
//
// Older browsers need them most, so they do without AbortSignal.any(), which Safari has since 17.4,
// Chrome since 116 and Firefox since 124.
export const TIMEOUT_MS = 10_000;

const NOT_FOUND = 404;

// Resolves to the job's snapshot, or to null if there is no such job or the viewer may not see it.
// Rejects if the server does not answer.
export function fetchSnapshot(watch, signal) {
  return request(watch.address(".json"), signal, (response) => {
    if (response.status === NOT_FOUND) {
      return null;
    }
    requireSuccess(response);
    return response.json();
  });
}

// Resolves to what `read` makes of the response. The time limit covers the reading of the body.
export async function request(address, signal, read) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, TIMEOUT_MS);
  signal.addEventListener("abort", abort);
  try {
    if (signal.aborted) {
      abort();
    }
    return await read(await fetch(address, { cache: "no-store", signal: controller.signal }));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

export function requireSuccess({ ok, status }) {
  if (!ok) {
    throw new Error(`The server answered with status ${status}.`);
  }
}

// 20% more or less, so that pages that were opened together do not send their requests together.
export function jitter(milliseconds, random = Math.random) {
  return milliseconds * (0.8 + 0.4 * random());
}
