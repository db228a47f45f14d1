"""Watching jobs when WebSockets do not work: by an event stream, by polling, after a logout."""

import re

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from picha.tests.browsers import Browsers
from picha.tests.faults import frozen
from picha.tests.pages import (
    JOB_TIMEOUT_MS,
    FeedbackData,
    expect_delivered,
    send_feedback,
    start_import,
)
from picha.tests.stack import Stack
from picha.tests.users import SiteUsers

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.once]

EVENTS = re.compile(r"/jobs/[\w-]+/events")
SNAPSHOT = re.compile(r"/jobs/[\w-]+\.json")


def close_socket(route: WebSocketRoute) -> None:
    """Some proxies accept the upgrade and then close the connection."""
    route.close(code=1011)


def disable_sockets(page: Page) -> list[str]:
    """A list to which the URL of each request from now on is added."""
    urls: list[str] = []
    page.route_web_socket("**/ws/jobs/", close_socket)
    page.on("request", lambda request: urls.append(request.url))
    return urls


def test_without_sockets_an_event_stream_shows_the_job_to_its_end(
    stack: Stack, browsers: Browsers
) -> None:
    page = browsers.open()
    urls = disable_sockets(page)
    with frozen(stack, "smtp"):
        job = send_feedback(page, FeedbackData.unique())
        job.record()
        job.expect_live()
        expect(job.phase).to_have_text("Connecting to the mail server", timeout=JOB_TIMEOUT_MS)
    expect_delivered(job)

    job.expect_live()
    assert job.history().states[-1] == "Done"
    assert [url for url in urls if EVENTS.search(url)]
    assert not [url for url in urls if SNAPSHOT.search(url)]


def test_without_event_streams_the_page_polls(stack: Stack, browsers: Browsers) -> None:
    page = browsers.open()
    urls = disable_sockets(page)
    page.route(EVENTS, lambda route: route.abort())
    with frozen(stack, "worker"):
        job = send_feedback(page, FeedbackData.unique())
        job.record()
        expect(job.link).to_have_text("refreshing every 5 s", timeout=JOB_TIMEOUT_MS)
        expect(job.state).to_have_text("Waiting")
    expect_delivered(job)

    assert job.history().states[-1] == "Done"
    assert len([url for url in urls if SNAPSHOT.search(url)]) > 1


def test_the_operators_page_polls(stack: Stack, browsers: Browsers, users: SiteUsers) -> None:
    page = browsers.open(users.operator)
    disable_sockets(page)
    page.goto("/ops/")
    expect(page.locator("link-state")).to_have_text("refreshing every 30 s", timeout=JOB_TIMEOUT_MS)


def test_after_a_logout_in_another_tab_the_page_links_to_the_login(
    browsers: Browsers, users: SiteUsers
) -> None:
    page = browsers.open()
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill(users.user.username)
    page.get_by_label("Password").fill(users.user.password)
    page.locator("main").get_by_role("button", name="Log in").click()
    page.wait_for_url("/")
    job = start_import(page, tags="city", limit=5)
    job.expect_live()
    other = job.page.context.new_page()
    other.goto("/")
    other.get_by_role("button", name="Log out").click()
    expect(job.link).to_contain_text("your session has ended", timeout=JOB_TIMEOUT_MS)
    link = job.link.get_by_role("link", name="log in again")
    expect(link).to_have_attribute("href", re.compile(r"^/accounts/login/\?next=%2Fjobs%2F"))
