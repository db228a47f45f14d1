"""FakeMailServer: a real SMTP server in this process, whose responses a test can choose."""
# ruff: noqa: N802 - aiosmtpd calls its handlers by these names

import asyncio
import logging
import socket
import ssl
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

from realtime.tests.support.ports import free_port

Response = str | Callable[[Any], Awaitable[str]]

SHORT_TIMEOUT = 3.0
"""The timeout of tests in which the server stops responding, in seconds."""


class FakeMailServer:
    """Collects the emails that it accepts in `emails`, and their bytes in `contents`.

    `responses` has lists of the responses to a command, for the first uses of that command; `None`
    stands for the usual response. "DATA" is the response to the content of an email, "DATA?" the
    one before the content. Responses to "AUTH" must be text.
    """

    def __init__(self) -> None:
        self.emails: list[EmailMessage] = []
        self.contents: list[bytes] = []
        self.connections = 0
        self.client_names: list[str] = []
        self.responses: dict[str, list[Response | None]] = {}
        self.auth_mechanisms = "LOGIN PLAIN"

    @property
    def recipients(self) -> list[str]:
        return [email["To"] for email in self.emails]

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        self.client_names.append(hostname)
        session.host_name = hostname
        planned = await self.respond("EHLO", server)
        if not planned.startswith("2"):
            return [planned]
        return [
            f"250-AUTH {self.auth_mechanisms}" if line.startswith("250-AUTH") else line
            for line in responses
        ]

    async def handle_HELO(self, server: Any, session: Any, envelope: Any, hostname: str) -> str:
        session.host_name = hostname
        return await self.respond("HELO", server)

    def check_login(self, *_: Any) -> AuthResult:
        planned = self.responses.get("AUTH")
        response = planned.pop(0) if planned else None
        assert response is None or isinstance(response, str)
        return AuthResult(success=response is None, handled=False, message=response)

    async def handle_MAIL(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        response = await self.respond("MAIL", server)
        if response.startswith("2"):
            envelope.mail_from = address
        return response

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        response = await self.respond("RCPT", server)
        if response.startswith("2"):
            envelope.rcpt_tos.append(address)
        return response

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        response = await self.respond("DATA", server)
        if response.startswith("2"):
            self.contents.append(envelope.content)
            self.emails.append(message_from_bytes(envelope.content, policy=policy.default))
        return response

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:
        await self.respond("QUIT", server)
        return "221 Bye"

    async def respond(self, command: str, server: Any) -> str:
        planned = self.responses.get(command)
        response = planned.pop(0) if planned else None
        if response is None:
            return "250 OK"
        return response if isinstance(response, str) else await response(server)


async def disconnect(server: Any) -> str:
    server.transport.abort()
    return "421 closing"


async def stop_responding(server: Any) -> str:
    """Stop responding; the next connections get a long timeout again."""
    settings.EMAIL_TIMEOUT = 60
    await asyncio.sleep(600)
    return "451 too late"


SILENT = pytest.param(stop_responding, marks=pytest.mark.once)
"""A test parameter. The marker is there because it takes long and needs no database."""


class _FakeSMTP(SMTP):
    async def smtp_DATA(self, arg: str) -> None:
        response = await self.event_handler.respond("DATA?", self)
        if response.startswith("2"):
            await super().smtp_DATA(arg)
        else:
            await self.push(response)


class _Controller(Controller):
    def factory(self) -> SMTP:
        login_options = {"authenticator": self.handler.check_login, "auth_require_tls": False}
        return _FakeSMTP(self.handler, **login_options, **self.SMTP_kwargs)


@contextmanager
def run_server(
    server: FakeMailServer, *, tls: ssl.SSLContext | None = None, starttls: bool = False
) -> Iterator[int]:
    """Yield the port of the server. `tls` is used at once, or after STARTTLS."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    port = free_port()
    controller = _Controller(
        server,
        hostname="127.0.0.1",
        port=port,
        ready_timeout=60,
        ssl_context=None if starttls else tls,
        tls_context=tls if starttls else None,
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@contextmanager
def run_server_that_sends(data: bytes) -> Iterator[int]:
    """Yield the port of a server that sends `data` to each client and ends the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            # The listening socket is shut down at the end.
            with suppress(OSError):
                while True:
                    with listening.accept()[0] as client:
                        client.sendall(data)
                        client.shutdown(socket.SHUT_WR)
                        client.recv(1024)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


EndConnection = Callable[[socket.socket], None]


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def wait_for_timeout(client: socket.socket) -> None:
    """Read nothing until the sender has given up."""
    time.sleep(2 * SHORT_TIMEOUT)


@contextmanager
def run_server_that_reads_no_content(end_connection: EndConnection) -> Iterator[int]:
    """Yield the port of a server that accepts DATA, then ends the connection without reading."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)

        def serve() -> None:
            # The sender may close the connection at any moment.
            with suppress(OSError), listening.accept()[0] as client, client.makefile("rb") as lines:
                client.settimeout(60)
                client.sendall(b"220 ready\r\n")
                while (line := lines.readline()) and not line.upper().startswith(b"DATA"):
                    client.sendall(b"250 OK\r\n")
                client.sendall(b"354 go on\r\n")
                end_connection(client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join()
