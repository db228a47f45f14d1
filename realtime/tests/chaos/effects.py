"""What tasks have really done: lines in a file, past every database, broker and ledger.

A line is appended by one `write`, which is atomic for so few bytes, so that any number of
processes share the file and none of them loses a line when it is killed.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VARIABLE: Final = "CHAOS_EFFECTS"

BEGUN: Final = "begun"  # a body began
EFFECT: Final = "effect"  # an item's effect happened
ENDED: Final = "ended"  # a body returned


@dataclass(frozen=True, slots=True)
class Line:
    at: float
    kind: str
    token: str
    item: str
    pid: int


def note(kind: str, token: str, item: str = "-") -> None:
    file = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, f"{time.time()} {kind} {token} {item} {os.getpid()}\n".encode())
    finally:
        os.close(file)


def read(path: Path, *, prefix: str = "") -> list[Line]:
    """The lines of the tokens that begin with `prefix`."""
    if not path.exists():
        return []
    words = (line.split() for line in path.read_text("utf-8").splitlines())
    return [
        Line(float(at), kind, token, item, int(pid))
        for at, kind, token, item, pid in words
        if token.startswith(prefix)
    ]


def at_work(path: Path) -> dict[int, str]:
    """The processes that have begun an effect and are not through with the body: whose."""
    last = {line.pid: line for line in read(path)}
    return {pid: line.token for pid, line in last.items() if line.kind == EFFECT}
