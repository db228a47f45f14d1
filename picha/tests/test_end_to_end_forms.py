"""Forms on a page whose address is a secret, and which therefore tells nobody where it is."""

import pytest

from picha.tests.browsers import Guests
from picha.tests.pages import JobPage, Letter, expect_delivered, send_feedback, write

pytestmark = [pytest.mark.stack, pytest.mark.browser]


def test_the_dialog_works_on_a_jobs_page(guests: Guests) -> None:
    page = guests.open()
    first = send_feedback(page, Letter.new()).job_id
    page.get_by_role("link", name="Got feedback?").click()
    write(page.get_by_role("dialog", name="Got feedback?"), Letter.new()).click()
    page.wait_for_url(lambda url: "/jobs/" in url and first not in url)
    expect_delivered(JobPage(page))
