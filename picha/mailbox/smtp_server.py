"""SMTP server: accepts all mail and saves it in a Maildir, for `make run`.

`python -m picha.mailbox.smtp_server 127.0.0.1:8001 <folder>` runs until SIGINT. A web page can make
a browser send any text to this port, in the body of an HTTP request. So a connection is ended
before any mail is read if its first line is no command of SMTP, as that of an HTTP request or the
start of a TLS connection is.
"""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP

FIRST_COMMANDS: Final = {b"EHLO", b"HELO", b"HELP", b"NOOP", b"QUIT", b"RSET", b"VRFY"}
"""With which commands a client may begin (RFC 5321, 4.1.4)."""
LINE_MAX: Final = 512
"""The most bytes of a command line (RFC 5321, 4.5.3.1.4)."""
REFUSAL: Final = b"554 5.5.1 This port speaks SMTP only.\r\n"


class SmtpOnly(SMTP):
    """aiosmtpd's protocol, which by itself skips the lines that it does not understand."""

    _first_bytes: bytes | None = b""
    """What the client has sent of its first line; None after that line."""

    def data_received(self, data: bytes) -> None:
        if self._first_bytes is None:
            super().data_received(data)
            return
        self._first_bytes += data
        line, end, _ = self._first_bytes.partition(b"\n")
        if not end and len(line) <= LINE_MAX:
            return
        received, self._first_bytes = self._first_bytes, None
        if end and line.strip().partition(b" ")[0].upper() in FIRST_COMMANDS:
            super().data_received(received)
        else:
            self._refuse()

    def _refuse(self) -> None:
        transport: Any = self.transport
        transport.write(REFUSAL)
        transport.pause_reading()
        transport.close()


async def serve(*, host: str, port: int, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    handler = Mailbox(folder)
    server = await loop.create_server(lambda: SmtpOnly(handler), host=host, port=port)
    await server.serve_forever()


def main(arguments: list[str]) -> None:
    address, folder = arguments
    host, _, port = address.rpartition(":")
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(host=host, port=int(port), folder=Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
