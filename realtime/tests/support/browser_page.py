"""The scripts in a real browser, with the far end of the socket in the test's hands."""

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

from realtime.snapshots.schema import Snapshot, encode
from realtime.tests.support.word_cases import NOW

TEMPLATES: Final = Path(__file__).parents[2] / "templates/realtime"
ORIGIN: Final = "http://picha.test"
# As strict as the strictest site's, so that no script or style slips in that it would refuse.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self' ws://picha.test"
)
WITHOUT_SOCKETS: Final = POLICY.replace("'self' ws:", "http:")
STYLES: Final = "\n".join(
    f'<link rel="stylesheet" href="/static/{path}">'
    for path in re.findall(r"static '(.+?)'", (TEMPLATES / "_styles.html").read_text("utf-8"))
)
PAGE: Final = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="color-scheme" content="light dark">
{STYLES}{{head}}</head>
<body><main>{{body}}</main></body></html>"""
PATIENCE: Final = 60.0
"""Seconds until what is waited for has happened, on a machine that has much else to do."""
STEP: Final = 3.0
"""Seconds; an answer has to come within several."""
LOADED_AT: Final = NOW + 1


@dataclass(frozen=True, kw_only=True)
class Answer:
    """To a plain HTTP request."""

    body: str = ""
    status: int = 200
    kind: str = "application/json"


def told(shown: Snapshot) -> Answer:
    return Answer(body=encode(shown))


def streamed(*snapshots: Snapshot, again_after: float = 3600) -> Answer:
    """A stream that ends with these events; the browser comes again after so many seconds."""
    events = "".join(
        f"id: {shown.revision}-{shown.tick}\nevent: snapshot\ndata: {encode(shown)}\n\n"
        for shown in snapshots
    )
    body = f"retry: {round(again_after * 1000)}\n\n{events}"
    return Answer(body=body, kind="text/event-stream")


class Link:
    """One socket that the page opened."""

    def __init__(self, route: WebSocketRoute) -> None:
        self._route = route
        self.frames: list[dict[str, Any]] = []
        self.is_closed = False
        self.is_dead = False
        self.pings = 0
        self._seq = 0
        route.on_message(lambda text: self._take(json.loads(text)))
        route.on_close(lambda code, reason: self._closed())

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] != "ping":
            self.frames.append(frame)
            return
        self.pings += 1
        if not self.is_dead:
            self.send({"type": "pong"})

    def _closed(self) -> None:
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
        self.complaints: list[str] = []
        self.tolerated = "(?!)"
        self.asked: list[str] = []
        self.policy = POLICY
        self.hangs_up = False
        self._answers: list[tuple[str, list[Answer]]] = []
        self._body = self._head = ""
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self._listen(line.type, line.text))
        page.route("**/*", self._answer)
        page.route_web_socket("**/ws/jobs/", self._connect)
        page.clock.install(time=NOW - 3600)  # it runs until it is paused, and never goes back
        page.clock.pause_at(LOADED_AT)

    def _listen(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not re.search(self.tolerated, text):
            self.complaints.append(text)

    def _connect(self, route: WebSocketRoute) -> None:
        link = Link(route)
        self.links.append(link)
        if self.hangs_up:
            link.close(code=1011)

    def serve(self, path: str, *answers: Answer) -> None:
        """From now on; the last answer holds. `path` is how the address ends, but for its query."""
        self._answers.insert(0, (path, list(answers)))

    def _served(self, route: Route) -> bool:
        address = route.request.url.partition("?")[0]
        for path, answers in self._answers:
            if address.endswith(path):
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                route.fulfill(status=answer.status, body=answer.body, content_type=answer.kind)
                return True
        return False

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if not path.startswith("/static/"):
            self.asked.append(path)
        if self._served(route):
            return
        found = finders.find(path.removeprefix("/static/")) if path.startswith("/static/") else None
        if isinstance(found, str):
            kind = mimetypes.guess_type(found)[0] or "text/plain"
            route.fulfill(body=Path(found).read_bytes(), content_type=kind)
        elif path == "/":
            html = PAGE.format(head=self._head, body=self._body)
            headers = {"Content-Security-Policy": self.policy, "Referrer-Policy": "no-referrer"}
            route.fulfill(body=html, content_type="text/html; charset=utf-8", headers=headers)
        else:
            route.fulfill(
                body="<svg xmlns='http://www.w3.org/2000/svg'/>", content_type="image/svg+xml"
            )

    def open(self, body: str = "", *, head: str = "") -> None:
        self._body, self._head = body, head
        self.page.goto(f"{ORIGIN}/")

    def open_job(self, *snapshots: Snapshot, **options: bool) -> None:
        self.open_without_link(*snapshots, **options)
        self.until(lambda: bool(self.links and self.links[-1].of_type("watch")))

    def open_without_link(self, *snapshots: Snapshot, **options: bool) -> None:
        jobs = [rendered(shown, **options) for shown in snapshots]
        self.open("".join(jobs))

    def module(self, name: str, expression: str, argument: object = None) -> Any:
        """What `expression`, in which `m` is the module and `a` the argument, comes to."""
        load = f'import("/static/realtime/{name}.js")'
        return self.page.evaluate(f"(a) => {load}.then((m) => ({expression}))", argument)

    @property
    def link(self) -> Link:
        """The newest."""
        return self.links[-1]

    def until(self, happens: Callable[[], bool]) -> None:
        deadline = monotonic() + PATIENCE
        while not happens():
            if monotonic() > deadline:
                raise AssertionError(f"It did not happen: {[link.frames for link in self.links]}")
            self.page.wait_for_timeout(20)

    def pass_time_until(self, happens: Callable[[], bool]) -> None:
        """However often the page waits before it tries again."""

        def step() -> bool:
            self.pass_time(0.2)
            return happens()

        self.until(step)

    def until_true(self, expression: str) -> None:
        # Not wait_for_function, which waits for frames of the clock that stands still.
        self.until(lambda: bool(self.page.evaluate(expression)))

    def pass_time(self, seconds: float) -> None:
        """In steps in which what the page sends reaches the far end, and its answers the page."""
        while seconds > 0:
            self.page.clock.run_for(round(min(seconds, STEP) * 1000))
            seconds -= STEP
            if seconds > 0:
                self.page.evaluate("null")


def rendered(snapshot: Snapshot, *, titled: bool = False, **options: bool) -> str:
    """`options` are what else the template knows: `may_act`, `resumes`, `still`."""
    context = {"snapshot": snapshot, "key": "a-key", "main": titled} | options
    return render_to_string("realtime/_job_progress.html", context)
