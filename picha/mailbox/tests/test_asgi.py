from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from picha.mailbox.asgi import Mailbox
from picha.mailbox.tests.test_maildir import deliver, letter


async def get(folder: Path, path: str = "/", host: str = "127.0.0.1:8002") -> tuple[int, str]:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "headers": [(b"host", host.encode())]}
    await Mailbox(folder=folder)(scope, receive, send)
    return sent[0]["status"], sent[1]["body"].decode()


async def test_an_empty_mailbox_says_how_to_fill_it(tmp_path: Path) -> None:
    status, page = await get(tmp_path / "mail")

    assert status == 200
    assert "No mail yet" in page
    assert 'http-equiv="refresh"' in page


async def test_from_the_list_to_the_message(tmp_path: Path) -> None:
    key = deliver(tmp_path / "mail", letter("Feedback", "Lovely photos"))

    _, listed = await get(tmp_path / "mail")
    status, shown = await get(tmp_path / "mail", f"/{key}")

    assert f'href="/{key}"' in listed
    assert "1 message" in listed
    assert status == 200
    for text in ("Feedback", "Lovely photos", "visitor@v.example", "b@v.example"):
        assert text in shown


async def test_nothing_in_a_message_becomes_part_of_the_page(tmp_path: Path) -> None:
    attack = "<script>alert(1)</script>"
    key = deliver(tmp_path / "mail", letter(attack, attack))

    pages = [(await get(tmp_path / "mail", path))[1] for path in ("/", f"/{key}")]

    assert all("<script>" not in page for page in pages)


async def test_a_message_that_does_not_exist(tmp_path: Path) -> None:
    status, page = await get(tmp_path / "mail", "/nothing")

    assert status == 404
    assert "no such message" in page


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8002", "", "["])
async def test_only_this_machine_is_answered(tmp_path: Path, host: str) -> None:
    key = deliver(tmp_path / "mail", letter("Secret"))

    for path in ("/", f"/{key}"):
        status, page = await get(tmp_path / "mail", path, host)
        assert status == 421
        assert "Secret" not in page


async def test_its_style_is_its_own(tmp_path: Path) -> None:
    status, style = await get(tmp_path, "/mailbox.css")

    assert status == 200
    assert "prefers-color-scheme: dark" in style
