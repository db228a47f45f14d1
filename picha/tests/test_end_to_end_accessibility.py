"""Every page in light and dark, on a wide screen and on the narrowest phone."""

from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from picha.tests.browsers import HEIGHT, NARROW, WIDE, Guests, Scheme
from picha.tests.faults import frozen
from picha.tests.pages import (
    END,
    Letter,
    expect_delivered,
    send_feedback,
    start_import,
)
from picha.tests.stack import Stack
from picha.tests.users import People

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.once]

LOOKS: Final[tuple[tuple[int, Scheme], ...]] = (
    (WIDE, "light"),
    (WIDE, "dark"),
    (NARROW, "dark"),
)

STRANGERS: Final = {
    "gallery": "/",
    "feedback": "/feedback/",
    "login": "/accounts/login/?next=/photos/imports/",
    "not found": "/there-is-nothing-here/",
}


def expect_good_looks(page: Page) -> None:
    for width, scheme in LOOKS:
        page.set_viewport_size(ViewportSize(width=width, height=HEIGHT))
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
        assert grave_faults(page) == [], f"{page.url}, {scheme}, {width}"


def grave_faults(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html']} {node['failureSummary']}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("name", STRANGERS)
def test_what_everyone_sees(guests: Guests, name: str) -> None:
    guests.tolerate("404 for .*/there-is-nothing-here/")
    page = guests.open()
    page.goto(STRANGERS[name])

    expect_good_looks(page)


def test_the_feedback_dialog(guests: Guests) -> None:
    page = guests.open()
    page.goto("/")
    page.get_by_role("link", name="Got feedback?").click()
    expect(page.get_by_role("dialog")).to_be_visible()

    expect_good_looks(page)


def test_a_form_that_was_refused(guests: Guests) -> None:
    guests.tolerate("422 for .*/feedback/")
    page = guests.open()
    page.goto("/feedback/")
    page.locator("main form").evaluate("(form) => { form.noValidate = true; }")
    page.get_by_label("Your email address").fill("not an address")
    page.get_by_role("button", name="Send feedback").click()
    expect(page.get_by_role("alert").first).to_contain_text("Nothing has been sent yet.")

    expect_good_looks(page)


def test_a_page_that_is_not_for_this_user(guests: Guests, people: People) -> None:
    guests.tolerate("403 for .*/ops/")
    page = guests.open(people.user)
    page.goto("/ops/")
    expect(page.get_by_role("heading")).to_contain_text("not open to you")

    expect_good_looks(page)


def test_jobs_under_way_and_at_their_end(stack: Stack, guests: Guests, people: People) -> None:
    """The sandbox stops in the middle of it, so that there is all the time to look."""
    job = start_import(guests.open(people.user), tags="city", limit=200)
    imports = job.page.context.new_page()
    ops, ops_job = (guests.open(people.operator) for _ in range(2))
    expect(job.pictures.first).to_be_visible(timeout=END)
    with frozen(stack, "sandbox"):
        imports.goto("/photos/imports/")
        ops.goto("/ops/")
        ops_job.goto(f"/ops/jobs/{job.job_id}/")
        expect(job.state).to_have_text("Running")
        for page in (job.page, imports, ops, ops_job):
            expect_good_looks(page)
    expect(job.state).to_have_text("Done", timeout=3 * END)  # so many photos take long
    for page in (job.page, ops_job):  # the lists have shown jobs that had ended already
        page.reload()
        expect_good_looks(page)


def test_feedback_at_its_end(guests: Guests) -> None:
    job = send_feedback(guests.open(), Letter.new())
    expect_delivered(job)

    expect_good_looks(job.page)
