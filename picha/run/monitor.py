"""Monitor: waits until all programs are up, then prints a line when one ends or restarts."""

import http.client
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from picha.run.control import Program
from picha.run.plan import Plan
from picha.run.preflight import CannotRun
from picha.run.supervisor import Supervisor

START_SECONDS = 90.0  # until everything must be up; a slow machine takes 20
POLL_SECONDS = 1.0


def wait_until_ready(supervisor: Supervisor, *, plan: Plan) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        programs = supervisor.programs()
        _check_for_failures(supervisor, programs, plan=plan)
        if all_up(programs, plan=plan) and (plan.services_only or not parts_down(plan)):
            return
        time.sleep(0.1)
    waiting_for = [name for name in plan.programs if not _is_up(supervisor.programs(), name)]
    raise CannotRun(
        f"after {START_SECONDS:.0f} seconds these are still not up: "
        f"{', '.join(waiting_for or parts_down(plan))}. The logs are in {plan.logs}."
    )


def _check_for_failures(
    supervisor: Supervisor, programs: Mapping[str, Program], *, plan: Plan
) -> None:
    if supervisor.has_ended:
        raise CannotRun(f"supervisord ended. {_last_line('supervisord', plan=plan)}")
    for program in programs.values():
        if program.is_fatal:
            raise CannotRun(failure(program, plan=plan))


def all_up(programs: Mapping[str, Program], *, plan: Plan) -> bool:
    return all(_is_up(programs, name) for name in plan.programs)


def _is_up(programs: Mapping[str, Program], name: str) -> bool:
    return name in programs and programs[name].is_running


def parts_down(plan: Plan) -> list[str]:
    """The parts that the site itself says are down; "web" if the site does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", plan.port)
    try:
        connection.request("GET", "/readyz", headers={"Host": urlsplit(plan.site_url).netloc})
        response = connection.getresponse()
        if response.status == http.client.OK:
            return []
        states = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        return ["web"]
    finally:
        connection.close()
    return [name for name, state in states.items() if state == "down"] or ["web"]


def monitor(supervisor: Supervisor, *, plan: Plan) -> None:
    """Returns only when supervisord itself has ended."""
    before = supervisor.programs()
    while not supervisor.has_ended:
        time.sleep(POLL_SECONDS)
        now = supervisor.programs()
        for line in changes(before, now, plan=plan):
            print(line, file=sys.stderr, flush=True)
        # A program that is about to be restarted has no process id: remember its last one.
        before |= {
            name: program for name, program in now.items() if program.pid or program.is_fatal
        }
    print(f"supervisord ended. {_last_line('supervisord', plan=plan)}", file=sys.stderr)


def changes(
    before: Mapping[str, Program], now: Mapping[str, Program], *, plan: Plan
) -> Iterator[str]:
    for name, program in now.items():
        previous = before.get(name)
        if program.is_fatal and not (previous and previous.is_fatal):
            yield failure(program, plan=plan)
        elif program.pid and previous and previous.pid not in {0, program.pid}:
            yield f"{name} had ended and was started again. Its log: {plan.log_of(name)}"


def failure(program: Program, *, plan: Plan) -> str:
    return (
        f"{program.name} ends each time it is started. {_last_line(program.name, plan=plan)} "
        "Correct the cause, end the site with Ctrl-C and run `make run` again."
    )


def _last_line(program: str, *, plan: Plan) -> str:
    log = plan.log_of(program)
    return f"The last line of its log: {last_line(log)!r} (the whole log: {log})."


def last_line(log: Path) -> str:
    """The last line that is not blank; empty if there is none, or no such file."""
    if not log.exists():
        return ""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")
