// JobRows: the rows of the operators' list. A row always changes where it is. Rows are added and
// removed only while neither the pointer nor the focus is on one.
import { connection } from "../link/connection.js";
import { isOlder } from "../link/snapshot-order.js";
import { isFinished } from "../shared/words.js";
import { makeRow, showRow } from "./ops-row.js";

export const MAX_ROWS = 50;

export class JobRows {
  #body;
  #template;
  #matches;
  #takesNewJobs;
  #entries = new Map();
  #newJobs = new Map();

  constructor(body, { matches, takesNewJobs, template }) {
    this.#body = body;
    this.#template = template;
    this.#matches = matches;
    this.#takesNewJobs = takesNewJobs;
    [...body.rows].forEach((row) => this.#add(row, snapshotOfRow(row)));
  }

  get size() {
    return this.#entries.size;
  }

  // The number of new jobs that are not in the list yet.
  get newJobs() {
    return this.#newJobs.size;
  }

  get isFrozen() {
    return this.#body.matches(":hover, :focus-within");
  }

  // The snapshots that were received for the rows; rows as the server rendered them have none.
  get snapshots() {
    return [...this.#entries.values()].map(({ shown }) => shown).filter(({ title }) => title !== undefined);
  }

  // Takes a snapshot of any job. A job that matches and is not in the list is added later.
  receive(snapshot) {
    if (this.#entries.has(snapshot.id)) {
      this.#update(snapshot);
    } else if (this.#takesNewJobs && this.#matches(snapshot)) {
      this.#newJobs.set(snapshot.id, snapshot);
      this.#dropOldestNewJob();
    } else {
      this.#newJobs.delete(snapshot.id);
    }
  }

  // Updates rows, and adds none.
  update(snapshots) {
    snapshots.filter(({ id }) => this.#entries.has(id)).forEach((snapshot) => this.#update(snapshot));
  }

  addAndRemove() {
    if (this.isFrozen) {
      return;
    }
    const entries = [...this.#entries.values()];
    entries.filter(({ row }) => "gone" in row.dataset).forEach((entry) => this.#remove(entry));
    this.#newJobs.forEach((snapshot) => this.#insert(snapshot));
    this.#newJobs.clear();
    const extraRows = [...this.#body.rows].slice(MAX_ROWS);
    extraRows.forEach((row) => this.#remove(this.#entries.get(row.dataset.job)));
  }

  refresh() {
    this.#entries.forEach(({ row, shown }) => shown.title && showRow(row, shown));
  }

  close() {
    this.#entries.forEach((entry) => this.#unwatch(entry));
    this.#entries.clear();
  }

  #dropOldestNewJob() {
    if (this.#newJobs.size > MAX_ROWS) {
      const oldest = [...this.#newJobs.values()].reduce((one, other) => (isNewer(one, other) ? other : one));
      this.#newJobs.delete(oldest.id);
    }
  }

  #add(row, shown) {
    const entry = { row, shown, listeners: null };
    this.#entries.set(row.dataset.job, entry);
    if (!isFinished(shown.state)) {
      this.#watch(entry);
    }
  }

  #watch(entry) {
    entry.listeners = new AbortController();
    const watch = connection.watch(entry.row.dataset.job);
    const { signal } = entry.listeners;
    watch.addEventListener("snapshot", ({ detail }) => this.#update(detail), { signal });
  }

  #unwatch(entry) {
    if (entry.listeners) {
      entry.listeners.abort();
      entry.listeners = null;
      connection.unwatch(entry.row.dataset.job);
    }
  }

  #update(snapshot) {
    const entry = this.#entries.get(snapshot.id);
    if (isOlder(snapshot, entry.shown)) {
      return;
    }
    entry.shown = { ...entry.shown, ...snapshot };
    showRow(entry.row, entry.shown);
    entry.row.toggleAttribute("data-gone", !this.#matches(entry.shown));
    this.#watchIfUnfinished(entry);
  }

  // A finished job is not watched. If an operator runs it again, it is.
  #watchIfUnfinished(entry) {
    if (isFinished(entry.shown.state)) {
      this.#unwatch(entry);
    } else if (!entry.listeners) {
      this.#watch(entry);
    }
  }

  #insert(snapshot) {
    const row = makeRow(this.#template, snapshot);
    const next = [...this.#body.rows].find((other) => isNewer(snapshot, sortKeyOfRow(other)));
    showRow(row, snapshot);
    this.#body.insertBefore(row, next ?? null);
    this.#add(row, snapshot);
  }

  #remove(entry) {
    this.#unwatch(entry);
    this.#entries.delete(entry.row.dataset.job);
    entry.row.remove();
  }
}

// The server's order: by the time at which the job was queued, then by id.
function isNewer(one, other) {
  const difference = one.queued_at - other.queued_at;
  return difference === 0 ? one.id > other.id : difference > 0;
}

function sortKeyOfRow({ dataset: { job, queued } }) {
  return { id: job, queued_at: Number(queued) };
}

// Those fields of the snapshot that the server writes into the attributes of a row.
function snapshotOfRow({ dataset: { revision, state, task, tick } }) {
  return { revision: Number(revision), state, task, tick: Number(tick) };
}
