"""A page whose connection a test holds in its hand: what it does, and what it tells."""

from typing import Any
from uuid import UUID

from realtime.tests.support.browser_page import FakeSite
from realtime.tests.support.word_cases import JOB

OTHER = UUID(int=JOB.int + 1)
# Keeps what happens; the page has one connection, so the test holds on to it.
HOLD = """(() => {
  const heard = [];
  const note = (type) => ({ detail }) => heard.push([type, detail]);
  ["state", "overview", "refused"].forEach((t) => m.connection.addEventListener(t, note(t)));
  window.held = { connection: m.connection, heard, note };
})()"""


def run(site: FakeSite, code: str, argument: object = None) -> None:
    site.page.evaluate(f"(a) => {{ const {{ connection, note }} = window.held; {code} }}", argument)


def watch(site: FakeSite, job: UUID, key: str = "k") -> None:
    code = """const watch = connection.watch(...a);
    ["snapshot", "denied"].forEach((type) => watch.addEventListener(type, note(type)));"""
    run(site, code, [str(job), key])


def state(site: FakeSite) -> object:
    return site.page.evaluate("window.held.connection.state")


def heard(site: FakeSite, kind: str) -> list[Any]:
    pairs = site.page.evaluate("window.held.heard")
    return [detail for name, detail in pairs if name == kind]


def ticks(site: FakeSite) -> list[int]:
    return [shown["tick"] for shown in heard(site, "snapshot")]


def is_live_again(site: FakeSite, count: int) -> bool:
    return len(site.links) > count and state(site) == "live"


def hide(site: FakeSite, *, hidden: bool) -> None:
    code = """Object.defineProperty(document, "hidden", { value: a, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));"""
    run(site, code, hidden)
