// Which of two snapshots is older. A snapshot is the whole state of a job and not a change, so only
// the newest is needed.

// Of two equal snapshots neither is older: the second may replace one that was lost on the way.
export function isOlder(snapshot, shown) {
  if (!shown) {
    return false;
  }
  if (snapshot.revision !== shown.revision) {
    return snapshot.revision < shown.revision;
  }
  return snapshot.tick < shown.tick;
}
