"""The operating system's processes of a running site, and whether they have ended."""

import os
from pathlib import Path

from picha.tests.stack import TIMEOUT_SECONDS, Stack
from realtime.tests.support.polling import until
from realtime.tests.support.ports import PORTS_OF_A_RUN, is_listening


def process_ids(site: Stack) -> set[int]:
    """All processes of the programs and their children: each program has its own group."""
    groups = {program.pid for program in site.control.programs().values()}
    return {pid for pid in _all_processes() if _group(pid) in groups}


def _all_processes() -> set[int]:
    return {int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()}


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def wait_until_ended(pids: set[int], *, site: Stack) -> None:
    until(
        lambda: _have_ended(pids, site=site),
        within=TIMEOUT_SECONDS,
        what="every process has ended",
    )


def _have_ended(pids: set[int], *, site: Stack) -> bool:
    ports = range(site.port, site.port + PORTS_OF_A_RUN)
    return not any(map(_group, pids)) and not any(map(is_listening, ports))
