// <child-jobs job="id">: the list of a job's child jobs. It requests the page again while they change.
//
// It is empty and hidden until the job has children. It listens to the events of the <job-progress>
// of the same job.
import { readPage } from "../link/page-reader.js";
import { reconcile, setAttribute } from "../shared/dom.js";

export const INTERVAL_MS = 2_000;

export class ChildJobs extends HTMLElement {
  #listeners = null;
  #timer = null;
  #isDue = false;

  connectedCallback() {
    const { signal } = (this.#listeners = new AbortController());
    document.addEventListener("job:snapshot", ({ detail }) => this.#onSnapshot(detail), { signal });
    document.addEventListener("visibilitychange", () => this.#readIfDue(), { signal });
  }

  disconnectedCallback() {
    this.#listeners.abort();
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  // A job that is not a batch yet may have children already: its task is still running and adds more.
  #onSnapshot({ batch, id }) {
    if ((batch || !this.hidden) && id === this.getAttribute("job")) {
      this.#isDue = true;
      this.#timer ??= setTimeout(() => this.#onTimer(), INTERVAL_MS);
    }
  }

  #onTimer() {
    this.#timer = null;
    this.#readIfDue();
  }

  // A hidden page is not read; it is read when it is shown.
  #readIfDue() {
    if (this.#isDue && this.#timer === null && !document.hidden) {
      this.#isDue = false;
      this.#timer = setTimeout(() => this.#onTimer(), INTERVAL_MS);
      this.#read();
    }
  }

  // If the server does not answer, the page is read after the next interval. If the viewer may no
  // longer see it, it is not read again.
  async #read() {
    const page = await readPage(this.#listeners.signal).catch(() => undefined);
    if (this.#listeners.signal.aborted) {
      return;
    }
    if (page === undefined) {
      this.#isDue = true;
    } else if (page === null) {
      this.#listeners.abort();
    } else {
      this.#show(page.querySelector("child-jobs"));
    }
  }

  #show(fresh) {
    const isEmpty = !this.querySelector("[data-part]");
    if (isEmpty) {
      this.replaceChildren(...fresh.childNodes);
    } else {
      ["tabs", "rows"].forEach((name) => updateList(partOf(this, name), partOf(fresh, name)));
      replaceIfChanged(partOf(this, "pages"), partOf(fresh, "pages"));
    }
    this.hidden = fresh.hidden;
  }
}

function partOf(root, name) {
  return root.querySelector(`[data-part="${name}"]`);
}

function updateList(list, fresh) {
  const entries = [...fresh.children];
  reconcile(list, entries, { keyOf: (node) => node.dataset.key, make: (node) => node, update: updateEntry });
}

function updateEntry(node, fresh) {
  if (node !== fresh) {
    setAttribute(node, "data-state", fresh.dataset.state ?? null);
    const freshChildren = [...fresh.children];
    [...node.children].forEach((child, index) => replaceIfChanged(child, freshChildren[index]));
  }
}

// A link that has the focus is not replaced, because it would lose the focus.
function replaceIfChanged(node, fresh) {
  if (!node.isEqualNode(fresh) && !node.contains(document.activeElement)) {
    node.replaceWith(fresh);
  }
}

customElements.define("child-jobs", ChildJobs);
