from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from picha.mailbox.asgi import Mailbox
from picha.mailbox.tests.test_maildir import deliver, mail_of


async def get(folder: Path, path: str = "/", host: str = "127.0.0.1:8002") -> tuple[int, str]:
    messages: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message)

    scope = {"type": "http", "path": path, "headers": [(b"host", host.encode())]}
    await Mailbox(folder=folder)(scope, receive, send)
    return messages[0]["status"], messages[1]["body"].decode()


async def test_an_empty_mailbox_says_so_and_refreshes(tmp_path: Path) -> None:
    status, page = await get(tmp_path / "mail")

    assert status == 200
    assert "No mail yet" in page
    assert 'http-equiv="refresh"' in page


async def test_the_list_links_to_the_mail(tmp_path: Path) -> None:
    key = deliver(tmp_path / "mail", mail_of("Feedback", "Lovely photos"))

    _, list_page = await get(tmp_path / "mail")
    status, mail_page = await get(tmp_path / "mail", f"/{key}")

    assert f'href="/{key}"' in list_page
    assert "1 message" in list_page
    assert status == 200
    for text in ("Feedback", "Lovely photos", "visitor@v.example", "b@v.example"):
        assert text in mail_page


async def test_html_in_a_mail_is_escaped(tmp_path: Path) -> None:
    attack = "<script>alert(1)</script>"
    key = deliver(tmp_path / "mail", mail_of(attack, attack))

    pages = [(await get(tmp_path / "mail", path))[1] for path in ("/", f"/{key}")]

    assert all("<script>" not in page for page in pages)


async def test_a_mail_that_does_not_exist(tmp_path: Path) -> None:
    status, page = await get(tmp_path / "mail", "/nothing")

    assert status == 404
    assert "no such message" in page


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8002", "", "["])
async def test_only_requests_to_this_machine_are_answered(tmp_path: Path, host: str) -> None:
    key = deliver(tmp_path / "mail", mail_of("Secret"))

    for path in ("/", f"/{key}"):
        status, page = await get(tmp_path / "mail", path, host)
        assert status == 421
        assert "Secret" not in page


async def test_the_mailbox_has_its_own_stylesheet(tmp_path: Path) -> None:
    status, style = await get(tmp_path, "/mailbox.css")

    assert status == 200
    assert "prefers-color-scheme: dark" in style
