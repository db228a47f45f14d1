"""Everything that crosses the WebSocket, version 1.

JSON text frames; times are seconds since 1970, durations are seconds. Unknown fields and types
in a browser's frame are refused (`msgspec.ValidationError`).
"""

from typing import Final, get_args
from uuid import UUID

import msgspec
from msgspec import Struct


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
_decoder: Final[msgspec.json.Decoder[ClientFrame]] = msgspec.json.Decoder(ClientFrame)
_types: Final = msgspec.json.Decoder(_Typed)


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


def jobs_frame(seq: int, snapshots: list[str]) -> str:
    """A frame of snapshots that are encoded already: one encoding serves all sockets."""
    return f'{{"type":"jobs","seq":{seq},"jobs":[{",".join(snapshots)}]}}'


def overview_frame(seq: int, numbers: str, snapshots: list[str]) -> str:
    jobs = ",".join(snapshots)
    return f'{{"type":"overview","seq":{seq},"numbers":{numbers},"jobs":[{jobs}]}}'
