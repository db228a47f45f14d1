"""Who may open a socket to the site, and what they are told there."""

from http import HTTPStatus
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Page

from picha.tests.browsers import Guests
from picha.tests.http_client import Sent, send_feedback
from picha.tests.pages import Letter
from picha.tests.stack import PATIENCE, Stack
from picha.tests.users import People

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.once]

HANDSHAKE: Final = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}

_ASK: Final = """(frames) => new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${window.location.host}/ws/jobs/`);
    socket.onopen = () => frames.forEach((frame) => socket.send(JSON.stringify(frame)));
    socket.onmessage = ({ data }) => { resolve(JSON.parse(data)); socket.close(); };
    setTimeout(() => reject(new Error("No answer")), 60000);
    socket.onclose = ({ code }) => reject(new Error(`Closed: ${code}`));
})"""


@pytest.fixture(scope="module")
def feedback(stack: Stack) -> Sent:
    return send_feedback(stack, Letter.new())


def shake_hands(stack: Stack, *, origin: str | None) -> int:
    headers = HANDSHAKE | ({"Origin": origin} if origin is not None else {})
    with (
        httpx.Client(trust_env=False, timeout=PATIENCE) as client,
        client.stream("GET", f"{stack.url}/ws/jobs/", headers=headers) as answer,
    ):
        return answer.status_code


def ask(page: Page, *frames: dict[str, Any]) -> dict[str, Any]:
    """The first answer."""
    answer: dict[str, Any] = page.evaluate(_ASK, list(frames))
    return answer


def watch(job_id: str, *, key: str = "") -> dict[str, Any]:
    return {"type": "watch", "jobs": [{"id": job_id, "key": key}]}


def test_the_sites_own_pages_may_open_a_socket(stack: Stack) -> None:
    assert shake_hands(stack, origin=stack.url) == HTTPStatus.SWITCHING_PROTOCOLS


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "https://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1:{port}.evil.example",
        "http://127.0.0.1:{port}/",
    ],
)
def test_no_other_page_may(stack: Stack, origin: str | None) -> None:
    named = origin and origin.format(port=stack.port)

    # Some are no origins at all, of which daphne does not even ask.
    assert shake_hands(stack, origin=named) in {HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST}


@pytest.mark.parametrize("key", ["", "forged", "other"])
def test_without_the_key_a_job_is_not_told_of(
    stack: Stack, guests: Guests, feedback: Sent, key: str
) -> None:
    page = guests.open()
    page.goto("/feedback/")
    given = send_feedback(stack, Letter.new()).key if key == "other" else key

    assert ask(page, watch(feedback.job_id, key=given)) == {
        "type": "denied",
        "jobs": [feedback.job_id],
    }


def test_with_the_key_it_is(guests: Guests, feedback: Sent) -> None:
    page = guests.open()
    page.goto("/feedback/")

    answer = ask(page, watch(feedback.job_id, key=feedback.key))

    assert (answer["type"], answer["jobs"][0]["id"]) == ("jobs", feedback.job_id)


@pytest.mark.parametrize(
    ("kind", "answer"),
    [(None, "error"), ("user", "error"), ("staff", "error"), ("operator", "overview")],
)
def test_only_operators_are_told_of_all(
    guests: Guests, people: People, kind: str | None, answer: str
) -> None:
    page = guests.open(getattr(people, kind) if kind else None)
    page.goto("/feedback/")

    assert ask(page, {"type": "overview"})["type"] == answer
