"""Is there room for a run here? Each refusal is a sentence that says what to do."""

import errno
import fcntl
import os
import socket
import stat
from pathlib import Path
from typing import IO

from picha.run.plan import HOME, Plan

# In an INI file that is read with Python's % formatting and then split as a shell would.
UNUSABLE = frozenset('%"\\;\n')


class CannotRun(Exception):
    """Its text is for the person at the terminal."""


def claim(plan: Plan) -> IO[str]:
    """The folders of the run, and a lock on them that ends with this process, however it ends."""
    _check_names(plan.var_dir, HOME)
    try:
        for folder in (plan.var_dir, plan.logs, plan.var_dir / "valkey"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (plan.var_dir / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise CannotRun(
            f"{plan.var_dir} cannot be written ({error.strerror}): "
            "make it writable, or set VAR_DIR to another folder."
        ) from None
    try:
        _take(lock, plan)
        _prepare_sockets(plan)
    except CannotRun:
        lock.close()
        raise
    return lock


def _check_names(*folders: Path) -> None:
    for folder in folders:
        if found := UNUSABLE.intersection(str(folder)):
            raise CannotRun(
                f"the path {str(folder)!r} has {' and '.join(sorted(found))} in it, which mean "
                "something else in Supervisor's configuration: use another folder."
            )


def _take(lock: IO[str], plan: Plan) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise CannotRun(
            f"{plan.var_dir} is in use by another run (process {lock.read().strip()}): "
            "stop that one, or set VAR_DIR to another folder and PORT to another number."
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()


def _prepare_sockets(plan: Plan) -> None:
    folder = plan.sockets
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise CannotRun(
            f"{folder} belongs to somebody else: set VAR_DIR to a folder of a shorter name."
        )
    folder.chmod(0o700)
    for left_over in folder.glob("*.sock*"):
        left_over.unlink()


def check_ports(plan: Plan) -> None:
    for program, port in plan.ports.items():
        if not _is_free(port):
            raise CannotRun(
                f"Port {port} on 127.0.0.1 is in use, and the {program} program needs it "
                f"(the ports are PORT to PORT+3). Stop what listens there, or choose other ports: "
                f"PORT={plan.port + 1000} make run"
            )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As supervisord and daphne do: connections that have just ended must not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise CannotRun(f"Port {port} is not allowed here: set PORT above 1023.") from None
            return False
    return True


def newest_problem(log: Path) -> str:
    """The last line of a log that says something."""
    if not log.exists():
        return ""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")
