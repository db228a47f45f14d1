import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from picha.run.process_groups import ProcessGroups

PROGRAM = """import subprocess, sys
if sys.argv[1] == "with-child":
    subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def program(*, child: bool) -> "Iterator[subprocess.Popen[bytes]]":
    """A process that leads a group; its child stays when it is killed."""
    command = [sys.executable, "-c", PROGRAM, "with-child" if child else "alone"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True) as process:
        assert process.stdout
        process.stdout.readline()
        yield process


def kill_leader(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def test_the_children_of_a_killed_program_are_killed_too() -> None:
    groups = ProcessGroups()
    with program(child=True) as first, program(child=False) as second:
        groups.update([first.pid])
        kill_leader(first)
        groups.update([second.pid])
        assert groups.ids == {first.pid, second.pid}
        groups.kill()
        assert second.wait() == -signal.SIGKILL


def test_an_empty_group_is_forgotten() -> None:
    groups = ProcessGroups()
    with program(child=False) as first, program(child=False) as second:
        groups.update([first.pid])
        kill_leader(first)
        groups.update([second.pid])
        assert groups.ids == {second.pid}
        kill_leader(second)


def test_a_program_without_a_process_has_no_group() -> None:
    groups = ProcessGroups()
    groups.update([0])
    assert groups.ids == set()
