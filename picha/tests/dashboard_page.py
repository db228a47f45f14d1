from typing import Final

from playwright.sync_api import Locator, Page, expect

from picha.tests.pages import END, Seen, record, seen

NUMBERS: Final = ("running", "waiting", "oldest_wait", "failed", "success", "workers")

_RECORD_NUMBERS: Final = """(root) => {
    const seen = (window.numbersSeen = {});
    const look = () => {
        for (const node of root.querySelectorAll("[data-number]")) {
            const list = (seen[node.dataset.number] ??= []);
            node.textContent !== list.at(-1) && list.push(node.textContent);
        }
    };
    new MutationObserver(look).observe(root, { childList: true, subtree: true });
    look();
}"""


class OpsPage:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.rows = page.locator("tr[data-job]")

    def open(self) -> None:
        self.page.goto("/ops/")
        expect(self.page.locator("link-state")).to_have_text("live", timeout=END)
        assert self.page.locator("[data-number]").count() == len(NUMBERS)

    def row(self, job_id: str) -> Locator:
        return self.page.locator(f"tr[data-job='{job_id}']")

    def state_of(self, job_id: str) -> Locator:
        return self.row(job_id).locator("[data-part=state]")

    def record(self, job_id: str) -> None:
        record(self.row(job_id))

    def seen(self) -> Seen:
        return seen(self.page)

    def record_numbers(self) -> None:
        self.page.locator(".numbers-row").evaluate(_RECORD_NUMBERS)

    def numbers_seen(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = self.page.evaluate("window.numbersSeen")
        return found

    def filter(self, *, state: str, task: str) -> None:
        self.page.get_by_label("State").select_option(label=state)
        self.page.get_by_label("Task").select_option(label=task)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Filter").click()
