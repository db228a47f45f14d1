"""Schema: the types of snapshots and of the operators' numbers, and their JSON."""

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
    """The file that a job has made; `size` is in bytes.

    `url` has no watch key, because a snapshot is the same for all viewers. A viewer who has one
    adds it as `?key=…`.
    """

    name: str
    size: int
    url: str


class Snapshot(Struct, frozen=True, kw_only=True):
    """All that a viewer may see of a job at one moment.

    Of two snapshots of a job, the one with the greater `(revision, tick)` is newer. Times are
    Unix times, in seconds.

    `fraction` is that of the whole job, from 0 to 1, and None while it is unknown. `done`, `total`
    and `unit` are those of the current phase; `rate` is in units per second, `eta` in seconds.
    `place` is the place in the queue, 1 for the next job. `expected_wait` is the estimated number
    of seconds until the job starts; None if it is unknown. `reason` is a sentence that says why a
    waiting job does not start, if something is wrong. `failed` is the number of failed items.
    `batch` says that child jobs do the work of the job. Every part has a limit, see
    `realtime.conf`: of a large `result`, only the whole numbers are here.
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
    """A snapshot with the fields that only operators may see."""

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
