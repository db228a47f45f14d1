"""What became of all that was promised: counted after everything has come to rest.

The words are those of Jepsen's total-queue check. `lost`: acknowledged and gone, or said to be
done and not done. `unexpected`: done and never asked for. `stuck`: neither ended nor moving. A
job that fails, or an item of which nobody can tell whether its effect happened, is none of these:
it can be seen, and is counted as `failed` and `unknown`.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from realtime.tests.chaos.effects import BEGUN, EFFECT, ENDED, Line
from realtime.tests.chaos.load_generator import Asked
from realtime.tests.chaos.site_database import FINISHED, Row

RECOVERY_MAX: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Fault:
    ended_at: float
    kills: int = 0


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

    def line(self) -> str:
        return json.dumps(asdict(self))

    @property
    def broken(self) -> list[str]:
        """The promises that were not kept."""
        late = (self.recovery_p99_s or 0) > RECOVERY_MAX
        counted = ("lost", "unexpected", "duplicated_effects", "stuck")
        return [name for name in counted if getattr(self, name)] + ["recovery_p99_s"] * late


Items = Mapping[tuple[str, str], str]


def tracked(
    asked: Asked, rows: Sequence[Row], items: Items, lines: Sequence[Line], *, each: int
) -> dict[str, int]:
    """Picha's jobs: each of `each` items, whose ledger is compared with what really happened."""
    by_token = {row.token: row for row in rows}
    effects = Counter((line.token, line.item) for line in lines if line.kind == EFFECT)
    unknown = 0
    lost = {token for token in asked.acknowledged if token not in by_token}
    for token, row in by_token.items():
        states = {key: items.get((row.id, key), "") for key in map(str, range(each))}
        unknown += sum(state == "unknown" for state in states.values())
        if any(state == "done" and not effects[token, key] for key, state in states.items()):
            lost.add(token)
        if row.state == "succeeded" and not {*states.values()} <= {"done", "unknown"}:
            lost.add(token)
    strangers = ({line.token for line in lines} - by_token.keys()) | (by_token.keys() - asked.sent)
    return {
        **executions(lines),
        "lost": len(lost),
        "unexpected": len(strangers) + len(by_token) - len({row.id for row in rows}),
        "stuck": sum(row.state not in FINISHED for row in rows),
        "failed": sum(row.state == "failed" for row in rows),
        "unknown": unknown,
    }


def plain(asked: Asked, held: Iterable[str], lines: Sequence[Line]) -> dict[str, int]:
    """Celery's tasks; `held` are the messages that the broker still has."""
    ended = {line.token for line in lines if line.kind == ENDED}
    left = set(asked.acknowledged) - ended
    text = "\n".join(held)
    stuck = {token for token in left if f'"{token}"' in text}
    return {
        **executions(lines),
        "lost": len(left - stuck),
        "unexpected": len({line.token for line in lines} - asked.sent),
        "stuck": len(stuck),
        "failed": 0,
        "unknown": 0,
    }


def executions(lines: Sequence[Line]) -> dict[str, int]:
    begun = Counter(line.token for line in lines if line.kind == BEGUN)
    effects = Counter((line.token, line.item) for line in lines if line.kind == EFFECT)
    return {
        "duplicated_effects": sum(count - 1 for count in effects.values()),
        "duplicated_executions": sum(count - 1 for count in begun.values()),
    }


def recovery(
    acknowledged: Mapping[str, float], ended: Mapping[str, float], faults: Sequence[Fault]
) -> dict[str, float | None]:
    """From the end of each fault to the end of each job that it found unfinished."""
    waits = sorted(
        ended[token] - fault.ended_at
        for token, asked_at in acknowledged.items()
        for fault in faults
        if token in ended and asked_at < fault.ended_at < ended[token]
    )
    return {"recovery_p50_s": _percentile(waits, 50), "recovery_p99_s": _percentile(waits, 99)}


def _percentile(values: Sequence[float], percent: int) -> float | None:
    """By nearest rank."""
    if not values:
        return None
    return round(values[max(0, -(-len(values) * percent // 100) - 1)], 2)
