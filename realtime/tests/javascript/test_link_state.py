"""<link-state>: says whether the page is live."""

import pytest
from playwright.sync_api import expect

from realtime.live.wire import AGED, MALFORMED, SESSION_ENDED, TOO_MANY, TOO_SLOW
from realtime.tests.support.browser_page import FakeSite
from realtime.tests.support.word_cases import snapshot

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (AGED, "reconnecting"),
        (TOO_SLOW, "reconnecting"),
        (MALFORMED, "no longer live: reload the page"),
        (SESSION_ENDED, "your session has ended: log in again"),
        (TOO_MANY, "too many pages open, trying again in"),
    ],
)
def test_every_close_code_has_its_words(site: FakeSite, code: int, words: str) -> None:
    site.open_job(snapshot())
    expect(site.page.locator("link-state")).to_have_text("live")
    site.link.close(code)
    expect(site.page.locator("link-state")).to_contain_text(words)


def test_the_wait_is_counted_down(site: FakeSite) -> None:
    site.page.add_init_script("Math.random = () => 1")
    site.open_job(snapshot())
    site.link.close(TOO_MANY)
    expect(site.page.locator("link-state")).to_have_text(
        "too many pages open, trying again in 1 min"
    )
    site.pass_time(20)
    expect(site.page.locator("link-state")).to_have_text(
        "too many pages open, trying again in 40 s"
    )


def test_a_refusal_is_the_title(site: FakeSite) -> None:
    site.open_job(snapshot())
    site.link.send({"type": "error", "code": "forbidden", "detail": "Operators only."})
    expect(site.page.locator("link-state")).to_have_attribute("title", "Operators only.")


def test_the_login_link_leads_back_to_this_page_without_the_key(site: FakeSite) -> None:
    site.open_job(snapshot())
    site.page.evaluate('history.replaceState(null, "", "/jobs/?key=secret&page=2")')
    site.link.close(SESSION_ENDED)
    link = site.page.get_by_role("link", name="log in again")
    expect(link).to_have_attribute("href", "/accounts/login/?next=%2Fjobs%2F%3Fpage%3D2")
