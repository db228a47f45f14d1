"""Mailbox: a web page that shows the mail that the local mail server has received.

It is a process of its own (`daphne picha.mailbox.asgi:application`) and uses no database, no
session and no app of the site, so it shows the mail even when the site is down. It answers only
requests to this machine.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.template import Context, Engine

from picha.http.origins import is_loopback
from picha.mailbox import maildir

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PAGES = Path(__file__).parent / "pages"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
engine = Engine(dirs=[str(PAGES)])


@dataclass(frozen=True, kw_only=True)
class Reply:
    body: str
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "text/html; charset=utf-8"


class Mailbox:
    def __init__(self, *, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"The mailbox serves only http, not {scope['type']}.")
        reply = await asyncio.to_thread(
            self.reply, path=scope["path"], host=_host(scope["headers"])
        )
        headers = {"Content-Type": reply.content_type, **HEADERS}
        await send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            }
        )
        await send({"type": "http.response.body", "body": reply.body.encode()})

    def reply(self, *, path: str, host: str) -> Reply:
        if not is_loopback(f"http://{host}"):
            # Otherwise another site could read the mail, through a host name that it lets point to
            # 127.0.0.1 (DNS rebinding).
            return _page("missing.html", status=HTTPStatus.MISDIRECTED_REQUEST)
        if path == "/":
            return _page("list.html", mails=maildir.newest(self._folder))
        if path == "/mailbox.css":
            return Reply(body=(PAGES / "mailbox.css").read_text("utf-8"), content_type="text/css")
        mail = maildir.find(self._folder, key=path.removeprefix("/"))
        if mail is None:
            return _page("missing.html", status=HTTPStatus.NOT_FOUND)
        return _page("mail.html", mail=mail)


def _page(template: str, *, status: HTTPStatus = HTTPStatus.OK, **context: object) -> Reply:
    # Localisation would need Django's settings.
    template_context = Context(context, use_l10n=False, use_tz=False)
    return Reply(body=engine.get_template(template).render(template_context), status=status)


def _host(headers: Iterable[tuple[bytes, bytes]]) -> str:
    return next((value.decode("latin-1") for name, value in headers if name == b"host"), "")


application = Mailbox(folder=Path(os.environ.get("MAILDIR", "")))
