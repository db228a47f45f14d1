// WatchList: what the page watches, and which frames about it are still to be sent to the server.
import { Watch } from "./watch.js";

const JOBS_PER_FRAME = 50;

export class WatchList {
  #watches = new Map();
  #added = new Set();
  #removed = new Set();
  #sent = new Set();
  #overviews = 0;
  #isOverviewDue = false;

  get isEmpty() {
    return this.#watches.size === 0 && this.#overviews === 0;
  }

  // What a transport has to be able to do.
  get needs() {
    return { jobs: this.#watches.size, overview: this.#overviews > 0 };
  }

  get(id) {
    return this.#watches.get(id);
  }

  add(id, key, url) {
    const watch = this.#watches.get(id) ?? new Watch(id, url);
    this.#watches.set(id, watch);
    watch.count += 1;
    if (watch.count === 1 || (key && !watch.key)) {
      watch.key = key;
      this.#added.add(id);
      this.#removed.delete(id);
    }
    return watch;
  }

  remove(id) {
    const watch = this.#watches.get(id);
    if (watch && --watch.count === 0) {
      this.#watches.delete(id);
      this.#added.delete(id);
      if (this.#sent.delete(id)) {
        this.#removed.add(id);
      }
    }
  }

  addOverview() {
    this.#overviews += 1;
    this.#isOverviewDue ||= this.#overviews === 1;
  }

  removeOverview() {
    this.#overviews -= 1;
  }

  // For a new link: the server knows of no watch yet.
  restart() {
    this.#added = new Set(this.#watches.keys());
    this.#removed.clear();
    this.#sent.clear();
    this.#isOverviewDue = this.#overviews > 0;
  }

  takeFrames() {
    const frames = this.#isOverviewDue ? [{ type: "overview" }] : [];
    // "unwatch" comes first: the server limits how many jobs a socket may watch.
    frames.push(...framesOf("unwatch", [...this.#removed]));
    frames.push(...framesOf("watch", [...this.#added].map((id) => this.#watches.get(id))));
    this.#added.forEach((id) => this.#sent.add(id));
    this.#added.clear();
    this.#removed.clear();
    this.#isOverviewDue = false;
    return frames;
  }
}

function framesOf(type, jobs) {
  const frames = [];
  for (let start = 0; start < jobs.length; start += JOBS_PER_FRAME) {
    frames.push({ type, jobs: jobs.slice(start, start + JOBS_PER_FRAME) });
  }
  return frames;
}
