"""Effects: a file in which tasks record what they really do, independent of database and broker.

A task appends a line by one `write`, which is atomic for so few bytes. So many processes can share
the file, and a process that is killed loses no line.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VARIABLE: Final = "CHAOS_EFFECTS"

BEGUN: Final = "begun"
"""The body of a task began."""
EFFECT: Final = "effect"
"""The effect of an item happened."""
ENDED: Final = "ended"
"""The body of a task returned."""


@dataclass(frozen=True, slots=True)
class Entry:
    at: float
    kind: str
    token: str
    item: str
    pid: int


def record(kind: str, token: str, item: str = "-") -> None:
    file = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, f"{time.time()} {kind} {token} {item} {os.getpid()}\n".encode())
    finally:
        os.close(file)


def read(path: Path, *, prefix: str = "") -> list[Entry]:
    """The entries whose token begins with `prefix`."""
    if not path.exists():
        return []
    words = (line.split() for line in path.read_text("utf-8").splitlines())
    return [
        Entry(float(at), kind, token, item, int(pid))
        for at, kind, token, item, pid in words
        if token.startswith(prefix)
    ]


def tokens_at_work(path: Path) -> dict[int, str]:
    """The tokens of the tasks that have begun an effect and not ended, by process id."""
    newest = {entry.pid: entry for entry in read(path)}
    return {pid: entry.token for pid, entry in newest.items() if entry.kind == EFFECT}
