"""A mail server that sometimes receives an email and then disconnects instead of confirming it."""
# ruff: noqa: N802 - aiosmtpd finds its handlers by these names

import logging
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from typing import Any

from aiosmtpd.controller import Controller

from realtime.tests.support.ports import free_port


class MailServer:
    def __init__(self, *, seed: int) -> None:
        self.received: Counter[str] = Counter()
        """How often each email has arrived, by its Message-ID."""
        self.disconnect_rate = 0.0
        """The share of emails after whose DATA the server disconnects, from 0 to 1."""
        self._random = random.Random(seed)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.received[message_from_bytes(envelope.content)["Message-ID"]] += 1
        if self._random.random() < self.disconnect_rate:
            server.transport.abort()
        return "250 OK"


@contextmanager
def running_mail_server(mail_server: MailServer) -> Iterator[int]:
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    port = free_port()
    controller = Controller(mail_server, hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
