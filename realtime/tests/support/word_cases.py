"""Cases for the texts that the server and the browser must both write, word for word.

`realtime.snapshots.{words,formats}` and `static/realtime/shared/{words,format}.js` are tested with
the same cases.
"""

from typing import Any, Final
from uuid import UUID

from realtime.snapshots.schema import Item, Phase, Snapshot

NOW: Final = 1_750_000_000.0
JOB: Final = UUID("01977000-0000-7000-8000-000000000001")


def snapshot(**changes: Any) -> Snapshot:
    """The snapshot of an import that has saved 31 of 60 photos, with these fields changed."""
    fields: dict[str, Any] = {
        "id": JOB,
        "revision": 2,
        "tick": 10,
        "title": "Import photos from Flickr",
        "state": "running",
        "attempt": 1,
        "max_attempts": 3,
        "phase": "Saving photos",
        "phases": [Phase("Reading the feed", "done"), Phase("Saving photos", "running")],
        "fraction": 0.52,
        "done": 31,
        "total": 60,
        "unit": "photo",
        "rate": 8.2,
        "eta": 3.6,
        "message": "",
        "counts": {"new": 24, "unchanged": 5, "failed": 2},
        "items": [
            Item("2", "Pier", "new", "done", "", "/2.webp"),
            Item("1", "", "", "failed", "Gone.", ""),
        ],
        "place": None,
        "reason": "",
        "error": "",
        "result": None,
        "subject_url": "/photos/",
        "queued_at": NOW - 12,
        "started_at": NOW - 10,
        "finished_at": None,
        "retry_at": None,
    }
    return Snapshot(**fields | changes)


def waiting(**changes: Any) -> Snapshot:
    still: dict[str, Any] = {"fraction": None, "done": 0, "total": None, "rate": None, "eta": None}
    empty: dict[str, Any] = {"phase": "", "phases": [], "items": [], "counts": {}}
    return snapshot(**still | empty | {"state": "queued", "started_at": None} | changes)


STATES: Final = {
    "queued": waiting(place=2),
    "running": snapshot(),
    "retrying": snapshot(
        state="retrying", attempt=2, error="Flickr did not answer.", retry_at=NOW + 20, rate=None
    ),
    "lost": snapshot(state="lost", reason="It starts again by itself."),
    "succeeded": snapshot(
        state="succeeded",
        fraction=1.0,
        done=60,
        finished_at=NOW - 1,
        result={"saved": 58, "ok": True},
    ),
    "failed": snapshot(state="failed", attempt=3, error="Flickr is down.", finished_at=NOW - 1),
    "cancelled": snapshot(state="cancelled", finished_at=NOW - 90),
}

# The function of formats.py, its arguments, and the text that it returns.
NUMBERS: Final[list[tuple[str, list[Any], str]]] = [
    ("number", [0], "0"),
    ("number", [1234567], "1,234,567"),
    ("percent", [0.0], "0%"),
    ("percent", [0.29], "29%"),
    ("percent", [0.9999], "99%"),
    ("percent", [1.0], "100%"),
    ("share", [0.0], "0%"),
    ("share", [0.9912], "99.1%"),
    ("share", [0.9999], "99.9%"),
    ("share", [1.0], "100%"),
    ("plural", [1, "photo"], "photo"),
    ("plural", [2, "photo"], "photos"),
    ("plural", [0, "copy"], "copies"),
    ("plural", [2, "day"], "days"),
    ("plural", [2, "batch"], "batches"),
    ("plural", [2, ""], ""),
    ("ordinal", [1], "1st"),
    ("ordinal", [2], "2nd"),
    ("ordinal", [3], "3rd"),
    ("ordinal", [4], "4th"),
    ("ordinal", [11], "11th"),
    ("ordinal", [112], "112th"),
    ("ordinal", [1021], "1,021st"),
    ("duration", [-3], "0 s"),
    ("duration", [0.4], "0 s"),
    ("duration", [2.5], "3 s"),
    ("duration", [59.4], "59 s"),
    ("duration", [60], "1 min"),
    ("duration", [200], "3 min 20 s"),
    ("duration", [3600], "1 h"),
    ("duration", [7500], "2 h 5 min"),
    ("duration", [90000], "1 d 1 h"),
    ("eta", [0.2], "about 1 s left"),
    ("eta", [42], "about 42 s left"),
    ("eta", [61], "about 2 min left"),
    ("eta", [4000], "about 1 h 7 min left"),
    ("about", [42], "about 42 s"),
    ("about", [61], "about 2 min"),
    ("size", [0], "0 bytes"),
    ("size", [1], "1 byte"),
    ("size", [999], "999 bytes"),
    ("size", [1000], "1.0 kB"),
    ("size", [999_499], "999 kB"),
    ("size", [999_500], "1.0 MB"),
    ("size", [999_999], "1.0 MB"),
    ("size", [999_499_999], "999 MB"),
    ("size", [999_500_000], "1.0 GB"),
    ("size", [12_345], "12 kB"),
    ("size", [3_400_000], "3.4 MB"),
    ("size", [1_000_000_000], "1.0 GB"),
    ("size", [5_000_000_000_000], "5,000 GB"),
    ("rate", [8.25, "photo"], "8.3 photos/s"),
    ("rate", [120.4, "photo"], "120 photos/s"),
    ("rate", [0.5, "photo"], "30 photos/min"),
    ("rate", [0.01, "photo"], "36 photos/h"),
    ("rate", [2.0, ""], "2.0/s"),
    ("relative", [NOW, NOW], "just now"),
    ("relative", [NOW - 20, NOW], "20 s ago"),
    ("relative", [NOW - 119, NOW], "1 min ago"),
    ("relative", [NOW - 7300, NOW], "2 h ago"),
    ("relative", [NOW - 200000, NOW], "2 d ago"),
    ("relative", [NOW + 20, NOW], "just now"),
    ("relative", [NOW + 10 * 86_400, NOW], "just now"),
    ("relative", [NOW - 7 * 86_400 + 1, NOW], "6 d ago"),
    ("relative", [NOW - 7 * 86_400, NOW], "on 8 Jun 2025"),
    ("relative", [1757000000, NOW + 10**8], "on 4 Sep 2025"),
    ("exact_time", [1757000000.5], "4 Sep 2025, 15:33:20 UTC"),
    ("iso_time", [1757000000.5], "2025-09-04T15:33:20Z"),
]

