"""<job-progress>: takes over what the server rendered, and keeps it up to date."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template import Context, Template
from playwright.sync_api import Locator, expect

from realtime.models import Job
from realtime.snapshots.schema import File, Item, Phase, Snapshot
from realtime.states import FINISHED, JobState
from realtime.tests.support.browser_page import SCRIPTS, FakeSite, rendered
from realtime.tests.support.word_cases import JOB, NOW, STATES, snapshot, waiting

pytestmark = pytest.mark.browser

QUEUED_AT = datetime.fromtimestamp(NOW, tz=UTC)
SHAPE = """() => [...document.querySelectorAll("job-progress *")].map((node) => {
  const { x, y, width, height } = node.getBoundingClientRect();
  const style = getComputedStyle(node);
  return [node.localName, x, y, width, height, style.color, style.backgroundColor];
})"""
FRAME_RULES = {name: {"enabled": False} for name in ("region", "page-has-heading-one")}
RECORD_EVENTS = """window.events = [];
for (const type of ["job:snapshot", "job:finished", "job:denied"]) {
  document.addEventListener(type, ({ detail }) => window.events.push([type, detail?.state]));
}"""


def part(site: FakeSite, name: str) -> Locator:
    return site.page.locator(f'[data-part="{name}"]')


@pytest.fixture
def running(site: FakeSite) -> FakeSite:
    site.page.add_init_script(RECORD_EVENTS)
    site.open_job(snapshot(), titled=True)
    return site


@pytest.mark.parametrize("state", JobState)
def test_taking_over_changes_nothing_that_is_visible(site: FakeSite, state: JobState) -> None:
    site.open_job(STATES[state])
    expect(site.page.locator("link-state")).to_have_text("live")
    before = site.page.inner_text("job-progress"), site.page.evaluate(SHAPE)
    site.link.send_jobs(STATES[state])
    site.until_true('document.querySelector("job-progress").snapshot')
    assert (site.page.inner_text("job-progress"), site.page.evaluate(SHAPE)) == before


@pytest.mark.parametrize("state", JobState)
def test_every_state_can_be_reached_from_waiting(site: FakeSite, state: JobState) -> None:
    site.open_job(waiting())
    site.link.send_jobs(STATES[state])
    expect(part(site, "state")).to_have_text(state.label)
    expect(site.page.locator("job-progress")).to_have_attribute("data-state", state)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_in_any_state(site: FakeSite, scheme: Any) -> None:
    site.page.emulate_media(color_scheme=scheme)
    site.open_job(*STATES.values())
    expect(site.page.locator("link-state").last).to_have_text("live")
    # axe's own timers would stand still.
    site.page.clock.resume()
    results = Axe().run(site.page, options={"rules": FRAME_RULES})
    assert results.violations_count == 0, results.generate_report()


def test_the_bar_has_a_value_for_screen_readers(running: FakeSite) -> None:
    bar = running.page.get_by_role("progressbar", name="Import photos from Flickr")
    running.link.send_jobs(snapshot(tick=11, fraction=0.75, done=45))
    expect(bar).to_have_attribute("aria-valuetext", "45 of 60 photos")
    assert bar.evaluate("bar => bar.value") == pytest.approx(0.75)


def test_the_bar_moves_to_and_fro_only_while_it_runs_without_a_total(running: FakeSite) -> None:
    running.link.send_jobs(snapshot(tick=11, fraction=None))
    expect(part(running, "bar")).not_to_have_attribute("value", "0.52")
    assert part(running, "bar").evaluate("bar => bar.position") == -1
    running.link.send_jobs(snapshot(tick=12, fraction=None, state="retrying"))
    expect(part(running, "state")).to_have_text("Trying again")
    assert part(running, "bar").evaluate("bar => bar.position") == 0


def test_new_items_are_added_on_top_and_the_others_stay_the_same_nodes(running: FakeSite) -> None:
    first = part(running, "items").locator("li").first
    first.evaluate("node => (node.mark = true)")
    items = [Item("3", "Tram", "new", "done", "", "/3.webp"), *snapshot().items]
    running.link.send_jobs(snapshot(tick=11, items=items))
    expect(part(running, "items").locator(".item__label")).to_have_text(["Tram", "Pier", "1"])
    marks = part(running, "items").locator("li").evaluate_all("list => list.map((n) => !!n.mark)")
    assert marks == [False, True, False]


def test_an_item_is_updated_in_its_place(site: FakeSite) -> None:
    site.open_job(snapshot(items=[Item("a", "To the team", "sending", "started", "", "")]))
    site.link.send_jobs(
        snapshot(tick=11, items=[Item("a", "To the team", "", "unknown", "Cut.", "")])
    )
    expect(site.page.locator(".item__outcome")).to_have_text("Not known")
    expect(site.page.locator(".item__detail")).to_have_text("Cut.")


def test_phases_and_counts_follow(running: FakeSite) -> None:
    phases = [
        Phase("Reading the feed", "done"),
        Phase("Saving photos", "done"),
        Phase("Tidying", "running"),
    ]
    running.link.send_jobs(snapshot(tick=11, phases=phases, counts={"new": 1_024}))
    expect(running.page.locator('[aria-current="step"]')).to_have_text("Tidying")
    expect(part(running, "outcomes").locator("li")).to_have_text(["1,024 new"])


def test_html_in_texts_is_shown_as_text(running: FakeSite) -> None:
    evil = '<img src=x onerror="document.title = 1"><b>'
    items = [Item("9", evil, evil, "failed", evil, "javascript:alert(1)")]
    shown = snapshot(tick=11, title=evil, message=evil, error=evil, items=items, counts={evil: 1})
    running.link.send_jobs(shown)
    expect(part(running, "title")).to_have_text(evil)
    expect(running.page.locator(".item__label")).to_have_text(evil)
    assert running.page.locator("job-progress img").count() == 0


def test_the_link_to_the_subject_appears_at_the_end(running: FakeSite) -> None:
    link = running.page.get_by_role("link", name="See the result")
    expect(link).to_be_hidden()
    running.link.send_jobs(snapshot(revision=3, state="succeeded", fraction=1.0, finished_at=NOW))
    expect(link).to_have_attribute("href", "/photos/")


def test_the_address_of_the_file_has_the_watch_key(running: FakeSite) -> None:
    link = running.page.get_by_role("link", name="photos.csv")
    expect(link).to_have_count(0)
    file = File(name="photos.csv", size=12_345, url=f"/jobs/{JOB}/file/")
    running.link.send_jobs(snapshot(revision=3, state="succeeded", file=file))
    expect(link).to_have_attribute("href", f"/jobs/{JOB}/file/?key=a-key")
    expect(part(running, "file")).to_have_text("photos.csv 12 kB")


def test_the_buttons_follow_the_state(site: FakeSite) -> None:
    site.open_job(snapshot(), may_act=True)
    cancel, again = (site.page.get_by_role("button", name=name) for name in ("Cancel", "Run again"))
    expect(cancel).to_be_visible()
    expect(again).to_be_hidden()
    site.link.send_jobs(STATES["failed"])
    expect(again).to_be_visible()
    expect(cancel).to_be_hidden()
    site.link.send_jobs(snapshot(revision=3, state="succeeded"))
    expect(again).to_be_hidden()


def test_failed_items_can_be_retried_if_the_task_resumes(site: FakeSite) -> None:
    site.open_job(snapshot(), may_act=True, resumes=True)
    site.link.send_jobs(snapshot(revision=3, state="succeeded"))
    again = part(site, "retry").get_by_role("button", include_hidden=True)
    expect(again).to_be_hidden()
    site.link.send_jobs(snapshot(revision=4, state="succeeded", failed=2))
    expect(again).to_be_visible()
    expect(again).to_have_text("Retry what failed")
    site.link.send_jobs(snapshot(revision=5, state="cancelled"))
    expect(again).to_have_text("Do the rest")


def test_a_viewer_who_may_not_act_sees_no_buttons(running: FakeSite) -> None:
    assert running.page.get_by_role("button").count() == 0


def test_the_title_of_the_tab_shows_the_progress(running: FakeSite) -> None:
    running.link.send_jobs(snapshot(tick=11))
    expect(running.page).to_have_title("52% · A page")
    running.link.close()
    expect(running.page).to_have_title("A page")
    running.pass_time(2)
    running.until(lambda: len(running.links) == 2)
    running.link.send_jobs(snapshot(revision=3, state="failed"))
    expect(running.page).to_have_title("Failed · A page")


def test_the_next_try_is_counted_down(site: FakeSite) -> None:
    site.open_job(STATES["retrying"])
    site.link.send_jobs(STATES["retrying"])
    expect(part(site, "sentence")).to_have_text("Next try in 19 s.")
    site.pass_time(9)
    expect(part(site, "sentence")).to_have_text("Next try in 10 s.")


def test_each_snapshot_is_an_event_and_the_end_is_one_event(running: FakeSite) -> None:
    done = STATES["succeeded"]
    for shown in (snapshot(tick=11), snapshot(revision=3), done_at(done, 4), done_at(done, 5)):
        running.link.send_jobs(shown)
    running.until_true("window.events.length === 5")
    kinds = [kind for kind, _ in running.page.evaluate("window.events")]
    assert kinds == ["job:snapshot"] * 3 + ["job:finished", "job:snapshot"]


def done_at(shown: Snapshot, revision: int) -> Snapshot:
    return snapshot(state=shown.state, finished_at=shown.finished_at, revision=revision)


def test_relative_times_are_updated_every_second(running: FakeSite) -> None:
    expect(part(running, "queued")).to_have_text("Queued 13 s ago")
    running.pass_time(7)
    expect(part(running, "queued")).to_have_text("Queued 20 s ago")


def test_a_job_that_is_run_again_has_no_end_time(site: FakeSite) -> None:
    site.open_job(STATES["failed"])
    expect(part(site, "finished")).to_be_visible()
    site.link.send_jobs(snapshot(revision=3))
    expect(part(site, "finished")).to_be_hidden()


def test_a_denied_watch_asks_to_reload_the_page(running: FakeSite) -> None:
    running.link.send({"type": "denied", "jobs": [str(JOB)]})
    expect(part(running, "sentence")).to_contain_text("Reload the page")
    assert running.page.evaluate("window.events") == [["job:denied", None]]


def test_a_denied_watch_stays_denied_until_the_next_snapshot(running: FakeSite) -> None:
    running.link.send({"type": "denied", "jobs": [str(JOB)]})
    expect(part(running, "sentence")).to_contain_text("can no longer be watched")
    running.pass_time(3)
    expect(part(running, "sentence")).to_contain_text("can no longer be watched")
    running.link.send_jobs(done_at(STATES["running"], 9))
    expect(part(running, "sentence")).not_to_contain_text("can no longer be watched")
    expect(running.page.locator("job-progress")).not_to_have_attribute("denied", "")


def test_the_newest_text_is_announced_at_most_every_five_seconds(running: FakeSite) -> None:
    live_region = running.page.get_by_role("status")
    running.link.send_jobs(snapshot(tick=11))
    running.until_true('document.querySelector("job-progress").snapshot?.tick === 11')
    running.pass_time(0.1)
    assert live_region.inner_text() == "Import photos from Flickr: Running. Saving photos. 50%"
    for tick, fraction in ((12, 0.61), (13, 0.72), (14, 0.79)):
        running.link.send_jobs(snapshot(tick=tick, fraction=fraction))
    running.until_true('document.querySelector("job-progress").snapshot.tick === 14')
    running.pass_time(4)
    assert live_region.inner_text().endswith("50%")
    running.pass_time(1.5)
    assert live_region.inner_text().endswith("70%")


def test_several_elements_share_one_connection_and_close_it(site: FakeSite) -> None:
    site.open_job(snapshot(), snapshot())
    site.link.send_jobs(snapshot(tick=11, done=32))
    expect(part(site, "amount")).to_have_text(["32 of 60 photos"] * 2)
    assert len(site.links) == 1
    site.page.evaluate('document.querySelectorAll("job-progress").forEach((node) => node.remove())')
    site.until(lambda: site.link.is_closed)


def test_two_tags_in_any_page_are_two_live_jobs(site: FakeSite) -> None:
    ids = [JOB, UUID(int=JOB.int + 1)]
    jobs = [Job(id=i, title=f"{i}", state="running", queued_at=QUEUED_AT) for i in ids]
    tags = "{% load realtime %}{% for job in jobs %}{% job_progress job key='k' %}{% endfor %}"
    site.open(Template(tags).render(Context({"jobs": jobs})), head=SCRIPTS)
    site.until(lambda: bool(site.links and site.link.of_type("watch")))
    assert [job["id"] for job in site.link.frames[0]["jobs"]] == [str(each) for each in ids]
    site.link.send_jobs(snapshot(id=ids[1], done=1), snapshot(id=ids[0], done=2))
    expect(part(site, "amount")).to_have_text(["2 of 60 photos", "1 of 60 photos"])
    height = part(site, "bar").first.evaluate("bar => getComputedStyle(bar).height")
    assert height == "14px", "the stylesheet is loaded"


@pytest.mark.parametrize("state", JobState)
def test_without_javascript_the_page_is_complete(state: JobState) -> None:
    html = rendered(STATES[state])
    assert state.label in html
    assert ('value="1"' in html) == (state == JobState.SUCCEEDED)
    assert ("Ended <time datetime" in html) == (state in FINISHED)


def test_without_javascript_the_file_is_there() -> None:
    html = rendered(snapshot(file=File(name="<b>.csv", size=2, url="/jobs/1/file/")))
    assert '<a href="/jobs/1/file/?key=a-key" download>&lt;b&gt;.csv</a>' in html
    assert "2 bytes" in html


# A notification at the end

NOTIFICATIONS = """window.notifications = [];
window.Notification = class extends EventTarget {
  static permission = "default";
  static answer = "granted";
  static async requestPermission() { return (this.permission = this.answer); }
  constructor(title, { body }) { super(); window.notifications.push([title, body]); }
  close() {}
};"""


@pytest.fixture
def with_notifications(site: FakeSite) -> FakeSite:
    site.page.add_init_script(NOTIFICATIONS)
    site.open_job(snapshot(), titled=True)
    site.link.send_jobs(snapshot())
    return site


def notify_button(site: FakeSite) -> Locator:
    return site.page.get_by_role("button", name="Notify me when the job ends")


def test_a_click_on_the_button_notifies_of_the_end(with_notifications: FakeSite) -> None:
    notify_button(with_notifications).click()
    expect(notify_button(with_notifications)).to_have_attribute("aria-pressed", "true")
    with_notifications.link.send_jobs(STATES["failed"])
    expect(notify_button(with_notifications)).to_be_hidden()
    notifications = with_notifications.page.evaluate("window.notifications")
    assert notifications == [
        ["Failed: Import photos from Flickr", "Gave up after 9 s and 3 attempts."]
    ]


def test_after_a_notification_the_button_is_not_pressed(with_notifications: FakeSite) -> None:
    notify_button(with_notifications).click()
    with_notifications.link.send_jobs(done_at(STATES["failed"], 5))
    expect(notify_button(with_notifications)).to_be_hidden()
    with_notifications.link.send_jobs(snapshot(revision=6))
    expect(notify_button(with_notifications)).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize("clicks", [0, 2])
def test_without_the_button_there_is_no_notification(
    with_notifications: FakeSite, clicks: int
) -> None:
    for _ in range(clicks):
        notify_button(with_notifications).click()
    expect(notify_button(with_notifications)).to_have_attribute("aria-pressed", "false")
    with_notifications.link.send_jobs(STATES["succeeded"])
    expect(notify_button(with_notifications)).to_be_hidden()
    assert with_notifications.page.evaluate("window.notifications") == []


def test_permission_is_not_requested_before_a_click(with_notifications: FakeSite) -> None:
    expect(notify_button(with_notifications)).to_be_visible()
    assert with_notifications.page.evaluate("Notification.permission") == "default"


def test_a_browser_that_denies_permission_disables_the_button(with_notifications: FakeSite) -> None:
    with_notifications.page.evaluate('Notification.answer = "denied"')
    notify_button(with_notifications).click()
    refusal = with_notifications.page.get_by_role("button", name="Your browser does not allow")
    expect(refusal).to_be_disabled()


@pytest.mark.parametrize(
    "lack", ["delete window.Notification;", 'window.Notification.permission = "denied";']
)
def test_the_button_is_hidden_where_notifications_are_impossible(site: FakeSite, lack: str) -> None:
    site.page.add_init_script(NOTIFICATIONS + lack)
    site.open_job(snapshot(), titled=True)
    site.link.send_jobs(snapshot(tick=11))
    expect(part(site, "amount")).to_be_visible()
    expect(notify_button(site)).to_be_hidden()


def test_the_button_is_hidden_when_the_job_has_finished(site: FakeSite) -> None:
    site.page.add_init_script(NOTIFICATIONS)
    site.open_job(STATES["succeeded"], titled=True)
    site.link.send_jobs(STATES["succeeded"])
    site.until_true('document.querySelector("job-progress").snapshot')
    expect(notify_button(site)).to_be_hidden()
