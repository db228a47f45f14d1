"""<child-jobs>: the list of a job's child jobs, requested again while they change."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string
from playwright.sync_api import Locator, expect

from realtime.pages.child_list import ChildList, Row, Tab
from realtime.snapshots.schema import Snapshot
from realtime.tests.support.browser_page import PAGE, SCRIPTS, FakeSite, Response, rendered
from realtime.tests.support.word_cases import JOB, STATES, snapshot

pytestmark = pytest.mark.browser

INTERVAL = 2
HEAD = f'{SCRIPTS}<script type="module" src="/static/realtime/job/child-jobs.js"></script>'
HTML = "text/html; charset=utf-8"


def child_jobs(*states: str, later: str = "") -> ChildList:
    rows = [
        Row(
            snapshot=snapshot(id=f"child-{number}", state=state, title=f"Child {number}"), url="/x/"
        )
        for number, state in enumerate(states)
    ]
    tabs = [Tab(label="All", number=len(rows), address="?", is_here=True)]
    return ChildList(rows=rows, tabs=tabs, later=later)


def body(shown: Snapshot, children: ChildList | None) -> str:
    context = {"snapshot": shown, "children": children}
    return rendered(shown, titled=True) + render_to_string("realtime/_job_parts.html", context)


def batch(**changes: Any) -> Snapshot:
    return snapshot(batch=True, **changes)


def open_batch(site: FakeSite, shown: Snapshot, children: ChildList | None) -> None:
    site.open(body(shown, children), head=HEAD)
    site.until(lambda: bool(site.links and site.link.of_type("watch")))
    site.until_true("customElements.get('child-jobs') !== undefined")


def serve_again(site: FakeSite, children: ChildList | None, *, status: int = 200) -> None:
    html = PAGE.format(head="", body=body(batch(), children))
    site.serve("picha.test/", Response(body=html, kind=HTML, status=status))


def titles(site: FakeSite) -> Locator:
    return site.page.locator(".child__title")


def states(site: FakeSite) -> Locator:
    return site.page.locator(".child .state")


def reads(site: FakeSite) -> int:
    return site.requests.count("/") - 1


def test_the_rows_follow_while_the_batch_changes(site: FakeSite) -> None:
    open_batch(site, batch(), child_jobs("running", "queued"))
    serve_again(site, child_jobs("succeeded", "running", "queued", later="?parts_after=x"))
    site.link.send_jobs(batch(tick=11))
    site.pass_time_until(lambda: titles(site).count() == 3)
    expect(states(site)).to_have_text(["Done", "Running", "Waiting"])
    expect(site.page.get_by_role("link", name="Later")).to_be_visible()
    expect(site.page.locator(".children__tabs a")).to_have_text(["All 3"])


def test_a_batch_that_does_not_change_is_not_requested(site: FakeSite) -> None:
    open_batch(site, batch(), child_jobs("running"))
    site.pass_time(10 * INTERVAL)
    assert reads(site) == 0


def test_however_often_it_changes_it_is_read_at_most_once_per_interval(site: FakeSite) -> None:
    open_batch(site, batch(), child_jobs("running"))
    serve_again(site, child_jobs("succeeded"))
    for tick in range(20):
        site.link.send_jobs(batch(tick=11 + tick))
        site.until_true(f"document.querySelector('job-progress').snapshot?.tick === {11 + tick}")
        site.pass_time(0.2)
    assert reads(site) <= 20 * 0.2 / INTERVAL + 1


def test_snapshots_of_other_jobs_do_not_request_the_page(site: FakeSite) -> None:
    open_batch(site, batch(), child_jobs("running"))
    site.page.evaluate(
        "document.body.dispatchEvent(new CustomEvent('job:snapshot',"
        " { bubbles: true, detail: { id: 'other', batch: true } }))"
    )
    site.pass_time(2 * INTERVAL)
    assert reads(site) == 0


def test_the_page_of_a_job_without_children_is_not_requested(site: FakeSite) -> None:
    open_batch(site, snapshot(), None)
    site.link.send_jobs(snapshot(tick=11))
    site.pass_time(2 * INTERVAL)
    assert reads(site) == 0


def test_the_children_of_a_task_that_still_runs_follow_too(site: FakeSite) -> None:
    open_batch(site, snapshot(), child_jobs("running"))
    serve_again(site, child_jobs("succeeded"))
    site.link.send_jobs(snapshot(tick=11))
    site.pass_time_until(lambda: states(site).all_inner_texts() == ["Done"])


def test_the_list_appears_with_the_first_child(site: FakeSite) -> None:
    open_batch(site, snapshot(), None)
    expect(site.page.locator("child-jobs")).to_be_hidden()
    serve_again(site, child_jobs("running"))
    site.link.send_jobs(batch(tick=11))
    site.pass_time_until(lambda: titles(site).count() == 1)
    expect(site.page.get_by_role("heading", name="Child jobs")).to_be_visible()


def test_a_link_keeps_the_focus(site: FakeSite) -> None:
    open_batch(site, batch(), child_jobs("running"))
    site.page.get_by_role("link", name="Child 0").focus()
    changed = child_jobs("succeeded")
    serve_again(site, changed)
    site.link.send_jobs(batch(tick=11))
    site.pass_time_until(lambda: states(site).all_inner_texts() == ["Done"])
    expect(site.page.get_by_role("link", name="Child 0")).to_be_focused()


def test_a_page_that_the_server_fails_to_render_is_requested_later(site: FakeSite) -> None:
    site.allowed_errors = "Failed to load resource"
    open_batch(site, batch(), child_jobs("running"))
    serve_again(site, None, status=500)
    site.link.send_jobs(batch(tick=11))
    site.pass_time_until(lambda: reads(site) >= 1)
    serve_again(site, child_jobs("succeeded"))
    site.pass_time_until(lambda: states(site).all_inner_texts() == ["Done"])


def test_a_page_that_the_viewer_may_no_longer_see_is_not_requested_again(site: FakeSite) -> None:
    site.allowed_errors = "Failed to load resource"
    open_batch(site, batch(), child_jobs("running"))
    serve_again(site, None, status=403)
    site.link.send_jobs(batch(tick=11))
    site.pass_time_until(lambda: reads(site) == 1)
    site.link.send_jobs(batch(tick=12))
    site.pass_time(5 * INTERVAL)
    assert reads(site) == 1
    expect(titles(site)).to_have_text(["Child 0"])


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(site: FakeSite, width: int, scheme: str) -> None:
    site.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    site.page.set_viewport_size({"width": width, "height": 800})
    open_batch(site, batch(), child_jobs(*STATES, later="?parts_after=x"))
    site.page.clock.resume()
    results = Axe().run(site.page, options={"rules": {"region": {"enabled": False}}})
    assert results.violations_count == 0, results.generate_report()
    assert site.page.evaluate("document.documentElement.scrollWidth") == width


def test_the_server_renders_the_id_of_the_job(site: FakeSite) -> None:
    open_batch(site, STATES["queued"], None)
    expect(site.page.locator("child-jobs")).to_have_attribute("job", str(JOB))
