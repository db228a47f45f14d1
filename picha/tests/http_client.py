"""Requests to the running site, without a browser."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from picha.tests.pages import FeedbackData
from picha.tests.stack import TIMEOUT_SECONDS, Stack
from picha.tests.users import SiteUser


class HttpClient:
    """The requests of one user; it follows no redirect."""

    def __init__(self, stack: Stack, user: SiteUser | None = None) -> None:
        self._csrf_cookie = f"csrftoken_{stack.port}"
        self._client = httpx.Client(
            base_url=stack.url,
            cookies=user.cookies if user else None,
            trust_env=False,
            timeout=TIMEOUT_SECONDS,
        )

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def post(self, path: str, data: dict[str, str]) -> httpx.Response:
        return self.request("POST", path, data=data)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._client.request(method, path, **options)

    def csrf_headers(self) -> dict[str, str]:
        self.get("/feedback/")
        return {"X-CSRFToken": self._client.cookies[self._csrf_cookie]}

    def close(self) -> None:
        self._client.close()


@dataclass(frozen=True, kw_only=True)
class SentFeedback:
    """A feedback form that the site has accepted."""

    location: str
    seconds: float
    """From the request until the next page was received."""

    @property
    def path(self) -> str:
        return urlsplit(self.location).path

    @property
    def key(self) -> str:
        return parse_qs(urlsplit(self.location).query)["key"][0]

    @property
    def job_id(self) -> str:
        return self.path.rstrip("/").rpartition("/")[2]


def form_fields(client: HttpClient, feedback: FeedbackData, *, topic: str = "") -> dict[str, str]:
    """The fields that a browser would post, hidden ones included."""
    html = client.get("/feedback/").text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', html))
    return hidden | {"email": feedback.email, "message": feedback.message, "topic": topic}


def post_feedback(stack: Stack, feedback: FeedbackData, *, topic: str = "") -> SentFeedback:
    with closing(HttpClient(stack)) as client:
        fields = form_fields(client, feedback, topic=topic)
        started = time.monotonic()
        response = client.post("/feedback/", fields)
        assert response.status_code == HTTPStatus.SEE_OTHER, response.text
        page = client.get(response.headers["Location"])
        seconds = time.monotonic() - started
    assert page.status_code == HTTPStatus.OK
    return SentFeedback(location=response.headers["Location"], seconds=seconds)


def post_simultaneously(stack: Stack, feedback: FeedbackData, *, times: int) -> set[str]:
    """Post the same form several times at the same time; the paths that it redirects to."""
    with closing(HttpClient(stack)) as client, ThreadPoolExecutor(times) as threads:
        fields = form_fields(client, feedback)
        responses = threads.map(lambda _: client.post("/feedback/", fields), range(times))
        return {urlsplit(response.headers["Location"]).path for response in responses}
