"""What visitors see while a program of the running site is down, and afterwards."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import expect

from picha.tests.browsers import Browsers
from picha.tests.faults import frozen, stopped, wait_until_ready
from picha.tests.http_client import post_feedback
from picha.tests.pages import JOB_TIMEOUT_MS, FeedbackData, JobPage, expect_delivered, send_feedback
from picha.tests.site_database import count_feedback
from picha.tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.once]

RESPONSE_SECONDS_MAX: Final = 15.0
"""Long enough for a busy machine: a request that waits for a broker that is down takes minutes."""


@pytest.fixture(autouse=True)
def ready_before_and_after(stack: Stack) -> Iterator[None]:
    wait_until_ready(stack)
    yield
    wait_until_ready(stack)


def test_while_the_mail_server_is_down_the_page_shows_the_next_attempt(
    stack: Stack, browsers: Browsers
) -> None:
    with stopped(stack, "smtp"):
        job = send_feedback(browsers.open(), FeedbackData.unique())
        job.record()
        job.expect_state("Trying again")
        expect(job.sentence).to_contain_text(re.compile(r"Next try in (\d+ s|a moment)"))
        expect(job.job).to_contain_text("The mail server does not answer.")
    expect_delivered(job, within=3 * JOB_TIMEOUT_MS)

    states = job.history().states
    assert states.index("Trying again") < states.index("Done")
    expect(job.job.locator("[data-part=error]")).to_be_hidden()


def test_while_redis_is_down_the_page_is_immediate_and_the_job_runs_later(
    stack: Stack, browsers: Browsers
) -> None:
    page, feedback = browsers.open(), FeedbackData.unique()
    with stopped(stack, "valkey"):
        sent = post_feedback(stack, feedback)
        assert sent.seconds < RESPONSE_SECONDS_MAX
        assert count_feedback(stack, email=feedback.email) == 1
        page.goto(sent.location)
        job = JobPage(page)
        job.expect_live()
        job.record()
        expect(job.state).to_have_text("Waiting")
        expect(job.sentence).to_contain_text("The queue cannot be reached.", timeout=JOB_TIMEOUT_MS)
    expect_delivered(job)
    assert job.history().states[-1] == "Done"


@pytest.mark.parametrize("program", ["worker", "valkey"])
def test_after_a_kill_the_next_job_runs(stack: Stack, browsers: Browsers, program: str) -> None:
    expect_delivered(send_feedback(browsers.open(), FeedbackData.unique()))
    stack.kill(program)
    job = send_feedback(browsers.open(), FeedbackData.unique())
    expect_delivered(job)


def test_a_page_reconnects_after_a_stop_of_the_web_server(stack: Stack, browsers: Browsers) -> None:
    browsers.allow_errors("WebSocket connection to .* failed")
    page = browsers.open()
    with frozen(stack, "worker"):
        job = send_feedback(page, FeedbackData.unique())
        job.expect_live()
        job.record()
        with stopped(stack, "web"):
            expect(job.link).to_contain_text("reconnecting")
    expect_delivered(job)
    job.expect_live()
    assert job.history().states[-1] == "Done"


def test_a_page_reconnects_after_a_kill_of_the_web_server(stack: Stack, browsers: Browsers) -> None:
    browsers.allow_errors("WebSocket connection to .* failed")
    page = browsers.open()
    with frozen(stack, "worker"):
        job = send_feedback(page, FeedbackData.unique())
        job.expect_live()
        job.record()
        stack.kill("web")
    expect_delivered(job)
    assert job.history().states[-1] == "Done"
