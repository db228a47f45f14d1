// A page that is hidden for long, left, or offline keeps no link; shown again, it is current at once.
export const FROZEN_MS = 5 * 60_000;

const holds = new Set();

// The link is kept even while the page is hidden, until the function that is returned is called.
export function keepLink() {
  const hold = Symbol("hold");
  holds.add(hold);
  return () => holds.delete(hold);
}

export function followPage(connection) {
  let timer = null;
  let hiddenAt = null;

  const pause = () => holds.size || connection.pause();
  const hide = () => {
    hiddenAt = Date.now();
    timer = setTimeout(pause, connection.patience);
  };
  // Timers of a frozen tab do not run, so its link may be dead without a word.
  const show = () => {
    clearTimeout(timer);
    if (hiddenAt !== null && Date.now() - hiddenAt >= FROZEN_MS) {
      connection.pause();
    }
    hiddenAt = null;
    connection.resume();
  };

  document.addEventListener("visibilitychange", () => (document.hidden ? hide() : show()));
  // An open socket would keep the page out of the back/forward cache.
  window.addEventListener("pagehide", () => connection.pause());
  window.addEventListener("pageshow", ({ persisted }) => persisted && connection.resume());
  window.addEventListener("online", () => connection.resume());
}
