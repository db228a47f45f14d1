"""Everything that crosses the WebSocket, version 1.

JSON text frames; times are seconds since 1970, durations are seconds. Unknown fields and types
in a browser's frame are refused (`msgspec.ValidationError`).
"""

from typing import Any, Final, Literal, get_args
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


class Watched(Struct, frozen=True, forbid_unknown_fields=True):
    id: UUID
    key: str = ""


class Watch(Struct, frozen=True, forbid_unknown_fields=True, tag="watch"):
    jobs: list[Watched]


class Unwatch(Struct, frozen=True, forbid_unknown_fields=True, tag="unwatch"):
    jobs: list[UUID]


class Overview(Struct, frozen=True, forbid_unknown_fields=True, tag="overview"):
    pass


class Ack(Struct, frozen=True, forbid_unknown_fields=True, tag="ack"):
    seq: int


class Ping(Struct, frozen=True, forbid_unknown_fields=True, tag="ping"):
    """Is the link still there? Scripts cannot see the pings of the WebSocket protocol."""


class Pong(Struct, frozen=True, tag="pong"):
    """It is."""


class Denied(Struct, frozen=True, tag="denied"):
    """The same answer for a job that does not exist and for one that may not be watched."""

    jobs: list[UUID]


class Error(Struct, frozen=True, tag="error"):
    code: str
    detail: str


ClientFrame = Watch | Unwatch | Overview | Ack | Ping

ACK_EVERY: Final = 16
"""A browser acknowledges every so many frames."""

AGED: Final = 1001
MALFORMED: Final = 4400
SESSION_ENDED: Final = 4401
TOO_SLOW: Final = 4408
TOO_MANY: Final = 4429
"""The codes that a socket is closed with; after 1001 and 4408 the browser opens another."""


class UnknownType(Exception):
    """A frame of a type that is not known here: the page may be newer than this server."""


class _Typed(Struct):
    type: str


TYPES: Final = frozenset(each.__struct_config__.tag for each in get_args(ClientFrame))

_encoder: Final = msgspec.json.Encoder()
_snapshots: Final = msgspec.json.Decoder(Snapshot)
_decoder: Final[msgspec.json.Decoder[ClientFrame]] = msgspec.json.Decoder(ClientFrame)
_types: Final = msgspec.json.Decoder(_Typed)


def encode(value: Struct) -> str:
    return _encoder.encode(value).decode()


def parse(frame: str) -> ClientFrame:
    """The browser's frame.

    Raises:
        UnknownType: it may be one of a later version.
        msgspec.DecodeError: it is not JSON, or (`msgspec.ValidationError`) not as it should be.
    """
    try:
        return _decoder.decode(frame)
    except msgspec.ValidationError:
        name = _types.decode(frame).type
        if name not in TYPES:
            raise UnknownType(f"{name[:50]!r} is not known here.") from None
        raise


def decode_snapshot(text: str) -> Snapshot:
    return _snapshots.decode(text)


def jobs_frame(seq: int, snapshots: list[str]) -> str:
    """A frame of snapshots that are encoded already: one encoding serves all sockets."""
    return f'{{"type":"jobs","seq":{seq},"jobs":[{",".join(snapshots)}]}}'


def overview_frame(seq: int, numbers: str, snapshots: list[str]) -> str:
    jobs = ",".join(snapshots)
    return f'{{"type":"overview","seq":{seq},"numbers":{numbers},"jobs":[{jobs}]}}'
