"""What people see while a part of the running site is down, and afterwards."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import expect

from picha.tests.browsers import Guests
from picha.tests.faults import frozen, stopped, wait_until_well
from picha.tests.http_client import send_feedback as post_feedback
from picha.tests.pages import END, JobPage, Letter, expect_delivered, send_feedback
from picha.tests.site_database import feedbacks
from picha.tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.once]

AT_ONCE: Final = 15.0
"""Seconds that a visitor is kept waiting at most on a machine that has much else to do: who waits
for a broker that is down waits for minutes."""


@pytest.fixture(autouse=True)
def well_before_and_after(stack: Stack) -> Iterator[None]:
    wait_until_well(stack)
    yield
    wait_until_well(stack)


def test_with_the_mail_server_down_the_page_says_when_the_next_try_is(
    stack: Stack, guests: Guests
) -> None:
    with stopped(stack, "smtp"):
        job = send_feedback(guests.open(), Letter.new())
        job.record()
        job.expect_state("Trying again")
        expect(job.sentence).to_contain_text(re.compile(r"Next try in (\d+ s|a moment)"))
        expect(job.job).to_contain_text("The mail server does not answer.")
    expect_delivered(job, within=3 * END)

    states = job.seen().states
    assert states.index("Trying again") < states.index("Done")
    expect(job.job.locator("[data-part=error]")).to_be_hidden()


def test_with_redis_down_the_visitor_has_the_page_at_once_and_the_job_runs_later(
    stack: Stack, guests: Guests
) -> None:
    page, letter = guests.open(), Letter.new()
    with stopped(stack, "valkey"):
        sent = post_feedback(stack, letter)
        assert sent.seconds < AT_ONCE
        assert feedbacks(stack, email=letter.email) == 1
        page.goto(sent.location)
        job = JobPage(page)
        job.expect_live()
        job.record()
        expect(job.state).to_have_text("Waiting")
        expect(job.sentence).to_contain_text("The queue cannot be reached.", timeout=END)
    expect_delivered(job)
    assert job.seen().states[-1] == "Done"


@pytest.mark.parametrize("program", ["worker", "valkey"])
def test_after_a_kill_the_next_job_runs(stack: Stack, guests: Guests, program: str) -> None:
    expect_delivered(send_feedback(guests.open(), Letter.new()))
    stack.kill(program)
    job = send_feedback(guests.open(), Letter.new())
    expect_delivered(job)


def test_a_page_that_loses_the_site_finds_back_and_ends_at_the_truth(
    stack: Stack, guests: Guests
) -> None:
    guests.tolerate("WebSocket connection to .* failed")
    page = guests.open()
    with frozen(stack, "worker"):
        job = send_feedback(page, Letter.new())
        job.expect_live()
        job.record()
        with stopped(stack, "web"):
            expect(job.link).to_contain_text("reconnecting")
    expect_delivered(job)
    job.expect_live()
    assert job.seen().states[-1] == "Done"


def test_a_page_outlives_a_killed_web_server(stack: Stack, guests: Guests) -> None:
    guests.tolerate("WebSocket connection to .* failed")
    page = guests.open()
    with frozen(stack, "worker"):
        job = send_feedback(page, Letter.new())
        job.expect_live()
        job.record()
        stack.kill("web")
    expect_delivered(job)
    assert job.seen().states[-1] == "Done"
