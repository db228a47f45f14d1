// Writes a snapshot into the nodes that the server rendered. Each node has its name in data-part.
import { create, reconcile, setAttribute, setText, webAddress } from "../shared/dom.js";
import { number, size } from "../shared/formats.js";
import { showRelativeTime } from "../shared/relative-times.js";
import {
  STATES, amount, attempt, canRunAgain, isFinished, outcomeCounts, pace, runAgainLabel, sentence,
} from "../shared/words.js";
import { showItems } from "./job-items.js";

export function partsOf(root) {
  const nodes = [...root.querySelectorAll("[data-part]")];
  return Object.fromEntries(nodes.map((node) => [node.dataset.part, node]));
}

export function showSnapshot(root, snapshot) {
  const parts = partsOf(root);
  root.dataset.state = snapshot.state;
  for (const [name, show] of Object.entries(SHOW_PART)) {
    if (parts[name]) {
      show(parts[name], snapshot);
    }
  }
}

// Called every second, because the sentence may contain a countdown.
export function showSentence(root, snapshot) {
  const { sentence: node } = partsOf(root);
  if (node) {
    setText(node, sentence(snapshot));
  }
}

const SHOW_PART = {
  title: (node, { title }) => setText(node, title),
  state: showState,
  bar: showBar,
  amount: (node, snapshot) => setText(node, amount(snapshot)),
  pace: (node, snapshot) => setText(node, pace(snapshot)),
  sentence: (node, snapshot) => setText(node, sentence(snapshot)),
  error: (node, { error }) => showText(node, error),
  attempt: (node, snapshot) => showText(node, attempt(snapshot)),
  phases: showPhases,
  outcomes: showOutcomeCounts,
  items: (node, { items }) => showItems(node, items),
  file: showFile,
  subject: showSubject,
  cancel: (node, { state }) => (node.hidden = isFinished(state)),
  retry: showRetry,
  queued: (node, snapshot) => showRelativeTime(node, snapshot.queued_at),
  started: (node, snapshot) => showRelativeTime(node, snapshot.started_at),
  finished: (node, snapshot) => showRelativeTime(node, snapshot.finished_at),
};

export function showState(node, { state }) {
  setText(node, STATES[state] ?? state);
  setAttribute(node, "data-state", state);
}

export function showBar(node, snapshot) {
  const value = barValue(snapshot);
  if (value === null) {
    node.removeAttribute("value");
  } else {
    node.value = value;
  }
  setAttribute(node, "aria-label", snapshot.title);
  setAttribute(node, "aria-valuetext", amount(snapshot));
}

// null is a bar without a value, which moves to and fro. Only a running job has one.
function barValue({ fraction, state }) {
  if (state === "succeeded") {
    return 1;
  }
  return fraction ?? (state === "running" ? null : 0);
}

function showText(node, text) {
  setText(node, text);
  node.hidden = !text;
}

function showPhases(list, { phases }) {
  reconcile(list, phases, {
    keyOf: ({ name }) => name,
    make: ({ name }) => create("li", "", name),
    update: (node, { name, state }) => {
      setText(node, name);
      setAttribute(node, "data-state", state);
      setAttribute(node, "aria-current", state === "running" ? "step" : null);
    },
  });
  list.hidden = phases.length === 0;
}

function showOutcomeCounts(list, snapshot) {
  const entries = outcomeCounts(snapshot);
  reconcile(list, entries, {
    keyOf: ([name]) => name,
    make: ([name]) => makeOutcome(name),
    update: (node, [, count]) => setText(node.firstElementChild, number(count)),
  });
  list.hidden = entries.length === 0;
}

function makeOutcome(name) {
  const node = create("li");
  node.dataset.outcome = name;
  node.append(create("b"), ` ${name}`);
  return node;
}

// The address of the file is the same for all viewers, so the watch key is added here.
function showFile(node, { file }) {
  const [linkNode, sizeNode] = node.children;
  node.hidden = !file;
  if (file) {
    const key = node.closest("[key]")?.getAttribute("key");
    setText(linkNode, file.name);
    setText(sizeNode, size(file.size));
    setAttribute(linkNode, "href", webAddress(file.url) + (key ? `?key=${encodeURIComponent(key)}` : ""));
  }
}

function showRetry(form, snapshot) {
  const resumes = "resumes" in form.dataset;
  form.hidden = !canRunAgain(snapshot, resumes);
  const button = form.querySelector("button");
  if (button.ariaBusy !== "true") {
    setText(button, runAgainLabel(snapshot, resumes));
  }
}

function showSubject(link, { state, subject_url: address }) {
  const safe = webAddress(address);
  setAttribute(link, "href", safe);
  link.hidden = !safe || !isFinished(state);
}
