"""Waits until a run is ready, then tells of what dies in it."""

import http.client
import json
import sys
import time
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from picha.run.control import Program
from picha.run.plan import Plan
from picha.run.preflight import CannotRun, newest_problem
from picha.run.supervisor import Daemon

PATIENCE = 90.0  # seconds until everything must be up; a slow machine takes 20
LOOK_EVERY = 1.0


def wait_until_ready(daemon: Daemon, *, plan: Plan) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        programs = daemon.programs()
        _refuse_the_dead(daemon, programs, plan=plan)
        if all_up(programs, plan=plan) and (plan.services_only or not what_is_down(plan)):
            return
        time.sleep(0.1)
    waiting_for = [name for name in plan.programs if not _is_up(daemon.programs(), name)]
    raise CannotRun(
        f"after {PATIENCE:.0f} seconds this is still not up: "
        f"{', '.join(waiting_for or what_is_down(plan))}. The logs are in {plan.logs}."
    )


def _refuse_the_dead(daemon: Daemon, programs: Mapping[str, Program], *, plan: Plan) -> None:
    if daemon.has_died:
        raise CannotRun(f"supervisord ended: {newest_problem(plan.log_of('supervisord'))}")
    for program in programs.values():
        if program.is_fatal:
            raise CannotRun(of_the_dead(program, plan=plan))


def all_up(programs: Mapping[str, Program], *, plan: Plan) -> bool:
    return all(_is_up(programs, name) for name in plan.programs)


def _is_up(programs: Mapping[str, Program], name: str) -> bool:
    return name in programs and programs[name].is_running


def what_is_down(plan: Plan) -> list[str]:
    """The parts that the site itself misses."""
    connection = http.client.HTTPConnection("127.0.0.1", plan.port)
    try:
        connection.request("GET", "/readyz", headers={"Host": urlsplit(plan.site_url).netloc})
        response = connection.getresponse()
        if response.status == http.client.OK:
            return []
        parts = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        return ["web"]
    finally:
        connection.close()
    return [name for name, word in parts.items() if word == "down"] or ["web"]


def watch(daemon: Daemon, *, plan: Plan) -> None:
    """Returns only when supervisord itself is gone."""
    known = daemon.programs()
    while not daemon.has_died:
        time.sleep(LOOK_EVERY)
        now = daemon.programs()
        for line in news(known, now, plan=plan):
            print(line, file=sys.stderr, flush=True)
        # One that is between two lives has no process id: what is known of it is its last.
        known |= {name: one for name, one in now.items() if one.pid or one.is_fatal}
    print(f"supervisord ended. It said: {_said('supervisord', plan=plan)}", file=sys.stderr)


def news(known: Mapping[str, Program], now: Mapping[str, Program], *, plan: Plan) -> Iterator[str]:
    for name, program in now.items():
        before = known.get(name)
        if program.is_fatal and not (before and before.is_fatal):
            yield of_the_dead(program, plan=plan)
        elif program.pid and before and before.pid not in {0, program.pid}:
            yield f"{name} had ended and was started again. Its log: {plan.log_of(name)}"


def of_the_dead(program: Program, *, plan: Plan) -> str:
    return (
        f"{program.name} does not stay up. It said: {_said(program.name, plan=plan)} "
        "When that is mended, end this with Ctrl-C and run `make run` again."
    )


def _said(name: str, *, plan: Plan) -> str:
    log = plan.log_of(name)
    return f"{newest_problem(log)!r} (all of it: {log})."
