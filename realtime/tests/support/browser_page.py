"""A page in a real browser: FakeSite answers its requests, and Link is one of its sockets."""

import json
import mimetypes
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from playwright.sync_api import Page, Route, WebSocketRoute

import realtime
from realtime.snapshots.schema import Snapshot, encode
from realtime.tests.support.word_cases import NOW

ORIGIN: Final = "http://picha.test"
# As strict as the policy of the strictest site, so that the scripts work there too.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self' ws://picha.test"
)
WITHOUT_SOCKETS: Final = POLICY.replace("'self' ws:", "http:")


def markup(name: str) -> str:
    """The links of a template that has no variables. Django may not be set up yet."""
    text = (Path(realtime.__file__).parent / "templates/realtime" / name).read_text("utf-8")
    return re.sub(r"{% static '(.+?)' %}", r"/static/\1", text.replace("{% load static %}", ""))


STYLES: Final = markup("_styles.html")
SCRIPTS: Final = markup("_scripts.html")
PAGE: Final = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="color-scheme" content="light dark">
{STYLES}<link rel="stylesheet" href="/static/picha/tokens.css">
<link rel="stylesheet" href="/static/picha/base.css">{{head}}</head>
<body><main>{{body}}</main></body></html>"""
TIMEOUT_SECONDS: Final = 60.0
"""Long, because the machine may be busy."""
STEP_SECONDS: Final = 3.0
"""Several steps are shorter than every timeout of the scripts."""
LOADED_AT: Final = NOW + 1


@dataclass(frozen=True, kw_only=True)
class Response:
    body: str = ""
    status: int = 200
    kind: str = "application/json"
    server_time: float | None = None


def json_response(snapshot: Snapshot) -> Response:
    return Response(body=encode(snapshot))


def event_stream(*snapshots: Snapshot, again_after: float = 3600) -> Response:
    """A stream that ends. The browser opens it again after `again_after` seconds."""
    events = "".join(
        f"id: {snapshot.revision}-{snapshot.tick}\nevent: snapshot\ndata: {encode(snapshot)}\n\n"
        for snapshot in snapshots
    )
    body = f"retry: {round(again_after * 1000)}\n\n{events}"
    return Response(body=body, kind="text/event-stream")


class Link:
    """A socket that the page opened."""

    def __init__(self, route: WebSocketRoute) -> None:
        self._route = route
        self.frames: list[dict[str, Any]] = []
        self.is_closed = False
        self.is_dead = False
        self.pings = 0
        self._seq = 0
        route.on_message(lambda text: self._on_message(json.loads(text)))
        route.on_close(lambda code, reason: self._on_close())

    def _on_message(self, frame: dict[str, Any]) -> None:
        if frame["type"] != "ping":
            self.frames.append(frame)
            return
        self.pings += 1
        if not self.is_dead:
            self.send({"type": "pong"})

    def _on_close(self) -> None:
        self.is_closed = True

    def send(self, frame: dict[str, Any]) -> None:
        self._route.send(json.dumps(frame))

    def send_jobs(self, *snapshots: Snapshot) -> None:
        self._seq += 1
        jobs = [json.loads(encode(snapshot)) for snapshot in snapshots]
        self.send({"type": "jobs", "seq": self._seq, "jobs": jobs})

    def close(self, code: int = 1001) -> None:
        self.is_closed = True
        self._route.close(code=code, reason="")

    def of_type(self, name: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == name]


class FakeSite:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.links: list[Link] = []
        self.browser_errors: list[str] = []
        self.allowed_errors = "(?!)"
        self.requests: list[str] = []
        self.policy = POLICY
        self.closes_sockets = False
        self._responses: list[tuple[str, list[Response]]] = []
        self._body = self._head = ""
        page.on("pageerror", lambda error: self.browser_errors.append(str(error)))
        page.on("console", lambda line: self._on_console(line.type, line.text))
        page.route("**/*", self._on_request)
        page.route_web_socket("**/ws/jobs/", self._on_socket)
        page.clock.install(time=NOW - 3600)  # it runs until it is paused, and never goes back
        page.clock.pause_at(LOADED_AT)

    def _on_console(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not re.search(self.allowed_errors, text):
            self.browser_errors.append(text)

    def _on_socket(self, route: WebSocketRoute) -> None:
        link = Link(route)
        self.links.append(link)
        if self.closes_sockets:
            link.close(code=1011)

    def serve(self, path: str, *responses: Response) -> None:
        """Respond to addresses that end with `path`; the last response is repeated."""
        self._responses.insert(0, (path, list(responses)))

    def _fulfill(self, route: Route) -> bool:
        """Whether the test has set a response for the address."""
        address = route.request.url.partition("?")[0]
        for path, responses in self._responses:
            if address.endswith(path):
                response = responses.pop(0) if len(responses) > 1 else responses[0]
                body = with_server_time(response.body, response.server_time)
                route.fulfill(status=response.status, body=body, content_type=response.kind)
                return True
        return False

    def _on_request(self, route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if not path.startswith("/static/"):
            self.requests.append(path)
        if self._fulfill(route):
            return
        file = finders.find(path.removeprefix("/static/")) if path.startswith("/static/") else None
        if isinstance(file, str):
            kind = mimetypes.guess_type(file)[0] or "text/plain"
            route.fulfill(body=Path(file).read_bytes(), content_type=kind)
        elif path == "/":
            html = PAGE.format(head=self._head, body=self._body)
            headers = {"Content-Security-Policy": self.policy, "Referrer-Policy": "no-referrer"}
            route.fulfill(body=html, content_type="text/html; charset=utf-8", headers=headers)
        else:
            route.fulfill(
                body="<svg xmlns='http://www.w3.org/2000/svg'/>", content_type="image/svg+xml"
            )

    def open(self, body: str = "", *, head: str = "", server_time: float | None = None) -> None:
        """Without `server_time` the page does not know the time of the server."""
        self._body, self._head = with_server_time(body, server_time), head
        self.page.goto(f"{ORIGIN}/")

    def open_job(self, *snapshots: Snapshot, **options: bool) -> None:
        self.open_without_link(*snapshots, **options)
        self.until(lambda: bool(self.links and self.links[-1].of_type("watch")))

    def open_without_link(self, *snapshots: Snapshot, **options: bool) -> None:
        jobs = [rendered(shown, **options) for shown in snapshots]
        self.open("".join(jobs), head=SCRIPTS)

    def module(self, name: str, expression: str, argument: object = None) -> Any:
        """The value of `expression`, in which `m` is the module and `a` the argument."""
        load = f'import("/static/realtime/{name}.js")'
        return self.page.evaluate(f"(a) => {load}.then((m) => ({expression}))", argument)

    @property
    def link(self) -> Link:
        """The newest socket."""
        return self.links[-1]

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = monotonic() + TIMEOUT_SECONDS
        while not condition():
            if monotonic() > deadline:
                raise AssertionError(
                    f"The condition is not met: {[link.frames for link in self.links]}"
                )
            self.page.wait_for_timeout(20)

    def pass_time_until(self, condition: Callable[[], bool]) -> None:
        """Let the clock of the page run until the condition is met."""

        def step() -> bool:
            self.pass_time(0.2)
            return condition()

        self.until(step)

    def until_true(self, expression: str) -> None:
        # Not wait_for_function, which waits for animation frames: the clock of the page is paused.
        self.until(lambda: bool(self.page.evaluate(expression)))

    def pass_time(self, seconds: float) -> None:
        """In steps, between which the requests and frames of the page are answered."""
        while seconds > 0:
            self.page.clock.run_for(round(min(seconds, STEP_SECONDS) * 1000))
            seconds -= STEP_SECONDS
            if seconds > 0:
                self.page.evaluate("null")


def with_server_time(html: str, server_time: float | None) -> str:
    """Templates write the real time, which is not that of the clock of the page."""
    attribute = "" if server_time is None else f' data-server-time="{server_time}"'
    return re.sub(r' data-server-time="[^"]*"', attribute, html)


def rendered(snapshot: Snapshot, *, titled: bool = False, **options: bool) -> str:
    """`options` are what else the template knows: `may_act`, `resumes`."""
    context = {"snapshot": snapshot, "key": "a-key", "main": titled} | options
    return render_to_string("realtime/_job_progress.html", context)
