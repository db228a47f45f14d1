"""The running site, asked without a browser."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from picha.tests.pages import Letter
from picha.tests.stack import PATIENCE, Stack
from picha.tests.users import Person


class Reader:
    """Somebody's requests; follows no redirect."""

    def __init__(self, stack: Stack, person: Person | None = None) -> None:
        self._csrf_cookie = f"csrftoken_{stack.port}"
        self._client = httpx.Client(
            base_url=stack.url,
            cookies=person.cookies if person else None,
            trust_env=False,
            timeout=PATIENCE,
        )

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def post(self, path: str, data: dict[str, str]) -> httpx.Response:
        return self.request("POST", path, data=data)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._client.request(method, path, **options)

    def csrf(self) -> dict[str, str]:
        self.get("/feedback/")
        return {"X-CSRFToken": self._client.cookies[self._csrf_cookie]}

    def close(self) -> None:
        self._client.close()


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A feedback that was taken in."""

    location: str
    seconds: float
    """From the click to the page that it leads to."""

    @property
    def path(self) -> str:
        return urlsplit(self.location).path

    @property
    def key(self) -> str:
        return parse_qs(urlsplit(self.location).query)["key"][0]

    @property
    def job_id(self) -> str:
        return self.path.rstrip("/").rpartition("/")[2]


def fill_in(client: Reader, letter: Letter, *, topic: str = "") -> dict[str, str]:
    """What a browser would post."""
    form = client.get("/feedback/").text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', form))
    return hidden | {"email": letter.email, "message": letter.message, "topic": topic}


def send_feedback(stack: Stack, letter: Letter, *, topic: str = "") -> Sent:
    with closing(Reader(stack)) as client:
        data = fill_in(client, letter, topic=topic)
        begun = time.monotonic()
        answer = client.post("/feedback/", data)
        assert answer.status_code == HTTPStatus.SEE_OTHER, answer.text
        page = client.get(answer.headers["Location"])
        taken = time.monotonic() - begun
    assert page.status_code == HTTPStatus.OK
    return Sent(location=answer.headers["Location"], seconds=taken)


def send_at_once(stack: Stack, letter: Letter, *, times: int) -> set[str]:
    """The same form, as often at the same time; returns the pages that it leads to."""
    with closing(Reader(stack)) as client, ThreadPoolExecutor(times) as threads:
        data = fill_in(client, letter)
        answers = threads.map(lambda _: client.post("/feedback/", data), range(times))
        return {urlsplit(answer.headers["Location"]).path for answer in answers}
