// Times that say how long ago they are: <span class="moment" hidden>Queued <time datetime="…"></time></span>.
import { setAttribute, setText } from "./dom.js";
import { exactTime, isoTime, relative } from "./formats.js";

const SECOND = 1_000;

export function showMoment(moment, time) {
  const node = moment?.querySelector("time");
  if (!node) {
    return;
  }
  moment.hidden = time === null;
  if (moment.hidden) {
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
    setText(node, relative(Date.parse(node.dateTime) / SECOND));
  }
}

setInterval(refresh, SECOND);
