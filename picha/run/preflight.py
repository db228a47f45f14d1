"""Preflight: checks, before anything is started, that the site can run here.

`make run` calls it. Each refusal is a CannotRun, whose text says what to do.
"""

import errno
import fcntl
import os
import socket
import stat
from pathlib import Path
from typing import IO

from picha.run.plan import HOME, Plan

OLDEST_PYTHON = (3, 11)
# Supervisor's configuration is an INI file, whose values Python formats with % and a shell splits.
FORBIDDEN_CHARACTERS = frozenset('%"\\;\n')


class CannotRun(Exception):
    """Its text is printed for the person who started the site."""


def check_python(version: tuple[int, int]) -> None:
    if version < OLDEST_PYTHON:
        raise CannotRun(
            f"this is Python {version[0]}.{version[1]}, and Picha needs 3.11 or newer: "
            "install a newer Python, remove the folder .venv and run `make run` again."
        )


def lock_folders(plan: Plan) -> IO[str]:
    """Create the folders of the run, and lock them until this process ends, however it ends."""
    _check_names(plan.var_dir, HOME)
    try:
        for folder in (plan.var_dir, plan.logs, plan.var_dir / "valkey"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (plan.var_dir / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise CannotRun(
            f"the folder {plan.var_dir} cannot be written ({error.strerror}): "
            "make it writable, or set VAR_DIR to another folder."
        ) from None
    try:
        _lock(lock, plan)
        _prepare_socket_folder(plan)
    except CannotRun:
        lock.close()
        raise
    return lock


def _check_names(*folders: Path) -> None:
    for folder in folders:
        if characters := FORBIDDEN_CHARACTERS.intersection(str(folder)):
            raise CannotRun(
                f"the path {str(folder)!r} contains {' and '.join(sorted(characters))}, which "
                "Supervisor's configuration cannot contain: use another folder."
            )


def _lock(lock: IO[str], plan: Plan) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise CannotRun(
            f"the folder {plan.var_dir} is in use by another run (process {lock.read().strip()}): "
            "stop that run, or set VAR_DIR to another folder and PORT to another number."
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()


def _prepare_socket_folder(plan: Plan) -> None:
    folder = plan.sockets
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise CannotRun(
            f"the folder {folder} belongs to another user: "
            "set VAR_DIR to a folder with a shorter path."
        )
    folder.chmod(0o700)
    for old_socket in folder.glob("*.sock*"):
        old_socket.unlink()


def check_ports(plan: Plan) -> None:
    for program, port in plan.ports.items():
        if not _is_free(port):
            raise CannotRun(
                f"port {port} on 127.0.0.1 is in use, and the program {program} needs it "
                f"(the site uses the ports {plan.port} to {plan.port + 3}). Stop the program that "
                f"uses it, or choose other ports: PORT={plan.port + 1000} make run"
            )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As supervisord and daphne do: a connection that has just ended does not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise CannotRun(
                    f"port {port} may be used only by the system: set PORT to a number above 1023."
                ) from None
            return False
    return True
