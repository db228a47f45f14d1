"""<ops-overview>: updates numbers and rows, and moves no row under the pointer."""

import json
from typing import Any
from uuid import UUID

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string
from playwright.sync_api import Locator, expect

from realtime.snapshots.schema import Numbers, OperatorSnapshot, Snapshot, encode
from realtime.states import JobState
from realtime.tests.support.browser_page import PAGE, FakeSite, Response
from realtime.tests.support.word_cases import JOB, NOW, STATES

pytestmark = pytest.mark.browser

HEAD = """<link rel="stylesheet" href="/static/realtime/ops/ops.css">
<script type="module" src="/static/realtime/ops/ops-overview.js"></script>"""
NOTHING = "\N{EN DASH}"
NUMBERS = Numbers(
    running=1, waiting=2, oldest_wait=4.0, failed=0, success=0.991, workers_up=2, workers_known=2
)


def row(snapshot: Snapshot, *, number: int, **changes: Any) -> OperatorSnapshot:
    """The job as an operator sees it; the greater the number, the newer."""
    fields = msgspec.structs.asdict(snapshot) | {"id": UUID(int=JOB.int + number)} | changes
    operator_fields = {
        "task": "import",
        "queue": "celery",
        "worker": "w1",
        "owner": "",
        "error_code": "",
    }
    return OperatorSnapshot(**operator_fields | fields)


def rendered(
    *jobs: OperatorSnapshot,
    state: str = "",
    task: str = "",
    kind: str = "",
    newer: str = "",
    numbers: Numbers = NUMBERS,
) -> str:
    context = {
        "numbers": numbers,
        "jobs": jobs,
        "states": JobState.choices,
        "tasks": ["import", "mail"],
        "filter": {"state": state, "task": task, "kind": kind},
        "filter_query": f"?kind={kind}" if kind else "",
        "older": "",
        "newer": newer,
    }
    return render_to_string("realtime/dashboard/_overview.html", context)


def open_overview(site: FakeSite, *jobs: OperatorSnapshot, **only: Any) -> None:
    site.open(rendered(*jobs, **only), head=HEAD)
    site.until(lambda: bool(site.links and site.link.of_type("overview")))
    # The element requests the page once more when the link is open. Only then may a test replace
    # what the server renders.
    site.until(lambda: site.requests.count("/") == 2)


def serve_again(
    site: FakeSite, *jobs: OperatorSnapshot, numbers: Numbers = NUMBERS, failures: int = 0
) -> None:
    """The page that the server renders from now on."""
    html = PAGE.format(head="", body=rendered(*jobs, numbers=numbers))
    page = Response(body=html, kind="text/html; charset=utf-8")
    site.serve("picha.test/", *[Response(status=503)] * failures, page)


def send_overview(site: FakeSite, *jobs: OperatorSnapshot, numbers: Numbers = NUMBERS) -> None:
    fields = {"numbers": numbers, "jobs": jobs}
    frame = {name: json.loads(msgspec.json.encode(value)) for name, value in fields.items()}
    site.link.send({"type": "overview", "seq": 1} | frame)


def rows(site: FakeSite) -> Locator:
    return site.page.locator("tbody tr")


def states(site: FakeSite) -> Locator:
    return site.page.locator('tbody [data-part="state"]')


def test_the_numbers_are_updated(site: FakeSite) -> None:
    open_overview(site)
    numbers = Numbers(
        running=3,
        waiting=1200,
        oldest_wait=None,
        failed=4,
        success=None,
        workers_up=1,
        workers_known=2,
    )
    send_overview(site, numbers=numbers)
    texts = ["3", "1,200", NOTHING, "4", NOTHING, "1/2"]
    expect(site.page.locator("[data-number]")).to_have_text(texts)
    tones = site.page.locator(".figure").evaluate_all(
        "list => list.map((n) => n.dataset.tone ?? '')"
    )
    assert tones == ["", "", "", "failed", "", "waiting"]


def test_only_unfinished_rows_are_watched(site: FakeSite) -> None:
    running = row(STATES["running"], number=2)
    open_overview(site, running, row(STATES["succeeded"], number=1))
    site.until(lambda: bool(site.link.of_type("watch")))
    assert [job["id"] for job in site.link.of_type("watch")[0]["jobs"]] == [str(running.id)]


