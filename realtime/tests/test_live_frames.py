"""Malformed frames and hostile headers, on both servers: the right answer, no traceback, and no
effect on other browsers."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from uuid import uuid4

import pytest

from realtime.live.wire import MALFORMED, TOO_MANY
from realtime.models import Job
from realtime.states import JobState, Visibility
from realtime.tests.support.raw_socket import (
    BINARY,
    BROKEN,
    CLOSE,
    CONTINUATION,
    PING,
    Header,
    Raw,
    connected,
    frame,
    handshake,
    opened,
    request,
)
from realtime.tests.support.servers import Web, serving
from realtime.tests.support.valkey import Valkey

pytestmark = [pytest.mark.stack, pytest.mark.once, pytest.mark.django_db(transaction=True)]

ID: Final = uuid4()
MIB: Final = 1024 * 1024
CHECKED_AFTER: Final = 1.5
"""Seconds after which daphne has logged how an application has ended."""
PROTOCOL_ERROR, INVALID_DATA, TOO_BIG = 1002, 1007, 1009


@pytest.fixture(scope="module")
def webs(django_db_setup: None, valkey: Valkey) -> Iterator[dict[str, Web]]:
    with serving(REALTIME_SOCKETS_PER_ADDRESS="1000") as both:
        yield both
        time.sleep(CHECKED_AFTER)
        for web in both.values():
            assert "Traceback" not in web.log, web.log


@pytest.fixture(params=["daphne", "uvicorn"])
def web(request: pytest.FixtureRequest, webs: dict[str, Web]) -> Web:
    return webs[request.param]


async def make() -> Job:
    defaults = {"task": "t", "title": "T", "queue": "celery", "visibility": Visibility.PUBLIC}
    return await Job.objects.acreate(**defaults, state=JobState.RUNNING)


@asynccontextmanager
async def attacked(web: Web) -> AsyncIterator[Raw]:
    """A socket of an attacker; neither the job nor a browser that watches it may be affected."""
    job = await make()
    before = await Job.objects.filter(pk=job.pk).values().aget()
    log_size = len(web.log)
    async with opened(web.port) as other, opened(web.port) as attacker:
        await other.watch(job.pk)
        assert (await other.receive_json())["type"] == "jobs"
        yield attacker
        assert await other.is_alive()
    assert await Job.objects.filter(pk=job.pk).values().aget() == before
    assert "Traceback" not in web.log[log_size:]


def text_frame(**fields: Any) -> bytes:
    return frame(json.dumps(fields).encode())


def watch(*jobs: object) -> bytes:
    return text_frame(type="watch", jobs=list(jobs))


FRAMES: Final = {
    "bad UTF-8": (frame(b'{"type":"\xff\xfe"}'), INVALID_DATA),
    "bad UTF-8 in fragments": (
        frame(b"\xf0\x9f", fin=False) + frame(b"\xff\xff", opcode=CONTINUATION),
        INVALID_DATA,
    ),
    "half a surrogate": (frame(b"\xed\xa0\x80"), INVALID_DATA),
    "unmasked": (frame(b'{"type":"ping"}', masked=False), PROTOCOL_ERROR),
    "a reserved bit": (frame(b'{"type":"ping"}', rsv=4), PROTOCOL_ERROR),
    "all reserved bits": (frame(b'{"type":"ping"}', rsv=7), PROTOCOL_ERROR),
    "a reserved opcode": (frame(b"{}", opcode=0x3), PROTOCOL_ERROR),
    "a continuation without a first frame": (frame(b"{}", opcode=CONTINUATION), PROTOCOL_ERROR),
    "a fragmented ping": (frame(b"", opcode=PING, fin=False), PROTOCOL_ERROR),
    "a long ping": (frame(b"x" * 126, opcode=PING), PROTOCOL_ERROR),
    "half a closing code": (frame(b"\x03", opcode=CLOSE), PROTOCOL_ERROR),
    "no closing code": (frame((999).to_bytes(2, "big"), opcode=CLOSE), PROTOCOL_ERROR),
    "2 MiB": (frame(b"x" * 2 * MIB), TOO_BIG),
    "2 MiB in fragments": (
        frame(b"x" * 60_000, fin=False) + frame(b"x" * 60_000, opcode=CONTINUATION, fin=False) * 34,
        TOO_BIG,
    ),
    "2 MiB of nested JSON": (frame(b"[" * 2 * MIB), TOO_BIG),
    "nested JSON": (frame(b"[" * 100_000), TOO_BIG),
    "less nested JSON": (frame(b"[" * 60_000), MALFORMED),
    "nested JSON in a field": (frame(b'{"type":"watch","jobs":' + b"[" * 16_000), MALFORMED),
    "more bytes than allowed": (frame(b" " * 17_000), MALFORMED),
    "binary": (frame(b'{"type":"ping"}', opcode=BINARY), MALFORMED),
    "empty": (frame(b""), MALFORMED),
    "NUL": (frame(b"\0"), MALFORMED),
    "not JSON": (frame(b"{"), MALFORMED),
    "not an object": (frame(b"[]"), MALFORMED),
    "no type": (text_frame(jobs=[]), MALFORMED),
    "a type that is not text": (text_frame(type=7), MALFORMED),
    "jobs that are not a list": (text_frame(type="watch", jobs=5), MALFORMED),
    "an id that is not a UUID": (watch({"id": "7"}), MALFORMED),
    "a key that is not text": (watch({"id": str(ID), "key": 7}), MALFORMED),
    "half a surrogate in a key": (
        frame(b'{"type":"watch","jobs":[{"id":"%s","key":"\\ud800"}]}' % str(ID).encode()),
        MALFORMED,
    ),
    "an unknown field": (text_frame(type="ping", more=1), MALFORMED),
    "an ack of an unsent frame": (text_frame(type="ack", seq=1), MALFORMED),
    "a negative ack": (text_frame(type="ack", seq=-1), MALFORMED),
    "a huge ack": (text_frame(type="ack", seq=10**300), MALFORMED),
    "an ack that is not a number": (text_frame(type="ack", seq="1"), MALFORMED),
    "too many jobs": (watch(*({"id": str(uuid4())} for _ in range(101))), TOO_MANY),
}


@pytest.mark.parametrize("name", FRAMES)
async def test_a_malformed_frame_ends_its_own_connection_alone(web: Web, name: str) -> None:
    data, code = FRAMES[name]
    async with attacked(web) as raw:
        with suppress(OSError):  # The server may close it before all is written.
            await raw.write(data)
        # After a violation of the protocol, daphne disconnects without a close frame.
        dropped = {BROKEN} if web.name == "daphne" and code < 4000 else set()
        assert await raw.closed() in {code} | dropped


async def test_an_unknown_type_of_frame_is_answered(web: Web) -> None:
    async with attacked(web) as raw:
        await raw.send_json(type="unknown", field=1)
        answer = await raw.receive_json()
        assert (answer["type"], answer["code"]) == ("error", "unknown")
        assert await raw.is_alive()


@pytest.mark.parametrize(
    "key", ["", "é", "\0", "a:b:c", ":", "x" * 10_000, "\U0001f600", "' OR 1=1 --"]
)
async def test_an_invalid_watch_key_gives_no_access(web: Web, key: str) -> None:
    private = await Job.objects.acreate(task="t", title="T", queue="celery")
    async with attacked(web) as raw:
        await raw.write(watch({"id": str(private.pk), "key": key}))
        assert await raw.receive_json() == {"type": "denied", "jobs": [str(private.pk)]}


HOSTILE: Final = {
    "a root path": [("Daphne-Root-Path", "/evil")],
    "a root path in other letter case": [("daphne-root-PATH", "%2e%2e/%00")],
    "a root path that is not ASCII": [("Daphne-Root-Path", "\xff\xfe")],
    "headers of a proxy": [
        ("X-Forwarded-For", "10.0.0.1, ::1"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Port", "99999999"),
        ("Forwarded", "for=10.0.0.1;proto=https;host=evil.example"),
    ],
    "an invalid address": [("X-Forwarded-For", "\xff, " * 50)],
    "a rewritten URL": [("X-Original-URL", "/ops/"), ("X-Rewrite-URL", "/ops/")],
    "a method override": [("X-HTTP-Method-Override", "DELETE")],
    "cookies": [("Cookie", 'sessionid="; csrftoken=\xff; =; ;;; a=b=c; __proto__=1')],
    "invalid languages": [("Accept-Language", "x" * 3000), ("Accept", "*/*;q=\xff")],
    "invalid encodings": [("Accept-Encoding", "gzip;q=x, \xff"), ("Range", "bytes=9-1")],
    "invalid protocols": [("Sec-WebSocket-Protocol", "a, \xff, , b")],
    "invalid extensions": [("Sec-WebSocket-Extensions", "permessage-deflate; x=\xff; ;")],
    "a long header": [("X-Long", "x" * 9000)],
    "a very long header": [("X-Long", "x" * 200_000)],
    "many headers": [(f"X-Many-{number}", "x") for number in range(400)],
    "an underscore": [("X_Forwarded_For", "10.0.0.1"), ("Content_Length", "9")],
}
REFUSED: Final = {400, 403, 413, 414, 431}
NO_ANSWER: Final = 0
"""A request that is too long may be refused before all of it is sent; its answer is then lost."""


async def status(web: Web, data: bytes) -> tuple[int, bytes]:
    async with connected(web.port) as raw:
        with suppress(OSError):
            await raw.write(data)
        return await raw.read_head()


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_header_of_a_request_has_no_effect(web: Web, name: str) -> None:
    host: Header = ("Host", f"127.0.0.1:{web.port}")
    job = await make()
    path, log_size = f"/jobs/{job.pk}.json", len(web.log)
    plain, _ = await status(web, request(path, [host]))
    code, head = await status(web, request(path, [host, *HOSTILE[name]]))
    assert plain == 200
    assert code in {200, NO_ANSWER} | REFUSED
    assert b"evil" not in head
    assert "Traceback" not in web.log[log_size:]


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_header_of_a_handshake_has_no_effect(web: Web, name: str) -> None:
    async with attacked(web):
        code, head = await status(web, handshake(web.port, HOSTILE[name]))
    assert code in {101, NO_ANSWER} | REFUSED
    assert b"evil" not in head


@pytest.mark.parametrize("host", ["evil.example", "", "127.0.0.1:1@evil", "\xff"])
async def test_an_unknown_host_is_refused(web: Web, host: str) -> None:
    code, _ = await status(web, request("/healthz", [("Host", host)]))
    assert code in REFUSED


@pytest.mark.parametrize("name", ["/events", ".json"])
async def test_the_response_to_head_has_no_body(web: Web, name: str) -> None:
    host: Header = ("Host", f"127.0.0.1:{web.port}")
    path = f"/jobs/{(await make()).pk}{name}"
    async with connected(web.port) as raw:
        await raw.write(request(path, [host], method="HEAD") * 2 + request("/healthz", [host]))
        heads = [await raw.read_head() for _ in range(3)]
    assert [code for code, _ in heads] == [200, 200, 200]
    assert all(head.startswith(b"HTTP/1.1 ") for _, head in heads)
