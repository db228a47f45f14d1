// Watch: one watched job, shared by all elements of the page that show it.
import { isOlder } from "./snapshot-order.js";

export class Watch extends EventTarget {
  // `url` is the address of the job's page. The addresses of its JSON and its events begin with it.
  constructor(id, url = `/jobs/${id}/`) {
    super();
    this.id = id;
    this.key = "";
    this.url = url;
    this.count = 0;
    this.latest = null;
  }

  // The entry of a "watch" frame.
  toJSON() {
    return { id: this.id, key: this.key };
  }

  // `form` is "events" or ".json".
  address(form) {
    const base = form.startsWith(".") ? this.url.replace(/\/$/, "") : this.url;
    return `${base}${form}${this.key ? `?key=${encodeURIComponent(this.key)}` : ""}`;
  }

  deliver(snapshot) {
    if (!isOlder(snapshot, this.latest)) {
      this.latest = snapshot;
      this.dispatchEvent(new CustomEvent("snapshot", { detail: snapshot }));
    }
  }

  deny() {
    this.dispatchEvent(new CustomEvent("denied"));
  }
}
