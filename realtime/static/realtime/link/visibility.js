// Closes the link of a page that is hidden for long, is left or is offline, and opens it again when
// the page is shown.
export const FROZEN_MS = 5 * 60_000;

const reasonsToStayOpen = new Set();

// Keeps the link of a hidden page until the function that is returned is called.
export function keepOpenWhileHidden() {
  const reason = Symbol("reason");
  reasonsToStayOpen.add(reason);
  return () => reasonsToStayOpen.delete(reason);
}

export function closeWhileHidden(connection) {
  let timer = null;
  let hiddenAt = null;

  const pause = () => reasonsToStayOpen.size || connection.pause();
  const onHidden = () => {
    hiddenAt = Date.now();
    timer = setTimeout(pause, connection.keepHiddenMs);
  };
  // The timers of a frozen tab do not run, so its link may have died without being noticed.
  const onShown = () => {
    clearTimeout(timer);
    if (hiddenAt !== null && Date.now() - hiddenAt >= FROZEN_MS) {
      connection.pause();
    }
    hiddenAt = null;
    connection.resume();
  };

  document.addEventListener("visibilitychange", () => (document.hidden ? onHidden() : onShown()));
  // Browsers do not put a page with an open socket into their back/forward cache.
  window.addEventListener("pagehide", () => connection.pause());
  window.addEventListener("pageshow", ({ persisted }) => persisted && connection.resume());
  window.addEventListener("online", () => connection.resume());
}
