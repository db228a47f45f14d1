// What the page wants to know, and which frames tell the server what has changed since it was last
// told.
import { Watch } from "./watch.js";

const JOBS_A_FRAME = 50;

export class WatchList {
  #watches = new Map();
  #added = new Set();
  #removed = new Set();
  #told = new Set();
  #overviews = 0;
  #asksOverview = false;

  get isEmpty() {
    return this.#watches.size === 0 && this.#overviews === 0;
  }

  // What a transport must be able to carry.
  get need() {
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
      if (this.#told.delete(id)) {
        this.#removed.add(id);
      }
    }
  }

  addOverview() {
    this.#overviews += 1;
    this.#asksOverview ||= this.#overviews === 1;
  }

  removeOverview() {
    this.#overviews -= 1;
  }

  // A new link knows of nothing.
  askAgain() {
    this.#added = new Set(this.#watches.keys());
    this.#removed.clear();
    this.#told.clear();
    this.#asksOverview = this.#overviews > 0;
  }

  takeFrames() {
    const frames = this.#asksOverview ? [{ type: "overview" }] : [];
    // First, so that what comes in the place of others finds room on the server.
    frames.push(...framesOf("unwatch", [...this.#removed]));
    frames.push(...framesOf("watch", [...this.#added].map((id) => this.#watches.get(id))));
    this.#added.forEach((id) => this.#told.add(id));
    this.#added.clear();
    this.#removed.clear();
    this.#asksOverview = false;
    return frames;
  }
}

function framesOf(type, jobs) {
  const frames = [];
  for (let start = 0; start < jobs.length; start += JOBS_A_FRAME) {
    frames.push({ type, jobs: jobs.slice(start, start + JOBS_A_FRAME) });
  }
  return frames;
}
