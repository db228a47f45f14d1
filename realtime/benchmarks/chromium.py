"""One page in a real browser: `python -m realtime.benchmarks.chromium PORT JOB...`.

It knows the same commands as the other client processes (see `commands`). An update arrives when
the page dispatches the event `job:snapshot`, to which any script of the page may listen.
"""

import os
import shutil
import sys
from time import monotonic
from typing import Final

from playwright.sync_api import Page, sync_playwright

from realtime.benchmarks.commands import Answer, read_command, write_answer
from realtime.benchmarks.frame_statistics import FrameStatistics

TIMEOUT_MS: Final = 60_000
RECORD_EVENTS: Final = """
window.watched = new Set();
window.received = new Map();
document.addEventListener("job:snapshot", ({ detail }) => {
  const now = performance.now();
  const [, timestamp] = JSON.stringify(detail).match(/@([0-9.]+)@/) ?? [];
  window.watched.add(detail.id);
  if (timestamp && !window.received.has(timestamp)) {
    window.received.set(timestamp, now);
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
CLOCK_READINGS: Final = 20
"""The reading that took least time is the most accurate."""


def open_page(page: Page, *, port: int, jobs: list[str]) -> float:
    """Watches these jobs; returns how many seconds the clock of the page is ahead of ours."""
    page.set_default_timeout(TIMEOUT_MS)
    page.add_init_script(RECORD_EVENTS)
    page.goto(f"http://127.0.0.1:{port}/jobs/{jobs[0]}/")
    page.evaluate(WATCH, jobs[1:])
    page.wait_for_function("(count) => window.watched.size === count", arg=len(jobs))
    return min(read_clock(page) for _ in range(CLOCK_READINGS))[1]


def read_clock(page: Page) -> tuple[float, float]:
    """How long the reading took, and how far the clock of the page is ahead, both in seconds.

    It compares monotonic clocks: the time of day may be set during the benchmark.
    """
    began = monotonic()
    now: float = page.evaluate("performance.now()")
    ended = monotonic()
    return ended - began, now / 1000 - (began + ended) / 2


def statistics_of(page: Page, *, clock_offset: float) -> FrameStatistics:
    statistics = FrameStatistics()
    for timestamp, received_at in page.evaluate("[...window.received]"):
        statistics.add(float(timestamp), now=received_at / 1000 - clock_offset)
    return statistics


def answer_commands(page: Page, *, port: int, jobs: list[str]) -> None:
    clock_offset = 0.0
    while command := read_command():
        answer: Answer = {}
        match command:
            case ["connect", "1"]:
                clock_offset = open_page(page, port=port, jobs=jobs)
            case ["reset"]:
                page.evaluate("window.received.clear()")
            case ["frames"]:
                answer = {"frames": statistics_of(page, clock_offset=clock_offset).frames}
            case ["report"]:
                answer = statistics_of(page, clock_offset=clock_offset).report()
        write_answer(answer)


def main(port: str, *jobs: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu"],  # Chromium has no sandbox for root
            timeout=TIMEOUT_MS,
        )
        answer_commands(browser.new_page(), port=int(port), jobs=list(jobs))
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
