"""site.js, which every page loads: the feedback dialog, and buttons that show a busy text."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from realtime.tests.support.browser_page import FakeSite

pytestmark = pytest.mark.browser

HEAD = '<script type="module" src="/static/picha/site.js"></script>'
BODY = """<h1>A page</h1>
<a href="/feedback/" data-opens="dialog">Got feedback?</a>
<dialog class="dialog" id="dialog" aria-label="Feedback">
<form method="dialog"><button>Close</button></form>
<form method="post" action="/feedback/"><button data-busy="Sending…">Send feedback</button></form>
</dialog>
<form method="get" action="/search/"><button data-busy="Searching…">Search</button></form>"""
COUNT_AND_PREVENT_SUBMITS = """window.sent = 0;
addEventListener("submit", (event) => {
  window.sent += event.defaultPrevented ? 0 : 1;
  event.preventDefault();
});"""


@pytest.fixture
def page_of_forms(page: Page) -> Iterator[Page]:
    fake = FakeSite(page)
    fake.open(BODY, head=HEAD)
    # Added last, after the listeners of site.js: it stops the browser from leaving the page.
    page.evaluate(COUNT_AND_PREVENT_SUBMITS)
    yield page
    assert fake.browser_errors == []


def open_dialog(page: Page) -> None:
    page.get_by_role("link", name="Got feedback?").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_the_link_opens_the_dialog_and_its_button_closes_it(page_of_forms: Page) -> None:
    open_dialog(page_of_forms)
    page_of_forms.evaluate("document.querySelector('dialog').close()")
    open_dialog(page_of_forms)
    page_of_forms.keyboard.press("Escape")
    expect(page_of_forms.get_by_role("dialog")).to_be_hidden()


def test_a_click_outside_the_dialog_closes_it(page_of_forms: Page) -> None:
    open_dialog(page_of_forms)
    page_of_forms.get_by_role("button", name="Send").hover()
    page_of_forms.mouse.click(5, 5)
    expect(page_of_forms.get_by_role("dialog")).to_be_hidden()


def test_a_click_for_a_new_tab_does_not_open_the_dialog(page_of_forms: Page) -> None:
    link = page_of_forms.get_by_role("link", name="Got feedback?")
    is_prevented = """node => {
      const click = new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey: true });
      addEventListener("click", (event) => {
        window.was = event.defaultPrevented;
        event.preventDefault();
      });
      node.dispatchEvent(click);
      return window.was;
    }"""
    assert link.evaluate(is_prevented) is False
    expect(page_of_forms.get_by_role("dialog")).to_be_hidden()


def test_a_double_click_sends_once_and_shows_the_busy_text(page_of_forms: Page) -> None:
    open_dialog(page_of_forms)
    button = page_of_forms.get_by_role("dialog").get_by_role("button").nth(1)
    button.dblclick()
    expect(button).to_have_text("Sending…")
    expect(button).to_have_attribute("aria-busy", "true")
    assert page_of_forms.evaluate("window.sent") == 1


def test_a_page_from_the_back_button_has_its_button_again(page_of_forms: Page) -> None:
    open_dialog(page_of_forms)
    button = page_of_forms.get_by_role("dialog").get_by_role("button").nth(1)
    button.click()
    page_of_forms.evaluate('window.dispatchEvent(new Event("pageshow"))')
    expect(button).to_have_text("Send feedback")
    button.click()
    assert page_of_forms.evaluate("window.sent") == 2


def test_a_get_form_may_be_sent_again(page_of_forms: Page) -> None:
    button = page_of_forms.get_by_role("button", name="Search")
    button.dblclick()
    expect(button).to_have_text("Search")
    assert page_of_forms.evaluate("window.sent") == 2
