// A notification of the browser's at the end of a job, for whoever asks for one on this page.
// Nothing is remembered beyond the page.
import { setAttribute, setText } from "../shared/dom.js";
import { keepLink } from "../link/visibility.js";
import { STATES, isFinished, sentence } from "../shared/words.js";

export class Notice {
  #button;
  #letGo = null;

  constructor(button) {
    this.#button = button;
  }

  listen(signal) {
    this.#button?.addEventListener("click", () => this.#toggle(), { signal });
  }

  follow(snapshot) {
    const isOver = isFinished(snapshot.state);
    if (isOver && this.#letGo) {
      tell(snapshot);
      this.stop();
    }
    if (this.#button) {
      this.#button.hidden = isOver || !canNotify();
    }
  }

  stop() {
    this.#letGo?.();
    this.#letGo = null;
    if (this.#button) {
      setAttribute(this.#button, "aria-pressed", false);
    }
  }

  // Permission is asked for here only, where somebody has just asked to be told.
  async #toggle() {
    if (this.#letGo) {
      this.stop();
    } else if ((await Notification.requestPermission()) === "granted") {
      this.#letGo ??= keepLink();
    } else {
      this.#button.disabled = true;
      setText(this.#button, "Your browser does not allow notifications");
    }
    setAttribute(this.#button, "aria-pressed", this.#letGo !== null);
  }
}

// Where the browser would refuse, or is Chromium on a phone, which has them for service workers
// only, nothing is offered. https://crbug.com/481856
function canNotify() {
  return "Notification" in window && Notification.permission !== "denied" && !navigator.userAgentData?.mobile;
}

function tell(snapshot) {
  const { id, state, title } = snapshot;
  const notification = new Notification(`${STATES[state]}: ${title}`, { body: sentence(snapshot), tag: id });
  notification.addEventListener("click", () => {
    window.focus();
    notification.close();
  });
}
