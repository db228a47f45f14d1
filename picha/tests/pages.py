"""What people do and see on the pages of the running site."""

import re
import secrets
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from picha.tests.stack import Stack

END: Final = 60_000
"""Milliseconds until a job has ended at the latest, on a machine that has much else to do."""

_RECORD: Final = """(root) => {
    const seen = (window.seen = { values: [], states: [], phases: [], pictured: [] });
    const note = (list, value) => value !== list.at(-1) && list.push(value);
    const look = () => {
        const bar = root.querySelector("progress");
        note(seen.values, bar.hasAttribute("value") ? bar.value : 0);
        note(seen.states, root.querySelector("[data-part=state]").textContent);
        note(seen.phases, root.querySelector("[aria-current=step]")?.textContent ?? "");
        root.querySelector("[data-part=items] img") && note(seen.pictured, seen.states.at(-1));
    };
    new MutationObserver(look).observe(root, { attributes: true, childList: true, subtree: true });
    look();
}"""


@dataclass(frozen=True)
class Seen:
    """What a part of the page has shown, one after the other."""

    values: list[float]
    states: list[str]
    phases: list[str]
    pictured: list[str]
    """The states in which there was a picture."""


def record(root: Locator) -> None:
    """From now on. What is recorded is in the page and would not survive a reload."""
    root.evaluate(_RECORD)


def seen(page: Page) -> Seen:
    """Fails if the page was loaded anew since `record`."""
    found: dict[str, Any] | None = page.evaluate("window.seen ?? null")
    assert found is not None, "The page was loaded anew."
    return Seen(**found)


class JobPage:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.job = page.locator("job-progress")
        self.state = self.job.locator("[data-part=state]")
        self.sentence = self.job.locator("[data-part=sentence]")
        self.link = self.job.locator("link-state")
        self.phase = self.job.locator("[aria-current=step]")
        """A phase shorter than the beat of the updates may never be shown as the current one."""
        self.phases_done = self.job.locator("[data-part=phases] > [data-state=done]")
        self.items = self.job.locator("[data-part=items] > li")
        self.pictures = self.items.locator("img")

    @property
    def url(self) -> str:
        return self.page.url

    @property
    def job_id(self) -> str:
        return urlsplit(self.page.url).path.split("/")[2]

    def expect_live(self) -> None:
        expect(self.link).to_have_text("live", timeout=END)

    def expect_state(self, label: str, *, within: int = END) -> None:
        expect(self.state).to_have_text(label, timeout=within)

    def record(self) -> None:
        record(self.job)

    def seen(self) -> Seen:
        return seen(self.page)

    def tally(self, name: str) -> int:
        """0 when there is none."""
        shown = self.job.locator(f"[data-part=tallies] > [data-outcome={name}] b")
        return int(shown.inner_text()) if shown.count() else 0


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What a visitor writes: of no other test."""

    email: str
    message: str

    @classmethod
    def new(cls) -> "Letter":
        name = secrets.token_hex(6)
        return cls(email=f"{name}@visitor.example", message=f"The photos are lovely, {name}.")


def write(form: Locator, letter: Letter) -> Locator:
    """Fills in the form; returns its button."""
    form.get_by_label("Your email address").fill(letter.email)
    form.get_by_label("Your message").fill(letter.message)
    return form.get_by_role("button", name="Send feedback")


def send_feedback(page: Page, letter: Letter) -> JobPage:
    page.goto("/feedback/")
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        write(page.locator("main"), letter).click()
    assert answer.value.status == 303
    page.wait_for_url("**/jobs/*/?key=*")
    return JobPage(page)


def start_import(page: Page, *, tags: str, limit: int = 60) -> JobPage:
    page.goto("/photos/imports/")
    page.get_by_label("Tags").fill(tags)
    page.get_by_label("How many photos").fill(str(limit))
    page.get_by_role("button", name="Start the import").click()
    page.wait_for_url("**/jobs/*/")
    return JobPage(page)


def expect_delivered(job: JobPage, *, within: int = END) -> None:
    """More than `END` where the mail server is tried several times."""
    job.expect_state("Done", within=within)
    expect(job.sentence).to_contain_text("Your feedback has been delivered.")
    expect(job.items).to_have_count(2)
    expect(job.items.filter(has_text="sent")).to_have_count(2)


def expect_in_mailbox(page: Page, stack: Stack, letter: Letter) -> None:
    """The site's mail with the message, and the visitor's confirmation; one each."""
    page.goto(stack.mailbox_url)
    expect(page.get_by_role("link", name=f"to {letter.email}")).to_have_count(1)
    mail = page.get_by_role("link", name=f"Feedback from {letter.email}")
    expect(mail).to_have_count(1)
    mail.click()
    expect(page.locator("main")).to_contain_text(letter.message)


def expect_gallery(page: Page) -> None:
    page.goto("/")
    expect(page.locator(".gallery > li")).to_have_count(24)
    expect(page.locator(".page-head")).to_contain_text(re.compile(r"[\d,]+ photos"))
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Older").click()
    page.wait_for_url("**/?page=2")
    expect(page.locator(".gallery > li")).to_have_count(24)
