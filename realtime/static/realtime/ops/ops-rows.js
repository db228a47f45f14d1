// The operators' list: rows change where they are; rows come and go only while nobody points at one.
import { connection } from "../link/connection.js";
import { makeRow, showRow } from "./ops-row.js";
import { isOlder } from "../link/snapshot-order.js";
import { isFinished } from "../shared/words.js";

export const MOST_ROWS = 50;

export class Rows {
  #body;
  #template;
  #matches;
  #takesNew;
  #rows = new Map();
  #arrivals = new Map();

  constructor(body, { matches, takesNew, template }) {
    this.#body = body;
    this.#template = template;
    this.#matches = matches;
    this.#takesNew = takesNew;
    [...body.rows].forEach((row) => this.#adopt(row, shownBy(row)));
  }

  get size() {
    return this.#rows.size;
  }

  get waiting() {
    return this.#arrivals.size;
  }

  get isFrozen() {
    return this.#body.matches(":hover, :focus-within");
  }

  // The snapshots that have come of the rows' jobs.
  get known() {
    return [...this.#rows.values()].map(({ shown }) => shown).filter(({ title }) => title !== undefined);
  }

  // Of an overview: it may be of a job that is not in the list yet.
  take(snapshot) {
    if (this.#rows.has(snapshot.id)) {
      this.#update(snapshot);
    } else if (this.#takesNew && this.#matches(snapshot)) {
      this.#arrivals.set(snapshot.id, snapshot);
      this.#keepNewest();
    } else {
      this.#arrivals.delete(snapshot.id);
    }
  }

  // Rows that are there change; none comes.
  update(snapshots) {
    snapshots.filter(({ id }) => this.#rows.has(id)).forEach((snapshot) => this.#update(snapshot));
  }

  settle() {
    if (this.isFrozen) {
      return;
    }
    [...this.#rows.values()].filter(({ row }) => "gone" in row.dataset).forEach((entry) => this.#drop(entry));
    this.#arrivals.forEach((snapshot) => this.#insert(snapshot));
    this.#arrivals.clear();
    [...this.#body.rows].slice(MOST_ROWS).forEach((row) => this.#drop(this.#rows.get(row.dataset.job)));
  }

  refresh() {
    this.#rows.forEach(({ row, shown }) => shown.title && showRow(row, shown));
  }

  close() {
    this.#rows.forEach((entry) => this.#unwatch(entry));
    this.#rows.clear();
  }

  // More than the list shows are not kept for it.
  #keepNewest() {
    if (this.#arrivals.size > MOST_ROWS) {
      const oldest = [...this.#arrivals.values()].reduce((one, other) => (isNewer(one, other) ? other : one));
      this.#arrivals.delete(oldest.id);
    }
  }

  #adopt(row, shown) {
    const entry = { row, shown, listening: null };
    this.#rows.set(row.dataset.job, entry);
    if (!isFinished(shown.state)) {
      this.#watch(entry);
    }
  }

  #watch(entry) {
    entry.listening = new AbortController();
    const watch = connection.watch(entry.row.dataset.job);
    const { signal } = entry.listening;
    watch.addEventListener("snapshot", ({ detail }) => this.#update(detail), { signal });
  }

  #unwatch(entry) {
    if (entry.listening) {
      entry.listening.abort();
      entry.listening = null;
      connection.unwatch(entry.row.dataset.job);
    }
  }

  #update(snapshot) {
    const entry = this.#rows.get(snapshot.id);
    if (isOlder(snapshot, entry.shown)) {
      return;
    }
    entry.shown = { ...entry.shown, ...snapshot };
    showRow(entry.row, entry.shown);
    entry.row.toggleAttribute("data-gone", !this.#matches(entry.shown));
    this.#rewatch(entry);
  }

  // A job that an operator starts again is watched again.
  #rewatch(entry) {
    if (isFinished(entry.shown.state)) {
      this.#unwatch(entry);
    } else if (!entry.listening) {
      this.#watch(entry);
    }
  }

  #insert(snapshot) {
    const row = makeRow(this.#template, snapshot);
    const next = [...this.#body.rows].find((other) => isNewer(snapshot, placeOf(other)));
    showRow(row, snapshot);
    this.#body.insertBefore(row, next ?? null);
    this.#adopt(row, snapshot);
  }

  #drop(entry) {
    this.#unwatch(entry);
    this.#rows.delete(entry.row.dataset.job);
    entry.row.remove();
  }
}

// The server's order: by the time of queueing, then by id.
function isNewer(one, other) {
  const apart = one.queued_at - other.queued_at;
  return apart === 0 ? one.id > other.id : apart > 0;
}

function placeOf({ dataset: { job, queued } }) {
  return { id: job, queued_at: Number(queued) };
}

// What the server rendered, as far as the list has to know it.
function shownBy({ dataset: { revision, state, task, tick } }) {
  return { revision: Number(revision), state, task, tick: Number(tick) };
}
