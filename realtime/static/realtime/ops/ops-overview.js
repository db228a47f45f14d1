// <ops-overview state="…" task="…" kind="…" paged>: the operators' numbers and list of jobs, live.
//
// `state`, `task` and `kind` are the filter of the page. With `paged` the list is not the newest page,
// so new jobs are not added. The page is requested again once for each new WebSocket, because changes
// before it were not sent to this browser; without a WebSocket it is requested every half minute.
import { partsOf } from "../job/job-view.js";
import { connection } from "../link/connection.js";
import "../link/link-state.js";
import { readPage } from "../link/page-reader.js";
import { setText } from "../shared/dom.js";
import { number } from "../shared/formats.js";
import { isWaiting } from "../shared/words.js";
import { copyNumbers, showNumbers } from "./ops-numbers.js";
import { JobRows, MAX_ROWS } from "./ops-rows.js";

const SECOND_MS = 1_000;
const MIN_READ_INTERVAL_MS = 5 * SECOND_MS;

export class OpsOverview extends HTMLElement {
  #listeners = null;
  #timer = null;
  #rows = null;
  #parts = {};
  #isReadDue = false;
  #isReading = false;
  #readNotBefore = 0;
  #jobsSinceRead = [];

  connectedCallback() {
    const { signal } = (this.#listeners = new AbortController());
    this.#parts = this.#ownParts();
    this.#makeRows();
    connection.addEventListener("overview", ({ detail }) => this.#onOverview(detail), { signal });
    connection.addEventListener("page", ({ detail }) => this.#showPage(detail.page), { signal });
    connection.addEventListener("state", ({ detail }) => this.#onState(detail.state), { signal });
    this.#parts.rows.addEventListener("pointerleave", () => this.#updateList(), { signal });
    connection.watchOverview();
    this.#timer = setInterval(() => this.#onSecond(), SECOND_MS);
  }

  disconnectedCallback() {
    this.#listeners.abort();
    this.#rows.close();
    clearInterval(this.#timer);
    connection.unwatchOverview();
  }

  // Rows have parts with the same names, so the parts of the overview are collected only once.
  #ownParts() {
    const { empty, frame, rows, tasks, template, waiting } = partsOf(this);
    return { empty, frame, rows, tasks, template, waiting };
  }

  #makeRows() {
    this.#rows = new JobRows(this.#parts.rows, {
      matches: (snapshot) => this.#matches(snapshot),
      takesNewJobs: !this.hasAttribute("paged"),
      template: this.#parts.template,
    });
  }

  #onState(state) {
    this.#isReadDue = state === "live";
    this.#readNotBefore = 0;
    this.#readIfDue();
  }

  // If the page cannot be read, or cannot be shown now, it is read again later.
  async #readIfDue() {
    const isTooEarly = performance.now() < this.#readNotBefore;
    if (!this.#isReadDue || this.#isReading || this.#rows.isFrozen || isTooEarly) {
      return;
    }
    this.#isReadDue = false;
    this.#isReading = true;
    this.#readNotBefore = performance.now() + MIN_READ_INTERVAL_MS;
    this.#jobsSinceRead = [];
    const page = await readPage(this.#listeners.signal).catch(() => null);
    this.#isReading = false;
    this.#isReadDue ||= !page || !this.#showPage(page);
  }

  // Returns whether it was shown: rows are not replaced while the pointer or the focus is on one.
  #showPage(page) {
    const fresh = page.querySelector("ops-overview");
    if (!fresh || this.#rows.isFrozen || this.#listeners.signal.aborted) {
      return false;
    }
    this.#replaceRows(partsOf(fresh).rows.rows);
    // Over a live link newer numbers have arrived.
    if (connection.state !== "live") {
      copyNumbers(this, fresh);
    }
    [...partsOf(fresh).tasks.options].forEach(({ value }) => this.#addTaskOption(value));
    this.#jobsSinceRead.forEach((snapshot) => this.#rows.receive(snapshot));
    this.#updateList();
    return true;
  }

  #replaceRows(rows) {
    const { snapshots } = this.#rows;
    this.#rows.close();
    this.#parts.rows.replaceChildren(...rows);
    this.#makeRows();
    this.#rows.update(snapshots);
  }

  // For a task that had no job when the page was rendered. The options are in alphabetical order.
  #addTaskOption(task) {
    const options = [...this.#parts.tasks.options];
    if (!options.some(({ value }) => value === task)) {
      const next = options.find(({ value }) => value > task);
      this.#parts.tasks.add(new Option(task), next ?? null);
    }
  }

  #matches({ batch, state, task }) {
    const [states, tasks, kinds] = ["state", "task", "kind"].map((name) => this.getAttribute(name));
    const hasState = !states || states === state || (states === "waiting" && isWaiting(state));
    return hasState && (!tasks || tasks === task) && (!kinds || (kinds === "batch") === Boolean(batch));
  }

  #onOverview({ jobs, numbers }) {
    showNumbers(this, numbers);
    jobs.forEach((snapshot) => this.#rows.receive(snapshot));
    jobs.forEach(({ task }) => this.#addTaskOption(task));
    this.#jobsSinceRead = [...this.#jobsSinceRead, ...jobs].slice(-MAX_ROWS);
    this.#updateList();
  }

  #updateList() {
    this.#rows.addAndRemove();
    const { newJobs } = this.#rows;
    setText(this.#parts.waiting, newJobs ? `${number(newJobs)} new: move off the list to see` : "");
    this.#parts.empty.hidden = this.#rows.size > 0;
    this.#parts.frame.hidden = this.#rows.size === 0;
    this.#readIfDue();
  }

  #onSecond() {
    if (!document.hidden) {
      this.#rows.refresh();
      this.#updateList();
    }
  }
}

customElements.define("ops-overview", OpsOverview);
