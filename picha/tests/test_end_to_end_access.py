"""Who may open what: every address of the site, asked for by everybody.

An address that is new fails here until the table says who may see it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx
import pytest
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from picha.tests.access_table import (
    FORBIDDEN,
    KINDS,
    LOGIN,
    NOWHERE,
    OF_A_JOB,
    SOCKETS,
    STRANGER,
    WHO_MAY,
    WITH_KEY,
    Kind,
    of_the_job,
)
from picha.tests.http_client import Reader, Sent, send_feedback
from picha.tests.pages import Letter
from picha.tests.stack import PATIENCE, Stack
from picha.tests.users import People
from realtime.routing import websocket_urlpatterns
from realtime.tests.polling import until

pytestmark = [pytest.mark.stack, pytest.mark.once]


@pytest.fixture(scope="module")
def feedback(stack: Stack) -> Sent:
    return send_feedback(stack, Letter.new())


@pytest.fixture(scope="module")
def paths(stack: Stack, feedback: Sent) -> Mapping[str, str]:
    """A real address of each name."""
    trapped = send_feedback(stack, Letter.new(), topic="https://robot.example/")
    there = {
        "admin": "/admin/",
        "feedback:decoy": trapped.path,
        **{name: of_the_job(feedback, name) for name in OF_A_JOB},
        "dashboard:job": f"/ops/jobs/{feedback.job_id}/",
        "photos:thumbnail": until(
            lambda: thumbnail(stack), within=PATIENCE, what="the gallery has a picture"
        ),
    }
    return {name: there.get(name) or reverse(name) for name in WHO_MAY}


def thumbnail(stack: Stack) -> str:
    page = stack.get("/").text
    found = re.search(r'<img src="([^"]+)"', page)
    return found[1] if found else ""


@pytest.fixture
def reader(stack: Stack, people: People) -> Iterator[Callable[[Kind], Reader]]:
    opened: list[Reader] = []

    def open_for(kind: Kind) -> Reader:
        opened.append(Reader(stack, None if kind == STRANGER else getattr(people, kind)))
        return opened[-1]

    yield open_for
    for one in opened:
        one.close()


def named(
    patterns: list[URLPattern | URLResolver], namespace: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = ":".join(filter(None, (namespace, pattern.namespace)))
            yield from named(pattern.url_patterns, inner)
        else:
            yield f"{namespace}:{pattern.name or pattern.pattern}".removeprefix(":"), pattern


def names() -> set[str]:
    return {name for name, _ in named(get_resolver().url_patterns)}


# Every address


def test_the_table_has_every_address() -> None:
    assert {"admin" if name.startswith("admin:") else name for name in names()} == set(WHO_MAY)
    assert {str(route.pattern) for route in websocket_urlpatterns} == SOCKETS


@pytest.mark.parametrize("kind", KINDS)
def test_each_address_is_open_to_whom_the_table_says(
    kind: Kind, reader: Callable[[Kind], Reader], paths: Mapping[str, str]
) -> None:
    client = reader(kind)
    answers = {name: client.get(path) for name, path in paths.items()}

    assert {name: status(name, answer) for name, answer in answers.items()} == {
        name: answers_to[kind] for name, answers_to in WHO_MAY.items()
    }
    for name, answer in answers.items():
        if answer.status_code == LOGIN and name != "login":
            to = urlsplit(answer.headers["Location"])
            assert to.path in {"/accounts/login/", "/admin/login/"}
            assert to.query.startswith("next=")


def status(name: str, answer: httpx.Response) -> int:
    """Who reads at `/readyz` that the site is busy has opened it too."""
    is_busy = name == "readyz" and answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.OK if is_busy else answer.status_code


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WITH_KEY)
def test_with_the_key_in_the_link_anyone_sees_the_job(
    name: str,
    kind: Kind,
    reader: Callable[[Kind], Reader],
    stack: Stack,
) -> None:
    trap = "https://robot.example/" if name == "feedback:decoy" else ""
    sent = send_feedback(stack, Letter.new(), topic=trap)
    answer = reader(kind).get(f"{of_the_job(sent, name)}?key={sent.key}")

    assert answer.status_code == HTTPStatus.OK
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer.headers["Cache-Control"]
    assert "noindex" in answer.headers["X-Robots-Tag"]


@pytest.mark.parametrize("name", ["realtime:job", "realtime:snapshot", "realtime:events"])
def test_a_forged_key_and_an_unknown_job_are_answered_alike(
    name: str, reader: Callable[[Kind], Reader], feedback: Sent
) -> None:
    client, path, key = reader(STRANGER), of_the_job(feedback, name), feedback.key
    forged = f"{key[:-1]}{'A' if key[-1] != 'A' else 'B'}"
    unknown = path.replace(feedback.job_id, "01a00000-0000-7000-8000-000000000000")
    queries = (path, f"{path}?key={forged}", f"{path}?key=", unknown, f"{unknown}?key={key}")
    answers = [client.get(address) for address in queries]

    assert {answer.status_code for answer in answers} == {HTTPStatus.NOT_FOUND}
    assert len({without_tokens(answer.text) for answer in answers}) == 1


def without_tokens(page: str) -> str:
    """The form that every page has is another every time."""
    return re.sub(r'(name="(?:token|csrfmiddlewaretoken)" value=)"[^"]*"', r"\1", page)


@pytest.mark.parametrize("kind", [STRANGER, "user", "retired_operator"])
def test_all_of_the_admin_is_closed_to_who_is_no_staff(
    kind: Kind, reader: Callable[[Kind], Reader]
) -> None:
    client, tried = reader(kind), 0
    for name in sorted(names()):
        if name.startswith("admin:") and name != "admin:login":
            answer = client.get(admin_path(name))
            to = urlsplit(answer.headers.get("Location", "")).path
            assert (answer.status_code, to) in {
                (LOGIN, "/admin/login/"),
                (LOGIN, "/admin/"),  # to log out is to go there
            }, name
            tried += 1
    assert tried > 30


def admin_path(name: str) -> str:
    for arguments in ([], ["1"], ["auth"], ["1", "1"], ["1", "password"]):
        try:
            return reverse(name, args=arguments)
        except NoReverseMatch:
            continue
    return "/admin/there-is-nothing-here/"  # the one without a name, which takes all the rest


# What changes something


@pytest.mark.parametrize("path", ["/feedback/", "/photos/imports/", "/accounts/logout/"])
def test_nothing_is_taken_from_another_sites_form(
    path: str, reader: Callable[[Kind], Reader]
) -> None:
    answer = reader("user").post(path, {"email": "a@b.example", "message": "x", "limit": "1"})

    assert answer.status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("name", ["realtime:job", "dashboard:overview", "photos:list"])
def test_what_is_only_read_takes_nothing(
    name: str, method: str, reader: Callable[[Kind], Reader], paths: Mapping[str, str]
) -> None:
    client = reader("operator")
    answer = client.request(method, paths[name], headers=client.csrf())

    assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_who_may_only_watch_a_job_may_do_nothing_to_it(
    action: str, kind: Kind, reader: Callable[[Kind], Reader], feedback: Sent
) -> None:
    client, path = reader(kind), of_the_job(feedback, f"realtime:{action}")
    headers = client.csrf()
    with_key = client.request("POST", f"{path}?key={feedback.key}", headers=headers)
    without = client.request("POST", path, headers=headers)

    assert with_key.status_code == FORBIDDEN
    assert without.status_code == (FORBIDDEN if kind == "operator" else NOWHERE)
