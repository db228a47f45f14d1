"""The pages of the running site: what users do there and what the pages show."""

import re
import secrets
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from picha.tests.stack import Stack

JOB_TIMEOUT_MS: Final = 60_000
"""The longest time that a job takes on a busy machine."""

_RECORD: Final = """(root) => {
    const history = { values: [], states: [], phases: [], states_with_picture: [] };
    window.jobHistory = history;
    const add = (list, value) => value !== list.at(-1) && list.push(value);
    const read = () => {
        const bar = root.querySelector("progress");
        add(history.values, bar.hasAttribute("value") ? bar.value : 0);
        add(history.states, root.querySelector("[data-part=state]").textContent);
        add(history.phases, root.querySelector("[aria-current=step]")?.textContent ?? "");
        root.querySelector("[data-part=items] img") &&
            add(history.states_with_picture, history.states.at(-1));
    };
    new MutationObserver(read).observe(root, { attributes: true, childList: true, subtree: true });
    read();
}"""


@dataclass(frozen=True)
class History:
    """What a part of the page has shown since `record`, in order."""

    values: list[float]
    states: list[str]
    phases: list[str]
    states_with_picture: list[str]


def record(root: Locator) -> None:
    """Record from now on, in a variable of the page, which a reload would delete."""
    root.evaluate(_RECORD)


def history(page: Page) -> History:
    """
    Raises:
        AssertionError: the page was reloaded since `record`.
    """
    values: dict[str, Any] | None = page.evaluate("window.jobHistory ?? null")
    assert values is not None, "The page was reloaded."
    return History(**values)


class JobPage:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.job = page.locator("job-progress")
        self.state = self.job.locator("[data-part=state]")
        self.sentence = self.job.locator("[data-part=sentence]")
        self.link = self.job.locator("link-state")
        self.phase = self.job.locator("[aria-current=step]")
        """A phase that is shorter than the pause between two updates may never be shown here."""
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
        expect(self.link).to_have_text("live", timeout=JOB_TIMEOUT_MS)

    def expect_state(self, label: str, *, within: int = JOB_TIMEOUT_MS) -> None:
        expect(self.state).to_have_text(label, timeout=within)

    def record(self) -> None:
        record(self.job)

    def history(self) -> History:
        return history(self.page)

    def outcome_count(self, name: str) -> int:
        """How many items have this outcome; 0 if the page does not show it."""
        number = self.job.locator(f"[data-part=outcomes] > [data-outcome={name}] b")
        return int(number.inner_text()) if number.count() else 0


@dataclass(frozen=True, kw_only=True)
class FeedbackData:
    """What a visitor enters in the feedback form."""

    email: str
    message: str

    @classmethod
    def unique(cls) -> "FeedbackData":
        name = secrets.token_hex(6)
        return cls(email=f"{name}@visitor.example", message=f"The photos are lovely, {name}.")


def fill_in(form: Locator, feedback: FeedbackData) -> Locator:
    """Fill in the form, and return its button."""
    form.get_by_label("Your email address").fill(feedback.email)
    form.get_by_label("Your message").fill(feedback.message)
    return form.get_by_role("button", name="Send feedback")


def send_feedback(page: Page, feedback: FeedbackData) -> JobPage:
    page.goto("/feedback/")
    with page.expect_response(lambda reply: reply.request.method == "POST") as response:
        fill_in(page.locator("main"), feedback).click()
    assert response.value.status == 303
    page.wait_for_url("**/jobs/*/?key=*")
    return JobPage(page)


def start_import(page: Page, *, tags: str, limit: int = 60) -> JobPage:
    page.goto("/photos/imports/")
    page.get_by_label("Tags").fill(tags)
    page.get_by_label("How many photos").fill(str(limit))
    page.get_by_role("button", name="Start the import").click()
    page.wait_for_url("**/jobs/*/")
    return JobPage(page)


def expect_delivered(job: JobPage, *, within: int = JOB_TIMEOUT_MS) -> None:
    """`within` must be longer where the mail server is tried several times."""
    job.expect_state("Done", within=within)
    expect(job.sentence).to_contain_text("Your feedback has been delivered.")
    expect(job.items).to_have_count(2)
    expect(job.items.filter(has_text="sent")).to_have_count(2)


def expect_in_mailbox(page: Page, stack: Stack, feedback: FeedbackData) -> None:
    """Expect one mail with the message and one confirmation to the visitor."""
    page.goto(stack.mailbox_url)
    expect(page.get_by_role("link", name=f"to {feedback.email}")).to_have_count(1)
    mail = page.get_by_role("link", name=f"Feedback from {feedback.email}")
    expect(mail).to_have_count(1)
    mail.click()
    expect(page.locator("main")).to_contain_text(feedback.message)


def thumbnail(stack: Stack) -> str:
    """The path of a picture in the gallery; empty if there is none."""
    match = re.search(r'<img src="([^"]+)"', stack.get("/").text)
    return match[1] if match else ""


def expect_gallery(page: Page) -> None:
    page.goto("/")
    expect(page.locator(".gallery > li")).to_have_count(24)
    expect(page.locator(".page-head")).to_contain_text(re.compile(r"[\d,]+ photos"))
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Older").click()
    page.wait_for_url("**/?page=2")
    expect(page.locator(".gallery > li")).to_have_count(24)