@pytest.mark.parametrize("state", JobState)
def test_a_row_follows_its_job_to_every_state(site: FakeSite, state: JobState) -> None:
    open_overview(site, row(STATES["queued"], number=1, revision=0))
    site.link.send_jobs(row(STATES[state], number=1))
    expect(states(site)).to_have_text([state.label])
    expect(rows(site)).to_have_attribute("data-state", state)


def test_a_row_that_ends_is_no_longer_watched(site: FakeSite) -> None:
    open_overview(site, row(STATES["running"], number=1), row(STATES["running"], number=0))
    site.link.send_jobs(row(STATES["succeeded"], number=1, revision=3))
    site.until(lambda: bool(site.link.of_type("unwatch")))


def test_an_older_snapshot_does_not_change_a_newer_row(site: FakeSite) -> None:
    open_overview(site, row(STATES["failed"], number=1, revision=5))
    send_overview(
        site, row(STATES["running"], number=1, revision=4), row(STATES["running"], number=2)
    )
    expect(states(site)).to_have_text(["Running", "Failed"])


def test_new_jobs_are_added_on_top_with_a_link(site: FakeSite) -> None:
    open_overview(site, row(STATES["running"], number=1))
    newer, newest = (
        row(STATES["queued"], number=2),
        row(STATES["running"], number=3, title="Newest"),
    )
    send_overview(site, newest, newer)
    expect(states(site)).to_have_text(["Running", "Waiting", "Running"])
    link = site.page.get_by_role("link", name="Newest")
    expect(link).to_have_attribute("href", f"/ops/jobs/{newest.id}/")


def test_the_first_job_replaces_the_empty_page(site: FakeSite) -> None:
    open_overview(site)
    expect(site.page.get_by_role("heading", name="No job yet")).to_be_visible()
    send_overview(site, row(STATES["running"], number=1))
    expect(rows(site)).to_have_count(1)
    expect(site.page.get_by_role("heading", name="No job yet")).to_be_hidden()


@pytest.mark.parametrize(
    "only",
    [{"state": "failed"}, {"task": "mail"}, {"kind": "batch"}, {"newer": "?after=x"}],
    ids=str,
)
def test_jobs_outside_the_filter_or_the_first_page_are_not_added(
    site: FakeSite, only: dict[str, str]
) -> None:
    open_overview(site, row(STATES["failed"], number=1, task="mail"), **only)
    send_overview(
        site, row(STATES["running"], number=2), numbers=msgspec.structs.replace(NUMBERS, running=9)
    )
    expect(site.page.locator('[data-number="running"]')).to_have_text("9")
    expect(rows(site)).to_have_count(1)


def test_a_list_of_batches_gets_only_batches(site: FakeSite) -> None:
    open_overview(site, kind="batch")
    batch = row(STATES["running"], number=2, title="Many", batch=True)
    send_overview(site, batch, row(STATES["running"], number=1))
    expect(rows(site)).to_have_count(1)
    link = site.page.get_by_role("link", name="Many")
    expect(link).to_have_attribute("href", f"/ops/jobs/{batch.id}/?kind=batch")


def test_a_task_that_is_new_to_the_page_becomes_an_option(site: FakeSite) -> None:
    open_overview(site)
    send_overview(site, row(STATES["running"], number=1, task="lamps"))
    options = site.page.locator("#filter-task option")
    expect(options).to_have_text(["Any task", "import", "lamps", "mail"])
    send_overview(site, row(STATES["running"], number=2, task="lamps"))
    expect(rows(site)).to_have_count(2)
    expect(options).to_have_count(4)


def test_a_job_that_leaves_the_filter_leaves_the_list(site: FakeSite) -> None:
    open_overview(site, row(STATES["running"], number=1), state="running")
    send_overview(site, row(STATES["succeeded"], number=1, revision=3))
    expect(rows(site)).to_have_count(0)
    expect(site.page.get_by_role("heading", name="No job matches")).to_be_visible()


def test_every_waiting_state_matches_the_filter_waiting(site: FakeSite) -> None:
    open_overview(site, row(STATES["queued"], number=1), state="waiting")
    others = ("retrying", "lost", "running", "succeeded")
    send_overview(site, *(row(STATES[state], number=n + 2) for n, state in enumerate(others)))
    expect(states(site)).to_have_text(["Lost", "Trying again", "Waiting"])


