// <job-progress job="id" key="watch key" url="/jobs/id/" titled>: shows one job, live.
//
// The server renders the content, and the element keeps it up to date. `url` is the address of the
// job's page. With `titled` the title of the tab shows the progress. These events bubble:
// "job:snapshot" and "job:finished", whose detail is the snapshot, and "job:denied".
import { connection } from "../link/connection.js";
import "../link/link-state.js";
import { setText } from "../shared/dom.js";
import { announcement, isFinished, tabTitle } from "../shared/words.js";
import { Announcer } from "./announcer.js";
import { partsOf, showSentence, showSnapshot } from "./job-view.js";
import { NotifyButton } from "./notify-button.js";

const SECOND_MS = 1_000;

export class JobProgress extends HTMLElement {
  #listeners = null;
  #announcer = null;
  #notifyButton = null;
  #timer = null;
  #snapshot = null;
  #isDenied = false;
  #pageTitle = document.title;

  get job() {
    return this.getAttribute("job");
  }

  get snapshot() {
    return this.#snapshot;
  }

  connectedCallback() {
    const { signal } = (this.#listeners = new AbortController());
    const watch = connection.watch(this.job, this.getAttribute("key") ?? "", this.getAttribute("url") ?? undefined);
    this.#announcer = new Announcer(partsOf(this).announcer ?? document.createElement("p"));
    this.#notifyButton = new NotifyButton(partsOf(this).notify);
    this.#notifyButton.listen(signal);
    watch.addEventListener("snapshot", ({ detail }) => this.#update(detail), { signal });
    watch.addEventListener("denied", () => this.#deny(), { signal });
    connection.addEventListener("state", () => this.#updateTitle(), { signal });
    this.#timer = setInterval(() => this.#onSecond(), SECOND_MS);
    if (watch.latest) {
      this.#update(watch.latest);
    }
  }

  disconnectedCallback() {
    this.#listeners.abort();
    this.#announcer.stop();
    this.#notifyButton.stop();
    clearInterval(this.#timer);
    connection.unwatch(this.job);
  }

  #update(snapshot) {
    const wasFinished = isFinished(this.#snapshot?.state ?? this.dataset.state);
    this.#snapshot = snapshot;
    this.#setDenied(false);
    showSnapshot(this, snapshot);
    this.#announcer.announce(announcement(snapshot));
    this.#notifyButton.update(snapshot);
    this.#updateTitle();
    this.#emit("job:snapshot", snapshot);
    if (!wasFinished && isFinished(snapshot.state)) {
      this.#emit("job:finished", snapshot);
    }
  }

  #onSecond() {
    if (this.#snapshot && !document.hidden && !this.#isDenied) {
      showSentence(this, this.#snapshot);
    }
  }

  // Without a connection the title shows no percentage, which would be out of date.
  #updateTitle() {
    if (!this.hasAttribute("titled") || !this.#snapshot) {
      return;
    }
    const isCurrent = connection.isCurrent || isFinished(this.#snapshot.state);
    const words = isCurrent ? tabTitle(this.#snapshot) : "";
    document.title = [words, this.#pageTitle].filter(Boolean).join(" · ");
  }

  #deny() {
    const { sentence } = partsOf(this);
    this.#setDenied(true);
    if (sentence) {
      setText(sentence, "This can no longer be watched from here. Reload the page to see where it stands.");
    }
    this.#emit("job:denied", null);
  }

  #setDenied(isDenied) {
    this.#isDenied = isDenied;
    this.toggleAttribute("denied", isDenied);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { bubbles: true, detail }));
  }
}

customElements.define("job-progress", JobProgress);
