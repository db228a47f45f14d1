"""Every page is accessible and fits the screen: light and dark, wide and narrow."""

from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from picha.tests.browsers import HEIGHT, NARROW, WIDE, Browsers, ColorScheme
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

VARIANTS: Final[tuple[tuple[int, ColorScheme], ...]] = (
    (WIDE, "light"),
    (WIDE, "dark"),
    (NARROW, "dark"),
)

PUBLIC_PAGES: Final = {
    "gallery": "/",
    "feedback": "/feedback/",
    "login": "/accounts/login/?next=/photos/imports/",
    "not found": "/there-is-nothing-here/",
}


def expect_accessible(page: Page) -> None:
    for width, scheme in VARIANTS:
        page.set_viewport_size(ViewportSize(width=width, height=HEIGHT))
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
        assert violations(page) == [], f"{page.url}, {scheme}, {width}"


def violations(page: Page) -> list[str]:
    return [
        f"{rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in Axe().run(page).response["violations"]
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("name", PUBLIC_PAGES)
def test_public_pages(browsers: Browsers, name: str) -> None:
    browsers.allow_errors("404 for .*/there-is-nothing-here/")
    page = browsers.open()
    page.goto(PUBLIC_PAGES[name])

    expect_accessible(page)


def test_the_feedback_dialog(browsers: Browsers) -> None:
    page = browsers.open()
    page.goto("/")
    page.get_by_role("link", name="Got feedback?").click()
    expect(page.get_by_role("dialog")).to_be_visible()

    expect_accessible(page)


def test_a_form_with_errors(browsers: Browsers) -> None:
    browsers.allow_errors("422 for .*/feedback/")
    page = browsers.open()
    page.goto("/feedback/")
    page.locator("main form").evaluate("(form) => { form.noValidate = true; }")
    page.get_by_label("Your email address").fill("not an address")
    page.get_by_role("button", name="Send feedback").click()
    expect(page.get_by_role("alert").first).to_contain_text("Nothing has been sent yet.")

    expect_accessible(page)


def test_a_page_that_this_user_may_not_see(browsers: Browsers, users: SiteUsers) -> None:
    browsers.allow_errors("403 for .*/ops/")
    page = browsers.open(users.user)
    page.goto("/ops/")
    expect(page.get_by_role("heading")).to_contain_text("You may not see this page")

    expect_accessible(page)


def test_running_and_finished_jobs(stack: Stack, browsers: Browsers, users: SiteUsers) -> None:
    """The sandbox is frozen during the import, so that the job runs until the checks have ended."""
    job = start_import(browsers.open(users.user), tags="city", limit=200)
    imports = job.page.context.new_page()
    ops, ops_job = (browsers.open(users.operator) for _ in range(2))
    expect(job.pictures.first).to_be_visible(timeout=JOB_TIMEOUT_MS)
    with frozen(stack, "sandbox"):
        imports.goto("/photos/imports/")
        ops.goto("/ops/")
        ops_job.goto(f"/ops/jobs/{job.job_id}/")
        expect(job.state).to_have_text("Running")
        for page in (job.page, imports, ops, ops_job):
            expect_accessible(page)
    expect(job.state).to_have_text("Done", timeout=3 * JOB_TIMEOUT_MS)  # 200 photos take long
    for page in (job.page, ops_job):  # the lists above show finished jobs too
        page.reload()
        expect_accessible(page)


def test_a_finished_feedback_job(browsers: Browsers) -> None:
    job = send_feedback(browsers.open(), FeedbackData.unique())
    expect_delivered(job)

    expect_accessible(job.page)
