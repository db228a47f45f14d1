from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page

from realtime.tests.support.browser_page import LOADED_AT, FakeSite
from realtime.tests.support.captured_connection import CAPTURE, state, watch
from realtime.tests.support.word_cases import JOB


@pytest.fixture
def site(page: Page, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSite]:
    """A page with only the scripts. An error or warning in the browser's console fails the test."""
    # The server renders at the time at which the clock of the browser is paused.
    moment = datetime.fromtimestamp(LOADED_AT, tz=UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
    site = FakeSite(page)
    yield site
    assert site.browser_errors == []


@pytest.fixture
def live(site: FakeSite) -> FakeSite:
    """A page that watches one job over a WebSocket."""
    site.open()
    site.module("link/connection", CAPTURE)
    watch(site, JOB)
    site.until(lambda: bool(site.links and site.link.of_type("watch")))
    assert state(site) == "live"
    return site


@pytest.fixture
def page_of_modules(site: FakeSite) -> FakeSite:
    """An empty page, in which a test imports modules."""
    site.open()
    return site
