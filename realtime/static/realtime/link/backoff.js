// Full jitter: a server that comes back is not met by everybody at once.
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
export const FIRST_MS = 1_000;
export const MOST_MS = 30_000;
export const FLOOR_MS = 100;
export const BUSY_MS = 30_000;

export function delay(attempt, random = Math.random) {
  const ceiling = Math.min(MOST_MS, FIRST_MS * 2 ** attempt);
  return FLOOR_MS + random() * (ceiling - FLOOR_MS);
}

// For those who were too many: trying again soon would only add to them.
export function longDelay(random = Math.random) {
  return BUSY_MS * (1 + random());
}
