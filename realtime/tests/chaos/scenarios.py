"""Scenarios: a load, the faults that are injected meanwhile, and the verdict at the end."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from realtime.tests.chaos import audit, effects, faults
from realtime.tests.chaos.audit import Fault, Verdict
from realtime.tests.chaos.faults import InjectFault
from realtime.tests.chaos.load_generator import LoadGenerator, Requests
from realtime.tests.chaos.processes import pause
from realtime.tests.chaos.profiles import Profile
from realtime.tests.chaos.site_database import FINISHED, JobRow
from realtime.tests.chaos.stack import Stack

POLL_INTERVAL = 0.3
PLAIN_QUIET_SECONDS = 3.0
"""Celery has nothing left to do if no message waits and no task has recorded an effect so long."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    name: str
    faults: Sequence[InjectFault]
    jobs: int


def scenarios(profile: Profile, *, seed: int, on_postgresql: bool) -> Iterator[Scenario]:
    def scenario(name: str, *injected: InjectFault) -> Scenario:
        return Scenario(name=name, faults=injected, jobs=profile.jobs)

    yield scenario("worker killed", *[faults.kill_worker] * 2)
    yield scenario("child killed", *[faults.kill_child] * 3)
    yield scenario("machine killed", *[faults.kill_machine] * 2)
    yield scenario("redis killed", *[faults.kill_redis] * 2)
    yield scenario("web killed before publishing", faults.kill_web)
    for seconds in profile.redis_freeze_seconds:
        yield scenario(f"redis frozen {seconds:g} s", faults.freeze_redis(seconds))
    yield scenario("worker frozen past its lease", faults.freeze_worker)
    yield scenario("redis flushed", faults.flush_redis)
    yield scenario("each message three times", *[faults.deliver_three_times] * 2)
    yield scenario("database locked", faults.lock_database)
    if on_postgresql:
        yield scenario("database closes connections", *[faults.close_database_connections] * 3)
    yield storm(profile, seed=seed)


def storm(profile: Profile, *, seed: int) -> Scenario:
    """Many kills of all kinds in a random order."""
    kills = list(faults.KILLS) * -(-profile.storm_kills // len(faults.KILLS))
    Random(seed).shuffle(kills)
    return Scenario(name="storm", faults=kills[: profile.storm_kills], jobs=profile.storm_jobs)


def run(stack: Stack, scenario: Scenario, *, profile: Profile, seed: int) -> Iterator[Verdict]:
    """Yields the verdict on Picha, then the one on plain Celery under the same load and faults."""
    stack.wait_until_ready()
    random = Random(f"{seed} {scenario.name}")
    name = scenario.name.replace(" ", "_")
    load = LoadGenerator(stack, name=f"{name}.{seed}", profile=profile, jobs=scenario.jobs)
    load.start()
    injected = []
    for inject in scenario.faults:
        pause(load.duration / (len(scenario.faults) + 1))
        injected.append(inject(stack, profile, random))
    load.join()
    wait_until_ended(stack, load, profile=profile)
    yield _judge_jobs(stack, load.tracked, scenario, injected, profile=profile)
    yield _judge_plain_tasks(stack, load.plain, scenario, injected)


def wait_until_ended(stack: Stack, load: LoadGenerator, *, profile: Profile) -> None:
    """Waits until all jobs and tasks have ended, or have recorded nothing for too long."""

    def wait(have_ended: Callable[[], bool]) -> None:
        size, changed_at = 0, time.monotonic()
        while time.monotonic() < changed_at + profile.quiet_seconds_max and not have_ended():
            if stack.effects.stat().st_size != size:
                size, changed_at = stack.effects.stat().st_size, time.monotonic()
            pause(POLL_INTERVAL)

    wait(lambda: _have_jobs_ended(stack, load.tracked))
    wait(lambda: _have_plain_tasks_ended(stack, load.plain))


def _job_rows(stack: Stack, requests: Requests) -> list[JobRow]:
    return [row for row in stack.database.jobs() if row.token.startswith(requests.prefix)]


def _have_jobs_ended(stack: Stack, requests: Requests) -> bool:
    return all(row.state in FINISHED for row in _job_rows(stack, requests))


def _have_plain_tasks_ended(stack: Stack, requests: Requests) -> bool:
    entries = effects.read(stack.effects, prefix=requests.prefix)
    ended = {entry.token for entry in entries if entry.kind == effects.ENDED}
    newest = max((entry.at for entry in entries), default=0.0)
    is_quiet = time.time() - newest > PLAIN_QUIET_SECONDS and not stack.waiting_count()
    return is_quiet or ended >= requests.acknowledged.keys()


def _judge_jobs(
    stack: Stack,
    requests: Requests,
    scenario: Scenario,
    injected: Sequence[Fault],
    *,
    profile: Profile,
) -> Verdict:
    rows = _job_rows(stack, requests)
    entries = effects.read(stack.effects, prefix=requests.prefix)
    ended = {row.token: row.finished_at for row in rows if row.finished_at}
    counts = audit.count_jobs(
        requests, rows, stack.database.items(), entries, items_per_job=profile.items
    )
    return make_verdict(
        scenario.name,
        "picha",
        stack,
        requests,
        injected,
        **counts,
        **audit.recovery_times(requests.acknowledged, ended, injected),
    )


def _judge_plain_tasks(
    stack: Stack, requests: Requests, scenario: Scenario, injected: Sequence[Fault]
) -> Verdict:
    entries = effects.read(stack.effects, prefix=requests.prefix)
    ended = {entry.token: entry.at for entry in reversed(entries) if entry.kind == effects.ENDED}
    return make_verdict(
        scenario.name,
        "plain celery",
        stack,
        requests,
        injected,
        **audit.count_plain_tasks(requests, stack.broker_messages(), entries),
        **audit.recovery_times(requests.acknowledged, ended, injected),
    )


def make_verdict(
    name: str,
    system: str,
    stack: Stack,
    requests: Requests,
    injected: Sequence[Fault],
    **counts: object,
) -> Verdict:
    return Verdict(
        scenario=name,
        system=system,
        database=stack.database.vendor,
        acknowledged=len(requests.acknowledged),
        refused=len(requests.sent) - len(requests.acknowledged),
        kills=sum(fault.kills for fault in injected),
        **counts,  # type: ignore[arg-type]  # the audit's keys are fields of Verdict
    )
