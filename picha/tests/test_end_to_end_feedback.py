"""A visitor sends feedback and watches how the emails are sent."""

import re
from http import HTTPStatus

import pytest
from playwright.sync_api import expect

from picha.tests.browsers import Browsers
from picha.tests.faults import frozen
from picha.tests.http_client import post_simultaneously
from picha.tests.pages import (
    JOB_TIMEOUT_MS,
    FeedbackData,
    JobPage,
    expect_delivered,
    expect_in_mailbox,
    fill_in,
    send_feedback,
)
from picha.tests.site_database import count_feedback
from picha.tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser]

QUEUE_POSITION = re.compile(r"Next in line|\d\w\w in line")


def test_the_visitor_sees_every_state_without_a_reload(stack: Stack, browsers: Browsers) -> None:
    page, feedback = browsers.open(), FeedbackData.unique()
    with frozen(stack, "smtp"):
        with frozen(stack, "worker"):
            job = send_feedback(page, feedback)
            job.expect_live()
            job.record()
            expect(job.sentence).to_contain_text(QUEUE_POSITION)
        expect(job.phase).to_have_text("Connecting to the mail server", timeout=JOB_TIMEOUT_MS)
    expect_delivered(job, within=3 * JOB_TIMEOUT_MS)

    history = job.history()
    assert history.states[:2] == ["Waiting", "Running"]
    assert history.states[-1] == "Done"
    assert "Connecting to the mail server" in history.phases
    assert history.values == sorted(history.values)
    assert (history.values[0], history.values[-1]) == (0, 1)
    assert len(history.values) > 2
    expect_in_mailbox(page, stack, feedback)


def test_the_dialog_sends_feedback_too(stack: Stack, browsers: Browsers) -> None:
    page, feedback = browsers.open(), FeedbackData.unique()
    page.goto("/")
    page.get_by_role("link", name="Got feedback?").click()
    dialog = page.get_by_role("dialog", name="Got feedback?")
    button = fill_in(dialog, feedback)
    with page.expect_response(lambda reply: reply.request.method == "POST") as response:
        button.click()

    assert response.value.status == HTTPStatus.SEE_OTHER
    expect_delivered(JobPage(page))
    expect_in_mailbox(page, stack, feedback)


def test_the_dialog_closes_and_returns_the_focus(browsers: Browsers) -> None:
    page = browsers.open()
    page.goto("/")
    opener = page.get_by_role("link", name="Got feedback?")
    opener.click()
    dialog = page.get_by_role("dialog", name="Got feedback?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_double_click_sends_feedback_once(
    stack: Stack, browsers: Browsers, javascript: bool
) -> None:
    page, feedback = browsers.open(javascript=javascript), FeedbackData.unique()
    page.goto("/feedback/")
    fill_in(page.locator("main"), feedback).dblclick()
    page.wait_for_url("**/jobs/*/?key=*")

    expect_delivered(JobPage(page))
    assert count_feedback(stack, email=feedback.email) == 1
    expect_in_mailbox(page, stack, feedback)


def test_a_form_posted_several_times_at_once_sends_feedback_once(stack: Stack) -> None:
    feedback = FeedbackData.unique()

    assert len(post_simultaneously(stack, feedback, times=4)) == 1
    assert count_feedback(stack, email=feedback.email) == 1


@pytest.mark.once
def test_without_javascript_the_page_reloads_until_the_job_ends(
    stack: Stack, browsers: Browsers
) -> None:
    page, feedback = browsers.open(javascript=False), FeedbackData.unique()
    note, loads = page.locator("noscript p"), list[str]()
    with frozen(stack, "smtp"):
        job = send_feedback(page, feedback)
        page.on("load", lambda loaded: loads.append(loaded.url))
        expect(note).to_contain_text("This page refreshes itself every")
        expect(job.phase).to_have_text("Connecting to the mail server", timeout=JOB_TIMEOUT_MS)
    expect_delivered(job, within=3 * JOB_TIMEOUT_MS)

    assert set(loads) == {job.url}
    expect(note).to_have_count(0)
    expect_in_mailbox(page, stack, feedback)


def test_everybody_with_the_link_sees_the_job_and_nobody_else(
    stack: Stack, browsers: Browsers
) -> None:
    browsers.allow_errors("404 for .*/jobs/")
    with frozen(stack, "smtp"):
        first = send_feedback(browsers.open(), FeedbackData.unique())
        tab, phone = JobPage(first.page.context.new_page()), JobPage(browsers.open(width=360))
        for watcher in (tab, phone):
            watcher.page.goto(first.url)
            watcher.expect_live()
            watcher.record()
        without_key = browsers.open().goto(f"/jobs/{first.job_id}/")
        with_wrong_key = browsers.open().goto(
            f"{first.url[:-1]}{'A' if first.url[-1] != 'A' else 'B'}"
        )
    for watcher in (first, tab, phone):
        expect_delivered(watcher, within=3 * JOB_TIMEOUT_MS)

    assert tab.history().states[-1] == phone.history().states[-1] == "Done"
    assert without_key
    assert with_wrong_key
    assert without_key.status == with_wrong_key.status == HTTPStatus.NOT_FOUND
