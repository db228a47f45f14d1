"""Who may open a WebSocket to the site, and which jobs and numbers it sends them."""

from http import HTTPStatus
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Page

from picha.tests.browsers import Browsers
from picha.tests.http_client import SentFeedback, post_feedback
from picha.tests.pages import FeedbackData
from picha.tests.stack import TIMEOUT_SECONDS, Stack
from picha.tests.users import SiteUsers

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.once]

HANDSHAKE: Final = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}

_FIRST_REPLY: Final = """(frames) => new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${window.location.host}/ws/jobs/`);
    socket.onopen = () => frames.forEach((frame) => socket.send(JSON.stringify(frame)));
    socket.onmessage = ({ data }) => { resolve(JSON.parse(data)); socket.close(); };
    setTimeout(() => reject(new Error("No reply")), 60000);
    socket.onclose = ({ code }) => reject(new Error(`Closed: ${code}`));
})"""


def handshake_status(stack: Stack, *, origin: str | None) -> int:
    headers = HANDSHAKE | ({"Origin": origin} if origin is not None else {})
    with (
        httpx.Client(trust_env=False, timeout=TIMEOUT_SECONDS) as client,
        client.stream("GET", f"{stack.url}/ws/jobs/", headers=headers) as response,
    ):
        return response.status_code


def first_reply(page: Page, *frames: dict[str, Any]) -> dict[str, Any]:
    """The first frame that the site sends after it has received these frames."""
    reply: dict[str, Any] = page.evaluate(_FIRST_REPLY, list(frames))
    return reply


def watch_frame(job_id: str, *, key: str = "") -> dict[str, Any]:
    return {"type": "watch", "jobs": [{"id": job_id, "key": key}]}


def test_a_page_of_the_site_may_open_a_socket(stack: Stack) -> None:
    assert handshake_status(stack, origin=stack.url) == HTTPStatus.SWITCHING_PROTOCOLS


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
def test_a_page_of_another_origin_may_not(stack: Stack, origin: str | None) -> None:
    header = origin and origin.format(port=stack.port)

    # daphne itself refuses some of these: they are not valid origins.
    assert handshake_status(stack, origin=header) in {HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST}


@pytest.mark.parametrize("key", ["", "wrong", "of another job"])
def test_without_its_key_a_job_is_denied(
    stack: Stack, browsers: Browsers, sent_feedback: SentFeedback, key: str
) -> None:
    page = browsers.open()
    page.goto("/feedback/")
    if key == "of another job":
        key = post_feedback(stack, FeedbackData.unique()).key

    assert first_reply(page, watch_frame(sent_feedback.job_id, key=key)) == {
        "type": "denied",
        "jobs": [sent_feedback.job_id],
    }


def test_with_its_key_a_job_is_sent(browsers: Browsers, sent_feedback: SentFeedback) -> None:
    page = browsers.open()
    page.goto("/feedback/")

    reply = first_reply(page, watch_frame(sent_feedback.job_id, key=sent_feedback.key))

    assert (reply["type"], reply["jobs"][0]["id"]) == ("jobs", sent_feedback.job_id)


@pytest.mark.parametrize(
    ("kind", "reply_type"),
    [(None, "error"), ("user", "error"), ("staff", "error"), ("operator", "overview")],
)
def test_only_operators_may_watch_the_overview(
    browsers: Browsers, users: SiteUsers, kind: str | None, reply_type: str
) -> None:
    page = browsers.open(getattr(users, kind) if kind else None)
    page.goto("/feedback/")

    assert first_reply(page, {"type": "overview"})["type"] == reply_type