def test_rows_stay_in_place_under_the_pointer_and_are_updated(site: FakeSite) -> None:
    open_overview(site, row(STATES["running"], number=1))
    rows(site).first.hover()
    send_overview(
        site, row(STATES["queued"], number=2), row(STATES["succeeded"], number=1, revision=3)
    )
    expect(states(site)).to_have_text(["Done"])
    expect(site.page.locator('[data-part="waiting"]')).to_contain_text("1 new")
    site.page.get_by_role("heading", name="Jobs").hover()
    expect(states(site)).to_have_text(["Waiting", "Done"])
    expect(site.page.locator('[data-part="waiting"]')).to_have_text("")


def test_rows_stay_in_place_while_one_has_the_focus(site: FakeSite) -> None:
    open_overview(site, row(STATES["running"], number=1))
    rows(site).first.get_by_role("link").focus()
    send_overview(site, row(STATES["queued"], number=2))
    expect(site.page.locator('[data-part="waiting"]')).to_contain_text("1 new")
    site.page.locator("#filter-state").focus()
    site.pass_time(1)
    expect(rows(site)).to_have_count(2)


def test_the_list_has_at_most_fifty_rows(site: FakeSite) -> None:
    open_overview(site, row(STATES["succeeded"], number=0))
    send_overview(site, *(row(STATES["succeeded"], number=number) for number in range(1, 61)))
    expect(rows(site)).to_have_count(50)
    assert rows(site).last.get_attribute("data-job") == str(UUID(int=JOB.int + 11))


def test_a_new_row_looks_like_a_row_of_the_server(site: FakeSite) -> None:
    shown = row(STATES["running"], number=1)
    open_overview(site, shown)
    send_overview(site, row(STATES["running"], number=2))
    expect(rows(site)).to_have_count(2)
    texts = site.page.evaluate("[...document.querySelectorAll('tbody tr')].map((r) => r.innerText)")
    assert texts[0] == texts[1]


BUSY = msgspec.structs.replace(NUMBERS, running=7, failed=2)


@pytest.fixture
def without_sockets(site: FakeSite) -> FakeSite:
    site.closes_sockets = True
    site.allowed_errors = "Failed to load resource"
    site.page.add_init_script("Math.random = () => 0")
    site.open(rendered(row(STATES["running"], number=1)), head=HEAD)
    serve_again(site, row(STATES["queued"], number=2), row(STATES["failed"], number=1))
    site.pass_time_until(lambda: rows(site).count() == 2)
    expect(states(site)).to_have_text(["Waiting", "Failed"])
    return site


def test_without_sockets_the_page_is_requested_again(without_sockets: FakeSite) -> None:
    link = without_sockets.page.locator("link-state")
    expect(link).to_have_text("refreshing every 30 s")
    serve_again(without_sockets, row(STATES["running"], number=3), numbers=BUSY)
    without_sockets.pass_time(20)
    expect(rows(without_sockets)).to_have_count(2)
    without_sockets.pass_time(5)
    expect(rows(without_sockets)).to_have_count(1)
    expect(without_sockets.page.locator('[data-number="running"]')).to_have_text("7")
    tone = without_sockets.page.locator("[data-tone]")
    expect(tone).to_have_text(["2 failed"])
    expect(link).to_have_text("refreshing every 30 s")


def test_rows_of_a_page_that_is_requested_again_stay_under_the_pointer(
    without_sockets: FakeSite,
) -> None:
    rows(without_sockets).first.hover()
    serve_again(without_sockets, row(STATES["running"], number=3))
    without_sockets.pass_time(25)
    expect(rows(without_sockets)).to_have_count(2)


def test_a_page_that_the_viewer_may_no_longer_see_ends_the_session(
    without_sockets: FakeSite,
) -> None:
    without_sockets.serve("picha.test/", Response(status=403))
    without_sockets.pass_time(25)
    expect(without_sockets.page.locator("link-state")).to_contain_text("your session has ended")


def test_changes_while_the_link_was_closed_are_shown_when_it_is_open(site: FakeSite) -> None:
    open_overview(site, row(STATES["running"], number=1))
    serve_again(site, row(STATES["failed"], number=2), row(STATES["succeeded"], number=1))
    site.link.close()
    site.pass_time(1)
    site.until(lambda: len(site.links) == 2 and bool(site.link.of_type("overview")))
    expect(states(site)).to_have_text(["Failed", "Done"])


def reconnect(site: FakeSite) -> None:
    """Close the link, and wait for the next one."""
    site.link.close()
    site.pass_time(1)
    site.until(lambda: len(site.links) == 2 and bool(site.link.of_type("overview")))


