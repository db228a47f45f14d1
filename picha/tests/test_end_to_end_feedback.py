"""A visitor writes to the site and watches the emails go."""

import re
from http import HTTPStatus

import pytest
from playwright.sync_api import expect

from picha.tests.browsers import Guests
from picha.tests.faults import frozen
from picha.tests.http_client import send_at_once
from picha.tests.pages import (
    END,
    JobPage,
    Letter,
    expect_delivered,
    expect_in_mailbox,
    send_feedback,
    write,
)
from picha.tests.site_database import feedbacks
from picha.tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser]

IN_LINE = re.compile(r"Next in line|\d\w\w in line")


def test_the_visitor_sees_every_stage_without_a_reload(stack: Stack, guests: Guests) -> None:
    page, letter = guests.open(), Letter.new()
    with frozen(stack, "smtp"):
        with frozen(stack, "worker"):
            job = send_feedback(page, letter)
            job.expect_live()
            job.record()
            expect(job.sentence).to_contain_text(IN_LINE)
        expect(job.phase).to_have_text("Connecting to the mail server", timeout=END)
    expect_delivered(job, within=3 * END)

    seen = job.seen()
    assert seen.states[:2] == ["Waiting", "Running"]
    assert seen.states[-1] == "Done"
    assert "Connecting to the mail server" in seen.phases
    assert seen.values == sorted(seen.values)
    assert (seen.values[0], seen.values[-1]) == (0, 1)
    assert len(seen.values) > 2
    expect_in_mailbox(page, stack, letter)


def test_the_dialog_of_every_page_sends_feedback_too(stack: Stack, guests: Guests) -> None:
    page, letter = guests.open(), Letter.new()
    page.goto("/")
    page.get_by_role("link", name="Got feedback?").click()
    dialog = page.get_by_role("dialog", name="Got feedback?")
    button = write(dialog, letter)
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        button.click()

    assert answer.value.status == HTTPStatus.SEE_OTHER
    expect_delivered(JobPage(page))
    expect_in_mailbox(page, stack, letter)


def test_the_dialog_closes_and_gives_the_focus_back(guests: Guests) -> None:
    page = guests.open()
    page.goto("/")
    opener = page.get_by_role("link", name="Got feedback?")
    opener.click()
    dialog = page.get_by_role("dialog", name="Got feedback?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_double_click_is_one_feedback(stack: Stack, guests: Guests, javascript: bool) -> None:
    page, letter = guests.open(javascript=javascript), Letter.new()
    page.goto("/feedback/")
    write(page.locator("main"), letter).dblclick()
    page.wait_for_url("**/jobs/*/?key=*")

    expect_delivered(JobPage(page))
    assert feedbacks(stack, email=letter.email) == 1
    expect_in_mailbox(page, stack, letter)


def test_one_form_sent_several_times_at_once_is_one_feedback(stack: Stack) -> None:
    letter = Letter.new()

    assert len(send_at_once(stack, letter, times=4)) == 1
    assert feedbacks(stack, email=letter.email) == 1


@pytest.mark.once
def test_without_scripts_the_page_refreshes_itself_to_the_end(stack: Stack, guests: Guests) -> None:
    page, letter = guests.open(javascript=False), Letter.new()
    note, loads = page.locator("noscript p"), list[str]()
    with frozen(stack, "smtp"):
        job = send_feedback(page, letter)
        page.on("load", lambda loaded: loads.append(loaded.url))
        expect(note).to_contain_text("This page refreshes itself every")
        expect(job.phase).to_have_text("Connecting to the mail server", timeout=END)
    expect_delivered(job, within=3 * END)

    assert set(loads) == {job.url}
    expect(note).to_have_count(0)
    expect_in_mailbox(page, stack, letter)


def test_whoever_has_the_link_sees_the_same_and_nobody_else(stack: Stack, guests: Guests) -> None:
    guests.tolerate("404 for .*/jobs/")
    with frozen(stack, "smtp"):
        first = send_feedback(guests.open(), Letter.new())
        tab, phone = JobPage(first.page.context.new_page()), JobPage(guests.open(width=360))
        for watcher in (tab, phone):
            watcher.page.goto(first.url)
            watcher.expect_live()
            watcher.record()
        stranger = guests.open().goto(f"/jobs/{first.job_id}/")
        forger = guests.open().goto(f"{first.url[:-1]}{'A' if first.url[-1] != 'A' else 'B'}")
    for watcher in (first, tab, phone):
        expect_delivered(watcher, within=3 * END)

    assert tab.seen().states[-1] == phone.seen().states[-1] == "Done"
    assert stranger
    assert forger
    assert stranger.status == forger.status == HTTPStatus.NOT_FOUND
