import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from picha.run.control import Program
from picha.run.supervisor import Daemon


class Control:
    """Tells of one program, whichever runs now."""

    def __init__(self) -> None:
        self.pid = 0

    def programs(self) -> dict[str, Program]:
        return {"worker": Program(name="worker", state="RUNNING", pid=self.pid)}


class Watching(Daemon):
    """Has started nothing itself."""

    def __init__(self, control: Control) -> None:
        self.control = control  # type: ignore[assignment]
        self._process_groups = set()


# It leaves a child behind when it ends, if it is to.
PROGRAM = """import subprocess, sys
if sys.argv[1] == "child":
    subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def program(*, leaves: str) -> "Iterator[subprocess.Popen[bytes]]":
    command = [sys.executable, "-c", PROGRAM, leaves]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True) as process:
        assert process.stdout
        process.stdout.readline()
        yield process


def end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def test_what_a_program_has_left_is_killed_in_the_end() -> None:
    control = Control()
    daemon = Watching(control)
    with program(leaves="child") as first, program(leaves="nothing") as second:
        control.pid = first.pid
        daemon.programs()
        end(first)
        control.pid = second.pid
        daemon.programs()
        assert daemon._process_groups == {first.pid, second.pid}
        daemon._kill_the_rest()
        assert second.wait() == -signal.SIGKILL


def test_the_number_of_a_program_that_is_gone_is_forgotten() -> None:
    control = Control()
    daemon = Watching(control)
    with program(leaves="nothing") as first, program(leaves="nothing") as second:
        control.pid = first.pid
        daemon.programs()
        end(first)
        control.pid = second.pid
        daemon.programs()
        assert daemon._process_groups == {second.pid}
        end(second)
