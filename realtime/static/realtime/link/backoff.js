// How long to wait before the next try to connect.
//
// "Full jitter": the waits are spread at random, so that not all browsers come back to a restarted
// server at once. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
export const FIRST_MAX_MS = 1_000;
export const MAX_MS = 30_000;
export const MIN_MS = 100;
export const BUSY_MS = 30_000;

export function delay(attempt, random = Math.random) {
  const max = Math.min(MAX_MS, FIRST_MAX_MS * 2 ** attempt);
  return MIN_MS + random() * (max - MIN_MS);
}

// After the server has refused a connection because there are too many.
export function busyDelay(random = Math.random) {
  return BUSY_MS * (1 + random());
}
