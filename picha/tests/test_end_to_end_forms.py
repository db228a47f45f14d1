"""Forms on the page of a job, which sends no Referer header because its URL is a secret."""

import pytest

from picha.tests.browsers import Browsers
from picha.tests.pages import FeedbackData, JobPage, expect_delivered, fill_in, send_feedback

pytestmark = [pytest.mark.stack, pytest.mark.browser]


def test_the_dialog_works_on_a_jobs_page(browsers: Browsers) -> None:
    page = browsers.open()
    first = send_feedback(page, FeedbackData.unique()).job_id
    page.get_by_role("link", name="Got feedback?").click()
    fill_in(page.get_by_role("dialog", name="Got feedback?"), FeedbackData.unique()).click()
    page.wait_for_url(lambda url: "/jobs/" in url and first not in url)
    expect_delivered(JobPage(page))
