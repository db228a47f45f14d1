"""A user imports photos and watches the job; an operator watches it and the job of a visitor.

Each import uses another tag, so that its photos are new to the site.
"""

from http import HTTPStatus

import pytest
from playwright.sync_api import Page, expect

from picha.tests.browsers import Browsers
from picha.tests.dashboard_page import DashboardPage
from picha.tests.faults import frozen
from picha.tests.pages import (
    JOB_TIMEOUT_MS,
    FeedbackData,
    JobPage,
    expect_delivered,
    expect_gallery,
    send_feedback,
    start_import,
)
from picha.tests.stack import Stack
from picha.tests.users import SiteUser, SiteUsers

pytestmark = [pytest.mark.stack, pytest.mark.browser]

OUTCOMES = ("new", "updated", "unchanged", "failed")


def log_in(page: Page, user: SiteUser) -> None:
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(user.password)
    page.get_by_role("button", name="Log in").click()


def expect_imported(job: JobPage, *, photos: int) -> None:
    job.expect_state("Done")
    expect(job.job.locator("[data-part=amount]")).to_have_text(f"{photos} of {photos} photos")
    assert sum(job.outcome_count(outcome) for outcome in OUTCOMES) == photos


def expect_pictures(job: JobPage) -> None:
    """Expect that all pictures are shown and none is broken."""
    expect(job.pictures).to_have_count(12)
    for picture in job.pictures.all():
        expect(picture).to_have_js_property("complete", value=True)
        assert picture.evaluate("(image) => image.naturalWidth") > 0


def test_a_user_logs_in_and_watches_an_import_of_60_photos(
    stack: Stack, browsers: Browsers, users: SiteUsers
) -> None:
    page = browsers.open()
    page.goto("/photos/imports/")
    log_in(page, users.user)
    page.wait_for_url("**/photos/imports/")
    with frozen(stack, "sandbox"):
        with frozen(stack, "worker"):
            job = start_import(page, tags="mountains")
            job.expect_live()
            job.record()
        job.expect_state("Running")
    expect(job.pictures.first).to_be_visible(timeout=JOB_TIMEOUT_MS)
    expect_imported(job, photos=60)

    history = job.history()
    assert history.states == ["Waiting", "Running", "Done"]
    assert "Saving photos" in history.phases
    expect(job.phases_done).to_have_text(["Reading Flickr", "Saving photos"])
    assert len(history.values) > 2
    assert history.values == sorted(history.values)
    assert history.states_with_picture == ["Running", "Done"], (
        "no picture was shown before the job ended"
    )
    expect_pictures(job)
    page.get_by_role("link", name="See the result").click()
    page.wait_for_url("**/")
    expect_gallery(page)


@pytest.mark.once
def test_without_javascript_an_import_is_shown_to_its_end(
    browsers: Browsers, users: SiteUsers
) -> None:
    page = browsers.open(javascript=False)
    page.goto("/photos/imports/")
    log_in(page, users.user)
    page.wait_for_url("**/photos/imports/")
    job = start_import(page, tags="dunes")
    job_id = job.job_id

    expect_imported(job, photos=60)
    expect(job.pictures).to_have_count(12)
    expect_gallery(page)
    page.goto("/photos/imports/")
    expect(page.locator(f"a[href='/jobs/{job_id}/']")).to_be_visible()


def test_only_its_owner_sees_an_import_in_every_tab(browsers: Browsers, users: SiteUsers) -> None:
    browsers.allow_errors("404 for .*/jobs/")
    first = start_import(browsers.open(users.user), tags="sea", limit=12)
    second = JobPage(first.page.context.new_page())
    second.page.goto(first.url)

    for watcher in (first, second):
        expect_imported(watcher, photos=12)
    for user in (None, users.other_user, users.staff):
        response = browsers.open(user).goto(first.url)
        assert response
        assert response.status == HTTPStatus.NOT_FOUND


def test_an_operator_watches_both_jobs_to_their_ends(
    stack: Stack, browsers: Browsers, users: SiteUsers
) -> None:
    dashboard = DashboardPage(browsers.open(users.operator))
    dashboard.open()
    dashboard.wait_until_idle()
    dashboard.record_numbers()
    with frozen(stack, "smtp", "sandbox"):
        with frozen(stack, "worker"):
            importing = start_import(browsers.open(users.user), tags="night")
            feedback = send_feedback(browsers.open(), FeedbackData.unique())
            for job in (importing, feedback):
                expect(dashboard.state_of(job.job_id)).to_have_text(
                    "Waiting", timeout=JOB_TIMEOUT_MS
                )
            dashboard.record(importing.job_id)
        for job in (importing, feedback):
            expect(dashboard.state_of(job.job_id)).to_have_text("Running", timeout=JOB_TIMEOUT_MS)
    for job in (importing, feedback):
        expect(dashboard.state_of(job.job_id)).to_have_text("Done", timeout=JOB_TIMEOUT_MS)
    expect_delivered(feedback)
    expect_imported(importing, photos=60)

    history = dashboard.history()
    assert history.states == ["Waiting", "Running", "Done"]
    assert len(history.values) > 2
    assert history.values == sorted(history.values)
    numbers = dashboard.number_history()
    assert len(set(numbers["waiting"])) > 1
    assert len(set(numbers["running"])) > 1


def test_an_operator_filters_jobs_and_opens_one(browsers: Browsers, users: SiteUsers) -> None:
    job = send_feedback(browsers.open(), FeedbackData.unique())
    expect_delivered(job)
    dashboard = DashboardPage(browsers.open(users.operator))
    dashboard.open()
    dashboard.filter(state="Done", task="send_feedback_email_task")
    expect(dashboard.row(job.job_id)).to_be_visible()
    assert {row.get_attribute("data-state") for row in dashboard.rows.all()} == {"succeeded"}
    dashboard.filter(state="Failed", task="send_feedback_email_task")
    expect(dashboard.row(job.job_id)).to_have_count(0)
    dashboard.filter(state="Any state", task="Any task")
    dashboard.row(job.job_id).get_by_role("link").click()

    page = dashboard.page
    page.wait_for_url(f"**/ops/jobs/{job.job_id}/")
    timeline = page.locator("section", has=page.get_by_role("heading", name="Timeline"))
    for label in ("Waiting", "Running", "Done"):
        expect(timeline.locator(".state", has_text=label).first).to_be_visible()
    ledger = page.locator("section", has=page.get_by_role("heading", name="Ledger"))
    expect(ledger.locator("tbody tr")).to_have_count(2)
    expect(page.locator(".facts").first).to_contain_text("send_feedback_email_task")
