// Times relative to now, updated every second, in
// <span class="moment" hidden>Queued <time datetime="…"></time></span>.
import { setAttribute, setText } from "./dom.js";
import { exactTime, isoTime, relative } from "./formats.js";

const SECOND_MS = 1_000;

export function showRelativeTime(parent, time) {
  const node = parent?.querySelector("time");
  if (!node) {
    return;
  }
  parent.hidden = time === null;
  if (parent.hidden) {
    return;
  }
  setAttribute(node, "datetime", isoTime(time));
  setAttribute(node, "title", exactTime(time));
  setText(node, relative(Math.floor(time)));
}

function refresh() {
  if (document.hidden) {
    return;
  }
  for (const node of document.querySelectorAll(".moment time[datetime]")) {
    setText(node, relative(Date.parse(node.dateTime) / SECOND_MS));
  }
}

setInterval(refresh, SECOND_MS);
