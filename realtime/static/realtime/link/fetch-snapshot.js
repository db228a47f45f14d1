// Plain HTTP, for pages that get nothing better.
export const PATIENCE_MS = 10_000;

const NOT_FOUND = 404;

// The job's snapshot; null when there is no such job, or none for this viewer.
// Throws when there is no answer.
export async function look(watch, signal) {
  const answer = await ask(watch.address(".json"), signal);
  if (answer.status === NOT_FOUND) {
    return null;
  }
  if (!answer.ok) {
    throw new Error(`The server answered ${answer.status}.`);
  }
  return answer.json();
}

export function ask(address, signal) {
  const signals = [signal, AbortSignal.timeout(PATIENCE_MS)];
  return fetch(address, { cache: "no-store", signal: AbortSignal.any(signals) });
}

// Anywhere about a pause: those that started together do not stay together.
export function about(milliseconds, random = Math.random) {
  return milliseconds * (0.8 + 0.4 * random());
}
