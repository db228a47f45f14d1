// <job-progress job="id" key="watch key" url="/jobs/id/" titled>: a job, live.
//
// The server renders what is inside; the element keeps it current. `url` is the job's page. With
// `titled` the tab's title tells how far it is. Events, which bubble: "job:snapshot" and "job:finished", whose detail is
// the snapshot, and "job:denied".
import { Announcer } from "./announcer.js";
import { connection } from "../link/connection.js";
import { setText } from "../shared/dom.js";
import "../link/link-state.js";
import { Notice } from "./notify-button.js";
import { partsOf, showSentence, showSnapshot } from "./job-view.js";
import { announcement, isFinished, tabTitle } from "../shared/words.js";

const SECOND = 1_000;

export class JobProgress extends HTMLElement {
  #listening = null;
  #announcer = null;
  #notice = null;
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
    const { signal } = (this.#listening = new AbortController());
    const watch = connection.watch(this.job, this.getAttribute("key") ?? "", this.getAttribute("url") ?? undefined);
    this.#announcer = new Announcer(partsOf(this).announcer ?? document.createElement("p"));
    this.#notice = new Notice(partsOf(this).notify);
    this.#notice.listen(signal);
    watch.addEventListener("snapshot", ({ detail }) => this.#update(detail), { signal });
    watch.addEventListener("denied", () => this.#deny(), { signal });
    connection.addEventListener("state", () => this.#retitle(), { signal });
    this.#timer = setInterval(() => this.#tick(), SECOND);
    if (watch.latest) {
      this.#update(watch.latest);
    }
  }

  disconnectedCallback() {
    this.#listening.abort();
    this.#announcer.stop();
    this.#notice.stop();
    clearInterval(this.#timer);
    connection.unwatch(this.job);
  }

  #update(snapshot) {
    const wasFinished = isFinished(this.#snapshot?.state ?? this.dataset.state);
    this.#snapshot = snapshot;
    this.#setDenied(false);
    showSnapshot(this, snapshot);
    this.#announcer.say(announcement(snapshot));
    this.#notice.follow(snapshot);
    this.#retitle();
    this.#emit("job:snapshot", snapshot);
    if (!wasFinished && isFinished(snapshot.state)) {
      this.#emit("job:finished", snapshot);
    }
  }

  #tick() {
    if (this.#snapshot && !document.hidden && !this.#isDenied) {
      showSentence(this, this.#snapshot);
    }
  }

  // A number that no longer moves says less than none.
  #retitle() {
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
