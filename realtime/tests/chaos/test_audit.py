"""The counts themselves: each kind of broken promise is found."""

import pytest

from realtime.tests.chaos import audit
from realtime.tests.chaos.audit import Fault
from realtime.tests.chaos.effects import Line
from realtime.tests.chaos.load_generator import Asked
from realtime.tests.chaos.site_database import Row


def lines(*words: str, at: float = 1.0) -> list[Line]:
    """`begun a`, `effect a 0`, `ended a`."""
    split = [(*word.split(), "-")[:3] for word in words]
    return [Line(at, kind, token, item, 1) for kind, token, item in split]


def row(token: str, state: str = "succeeded") -> Row:
    return Row(f"id-{token}", token, "chaos.tracked", state, 2.0)


def asked(*acknowledged: str) -> Asked:
    return Asked("tracked", "", set(acknowledged), dict.fromkeys(acknowledged, 0.0))


DONE = lines("begun a", "effect a 0", "ended a")


@pytest.mark.parametrize(
    ("rows", "items", "happened", "found"),
    [
        ([row("a")], {("id-a", "0"): "done"}, DONE, {}),
        ([], {}, [], {"lost": 1}),
        ([row("a")], {("id-a", "0"): "done"}, lines("begun a"), {"lost": 1}),
        ([row("a")], {}, DONE, {"lost": 1}),
        ([row("a", "running")], {}, [], {"stuck": 1}),
        ([row("a", "failed")], {}, [], {"failed": 1}),
        ([row("a")], {("id-a", "0"): "unknown"}, lines("begun a"), {"unknown": 1}),
        (
            [row("a")],
            {("id-a", "0"): "done"},
            DONE + lines("begun a"),
            {"duplicated_executions": 1},
        ),
        (
            [row("a")],
            {("id-a", "0"): "done"},
            DONE + lines("effect a 0"),
            {"duplicated_effects": 1},
        ),
        ([row("a")], {("id-a", "0"): "done"}, DONE + lines("begun b"), {"unexpected": 1}),
    ],
)
def test_what_became_of_a_job(
    rows: list[Row], items: dict[tuple[str, str], str], happened: list[Line], found: dict[str, int]
) -> None:
    counts = audit.tracked(asked("a"), rows, items, happened, each=1)
    assert {name: count for name, count in counts.items() if count} == found


def test_a_message_that_the_broker_still_holds_is_stuck_and_not_lost() -> None:
    counts = audit.plain(asked("a", "b"), ['[[], {"token": "a"}, {}]'], [])
    assert (counts["lost"], counts["stuck"]) == (1, 1)


def test_recovery_counts_from_the_end_of_the_fault_that_found_a_job_unfinished() -> None:
    acknowledged = {"before": 1.0, "during": 3.0, "after": 12.0}
    ended = {"before": 2.0, "during": 14.0, "after": 13.0}
    found = audit.recovery(acknowledged, ended, [Fault(ended_at=10.0)])
    assert found == {"recovery_p50_s": 4.0, "recovery_p99_s": 4.0}


def test_nothing_to_recover_has_no_time() -> None:
    assert audit.recovery({}, {}, [])["recovery_p99_s"] is None
