"""Audit: counts the broken promises of a scenario, after all jobs have ended.

The words are those of Jepsen's total-queue check:

lost        acknowledged and missing, or recorded as done but not done
unexpected  done but never requested
stuck       not ended and making no progress

A job that failed is counted as `failed`. An item is counted as `unknown` if its job could not find
out whether its effect happened. Neither breaks a promise: the operator sees them.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from realtime.tests.chaos.effects import BEGUN, EFFECT, ENDED, Entry
from realtime.tests.chaos.load_generator import Requests
from realtime.tests.chaos.site_database import FINISHED, JobRow

RECOVERY_MAX: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault that was injected."""

    ended_at: float
    kills: int = 0
    """How many processes it killed."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    scenario: str
    system: str
    database: str
    acknowledged: int
    refused: int
    lost: int
    unexpected: int
    duplicated_effects: int
    duplicated_executions: int
    stuck: int
    failed: int
    unknown: int
    kills: int
    recovery_p50_s: float | None
    recovery_p99_s: float | None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @property
    def broken_promises(self) -> list[str]:
        is_late = (self.recovery_p99_s or 0) > RECOVERY_MAX
        counts = ("lost", "unexpected", "duplicated_effects", "stuck")
        return [name for name in counts if getattr(self, name)] + ["recovery_p99_s"] * is_late


Items = Mapping[tuple[str, str], str]
"""The states of items, by the id of the job and the key of the item."""


def count_jobs(
    requests: Requests,
    rows: Sequence[JobRow],
    items: Items,
    entries: Sequence[Entry],
    *,
    items_per_job: int,
) -> dict[str, int]:
    """Compares the ledgers of Picha's jobs with the effects that really happened."""
    by_token = {row.token: row for row in rows}
    effects = Counter((entry.token, entry.item) for entry in entries if entry.kind == EFFECT)
    unknown = 0
    lost = {token for token in requests.acknowledged if token not in by_token}
    for token, row in by_token.items():
        states = {key: items.get((row.id, key), "") for key in map(str, range(items_per_job))}
        unknown += sum(state == "unknown" for state in states.values())
        if any(state == "done" and not effects[token, key] for key, state in states.items()):
            lost.add(token)
        if row.state == "succeeded" and not {*states.values()} <= {"done", "unknown"}:
            lost.add(token)
    unexpected = ({entry.token for entry in entries} - by_token.keys()) | (
        by_token.keys() - requests.sent
    )
    return {
        **count_duplicates(entries),
        "lost": len(lost),
        "unexpected": len(unexpected) + len(by_token) - len({row.id for row in rows}),
        "stuck": sum(row.state not in FINISHED for row in rows),
        "failed": sum(row.state == "failed" for row in rows),
        "unknown": unknown,
    }


def count_plain_tasks(
    requests: Requests, messages: Iterable[str], entries: Sequence[Entry]
) -> dict[str, int]:
    """`messages` are those that the broker still has."""
    ended = {entry.token for entry in entries if entry.kind == ENDED}
    unfinished = set(requests.acknowledged) - ended
    text = "\n".join(messages)
    stuck = {token for token in unfinished if f'"{token}"' in text}
    return {
        **count_duplicates(entries),
        "lost": len(unfinished - stuck),
        "unexpected": len({entry.token for entry in entries} - requests.sent),
        "stuck": len(stuck),
        "failed": 0,
        "unknown": 0,
    }


def count_duplicates(entries: Sequence[Entry]) -> dict[str, int]:
    begun = Counter(entry.token for entry in entries if entry.kind == BEGUN)
    effects = Counter((entry.token, entry.item) for entry in entries if entry.kind == EFFECT)
    return {
        "duplicated_effects": sum(count - 1 for count in effects.values()),
        "duplicated_executions": sum(count - 1 for count in begun.values()),
    }


def recovery_times(
    acknowledged: Mapping[str, float], ended: Mapping[str, float], faults: Sequence[Fault]
) -> dict[str, float | None]:
    """Seconds from the end of a fault to the end of each job that was unfinished then."""
    durations = sorted(
        ended[token] - fault.ended_at
        for token, acknowledged_at in acknowledged.items()
        for fault in faults
        if token in ended and acknowledged_at < fault.ended_at < ended[token]
    )
    return {
        "recovery_p50_s": _percentile(durations, 50),
        "recovery_p99_s": _percentile(durations, 99),
    }


def _percentile(values: Sequence[float], percent: int) -> float | None:
    """The percentile by nearest rank; None without values."""
    if not values:
        return None
    return round(values[max(0, -(-len(values) * percent // 100) - 1)], 2)