# The function of words.py, the snapshot, and the text that it returns.
WORDS: Final[list[tuple[str, Snapshot, str]]] = [
    ("sentence", STATES["queued"], "2nd in line."),
    ("sentence", waiting(place=1, reason="No worker is up."), "Next in line. No worker is up."),
    ("sentence", waiting(), "Waiting its turn."),
    ("sentence", waiting(place=3, expected_wait=42), "3rd in line. Starts in about 42 s."),
    ("sentence", STATES["running"], "Saving photos."),
    ("sentence", snapshot(message="Accepted for 1 of 2."), "Accepted for 1 of 2."),
    ("sentence", snapshot(phase=""), "Working."),
    ("sentence", STATES["retrying"], "Next try in 20 s."),
    ("sentence", snapshot(state="retrying", retry_at=NOW - 5), "Next try in a moment."),
    ("sentence", snapshot(state="retrying"), "Next try in a moment."),
    (
        "sentence",
        STATES["lost"],
        "The worker went silent. The job is being taken over. It starts again by itself.",
    ),
    ("sentence", STATES["succeeded"], "Finished in 9 s."),
    (
        "sentence",
        snapshot(state="succeeded", message="Delivered", finished_at=NOW, reason="Never shown."),
        "Delivered. Finished in 10 s.",
    ),
    ("sentence", STATES["failed"], "Gave up after 9 s and 3 attempts."),
    ("sentence", snapshot(state="failed"), "Gave up."),
    ("sentence", waiting(state="cancelled"), "Cancelled. What was done until then is kept."),
    ("amount", STATES["running"], "31 of 60 photos"),
    ("amount", snapshot(done=0, total=1), "0 of 1 photo"),
    ("amount", snapshot(total=None), "31 photos"),
    ("amount", snapshot(done=0, total=0), "no photos"),
    ("amount", snapshot(done=0, total=0, unit=""), ""),
    ("amount", snapshot(total=None, unit=""), "31"),
    ("amount", STATES["queued"], ""),
    ("pace", STATES["running"], "8.2 photos/s · about 4 s left"),
    ("pace", snapshot(rate=None, eta=None), ""),
    ("pace", STATES["failed"], ""),
    ("row_detail", STATES["queued"], "2nd in line"),
    ("row_detail", waiting(place=3, expected_wait=42), "3rd in line"),
    ("row_detail", STATES["running"], "about 4 s left"),
    ("row_detail", snapshot(eta=None), ""),
    ("row_detail", STATES["retrying"], "Next try in 20 s"),
    ("row_detail", STATES["lost"], ""),
    ("row_detail", STATES["succeeded"], "took 9 s"),
    ("row_detail", snapshot(state="succeeded", finished_at=NOW - 9.2), "took under 1 s"),
    ("attempt", STATES["running"], ""),
    ("attempt", STATES["retrying"], "Attempt 2"),
    ("attempt", snapshot(attempt=4), "Attempt 4"),
]

# The snapshot, whether its task resumes, whether the job can be run again, the text of the button.
RUN_AGAIN: Final[list[tuple[Snapshot, bool, bool, str]]] = [
    *(
        (STATES[state], resumes, False, "")
        for state in ("queued", "running")
        for resumes in (False, True)
    ),
    (STATES["failed"], False, True, "Run again"),
    (STATES["failed"], True, True, "Retry what failed"),
    (STATES["cancelled"], False, True, "Run again"),
    (STATES["cancelled"], True, True, "Do the rest"),
    (STATES["succeeded"], False, False, ""),
    (STATES["succeeded"], True, False, ""),
    (snapshot(state="succeeded", failed=1), False, False, ""),
    (snapshot(state="succeeded", failed=1), True, True, "Retry what failed"),
]
