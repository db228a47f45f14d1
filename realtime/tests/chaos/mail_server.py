"""A mail server that takes an email and then, sometimes, hangs up instead of saying so."""
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


class Mailbox:
    def __init__(self, *, seed: int) -> None:
        self.taken: Counter[str] = Counter()
        """How often each email has come, by its Message-ID."""
        self.cut = 0.0
        """The share of emails after whose DATA the line is cut."""
        self.cuts = 0
        self._random = random.Random(seed)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken[message_from_bytes(envelope.content)["Message-ID"]] += 1
        if self._random.random() < self.cut:
            self.cuts += 1
            server.transport.abort()
        return "250 OK"


@contextmanager
def running(mailbox: Mailbox) -> Iterator[int]:
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
