"""The same jobs, watched where no WebSocket can be had."""

import re

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from picha.tests.browsers import Guests
from picha.tests.faults import frozen
from picha.tests.pages import END, Letter, expect_delivered, send_feedback, start_import
from picha.tests.stack import Stack
from picha.tests.users import People

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.once]

EVENTS = re.compile(r"/jobs/[\w-]+/events")
ASKED = re.compile(r"/jobs/[\w-]+\.json")


def hang_up(route: WebSocketRoute) -> None:
    """As a proxy does that lets the upgrade through, and nothing else."""
    route.close(code=1011)


def without_sockets(page: Page) -> list[str]:
    """Returns the addresses that the page asks for from now on."""
    asked: list[str] = []
    page.route_web_socket("**/ws/jobs/", hang_up)
    page.on("request", lambda request: asked.append(request.url))
    return asked


def test_a_job_is_streamed_to_its_end(stack: Stack, guests: Guests) -> None:
    page = guests.open()
    asked = without_sockets(page)
    with frozen(stack, "smtp"):
        job = send_feedback(page, Letter.new())
        job.record()
        job.expect_live()
        expect(job.phase).to_have_text("Connecting to the mail server", timeout=END)
    expect_delivered(job)

    job.expect_live()
    assert job.seen().states[-1] == "Done"
    assert [url for url in asked if EVENTS.search(url)]
    assert not [url for url in asked if ASKED.search(url)]


def test_without_streams_it_is_asked_for(stack: Stack, guests: Guests) -> None:
    page = guests.open()
    asked = without_sockets(page)
    page.route(EVENTS, lambda route: route.abort())
    with frozen(stack, "worker"):
        job = send_feedback(page, Letter.new())
        job.record()
        expect(job.link).to_have_text("refreshing every 5 s", timeout=END)
        expect(job.state).to_have_text("Waiting")
    expect_delivered(job)

    assert job.seen().states[-1] == "Done"
    assert len([url for url in asked if ASKED.search(url)]) > 1


def test_the_operators_page_is_read_again(stack: Stack, guests: Guests, people: People) -> None:
    page = guests.open(people.operator)
    without_sockets(page)
    page.goto("/ops/")
    expect(page.locator("link-state")).to_have_text("refreshing every 30 s", timeout=END)


def test_whoever_logs_out_elsewhere_is_offered_to_log_in_again(
    guests: Guests, people: People
) -> None:
    page = guests.open()
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill(people.user.username)
    page.get_by_label("Password").fill(people.user.password)
    page.locator("main").get_by_role("button", name="Log in").click()
    page.wait_for_url("/")
    job = start_import(page, tags="city", limit=5)
    job.expect_live()
    other = job.page.context.new_page()
    other.goto("/")
    other.get_by_role("button", name="Log out").click()
    expect(job.link).to_contain_text("your session has ended", timeout=END)
    link = job.link.get_by_role("link", name="log in again")
    expect(link).to_have_attribute("href", re.compile(r"^/accounts/login/\?next=%2Fjobs%2F"))
