"""The frames of the WebSocket protocol at `/ws/jobs/`, version 1, and its close codes.

Frames are JSON text; times are seconds since 1970, durations are seconds. Unknown fields and wrong
types in a browser's frame raise `msgspec.ValidationError`.
"""

from typing import Final, get_args
from uuid import UUID

import msgspec
from msgspec import Struct


class WatchRequest(Struct, frozen=True, forbid_unknown_fields=True):
    id: UUID
    key: str = ""


class Watch(Struct, frozen=True, forbid_unknown_fields=True, tag="watch"):
    jobs: list[WatchRequest]


class Unwatch(Struct, frozen=True, forbid_unknown_fields=True, tag="unwatch"):
    jobs: list[UUID]


class Overview(Struct, frozen=True, forbid_unknown_fields=True, tag="overview"):
    pass


class Ack(Struct, frozen=True, forbid_unknown_fields=True, tag="ack"):
    seq: int


class Ping(Struct, frozen=True, forbid_unknown_fields=True, tag="ping"):
    """Asks for a pong: scripts cannot see the ping frames of the WebSocket protocol."""


class Pong(Struct, frozen=True, tag="pong"):
    """Answers a ping."""


class Denied(Struct, frozen=True, tag="denied"):
    """The same answer for a job that does not exist and for one that may not be watched."""

    jobs: list[UUID]


class Error(Struct, frozen=True, tag="error"):
    code: str
    detail: str


ClientFrame = Watch | Unwatch | Overview | Ack | Ping

ACK_EVERY: Final = 16
"""A browser acknowledges one frame of so many."""

AGED: Final = 1001
MALFORMED: Final = 4400
SESSION_ENDED: Final = 4401
TOO_SLOW: Final = 4408
TOO_MANY: Final = 4429
"""The codes that sockets are closed with; after 1001 and 4408 the browser opens another socket."""


class UnknownType(Exception):
    """The frame has an unknown type: the page may be newer than this server."""


class _Typed(Struct):
    type: str


TYPES: Final = frozenset(str(each.__struct_config__.tag) for each in get_args(ClientFrame))
_decoder: Final[msgspec.json.Decoder[ClientFrame]] = msgspec.json.Decoder(ClientFrame)
_types: Final = msgspec.json.Decoder(_Typed)


def parse(frame: str) -> ClientFrame:
    """Decode a browser's frame.

    Raises:
        UnknownType: this version of the protocol has no such frame.
        msgspec.DecodeError: it is not JSON, or (`msgspec.ValidationError`) has wrong fields.
    """
    try:
        return _decoder.decode(frame)
    except msgspec.ValidationError:
        name = _types.decode(frame).type
        if name not in TYPES:
            types = ", ".join(sorted(TYPES))
            raise UnknownType(f"{name[:50]!r} is not a type of frame: use {types}.") from None
        raise


def jobs_frame(seq: int, snapshots: list[str]) -> str:
    """A frame of encoded snapshots: each snapshot is encoded once for all sockets."""
    return f'{{"type":"jobs","seq":{seq},"jobs":[{",".join(snapshots)}]}}'


def overview_frame(seq: int, numbers: str, snapshots: list[str]) -> str:
    jobs = ",".join(snapshots)
    return f'{{"type":"overview","seq":{seq},"numbers":{numbers},"jobs":[{jobs}]}}'
