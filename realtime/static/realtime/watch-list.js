// What the page wants to know, and which frames tell the server what has changed since it was last
// told.
import { Watch } from "./watch.js";

const WATCHES_A_FRAME = 50;

export class WatchList {
  #watches = new Map();
  #added = new Set();
  #removed = new Set();
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
      this.#removed.add(id);
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
    this.#asksOverview = this.#overviews > 0;
  }

  takeFrames() {
    const frames = this.#asksOverview ? [{ type: "overview" }] : [];
    const jobs = [...this.#added].map((id) => this.#watches.get(id));
    for (let start = 0; start < jobs.length; start += WATCHES_A_FRAME) {
      frames.push({ type: "watch", jobs: jobs.slice(start, start + WATCHES_A_FRAME) });
    }
    if (this.#removed.size) {
      frames.push({ type: "unwatch", jobs: [...this.#removed] });
    }
    this.#added.clear();
    this.#removed.clear();
    this.#asksOverview = false;
    return frames;
  }
}
