"""The types of snapshots, and their JSON."""

from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Struct


class Phase(Struct, frozen=True):
    name: str
    state: Literal["waiting", "running", "done"]


class Item(Struct, frozen=True):
    key: str
    label: str
    outcome: str
    state: str
    detail: str
    image: str


class File(Struct, frozen=True):
    """What a job has made, to be downloaded; `size` in bytes.

    A watch key is not in `url`: a snapshot is the same for all watchers. Add it as `?key=…`.
    """

    name: str
    size: int
    url: str


class Snapshot(Struct, frozen=True, kw_only=True):
    """All that a watcher may see of a job at one moment.

    Of two snapshots of a job the one with the greater `(revision, tick)` is the newer. `fraction`
    is the whole job's, 0 to 1, and None while it cannot be known; `done`, `total` and `unit` are
    the current phase's; `rate` is in units a second. `place` is the place in the queue, 1 the
    next, and `expected_wait` how many seconds that may take, where it can be known, or how long a
    job is put off; `reason` says in a sentence why a job does not move, if it does not. `failed`
    is how many of its items have failed; a `batch` is carried on by jobs of its own.
    """

    id: UUID
    revision: int
    tick: int
    title: str
    state: str
    attempt: int
    max_attempts: int
    phase: str
    phases: list[Phase]
    fraction: float | None
    done: int
    total: int | None
    unit: str
    rate: float | None
    eta: float | None
    message: str
    counts: dict[str, int]
    failed: int = 0
    items: list[Item]
    place: int | None
    expected_wait: float | None = None
    reason: str
    error: str
    result: Any
    file: File | None = None
    subject_url: str
    queued_at: float
    started_at: float | None
    finished_at: float | None
    retry_at: float | None
    batch: bool = False


class OperatorSnapshot(Snapshot, frozen=True, kw_only=True):
    """A snapshot with what only operators may see."""

    task: str
    queue: str
    worker: str
    owner: str
    error_code: str


class Numbers(Struct, frozen=True, kw_only=True):
    """The operators' six numbers; `oldest_wait` in seconds, `success` from 0 to 1."""

    running: int
    waiting: int
    oldest_wait: float | None
    failed: int
    success: float | None
    workers_up: int
    workers_known: int


_encoder: Final = msgspec.json.Encoder()
_snapshots: Final = msgspec.json.Decoder(Snapshot)


def encode(value: Struct) -> str:
    return _encoder.encode(value).decode()


def decode_snapshot(text: str) -> Snapshot:
    return _snapshots.decode(text)
