// Formats of numbers and times. realtime/snapshots/formats.py has the same for the server.
import { now } from "./clock.js";

const grouped = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 2 });
// Not en-GB, which abbreviates September to "Sept".
const month = new Intl.DateTimeFormat("en-US", { month: "short" });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "long" });

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function number(value) {
  return grouped.format(value);
}

export function percent(fraction) {
  return `${Math.floor(fraction * 100 + 1e-9)}%`;
}

// With one decimal, 99.1%. Rounded down, so that 100% means all.
export function share(fraction) {
  const tenths = Math.floor(fraction * 1000 + 1e-9) / 10;
  return `${tenths === 0 || tenths === 100 ? tenths : tenths.toFixed(1)}%`;
}

export function plural(count, unit) {
  if (!unit || count === 1) {
    return unit;
  }
  return /(s|x|z|ch|sh)$/.test(unit) ? `${unit}es` : unit.replace(/([^aeiou])y$/, "$1ie") + "s";
}

export function ordinal(value) {
  const teen = value % 100 >= 11 && value % 100 <= 13;
  const suffix = teen ? "th" : (["th", "st", "nd", "rd"][value % 10] ?? "th");
  return `${number(value)}${suffix}`;
}

// Two units at most: 2 h 5 min, 3 min 20 s, 12 s.
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 0.5));
  if (whole < MINUTE) {
    return `${whole} s`;
  }
  if (whole < HOUR) {
    return twoUnits(whole, MINUTE, "min", 1, "s");
  }
  return whole < DAY ? twoUnits(whole, HOUR, "h", MINUTE, "min") : twoUnits(whole, DAY, "d", HOUR, "h");
}

function twoUnits(whole, large, largeName, small, smallName) {
  const rest = Math.floor((whole % large) / small);
  const head = `${Math.floor(whole / large)} ${largeName}`;
  return rest ? `${head} ${rest} ${smallName}` : head;
}

// An estimate of more than a minute is rounded up to minutes.
export function about(seconds) {
  const coarse = seconds < MINUTE ? seconds : Math.ceil(seconds / MINUTE) * MINUTE;
  return `about ${duration(Math.max(1, coarse))}`;
}

export function eta(seconds) {
  return `${about(seconds)} left`;
}

// A number of bytes: 999 bytes, 1.2 kB, 34 MB.
export function size(length) {
  if (length < 1000) {
    return `${length} ${plural(length, "byte")}`;
  }
  if (length < 999_500) { // from here on, kilobytes would be rounded to 1000 kB
    return `${short(length / 1000)} kB`;
  }
  return length < 999_500_000 ? `${short(length / 1000 ** 2)} MB` : `${short(length / 1000 ** 3)} GB`;
}

export function rate(perSecond, unit) {
  const [value, per] = perUnitOfTime(perSecond);
  return unit ? `${short(value)} ${plural(2, unit)}/${per}` : `${short(value)}/${per}`;
}

// A number below ten has one decimal.
function short(value) {
  return value < 10 ? (Math.floor(value * 10 + 0.5) / 10).toFixed(1) : grouped.format(Math.floor(value + 0.5));
}

function perUnitOfTime(perSecond) {
  if (perSecond >= 1) {
    return [perSecond, "s"];
  }
  return perSecond * MINUTE >= 1 ? [perSecond * MINUTE, "min"] : [perSecond * HOUR, "h"];
}

// How long ago something happened. Never "in 5 s": the clocks of two servers may differ.
export function relative(time, at = now()) {
  const past = at - time;
  if (past < 2) {
    return "just now";
  }
  if (past >= 7 * DAY) {
    return `on ${date(time)}`;
  }
  return `${duration(inLargestUnit(past))} ago`;
}

function inLargestUnit(seconds) {
  const unit = [DAY, HOUR, MINUTE].find((size) => seconds >= size) ?? 1;
  return Math.floor(seconds / unit) * unit;
}

function date(time) {
  const at = new Date(time * 1000);
  return `${at.getDate()} ${month.format(at)} ${at.getFullYear()}`;
}

export function exactTime(time) {
  return `${date(time)}, ${clock.format(time * 1000)}`;
}

export function isoTime(time) {
  return new Date(Math.floor(time) * 1000).toISOString().replace(".000Z", "Z");
}
