// <child-jobs job="id">: the list of a batch's jobs, read again from the server while the batch moves.
//
// Empty and hidden until the job has made some. It listens to the job's <job-progress>.
import { reconcile, setAttribute } from "../shared/dom.js";
import { readPage } from "../link/page-reader.js";

export const EVERY_MS = 2_000;

export class ChildJobs extends HTMLElement {
  #listening = null;
  #timer = null;
  #isDue = false;

  connectedCallback() {
    const { signal } = (this.#listening = new AbortController());
    document.addEventListener("job:snapshot", ({ detail }) => this.#follow(detail), { signal });
    document.addEventListener("visibilitychange", () => this.#readIfDue(), { signal });
  }

  disconnectedCallback() {
    this.#listening.abort();
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  // A body that still runs may have made jobs already.
  #follow({ batch, id }) {
    if ((batch || !this.hidden) && id === this.getAttribute("job")) {
      this.#isDue = true;
      this.#timer ??= setTimeout(() => this.#turn(), EVERY_MS);
    }
  }

  #turn() {
    this.#timer = null;
    this.#readIfDue();
  }

  // What a hidden page has missed is read when it is shown.
  #readIfDue() {
    if (this.#isDue && this.#timer === null && !document.hidden) {
      this.#isDue = false;
      this.#timer = setTimeout(() => this.#turn(), EVERY_MS);
      this.#read();
    }
  }

  // A page that cannot be read now is read at the next turn; one that is no longer for this viewer, never.
  async #read() {
    const page = await readPage(this.#listening.signal).catch(() => undefined);
    if (this.#listening.signal.aborted) {
      return;
    }
    if (page === undefined) {
      this.#isDue = true;
    } else if (page === null) {
      this.#listening.abort();
    } else {
      this.#show(page.querySelector("child-jobs"));
    }
  }

  #show(fresh) {
    const isFirst = !this.querySelector("[data-part]");
    if (isFirst) {
      this.replaceChildren(...fresh.childNodes);
    } else {
      ["tabs", "rows"].forEach((name) => merge(partOf(this, name), partOf(fresh, name)));
      replace(partOf(this, "pages"), partOf(fresh, "pages"));
    }
    this.hidden = fresh.hidden;
  }
}

function partOf(root, name) {
  return root.querySelector(`[data-part="${name}"]`);
}

function merge(list, fresh) {
  const entries = [...fresh.children];
  reconcile(list, entries, { keyOf: (node) => node.dataset.key, make: (node) => node, update });
}

function update(node, fresh) {
  if (node !== fresh) {
    setAttribute(node, "data-state", fresh.dataset.state ?? null);
    const theirs = [...fresh.children];
    [...node.children].forEach((child, index) => replace(child, theirs[index]));
  }
}

// What is the same stays, and so does a link that has the focus.
function replace(node, fresh) {
  if (!node.isEqualNode(fresh) && !node.contains(document.activeElement)) {
    node.replaceWith(fresh);
  }
}

customElements.define("child-jobs", ChildJobs);
