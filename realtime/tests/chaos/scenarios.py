"""One scenario: a load, what happens meanwhile, and the count once everything is at rest."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from realtime.tests.chaos import audit, effects, faults
from realtime.tests.chaos.audit import Fault, Verdict
from realtime.tests.chaos.faults import Act
from realtime.tests.chaos.load_generator import Asked, Load
from realtime.tests.chaos.processes import nap
from realtime.tests.chaos.profiles import Form
from realtime.tests.chaos.site_database import FINISHED, Row
from realtime.tests.chaos.stack import Rig

LOOK = 0.3
QUIET = 3.0
"""So many seconds without a sign of life mean that Celery has nothing left to do."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    name: str
    acts: Sequence[Act]
    jobs: int


def scenarios(form: Form, *, seed: int, on_postgresql: bool) -> Iterator[Scenario]:
    def plan(name: str, *acts: Act) -> Scenario:
        return Scenario(name=name, acts=acts, jobs=form.jobs)

    yield plan("worker killed", *[faults.kill_worker] * 2)
    yield plan("child killed", *[faults.kill_child] * 3)
    yield plan("machine killed", *[faults.kill_machine] * 2)
    yield plan("redis killed", *[faults.kill_redis] * 2)
    yield plan("web killed before publishing", faults.kill_web)
    for seconds in form.freeze:
        yield plan(f"redis frozen {seconds:g} s", faults.freeze_redis(seconds))
    yield plan("worker frozen past its lease", faults.freeze_worker)
    yield plan("redis flushed", faults.flush_redis)
    yield plan("each message three times", *[faults.deliver_three_times] * 2)
    yield plan("database locked", faults.lock_database)
    if on_postgresql:
        yield plan("database hangs up", *[faults.hang_up] * 3)
    random = Random(seed)
    kills = list(faults.KILLS) * -(-form.storm_kills // len(faults.KILLS))
    random.shuffle(kills)
    yield Scenario(name="storm", acts=kills[: form.storm_kills], jobs=form.storm_jobs)


def run(rig: Rig, scenario: Scenario, *, form: Form, seed: int) -> Iterator[Verdict]:
    """Picha's verdict, then plain Celery's: the same load, under the same faults."""
    rig.wait_until_ready()
    random = Random(f"{seed} {scenario.name}")
    name = scenario.name.replace(" ", "_")
    load = Load(rig, name=f"{name}.{seed}", form=form, jobs=scenario.jobs)
    load.start()
    happened = []
    for act in scenario.acts:
        nap(load.duration / (len(scenario.acts) + 1))
        happened.append(act(rig, form, random))
    load.join()
    drain(rig, load, form=form)
    yield _tracked(rig, load.tracked, scenario, happened, form=form)
    yield _plain(rig, load.plain, scenario, happened)


def drain(rig: Rig, load: Load, *, form: Form) -> None:
    """Wait until all have ended, or nothing has moved for long enough to say that it never will."""

    def rest(is_over: Callable[[], bool]) -> None:
        size, moved_at = 0, time.monotonic()
        while time.monotonic() < moved_at + form.drain and not is_over():
            if rig.effects.stat().st_size != size:
                size, moved_at = rig.effects.stat().st_size, time.monotonic()
            nap(LOOK)

    rest(lambda: _tracked_ended(rig, load.tracked))
    rest(lambda: _plain_ended(rig, load.plain))


def _rows(rig: Rig, asked: Asked) -> list[Row]:
    return [row for row in rig.rows.jobs() if row.token.startswith(asked.prefix)]


def _tracked_ended(rig: Rig, asked: Asked) -> bool:
    return all(row.state in FINISHED for row in _rows(rig, asked))


def _plain_ended(rig: Rig, asked: Asked) -> bool:
    lines = effects.read(rig.effects, prefix=asked.prefix)
    ended = {line.token for line in lines if line.kind == effects.ENDED}
    newest = max((line.at for line in lines), default=0.0)
    quiet = time.time() - newest > QUIET and not rig.waiting()
    return quiet or ended >= asked.acknowledged.keys()


def _tracked(
    rig: Rig, asked: Asked, scenario: Scenario, happened: Sequence[Fault], *, form: Form
) -> Verdict:
    rows = _rows(rig, asked)
    lines = effects.read(rig.effects, prefix=asked.prefix)
    ended = {row.token: row.finished_at for row in rows if row.finished_at}
    return verdict(
        scenario.name,
        "picha",
        rig,
        asked,
        happened,
        **audit.tracked(asked, rows, rig.rows.items(), lines, each=form.items),
        **audit.recovery(asked.acknowledged, ended, happened),
    )


def _plain(rig: Rig, asked: Asked, scenario: Scenario, happened: Sequence[Fault]) -> Verdict:
    lines = effects.read(rig.effects, prefix=asked.prefix)
    ended = {line.token: line.at for line in reversed(lines) if line.kind == effects.ENDED}
    return verdict(
        scenario.name,
        "plain celery",
        rig,
        asked,
        happened,
        **audit.plain(asked, rig.held_by_broker(), lines),
        **audit.recovery(asked.acknowledged, ended, happened),
    )


def verdict(
    name: str, system: str, rig: Rig, asked: Asked, happened: Sequence[Fault], **counts: object
) -> Verdict:
    return Verdict(
        scenario=name,
        system=system,
        database=rig.rows.database,
        acknowledged=len(asked.acknowledged),
        refused=len(asked.sent) - len(asked.acknowledged),
        kills=sum(fault.kills for fault in happened),
        **counts,  # type: ignore[arg-type]  # what the audit counts has the verdict's names
    )
