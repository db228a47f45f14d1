"""<child-jobs>: a batch's jobs, read again while the batch moves."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string
from playwright.sync_api import Locator, expect

from realtime.pages.child_list import ChildList, Row, Tab
from realtime.snapshots.schema import Snapshot
from realtime.tests.support.browser_page import PAGE, Answer, FakeSite, rendered
from realtime.tests.support.word_cases import JOB, STATES, snapshot

pytestmark = pytest.mark.browser

EVERY = 2
HTML = "text/html; charset=utf-8"


def parts(*states: str, later: str = "") -> ChildList:
    rows = [
        Row(snapshot=snapshot(id=f"part-{number}", state=state, title=f"Part {number}"), url="/x/")
        for number, state in enumerate(states)
    ]
    tabs = [Tab(label="All", number=len(rows), address="?", is_here=True)]
    return ChildList(rows=rows, tabs=tabs, later=later)


def body(shown: Snapshot, made: ChildList | None) -> str:
    context = {"snapshot": shown, "parts": made}
    return rendered(shown, titled=True) + render_to_string("realtime/_job_parts.html", context)


def batch(**changes: Any) -> Snapshot:
    return snapshot(batch=True, **changes)


def open_batch(site: FakeSite, shown: Snapshot, made: ChildList | None) -> None:
    site.open(body(shown, made))
    site.until(lambda: bool(site.links and site.link.of_type("watch")))
    site.until_true("customElements.get('child-jobs') !== undefined")


def serve_again(site: FakeSite, made: ChildList | None, *, status: int = 200) -> None:
    html = PAGE.format(head="", body=body(batch(), made))
    site.serve("picha.test/", Answer(body=html, kind=HTML, status=status))


def titles(site: FakeSite) -> Locator:
    return site.page.locator(".part__title")


def states(site: FakeSite) -> Locator:
    return site.page.locator(".part .state")


def reads(site: FakeSite) -> int:
    return site.asked.count("/") - 1


def test_the_rows_follow_while_the_batch_moves(site: FakeSite) -> None:
    open_batch(site, batch(), parts("running", "queued"))
    serve_again(site, parts("succeeded", "running", "queued", later="?parts_after=x"))
    site.link.send_jobs(batch(tick=11))
    site.pass_time_until(lambda: titles(site).count() == 3)
    expect(states(site)).to_have_text(["Done", "Running", "Waiting"])
    expect(site.page.get_by_role("link", name="Later")).to_be_visible()
    expect(site.page.locator(".parts__tabs a")).to_have_text(["All 3"])


def test_a_batch_that_rests_is_not_asked_for(site: FakeSite) -> None:
    open_batch(site, batch(), parts("running"))
    site.pass_time(10 * EVERY)
    assert reads(site) == 0


def test_however_fast_it_moves_it_is_read_once_in_a_while(site: FakeSite) -> None:
    open_batch(site, batch(), parts("running"))
    serve_again(site, parts("succeeded"))
    for tick in range(20):
        site.link.send_jobs(batch(tick=11 + tick))
        site.until_true(f"document.querySelector('job-progress').snapshot?.tick === {11 + tick}")
        site.pass_time(0.2)
    assert reads(site) <= 20 * 0.2 / EVERY + 1


def test_other_jobs_on_the_page_are_no_reason_to_read(site: FakeSite) -> None:
    open_batch(site, batch(), parts("running"))
    site.page.evaluate(
        "document.body.dispatchEvent(new CustomEvent('job:snapshot',"
        " { bubbles: true, detail: { id: 'other', batch: true } }))"
    )
    site.pass_time(2 * EVERY)
    assert reads(site) == 0


def test_a_job_that_has_made_none_is_not_read_again(site: FakeSite) -> None:
    open_batch(site, snapshot(), None)
    site.link.send_jobs(snapshot(tick=11))
    site.pass_time(2 * EVERY)
    assert reads(site) == 0


def test_the_jobs_of_a_body_that_still_runs_follow_too(site: FakeSite) -> None:
    open_batch(site, snapshot(), parts("running"))
    serve_again(site, parts("succeeded"))
    site.link.send_jobs(snapshot(tick=11))
    site.pass_time_until(lambda: states(site).all_inner_texts() == ["Done"])


def test_a_task_that_fans_out_gets_its_list(site: FakeSite) -> None:
    open_batch(site, snapshot(), None)
    expect(site.page.locator("child-jobs")).to_be_hidden()
    serve_again(site, parts("running"))
    site.link.send_jobs(batch(tick=11))
    site.pass_time_until(lambda: titles(site).count() == 1)
    expect(site.page.get_by_role("heading", name="Its jobs")).to_be_visible()


def test_a_link_that_has_the_focus_keeps_it(site: FakeSite) -> None:
    open_batch(site, batch(), parts("running"))
    site.page.get_by_role("link", name="Part 0").focus()
    changed = parts("succeeded")
    serve_again(site, changed)
    site.link.send_jobs(batch(tick=11))
    site.pass_time_until(lambda: states(site).all_inner_texts() == ["Done"])
    expect(site.page.get_by_role("link", name="Part 0")).to_be_focused()


def test_a_page_that_cannot_be_read_is_read_later(site: FakeSite) -> None:
    site.tolerated = "Failed to load resource"
    open_batch(site, batch(), parts("running"))
    serve_again(site, None, status=500)
    site.link.send_jobs(batch(tick=11))
    site.pass_time_until(lambda: reads(site) >= 1)
    serve_again(site, parts("succeeded"))
    site.pass_time_until(lambda: states(site).all_inner_texts() == ["Done"])


def test_a_page_that_is_no_longer_for_this_viewer_is_not_read_again(site: FakeSite) -> None:
    site.tolerated = "Failed to load resource"
    open_batch(site, batch(), parts("running"))
    serve_again(site, None, status=403)
    site.link.send_jobs(batch(tick=11))
    site.pass_time_until(lambda: reads(site) == 1)
    site.link.send_jobs(batch(tick=12))
    site.pass_time(5 * EVERY)
    assert reads(site) == 1
    expect(titles(site)).to_have_text(["Part 0"])


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(site: FakeSite, width: int, scheme: str) -> None:
    site.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    site.page.set_viewport_size({"width": width, "height": 800})
    open_batch(site, batch(), parts(*STATES, later="?parts_after=x"))
    site.page.clock.resume()
    found = Axe().run(site.page, options={"rules": {"region": {"enabled": False}}})
    assert found.violations_count == 0, found.generate_report()
    assert site.page.evaluate("document.documentElement.scrollWidth") == width


def test_the_server_and_the_script_mean_the_same_job(site: FakeSite) -> None:
    open_batch(site, STATES["queued"], None)
    expect(site.page.locator("child-jobs")).to_have_attribute("job", str(JOB))