def test_changes_meanwhile_wait_until_the_pointer_leaves_the_list(site: FakeSite) -> None:
    open_overview(site, row(STATES["running"], number=1))
    serve_again(site, row(STATES["failed"], number=2), row(STATES["succeeded"], number=1))
    rows(site).first.hover()
    reconnect(site)
    site.pass_time(10)
    expect(rows(site)).to_have_count(1)
    site.page.get_by_role("heading", name="Jobs").hover()
    site.pass_time(1)
    expect(states(site)).to_have_text(["Failed", "Done"])


def test_a_page_that_the_server_fails_to_render_is_requested_again(site: FakeSite) -> None:
    site.allowed_errors = "Failed to load resource"
    open_overview(site, row(STATES["running"], number=1))
    serve_again(site, row(STATES["failed"], number=2), failures=2)
    reconnect(site)
    count = len(site.requests)
    site.pass_time_until(lambda: states(site).all_inner_texts() == ["Failed"])
    assert len(site.requests) - count <= 3


def test_changes_before_the_first_link_are_shown(site: FakeSite) -> None:
    made = [rendered(row(STATES["running"], number=1)), rendered(row(STATES["queued"], number=2))]
    pages = [PAGE.format(head=HEAD, body=body) for body in made]
    kind = "text/html; charset=utf-8"
    site.serve("picha.test/", *(Response(body=page, kind=kind) for page in pages))
    site.open()
    expect(states(site)).to_have_text(["Waiting"])


def test_the_page_is_requested_once_for_each_link(site: FakeSite) -> None:
    open_overview(site, row(STATES["running"], number=1))
    site.pass_time(20)
    assert site.requests.count("/") == 2


def test_a_page_that_is_older_than_a_snapshot_changes_no_row(site: FakeSite) -> None:
    open_overview(site, row(STATES["running"], number=1))
    site.link.send_jobs(row(STATES["failed"], number=1, revision=5))
    expect(states(site)).to_have_text(["Failed"])
    reconnect(site)
    site.pass_time(10)
    expect(states(site)).to_have_text(["Failed"])


def test_the_newest_fifty_jobs_wait_while_the_pointer_is_on_a_row(site: FakeSite) -> None:
    open_overview(site, row(STATES["running"], number=0))
    site.pass_time(1)
    site.until(lambda: bool(site.link.of_type("watch")))
    rows(site).first.hover()
    for number in range(100):
        send_overview(
            site, row(STATES["running"], number=100 - number, queued_at=NOW - number / 10)
        )
    expect(site.page.locator('[data-part="waiting"]')).to_contain_text("50 new")
    watched = len(site.link.of_type("watch"))
    site.page.get_by_role("heading", name="Jobs").hover()
    expect(rows(site)).to_have_count(50)
    assert rows(site).first.get_attribute("data-job") == str(UUID(int=JOB.int + 100))
    assert rows(site).last.get_attribute("data-job") == str(UUID(int=JOB.int + 51))
    site.until(lambda: len(site.link.of_type("watch")) > watched)
    sizes = [len(frame["jobs"]) for frame in site.link.of_type("watch")[watched:]]
    assert sizes == [50]
    assert [len(frame["jobs"]) for frame in site.link.of_type("unwatch")] == [1]


@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing_wrong(site: FakeSite, width: int) -> None:
    site.page.set_viewport_size({"width": width, "height": 800})
    open_overview(site, *(row(shown, number=n) for n, shown in enumerate(STATES.values())))
    site.page.clock.resume()
    results = Axe().run(site.page, options={"rules": {"region": {"enabled": False}}})
    assert results.violations_count == 0, results.generate_report()
    assert site.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [767, 480, 321, 320, 256])
def test_the_page_never_scrolls_sideways(site: FakeSite, width: int) -> None:
    site.page.set_viewport_size({"width": width, "height": 800})
    titled = row(STATES["running"], number=9, title="A long title " * 20, worker="w" * 60)
    open_overview(site, titled, *(row(shown, number=n) for n, shown in enumerate(STATES.values())))
    assert site.page.evaluate("document.documentElement.scrollWidth") == width
    head = site.page.locator(".jobs thead")
    assert head.bounding_box() is not None
    expect(site.page.get_by_role("columnheader", name="Progress")).to_be_attached()


def test_the_wire_names_what_the_script_reads() -> None:
    shown = json.loads(encode(row(STATES["running"], number=1)))
    assert {"task", "worker", "revision", "tick"} <= shown.keys()
    assert NOW - shown["queued_at"] == 12
