"""A user imports photos and watches them come, and an operator watches both the user and a visitor.

Each import is of photos with a tag of its own, so that its photos are new to the site.
"""

from http import HTTPStatus

import pytest
from playwright.sync_api import Page, expect

from picha.tests.browsers import Guests
from picha.tests.dashboard_page import OpsPage
from picha.tests.faults import frozen
from picha.tests.pages import (
    END,
    JobPage,
    Letter,
    expect_delivered,
    expect_gallery,
    send_feedback,
    start_import,
)
from picha.tests.stack import Stack
from picha.tests.users import People, Person

pytestmark = [pytest.mark.stack, pytest.mark.browser]

OUTCOMES = ("new", "updated", "unchanged", "failed")


def log_in(page: Page, person: Person) -> None:
    page.get_by_label("Username").fill(person.username)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Log in").click()


def expect_imported(job: JobPage, *, photos: int) -> None:
    job.expect_state("Done")
    expect(job.job.locator("[data-part=amount]")).to_have_text(f"{photos} of {photos} photos")
    assert sum(job.tally(outcome) for outcome in OUTCOMES) == photos


def expect_pictures(job: JobPage) -> None:
    """They are there, and are not broken."""
    expect(job.pictures).to_have_count(12)
    for picture in job.pictures.all():
        expect(picture).to_have_js_property("complete", value=True)
        assert picture.evaluate("(image) => image.naturalWidth") > 0


def test_a_user_logs_in_and_watches_60_photos_come(
    stack: Stack, guests: Guests, people: People
) -> None:
    page = guests.open()
    page.goto("/photos/imports/")
    log_in(page, people.user)
    page.wait_for_url("**/photos/imports/")
    with frozen(stack, "sandbox"):
        with frozen(stack, "worker"):
            job = start_import(page, tags="mountains")
            job.expect_live()
            job.record()
        job.expect_state("Running")
    expect(job.pictures.first).to_be_visible(timeout=END)
    expect_imported(job, photos=60)

    seen = job.seen()
    assert seen.states == ["Waiting", "Running", "Done"]
    assert "Saving photos" in seen.phases
    expect(job.phases_done).to_have_text(["Reading Flickr", "Saving photos"])
    assert len(seen.values) > 2
    assert seen.values == sorted(seen.values)
    assert seen.pictured == ["Running", "Done"], "the pictures came before the end"
    expect_pictures(job)
    page.get_by_role("link", name="See what came of it").click()
    page.wait_for_url("**/")
    expect_gallery(page)


@pytest.mark.once
def test_without_scripts_an_import_is_watched_to_its_end(guests: Guests, people: People) -> None:
    page = guests.open(javascript=False)
    page.goto("/photos/imports/")
    log_in(page, people.user)
    page.wait_for_url("**/photos/imports/")
    job = start_import(page, tags="dunes")
    job_id = job.job_id

    expect_imported(job, photos=60)
    expect(job.pictures).to_have_count(12)
    expect_gallery(page)
    page.goto("/photos/imports/")
    expect(page.locator(f"a[href='/jobs/{job_id}/']")).to_be_visible()


def test_an_import_is_its_owners_in_every_tab_and_nobody_elses(
    guests: Guests, people: People
) -> None:
    guests.tolerate("404 for .*/jobs/")
    first = start_import(guests.open(people.user), tags="sea", limit=12)
    second = JobPage(first.page.context.new_page())
    second.page.goto(first.url)

    for watcher in (first, second):
        expect_imported(watcher, photos=12)
    for person in (None, people.other_user, people.staff):
        answer = guests.open(person).goto(first.url)
        assert answer
        assert answer.status == HTTPStatus.NOT_FOUND


def test_an_operator_sees_both_jobs_move_and_end(
    stack: Stack, guests: Guests, people: People
) -> None:
    ops = OpsPage(guests.open(people.operator))
    ops.open()
    ops.record_numbers()
    with frozen(stack, "smtp", "sandbox"):
        with frozen(stack, "worker"):
            importing = start_import(guests.open(people.user), tags="night")
            feedback = send_feedback(guests.open(), Letter.new())
            for job in (importing, feedback):
                expect(ops.state_of(job.job_id)).to_have_text("Waiting", timeout=END)
            ops.record(importing.job_id)
        for job in (importing, feedback):
            expect(ops.state_of(job.job_id)).to_have_text("Running", timeout=END)
    for job in (importing, feedback):
        expect(ops.state_of(job.job_id)).to_have_text("Done", timeout=END)
    expect_delivered(feedback)
    expect_imported(importing, photos=60)

    seen = ops.seen()
    assert seen.states == ["Waiting", "Running", "Done"]
    assert len(seen.values) > 2
    assert seen.values == sorted(seen.values)
    numbers = ops.numbers_seen()
    assert len(set(numbers["waiting"])) > 1
    assert len(set(numbers["running"])) > 1


def test_an_operator_filters_jobs_and_reads_all_of_one(guests: Guests, people: People) -> None:
    job = send_feedback(guests.open(), Letter.new())
    expect_delivered(job)
    ops = OpsPage(guests.open(people.operator))
    ops.open()
    ops.filter(state="Done", task="send_feedback_email_task")
    expect(ops.row(job.job_id)).to_be_visible()
    assert {row.get_attribute("data-state") for row in ops.rows.all()} == {"succeeded"}
    ops.filter(state="Failed", task="send_feedback_email_task")
    expect(ops.row(job.job_id)).to_have_count(0)
    ops.filter(state="Any state", task="Any task")
    ops.row(job.job_id).get_by_role("link").click()

    page = ops.page
    page.wait_for_url(f"**/ops/jobs/{job.job_id}/")
    timeline = page.locator("section", has=page.get_by_role("heading", name="Timeline"))
    for label in ("Waiting", "Running", "Done"):
        expect(timeline.locator(".state", has_text=label).first).to_be_visible()
    ledger = page.locator("section", has=page.get_by_role("heading", name="Ledger"))
    expect(ledger.locator("tbody tr")).to_have_count(2)
    expect(page.locator(".facts").first).to_contain_text("send_feedback_email_task")
