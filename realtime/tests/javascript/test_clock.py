"""Times in a browser whose clock is wrong."""

import pytest
from playwright.sync_api import expect

from realtime.snapshots.schema import Snapshot
from realtime.tests.support.browser_page import (
    LOADED_AT,
    PAGE,
    SCRIPTS,
    FakeSite,
    Response,
    rendered,
)
from realtime.tests.support.word_cases import STATES, snapshot

pytestmark = pytest.mark.browser

HOUR = 3600


def open_job(site: FakeSite, shown: Snapshot, *, server_time: float | None) -> None:
    site.open(rendered(shown), head=SCRIPTS, server_time=server_time)
    site.until(lambda: bool(site.links and site.link.of_type("watch")))
    site.link.send_jobs(shown)


@pytest.mark.parametrize("ahead", [-26 * HOUR, -2 * HOUR, -90, 0, 90, 2 * HOUR, 400 * 24 * HOUR])
def test_the_times_are_by_the_clock_of_the_server(site: FakeSite, ahead: float) -> None:
    """`ahead` is how many seconds the browser's clock is behind the server's."""
    server_time = LOADED_AT + ahead
    shown = snapshot(queued_at=server_time - 300, started_at=server_time - 30)
    open_job(site, shown, server_time=server_time)
    expect(site.page.locator('[data-part="started"]')).to_contain_text("Started 30 s ago")
    site.pass_time(10)
    expect(site.page.locator('[data-part="started"]')).to_contain_text("Started 40 s ago")
    expect(site.page.locator('[data-part="queued"]')).to_contain_text("Queued 5 min ago")


@pytest.mark.parametrize("ahead", [-2 * HOUR, 2 * HOUR])
def test_a_countdown_is_by_the_clock_of_the_server(site: FakeSite, ahead: float) -> None:
    shown = snapshot(state="retrying", retry_at=LOADED_AT + ahead + 20)
    open_job(site, shown, server_time=LOADED_AT + ahead)
    expect(site.page.locator('[data-part="sentence"]')).to_have_text("Next try in 20 s.")


@pytest.mark.parametrize("ahead", [5, 2 * HOUR])
def test_what_has_happened_is_never_in_the_future(site: FakeSite, ahead: float) -> None:
    open_job(site, snapshot(started_at=LOADED_AT + ahead), server_time=None)
    site.pass_time(1)
    expect(site.page.locator('[data-part="started"]')).to_contain_text("Started just now")


def test_a_page_that_is_read_again_tells_the_time_anew(site: FakeSite) -> None:
    open_job(site, STATES["running"], server_time=LOADED_AT + HOUR)
    page = PAGE.format(head="", body=rendered(STATES["running"]))
    site.serve("/", Response(body=page, kind="text/html", server_time=LOADED_AT + 5 * HOUR))
    read = "m.readPage(new AbortController().signal).then(() => null)"
    site.module("link/page-reader", read)
    ahead = site.module("shared/clock", "m.now() - Date.now() / 1000")
    assert ahead == pytest.approx(5 * HOUR, abs=1)
