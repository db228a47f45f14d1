// What a snapshot says in plain words; realtime/wording.py says the same on the server.
import { about, duration, eta, now, number, ordinal, percent, plural, rate } from "./formats.js";

export const STATES = Object.freeze({
  queued: "Waiting",
  running: "Running",
  retrying: "Trying again",
  succeeded: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
  lost: "Lost",
});

export const ITEM_STATES = Object.freeze({
  pending: "Waiting",
  started: "Under way",
  done: "Done",
  failed: "Failed",
  unknown: "Not known",
});

const WAITING = new Set(["queued", "retrying", "lost"]);
const FINISHED = new Set(["succeeded", "failed", "cancelled"]);

export function isFinished(state) {
  return FINISHED.has(state);
}

export function isWaiting(state) {
  return WAITING.has(state);
}

// The sentence under the bar: where it stands, or what came of it.
export function sentence(snapshot, at = now()) {
  const words = SENTENCES[snapshot.state]?.(snapshot, at) ?? [snapshot.message];
  return [...words, isFinished(snapshot.state) ? "" : snapshot.reason].filter(Boolean).join(" ");
}

const SENTENCES = {
  queued: ({ expected_wait: wait, place }) => [inLine(place), wait === null ? "" : `Starts in ${about(wait)}.`],
  running: ({ message, phase }) => [closed(message || phase || "Working")],
  retrying: (snapshot, at) => [nextTry(snapshot, at)],
  succeeded: (snapshot) => [closed(snapshot.message), `Finished${took(snapshot, "in")}.`],
  failed: (snapshot) => [`Gave up${took(snapshot)}${afterAttempts(snapshot)}.`],
  cancelled: (snapshot) => [`Cancelled${took(snapshot)}. What was done until then is kept.`],
  lost: () => ["The worker went silent. The job is being taken over."],
};

function inLine(place) {
  if (place === null) {
    return "Waiting its turn.";
  }
  return place === 1 ? "Next in line." : `${ordinal(place)} in line.`;
}

function nextTry({ retry_at: retryAt }, at) {
  const wait = retryAt === null ? 0 : retryAt - at;
  return wait >= 1 ? `Next try in ${duration(wait)}.` : "Next try in a moment.";
}

function closed(text) {
  return !text || /[.!?…]$/.test(text) ? text : `${text}.`;
}

function took({ started_at: started, finished_at: finished }, word = "after") {
  if (started === null || finished === null) {
    return "";
  }
  const seconds = finished - started;
  return ` ${word} ${seconds >= 1 ? duration(seconds) : "under 1 s"}`;
}

function afterAttempts({ attempt }) {
  return attempt > 1 ? ` and ${attempt} attempts` : "";
}

// "31 of 60 photos", "31 photos", "no photos", or nothing yet.
export function amount({ done, total, unit }) {
  if (total === 0) {
    return unit ? `no ${plural(0, unit)}` : "";
  }
  if (total === null) {
    return done ? `${number(done)} ${plural(done, unit)}`.trim() : "";
  }
  return `${number(done)} of ${number(total)} ${plural(total, unit)}`.trim();
}

// "8.2 photos/s · about 4 s left", while it runs.
export function pace(snapshot) {
  if (snapshot.state !== "running") {
    return "";
  }
  const { eta: left, rate: speed, unit } = snapshot;
  const parts = [speed ? rate(speed, unit) : "", left === null ? "" : eta(left)];
  return parts.filter(Boolean).join(" · ");
}

// What a row of a list says beside the bar: the pace, or what holds or ended the job.
export function rowDetail(snapshot, at = now()) {
  const { eta: left, state } = snapshot;
  if (state === "running") {
    return left === null ? "" : eta(left);
  }
  const isWaiting = state === "queued" || state === "retrying";
  return isWaiting ? SENTENCES[state](snapshot, at)[0].replace(/\.$/, "") : took(snapshot, "took").trim();
}

// The counts, and the numbers of the result that are not among them; no noughts.
export function outcomeCounts({ counts, result }) {
  const numbers = Object.entries(result ?? {}).filter(([, value]) => Number.isInteger(value));
  const every = { ...counts, ...Object.fromEntries(numbers.filter(([name]) => !(name in counts))) };
  return Object.entries(every)
    .filter(([, value]) => value)
    .map(([name, value]) => [name.replaceAll("_", " "), value]);
}

// Whether there is a point in running it again: something failed, or was left out.
export function canRunAgain({ failed, state }, resumes) {
  return state === "succeeded" ? resumes && failed > 0 : isFinished(state);
}

// What the button says.
export function runAgain({ state }, resumes) {
  if (!resumes) {
    return "Run again";
  }
  return state === "cancelled" ? "Do the rest" : "Retry what failed";
}

export function attempt({ attempt: number }) {
  return number > 1 ? `Attempt ${number}` : "";
}

// What a screen reader is told: whole tens, so that it is not told at every step.
export function announcement(snapshot) {
  const { error, fraction, state, title } = snapshot;
  const tens = state === "running" && fraction !== null ? percent(Math.floor(fraction * 10) / 10) : "";
  const reached = tens === "0%" ? "" : tens;
  const rest = isFinished(state) ? [error] : [snapshot.phase, reached];
  return [`${title}: ${STATES[state] ?? state}`, ...rest].filter(Boolean).join(". ");
}

// In the tab's title, before the page's own.
export function tabTitle({ fraction, state }) {
  if (state === "running" && fraction !== null) {
    return percent(fraction);
  }
  return state === "running" ? "" : (STATES[state] ?? state);
}
