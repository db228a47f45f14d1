// The clock of the server. The times of jobs are by it, and the clock of the browser may be wrong by
// hours.
const SECOND_MS = 1_000;

let aheadSeconds = 0;

export const now = () => Date.now() / SECOND_MS + aheadSeconds;

// Takes the time from a page that the server has just rendered, of which the browser has received
// the first byte `age` seconds ago.
export function learnServerTime(page, age = ageOfPage()) {
  const renderedAt = Number(page.querySelector("[data-server-time]")?.dataset.serverTime);
  if (renderedAt) {
    aheadSeconds = renderedAt + age - Date.now() / SECOND_MS;
  }
}

function ageOfPage() {
  const [navigation] = performance.getEntriesByType("navigation");
  return navigation ? Math.max(0, performance.now() - navigation.responseStart) / SECOND_MS : 0;
}

learnServerTime(document);
