from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page

from realtime.tests.support.browser_page import LOADED_AT, FakeSite
from realtime.tests.support.captured_connection import HOLD, state, watch
from realtime.tests.support.word_cases import JOB


@pytest.fixture
def site(page: Page, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSite]:
    """A page of scripts alone. Whatever the browser complains of fails the test."""
    # Pages are rendered at the moment at which the browser's clock stands still.
    moment = datetime.fromtimestamp(LOADED_AT, tz=UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
    fake = FakeSite(page)
    yield fake
    assert fake.complaints == []


@pytest.fixture
def live(site: FakeSite) -> FakeSite:
    """A page that watches one job, and is live."""
    site.open()
    site.module("link/connection", HOLD)
    watch(site, JOB)
    site.until(lambda: bool(site.links and site.link.of_type("watch")))
    assert state(site) == "live"
    return site
