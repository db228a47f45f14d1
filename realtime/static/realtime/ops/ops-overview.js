// <ops-overview state="…" task="…" kind="…" paged>: the operators' numbers and list of jobs, live.
//
// The attributes are the page's filter; with `paged` the list is not the newest page and takes no
// new jobs. Without a WebSocket the page is read again every half minute; and with one once when it
// comes, since nobody has told what came before.
import { connection } from "../link/connection.js";
import { setAttribute, setText } from "../shared/dom.js";
import { duration, number, share } from "../shared/formats.js";
import { partsOf } from "../job/job-view.js";
import "../link/link-state.js";
import { MOST_ROWS, Rows } from "./ops-rows.js";
import { readPage } from "../link/page-reader.js";
import { isWaiting } from "../shared/words.js";

const SECOND = 1_000;
// Between two tries to read the page.
const PAUSE = 5 * SECOND;

export class OpsOverview extends HTMLElement {
  #listening = null;
  #timer = null;
  #rows = null;
  #parts = {};
  #isDue = false;
  #isReading = false;
  #readAfter = 0;
  #meanwhile = [];

  connectedCallback() {
    const { signal } = (this.#listening = new AbortController());
    this.#parts = this.#ownParts();
    this.#adoptRows();
    connection.addEventListener("overview", ({ detail }) => this.#take(detail), { signal });
    connection.addEventListener("page", ({ detail }) => this.#replace(detail.page), { signal });
    connection.addEventListener("state", ({ detail }) => this.#follow(detail.state), { signal });
    this.#parts.rows.addEventListener("pointerleave", () => this.#settle(), { signal });
    connection.watchOverview();
    this.#timer = setInterval(() => this.#tick(), SECOND);
  }

  disconnectedCallback() {
    this.#listening.abort();
    this.#rows.close();
    clearInterval(this.#timer);
    connection.unwatchOverview();
  }

  // Rows have parts of the same names.
  #ownParts() {
    const { empty, frame, rows, tasks, template, waiting } = partsOf(this);
    return { empty, frame, rows, tasks, template, waiting };
  }

  #adoptRows() {
    this.#rows = new Rows(this.#parts.rows, {
      matches: (snapshot) => this.#matches(snapshot),
      takesNew: !this.hasAttribute("paged"),
      template: this.#parts.template,
    });
  }

  #follow(state) {
    this.#isDue = state === "live";
    this.#readAfter = 0;
    this.#catchUp();
  }

  // A page that cannot be read, or be shown now, stays due.
  async #catchUp() {
    if (!this.#isDue || this.#isReading || this.#rows.isFrozen || performance.now() < this.#readAfter) {
      return;
    }
    this.#isDue = false;
    this.#isReading = true;
    this.#readAfter = performance.now() + PAUSE;
    this.#meanwhile = [];
    const page = await readPage(this.#listening.signal).catch(() => null);
    this.#isReading = false;
    this.#isDue ||= !page || !this.#replace(page);
  }

  // By what the server makes of it now, unless somebody points at a row; tells whether it did.
  #replace(page) {
    const fresh = page.querySelector("ops-overview");
    if (!fresh || this.#rows.isFrozen || this.#listening.signal.aborted) {
      return false;
    }
    const { known } = this.#rows;
    this.#rows.close();
    this.#parts.rows.replaceChildren(...partsOf(fresh).rows.rows);
    this.#adoptRows();
    this.#rows.update(known);
    // A live link has told them, and newer ones.
    if (connection.state !== "live") {
      fresh.querySelectorAll("[data-number]").forEach((number) => this.#copyNumber(number));
    }
    [...partsOf(fresh).tasks.options].forEach(({ value }) => this.#offer(value));
    this.#meanwhile.forEach((snapshot) => this.#rows.take(snapshot));
    this.#settle();
    return true;
  }

  #copyNumber(fresh) {
    const node = this.querySelector(`[data-number="${fresh.dataset.number}"]`);
    setText(node, fresh.textContent);
    setAttribute(node.closest("a"), "data-tone", fresh.closest("a").dataset.tone ?? null);
  }

  // A task of which there was no job yet when the page was made; they stand by the alphabet.
  #offer(task) {
    const options = [...this.#parts.tasks.options];
    if (!options.some(({ value }) => value === task)) {
      const after = options.find(({ value }) => value > task);
      this.#parts.tasks.add(new Option(task), after ?? null);
    }
  }

  #matches({ batch, state, task }) {
    const [states, tasks, kinds] = ["state", "task", "kind"].map((name) => this.getAttribute(name));
    const isState = !states || states === state || (states === "waiting" && isWaiting(state));
    return isState && (!tasks || tasks === task) && (!kinds || (kinds === "batch") === Boolean(batch));
  }

  #take({ jobs, numbers }) {
    this.#showNumbers(numbers);
    jobs.forEach((snapshot) => this.#rows.take(snapshot));
    jobs.forEach(({ task }) => this.#offer(task));
    this.#meanwhile = [...this.#meanwhile, ...jobs].slice(-MOST_ROWS);
    this.#settle();
  }

  #settle() {
    this.#rows.settle();
    const { waiting } = this.#rows;
    setText(this.#parts.waiting, waiting ? `${number(waiting)} new: move off the list to see` : "");
    this.#parts.empty.hidden = this.#rows.size > 0;
    this.#parts.frame.hidden = this.#rows.size === 0;
    this.#catchUp();
  }

  #tick() {
    if (!document.hidden) {
      this.#rows.refresh();
      this.#settle();
    }
  }

  #showNumbers(numbers) {
    const texts = textsOf(numbers);
    for (const node of this.querySelectorAll("[data-number]")) {
      setText(node, texts[node.dataset.number]);
      setAttribute(node.closest("a"), "data-tone", toneOf(node.dataset.number, numbers));
    }
  }
}

function textsOf({ failed, oldest_wait: oldest, running, success, waiting, workers_known: known, workers_up: up }) {
  return {
    running: number(running),
    waiting: number(waiting),
    oldest_wait: oldest === null ? "–" : duration(oldest),
    failed: number(failed),
    success: success === null ? "–" : share(success),
    workers: `${number(up)}/${number(known)}`,
  };
}

function toneOf(name, { failed, workers_known: known, workers_up: up }) {
  if (name === "failed" && failed) {
    return "failed";
  }
  return name === "workers" && up < known ? "waiting" : null;
}

customElements.define("ops-overview", OpsOverview);
