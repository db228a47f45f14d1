"""A real SMTP server that can be told to misbehave."""
# ruff: noqa: N802 - aiosmtpd finds its handlers by these names

import asyncio
import logging
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from django.conf import settings

from realtime.tests.ports import free_port

Answer = str | Callable[[Any], Awaitable[str]]

SILENCE = 3.0
"""Seconds that a test waits for a server that says nothing more."""


class FakeMailServer:
    """Keeps what it takes in `emails`. `answers` holds, by command, what it says instead of 250.

    A list is used up one by one; `None` in it stands for the usual answer. `DATA` is answered
    once the email is there, `DATA?` before. `AUTH` may be answered by text only.
    """

    def __init__(self) -> None:
        self.emails: list[EmailMessage] = []
        self.connections = 0
        self.answers: dict[str, list[Answer | None]] = {}

    @property
    def recipients(self) -> list[str]:
        return [email["To"] for email in self.emails]

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    def admit(self, *_: Any) -> AuthResult:
        planned = self.answers.get("AUTH")
        answer = planned.pop(0) if planned else None
        assert answer is None or isinstance(answer, str)
        return AuthResult(success=answer is None, handled=False, message=answer)

    async def handle_MAIL(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        answer = await self.answer("MAIL", server)
        if answer.startswith("2"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        answer = await self.answer("RCPT", server)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = await self.answer("DATA", server)
        if answer.startswith("2"):
            self.emails.append(message_from_bytes(envelope.content, policy=policy.default))
        return answer

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:
        await self.answer("QUIT", server)
        return "221 Bye"

    async def answer(self, command: str, server: Any) -> str:
        planned = self.answers.get(command)
        answer = planned.pop(0) if planned else None
        if answer is None:
            return "250 OK"
        return answer if isinstance(answer, str) else await answer(server)


async def hang_up(server: Any) -> str:
    server.transport.abort()
    return "421 gone"


async def fall_silent(server: Any) -> str:
    """Whoever connects after that is patient again."""
    settings.EMAIL_TIMEOUT = 60
    await asyncio.sleep(600)
    return "451 too late"


SILENT = pytest.param(fall_silent, marks=pytest.mark.once)
"""As a parameter: it takes long, and no database has a part in it."""


class _Smtp(SMTP):
    async def smtp_DATA(self, arg: str) -> None:
        answer = await self.event_handler.answer("DATA?", self)
        if answer.startswith("2"):
            await super().smtp_DATA(arg)
        else:
            await self.push(answer)


class _Controller(Controller):
    def factory(self) -> SMTP:
        login = {"authenticator": self.handler.admit, "auth_require_tls": False}
        return _Smtp(self.handler, **login, **self.SMTP_kwargs)


@contextmanager
def running(server: FakeMailServer) -> Iterator[int]:
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    port = free_port()
    controller = _Controller(server, hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


Ending = Callable[[socket.socket], None]


def reset(link: socket.socket) -> None:
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def stall(link: socket.socket) -> None:
    """Read nothing until the sender has given up."""
    time.sleep(2 * SILENCE)


@contextmanager
def breaking_off(ending: Ending) -> Iterator[int]:
    """A server that asks for an email's content, does not read it, and ends so; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)

        def serve() -> None:
            # The sender may give up at any moment.
            with suppress(OSError), listening.accept()[0] as link, link.makefile("rb") as lines:
                link.settimeout(60)
                link.sendall(b"220 here\r\n")
                while (line := lines.readline()) and not line.upper().startswith(b"DATA"):
                    link.sendall(b"250 yes\r\n")
                link.sendall(b"354 go on\r\n")
                ending(link)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join()
