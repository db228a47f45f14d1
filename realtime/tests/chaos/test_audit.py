"""The audit finds each kind of broken promise."""

import pytest

from realtime.tests.chaos import audit
from realtime.tests.chaos.audit import Fault
from realtime.tests.chaos.effects import Entry
from realtime.tests.chaos.load_generator import Requests
from realtime.tests.chaos.site_database import JobRow


def entries_of(*texts: str, at: float = 1.0) -> list[Entry]:
    """Each text is the kind, the token and perhaps the item of an entry: "effect a 0"."""
    fields = [(*text.split(), "-")[:3] for text in texts]
    return [Entry(at, kind, token, item, 1) for kind, token, item in fields]


def row(token: str, state: str = "succeeded") -> JobRow:
    return JobRow(f"id-{token}", token, "chaos.tracked", state, 2.0)


def requests(*acknowledged: str) -> Requests:
    return Requests("tracked", "", set(acknowledged), dict.fromkeys(acknowledged, 0.0))


DONE = entries_of("begun a", "effect a 0", "ended a")


@pytest.mark.parametrize(
    ("rows", "items", "entries", "expected"),
    [
        ([row("a")], {("id-a", "0"): "done"}, DONE, {}),
        ([], {}, [], {"lost": 1}),
        ([row("a")], {("id-a", "0"): "done"}, entries_of("begun a"), {"lost": 1}),
        ([row("a")], {}, DONE, {"lost": 1}),
        ([row("a", "running")], {}, [], {"stuck": 1}),
        ([row("a", "failed")], {}, [], {"failed": 1}),
        ([row("a")], {("id-a", "0"): "unknown"}, entries_of("begun a"), {"unknown": 1}),
        (
            [row("a")],
            {("id-a", "0"): "done"},
            DONE + entries_of("begun a"),
            {"duplicated_executions": 1},
        ),
        (
            [row("a")],
            {("id-a", "0"): "done"},
            DONE + entries_of("effect a 0"),
            {"duplicated_effects": 1},
        ),
        ([row("a")], {("id-a", "0"): "done"}, DONE + entries_of("begun b"), {"unexpected": 1}),
    ],
)
def test_broken_promises_of_a_job_are_counted(
    rows: list[JobRow],
    items: dict[tuple[str, str], str],
    entries: list[Entry],
    expected: dict[str, int],
) -> None:
    counts = audit.count_jobs(requests("a"), rows, items, entries, items_per_job=1)
    assert {name: count for name, count in counts.items() if count} == expected


def test_a_task_whose_message_the_broker_still_has_is_stuck_and_not_lost() -> None:
    counts = audit.count_plain_tasks(requests("a", "b"), ['[[], {"token": "a"}, {}]'], [])
    assert (counts["lost"], counts["stuck"]) == (1, 1)


def test_recovery_is_measured_from_the_end_of_the_fault() -> None:
    acknowledged = {"before": 1.0, "during": 3.0, "after": 12.0}
    ended = {"before": 2.0, "during": 14.0, "after": 13.0}
    times = audit.recovery_times(acknowledged, ended, [Fault(ended_at=10.0)])
    assert times == {"recovery_p50_s": 4.0, "recovery_p99_s": 4.0}


def test_there_is_no_recovery_time_without_an_interrupted_job() -> None:
    assert audit.recovery_times({}, {}, [])["recovery_p99_s"] is None
