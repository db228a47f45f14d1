// One watched job, shared by all who show it on the page.
import { isOlder } from "./snapshot-order.js";

export class Watch extends EventTarget {
  // `url` is the job's page, whose address those of its other forms begin with.
  constructor(id, url = `/jobs/${id}/`) {
    super();
    this.id = id;
    this.key = "";
    this.url = url;
    this.count = 0;
    this.latest = null;
  }

  // As the wire has it.
  toJSON() {
    return { id: this.id, key: this.key };
  }

  // Of another form of the job: "events" or ".json".
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
