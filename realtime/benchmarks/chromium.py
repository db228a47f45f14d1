"""A real browser on one page: `python -m realtime.benchmarks.chromium PORT JOB...`.

Told on stdin as the crowd is. It counts a stamp when the page's own scripts are first told of it,
by the event that any page may listen to.
"""

import json
import os
import shutil
import sys
from time import monotonic
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

from realtime.benchmarks.many_clients import Counted

PATIENCE: Final = 60_000
"""Milliseconds."""
LISTEN: Final = """
window.watched = new Set();
window.heard = new Map();
document.addEventListener("job:snapshot", ({ detail }) => {
  const now = performance.now();
  const [, stamp] = JSON.stringify(detail).match(/@([0-9.]+)@/) ?? [];
  window.watched.add(detail.id);
  if (stamp && !window.heard.has(stamp)) {
    window.heard.set(stamp, now);
  }
});
"""
WATCH: Final = """(jobs) => {
  for (const job of jobs) {
    const element = document.createElement("job-progress");
    element.setAttribute("job", job);
    document.body.append(element);
  }
}"""
NOW: Final = "performance.now()"
LOOKS: Final = 20
"""At the page's clock: the quickest answer tells best how far it is ahead."""


def open_page(page: Page, *, port: int, jobs: list[str]) -> float:
    """How many seconds the page's clock is ahead of ours."""
    page.set_default_timeout(PATIENCE)
    page.add_init_script(LISTEN)
    page.goto(f"http://127.0.0.1:{port}/jobs/{jobs[0]}/")
    page.evaluate(WATCH, jobs[1:])
    page.wait_for_function("(count) => window.watched.size === count", arg=len(jobs))
    return min(look(page) for _ in range(LOOKS))[1]


def look(page: Page) -> tuple[float, float]:
    """The seconds that it takes to ask the page for the time, and by how much its clock is ahead;
    not by way of the time of day, which may be set meanwhile."""
    began = monotonic()
    now: float = page.evaluate(NOW)
    ended = monotonic()
    return ended - began, now / 1000 - (began + ended) / 2


def counted(page: Page, *, ahead: float) -> Counted:
    counted = Counted()
    for stamp, heard_at in page.evaluate("[...window.heard]"):
        counted.frames += 1
        counted.waits.append(heard_at / 1000 - ahead - float(stamp))
    return counted


def main(port: str, *jobs: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu"],  # there is no sandbox for root
            timeout=PATIENCE,
        )
        page, ahead = browser.new_page(), 0.0
        while order := sys.stdin.readline().split():
            answer: dict[str, Any] = {}
            match order:
                case ["more", "1"]:
                    ahead = open_page(page, port=int(port), jobs=list(jobs))
                case ["count"]:
                    page.evaluate("window.heard.clear()")
                case ["frames"]:
                    answer = {"frames": counted(page, ahead=ahead).frames}
                case ["report"]:
                    answer = counted(page, ahead=ahead).report()
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
