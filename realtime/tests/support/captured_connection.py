"""The `connection` of a page in a test: calls its methods and records its events."""

from typing import Any
from uuid import UUID

from realtime.tests.support.browser_page import FakeSite
from realtime.tests.support.word_cases import JOB

OTHER = UUID(int=JOB.int + 1)
# Makes the page's only connection a property of `window`, with the events that it dispatched.
CAPTURE = """(() => {
  const events = [];
  const record = (type) => ({ detail }) => events.push([type, detail]);
  ["state", "overview", "refused"].forEach((t) => m.connection.addEventListener(t, record(t)));
  window.captured = { connection: m.connection, events, record };
})()"""


def run(site: FakeSite, code: str, argument: object = None) -> None:
    site.page.evaluate(
        f"(a) => {{ const {{ connection, record }} = window.captured; {code} }}", argument
    )


def watch(site: FakeSite, job: UUID, key: str = "k") -> None:
    code = """const watch = connection.watch(...a);
    ["snapshot", "denied"].forEach((type) => watch.addEventListener(type, record(type)));"""
    run(site, code, [str(job), key])


def state(site: FakeSite) -> object:
    return site.page.evaluate("window.captured.connection.state")


def events(site: FakeSite, kind: str) -> list[Any]:
    pairs = site.page.evaluate("window.captured.events")
    return [detail for name, detail in pairs if name == kind]


def ticks(site: FakeSite) -> list[int]:
    return [snapshot["tick"] for snapshot in events(site, "snapshot")]


def is_live_again(site: FakeSite, count: int) -> bool:
    return len(site.links) > count and state(site) == "live"


def hide(site: FakeSite, *, hidden: bool) -> None:
    code = """Object.defineProperty(document, "hidden", { value: a, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));"""
    run(site, code, hidden)
