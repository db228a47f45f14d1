// The six numbers of the operators' overview.
import { setAttribute, setText } from "../shared/dom.js";
import { duration, number, share } from "../shared/formats.js";

export function showNumbers(root, numbers) {
  const texts = textsOf(numbers);
  for (const node of root.querySelectorAll("[data-number]")) {
    setText(node, texts[node.dataset.number]);
    setAttribute(node.closest("a"), "data-tone", toneOf(node.dataset.number, numbers));
  }
}

// Takes the numbers over from a fresh rendering of the overview.
export function copyNumbers(root, fresh) {
  for (const freshNode of fresh.querySelectorAll("[data-number]")) {
    const node = root.querySelector(`[data-number="${freshNode.dataset.number}"]`);
    setText(node, freshNode.textContent);
    setAttribute(node.closest("a"), "data-tone", freshNode.closest("a").dataset.tone ?? null);
  }
}

function textsOf({ failed, oldest_wait: oldest, running, success, waiting, workers_known: known, workers_up: up }) {
  return {
    running: number(running),
    waiting: number(waiting),
    oldest_wait: oldest === null ? "–" : duration(oldest),
    failed: number(failed),
    success: success === null ? "–" : share(success),
    workers: `${number(up)}/${number(known)}`,
  };
}

function toneOf(name, { failed, workers_known: known, workers_up: up }) {
  if (name === "failed" && failed) {
    return "failed";
  }
  return name === "workers" && up < known ? "waiting" : null;
}
