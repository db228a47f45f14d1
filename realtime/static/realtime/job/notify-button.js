// NotifyButton: the button that asks for a browser notification when the job has finished. The choice
// is forgotten when the page is closed.
import { keepOpenWhileHidden } from "../link/visibility.js";
import { setAttribute, setText } from "../shared/dom.js";
import { STATES, isFinished, sentence } from "../shared/words.js";

export class NotifyButton {
  #button;
  #allowClosing = null;

  constructor(button) {
    this.#button = button;
  }

  listen(signal) {
    this.#button?.addEventListener("click", () => this.#toggle(), { signal });
  }

  update(snapshot) {
    const isDone = isFinished(snapshot.state);
    if (isDone && this.#allowClosing) {
      notify(snapshot);
      this.stop();
    }
    if (this.#button) {
      this.#button.hidden = isDone || !canNotify();
    }
  }

  stop() {
    this.#allowClosing?.();
    this.#allowClosing = null;
    if (this.#button) {
      setAttribute(this.#button, "aria-pressed", false);
    }
  }

  // The browser asks for permission only here, after a click on the button.
  async #toggle() {
    if (this.#allowClosing) {
      this.stop();
    } else if ((await Notification.requestPermission()) === "granted") {
      this.#allowClosing ??= keepOpenWhileHidden();
    } else {
      this.#button.disabled = true;
      setText(this.#button, "Your browser does not allow notifications");
    }
    setAttribute(this.#button, "aria-pressed", this.#allowClosing !== null);
  }
}

// Chromium on a phone has notifications only for service workers. https://crbug.com/481856
function canNotify() {
  return "Notification" in window && Notification.permission !== "denied" && !navigator.userAgentData?.mobile;
}

function notify(snapshot) {
  const { id, state, title } = snapshot;
  const notification = new Notification(`${STATES[state]}: ${title}`, { body: sentence(snapshot), tag: id });
  notification.addEventListener("click", () => {
    window.focus();
    notification.close();
  });
}
