"""The operators' page of the running site."""

from typing import Final

from playwright.sync_api import Locator, Page, expect

from picha.tests.pages import JOB_TIMEOUT_MS, History, history, record

NUMBERS: Final = ("running", "waiting", "oldest_wait", "failed", "success", "workers")

_RECORD_NUMBERS: Final = """(root) => {
    const history = (window.numberHistory = {});
    const read = () => {
        for (const node of root.querySelectorAll("[data-number]")) {
            const values = (history[node.dataset.number] ??= []);
            node.textContent !== values.at(-1) && values.push(node.textContent);
        }
    };
    new MutationObserver(read).observe(root, { childList: true, subtree: true });
    read();
}"""


class DashboardPage:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.rows = page.locator("tr[data-job]")

    def open(self) -> None:
        self.page.goto("/ops/")
        expect(self.page.locator("link-state")).to_have_text("live", timeout=JOB_TIMEOUT_MS)
        assert self.page.locator("[data-number]").count() == len(NUMBERS)

    def wait_until_idle(self) -> None:
        """Until no job occupies a worker, as the first import of a new site does."""
        for name in ("waiting", "running"):
            number = self.page.locator(f"[data-number={name}]")
            expect(number).to_have_text("0", timeout=JOB_TIMEOUT_MS)

    def row(self, job_id: str) -> Locator:
        return self.page.locator(f"tr[data-job='{job_id}']")

    def state_of(self, job_id: str) -> Locator:
        return self.row(job_id).locator("[data-part=state]")

    def record(self, job_id: str) -> None:
        record(self.row(job_id))

    def history(self) -> History:
        return history(self.page)

    def record_numbers(self) -> None:
        self.page.locator(".numbers-row").evaluate(_RECORD_NUMBERS)

    def number_history(self) -> dict[str, list[str]]:
        numbers: dict[str, list[str]] = self.page.evaluate("window.numberHistory")
        return numbers

    def filter(self, *, state: str, task: str) -> None:
        self.page.get_by_label("State").select_option(label=state)
        self.page.get_by_label("Task").select_option(label=task)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Filter").click()
