// A snapshot is a state, not a change: the newest is all that is needed.

// Equal is not older: it may be the repair of what was lost on the way.
export function isOlder(snapshot, shown) {
  if (!shown) {
    return false;
  }
  if (snapshot.revision !== shown.revision) {
    return snapshot.revision < shown.revision;
  }
  return snapshot.tick < shown.tick;
}
