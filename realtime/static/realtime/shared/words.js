// The texts that describe a snapshot. realtime/snapshots/words.py has the same for the server.
import { now } from "./clock.js";
import { about, duration, eta, number, ordinal, percent, plural, rate } from "./formats.js";

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

// The sentence under the bar: the current step of the job, or its outcome.
export function sentence(snapshot, at = now()) {
  const sentences = SENTENCES[snapshot.state]?.(snapshot, at) ?? [snapshot.message];
  return [...sentences, isFinished(snapshot.state) ? "" : snapshot.reason].filter(Boolean).join(" ");
}

const SENTENCES = {
  queued: ({ expected_wait: wait, place }) => [queuePosition(place), wait === null ? "" : `Starts in ${about(wait)}.`],
  running: ({ message, phase }) => [withFullStop(message || phase || "Working")],
  retrying: (snapshot, at) => [nextTry(snapshot, at)],
  succeeded: (snapshot) => [withFullStop(snapshot.message), `Finished${took(snapshot, "in")}.`],
  failed: (snapshot) => [`Gave up${took(snapshot)}${afterAttempts(snapshot)}.`],
  cancelled: (snapshot) => [`Cancelled${took(snapshot)}. What was done until then is kept.`],
  lost: () => ["The worker went silent. The job is being taken over."],
};

function queuePosition(place) {
  if (place === null) {
    return "Waiting its turn.";
  }
  return place === 1 ? "Next in line." : `${ordinal(place)} in line.`;
}

function nextTry({ retry_at: retryAt }, at) {
  const wait = retryAt === null ? 0 : retryAt - at;
  return wait >= 1 ? `Next try in ${duration(wait)}.` : "Next try in a moment.";
}

function withFullStop(text) {
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

// "31 of 60 photos", "31 photos", "no photos", or "" if nothing is known yet.
export function amount({ done, total, unit }) {
  if (total === 0) {
    return unit ? `no ${plural(0, unit)}` : "";
  }
  if (total === null) {
    return done ? `${number(done)} ${plural(done, unit)}`.trim() : "";
  }
  return `${number(done)} of ${number(total)} ${plural(total, unit)}`.trim();
}

// "8.2 photos/s · about 4 s left", or "" if the job does not run.
export function pace(snapshot) {
  if (snapshot.state !== "running") {
    return "";
  }
  const { eta: secondsLeft, rate: perSecond, unit } = snapshot;
  const parts = [perSecond ? rate(perSecond, unit) : "", secondsLeft === null ? "" : eta(secondsLeft)];
  return parts.filter(Boolean).join(" · ");
}

// The text beside the bar in a list: the time that is left, the time until the job starts, or the time
// that it took.
export function rowDetail(snapshot, at = now()) {
  const { eta: secondsLeft, state } = snapshot;
  if (state === "running") {
    return secondsLeft === null ? "" : eta(secondsLeft);
  }
  const isWaiting = state === "queued" || state === "retrying";
  return isWaiting ? SENTENCES[state](snapshot, at)[0].replace(/\.$/, "") : took(snapshot, "took").trim();
}

// The counts, and those integers of the result that are not among them. Zeros are left out.
export function outcomeCounts({ counts, result }) {
  const numbers = Object.entries(result ?? {}).filter(([, value]) => Number.isInteger(value));
  const all = { ...counts, ...Object.fromEntries(numbers.filter(([name]) => !(name in counts))) };
  return Object.entries(all)
    .filter(([, value]) => value)
    .map(([name, value]) => [name.replaceAll("_", " "), value]);
}

// Whether to offer to run the job again. One that succeeded can be run again only if its task retries
// the items that failed, and some did.
export function canRunAgain({ failed, state }, resumes) {
  return state === "succeeded" ? resumes && failed > 0 : isFinished(state);
}

// The label of the button.
export function runAgainLabel({ state }, resumes) {
  if (!resumes) {
    return "Run again";
  }
  return state === "cancelled" ? "Do the rest" : "Retry what failed";
}

export function attempt({ attempt: number }) {
  return number > 1 ? `Attempt ${number}` : "";
}

// The text for screen readers. Its percentage is in steps of ten, so that it does not change all the
// time.
export function announcement(snapshot) {
  const { error, fraction, state, title } = snapshot;
  const tens = state === "running" && fraction !== null ? percent(Math.floor(fraction * 10) / 10) : "";
  const progress = tens === "0%" ? "" : tens;
  const rest = isFinished(state) ? [error] : [snapshot.phase, progress];
  return [`${title}: ${STATES[state] ?? state}`, ...rest].filter(Boolean).join(". ");
}

// The text before the title of the page, in the tab.
export function tabTitle({ fraction, state }) {
  if (state === "running" && fraction !== null) {
    return percent(fraction);
  }
  return state === "running" ? "" : (STATES[state] ?? state);
}
