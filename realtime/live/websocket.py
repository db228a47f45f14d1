"""The WebSocket at `/ws/jobs/`: frames in, to the hub; whatever goes out, the hub sends.

A bare ASGI application: Channels' consumers hop to a thread for a database check at every
message, which with thousands of sockets is most of the cost.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from asgiref.sync import sync_to_async
from channels.sessions import InstanceSessionWrapper

from realtime.access import Viewer
from realtime.conf import conf
from realtime.live.client_address import client_address
from realtime.live.hub import hub
from realtime.live.quota import Quota
from realtime.live.socket import Send, Socket
from realtime.live.watcher import Closed
from realtime.live.wire import (
    MALFORMED,
    TOO_MANY,
    Ack,
    ClientFrame,
    Denied,
    Error,
    Overview,
    Ping,
    Pong,
    UnknownType,
    Unwatch,
    Watch,
    Watched,
    parse,
)
from realtime.servers.daphne import with_backpressure
from realtime.snapshots.schema import encode

log: Final = logging.getLogger(__name__)

CLOSING: Final = 1.0
"""Seconds that a refused browser has to take the reason, and again the closing frame."""

Receive = Callable[[], Awaitable[dict[str, Any]]]


async def jobs_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one browser until it goes, or is let go."""
    await receive()  # websocket.connect
    viewer = await sync_to_async(Viewer.of)(scope["user"])
    await send({"type": "websocket.accept"})
    send = with_backpressure(without_session(send))
    socket = Socket(send, viewer, session_key=session_key_of(scope))
    quota = Quota()
    count_pings(send, lambda: _count(socket, quota))
    try:
        hub().join(socket, address=client_address(scope))
        await _serve(socket, receive, quota)
    except Closed as refusal:
        socket.refusal = refusal
        await _refuse(socket, send, refusal)
    except asyncio.CancelledError:
        if socket.refusal is None:
            raise  # the server ends
        clear_cancellation()
        await _refuse(socket, send, socket.refusal)
    finally:
        hub().leave(socket)


async def _refuse(socket: Socket, send: Send, refusal: Closed) -> None:
    """Say why, and close; a reader that takes neither does not keep us."""
    socket.close()
    reason = encode(Error(code=str(refusal.code), detail=str(refusal)))
    last_words: tuple[dict[str, Any], ...] = (
        {"type": "websocket.send", "text": reason},
        {"type": "websocket.close", "code": refusal.code},
    )
    for message in last_words:
        try:
            async with asyncio.timeout(CLOSING):
                await send(message)
        except TimeoutError:
            log.info("A socket that took no last word was dropped: %s", refusal)


def without_session(send: Send) -> Send:
    """Channels' session middleware looks at the session at every message, in case a cookie is to
    be set by it; no frame does, and the look costs as much as the frame's way to the server."""
    wrapper = getattr(send, "__self__", None)
    return wrapper.real_send if isinstance(wrapper, InstanceSessionWrapper) else send


def session_key_of(scope: dict[str, Any]) -> str:
    session = scope.get("session")
    return (session.session_key if session is not None else None) or ""


def clear_cancellation() -> None:
    """This task was cancelled by the hub, to say that it should close; it has been heard."""
    if (task := asyncio.current_task()) is not None:
        task.uncancel()


def count_pings(send: Send, pinged: Callable[[], None]) -> None:
    """Have `pinged` called at each ping of the protocol, which the server answers by itself."""
    server: Any = getattr(send, "__self__", None)
    if hasattr(server, "pinged"):
        server.pinged = pinged


def _count(socket: Socket, quota: "Quota") -> None:
    try:
        quota.count()
    except Closed as refusal:
        socket.dismiss(refusal)


async def _serve(socket: Socket, receive: Receive, quota: "Quota") -> None:
    while (message := await receive())["type"] != "websocket.disconnect":
        try:
            frame = _parsed(message)
        except UnknownType as unknown:
            quota.count()
            await socket.send_text(encode(Error(code="unknown", detail=str(unknown))))
        else:
            if not _is_asked_for(socket, frame):
                quota.count()
            await _handle_frame(socket, frame)


def _is_asked_for(socket: Socket, frame: ClientFrame) -> bool:
    """Whether it answers what was sent: there are as many such frames as the hub makes."""
    return isinstance(frame, Ack) and socket.awaits(frame.seq)


def _parsed(message: dict[str, Any]) -> ClientFrame:
    text = message.get("text")
    if text is None:
        raise Closed(MALFORMED, "Frames are JSON text, not binary.")
    if len(text.encode()) > conf.FRAME_MAX_BYTES:
        raise Closed(MALFORMED, f"A frame has at most {conf.FRAME_MAX_BYTES} bytes.")
    try:
        return parse(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Closed(MALFORMED, f"Not a frame of this protocol: {error}") from error


async def _handle_frame(socket: Socket, frame: ClientFrame) -> None:
    match frame:
        case Watch(jobs=jobs):
            await _watch(socket, jobs)
        case Unwatch(jobs=ids):
            hub().unwatch(socket, ids)
        case Overview():
            await _watch_overview(socket)
        case Ping():
            await socket.send_text(encode(Pong()))
        case Ack(seq=sequence) if not socket.acknowledge(sequence):
            raise Closed(MALFORMED, f"Frame {sequence} cannot be acknowledged.")


async def _watch(socket: Socket, jobs: list[Watched]) -> None:
    wanted = socket.watches | {job.id for job in jobs}
    if len(wanted) > conf.WATCHES_MAX:
        raise Closed(TOO_MANY, f"A socket watches at most {conf.WATCHES_MAX} jobs.")
    if denied := await hub().watch(socket, jobs):
        await socket.send_text(encode(Denied(jobs=denied)))


async def _watch_overview(socket: Socket) -> None:
    if socket.viewer.is_operator:
        hub().oversee(socket)
    else:
        await socket.send_text(encode(Error(code="denied", detail="For operators only.")))
