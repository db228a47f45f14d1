"""The WebSocket at `/ws/jobs/`: reads the browser's frames; the hub sends the answers.

A bare ASGI application: Channels' consumers switch to a thread for a database check at every
message, which with thousands of sockets is most of the cost.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from channels.db import database_sync_to_async

from realtime.access import Viewer
from realtime.conf import conf
from realtime.live.client_address import client_address
from realtime.live.hub import hub
from realtime.live.quota import Quota
from realtime.live.socket import Send, Socket
from realtime.live.watcher import CloseConnection
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
    WatchRequest,
    parse,
)
from realtime.servers.daphne import lacks_backpressure, with_backpressure
from realtime.snapshots.schema import encode

log: Final = logging.getLogger(__name__)

CLOSE_SECONDS: Final = 1.0
"""Seconds in which a browser has to receive the reason, and again the close frame."""

Receive = Callable[[], Awaitable[dict[str, Any]]]


async def jobs_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one browser until it disconnects, or until its socket is closed."""
    await receive()  # websocket.connect
    if lacks_backpressure(scope, send):
        await send({"type": "websocket.close"})  # before the accept: refuses the handshake
        return
    viewer = await database_sync_to_async(Viewer.of)(scope["user"])
    await send({"type": "websocket.accept"})
    send = with_backpressure(send)
    socket = Socket(send, viewer, session_key=session_key_of(scope))
    quota = Quota()
    count_pings(send, lambda: _count_ping(socket, quota))
    try:
        hub().join(socket, address=client_address(scope))
        await _serve(socket, receive, quota)
    except CloseConnection as closed:
        socket.close_request = closed
        await _close(socket, send, closed)
    except asyncio.CancelledError:
        if socket.close_request is None:
            raise  # the server shuts down
        clear_cancellation()
        await _close(socket, send, socket.close_request)
    finally:
        hub().leave(socket)


async def _close(socket: Socket, send: Send, closed: CloseConnection) -> None:
    """Send the reason and the close frame, each within `CLOSE_SECONDS`."""
    socket.stop_sending()
    reason = encode(Error(code=str(closed.code), detail=str(closed)))
    messages: tuple[dict[str, Any], ...] = (
        {"type": "websocket.send", "text": reason},
        {"type": "websocket.close", "code": closed.code},
    )
    for message in messages:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await send(message)
        except TimeoutError:
            log.info("A browser did not receive why its socket was closed: %s", closed)


def session_key_of(scope: dict[str, Any]) -> str:
    session = scope.get("session")
    return (session.session_key if session is not None else None) or ""


def clear_cancellation() -> None:
    """Clear the cancellation that the hub used to wake this task."""
    if (task := asyncio.current_task()) is not None:
        task.uncancel()


def count_pings(send: Send, pinged: Callable[[], None]) -> None:
    """Call `pinged` at each ping frame, which the server answers without the application."""
    server: Any = getattr(send, "__self__", None)
    if hasattr(server, "pinged"):
        server.pinged = pinged


def _count_ping(socket: Socket, quota: Quota) -> None:
    try:
        quota.count()
    except CloseConnection as closed:
        socket.request_close(closed)


async def _serve(socket: Socket, receive: Receive, quota: Quota) -> None:
    while (message := await receive())["type"] != "websocket.disconnect":
        try:
            frame = _parsed(message)
        except UnknownType as unknown:
            quota.count()
            await socket.send_text(encode(Error(code="unknown", detail=str(unknown))))
        else:
            if not _is_expected_ack(socket, frame):
                quota.count()
            await _handle_frame(socket, frame)


def _is_expected_ack(socket: Socket, frame: ClientFrame) -> bool:
    """Whether it acknowledges a sent frame: such frames do not count towards the quota."""
    return isinstance(frame, Ack) and socket.is_ack_due(frame.seq)


def _parsed(message: dict[str, Any]) -> ClientFrame:
    text = message.get("text")
    if text is None:
        raise CloseConnection(MALFORMED, "Frames must be JSON text, not binary.")
    if (size := len(text.encode())) > conf.FRAME_MAX_BYTES:
        raise CloseConnection(
            MALFORMED, f"The frame has {size} bytes; at most {conf.FRAME_MAX_BYTES} are allowed."
        )
    try:
        return parse(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CloseConnection(MALFORMED, f"Not a frame of this protocol: {error}") from error


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
            raise CloseConnection(
                MALFORMED, f"Frame {sequence} is acknowledged already, or was not sent."
            )


async def _watch(socket: Socket, jobs: list[WatchRequest]) -> None:
    ids = socket.watches | {job.id for job in jobs}
    if len(ids) > conf.WATCHES_MAX:
        raise CloseConnection(
            TOO_MANY, f"A socket may watch {conf.WATCHES_MAX} jobs, not {len(ids)}."
        )
    if denied := await hub().watch(socket, jobs):
        await socket.send_text(encode(Denied(jobs=denied)))


async def _watch_overview(socket: Socket) -> None:
    if socket.viewer.is_operator:
        hub().watch_overview(socket)
    else:
        await socket.send_text(
            encode(Error(code="denied", detail="Only operators may watch the overview."))
        )
