"""Where no WebSocket is to be had: Server-Sent Events, then asking every few seconds."""

from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import Locator, expect

from realtime.snapshots.schema import Snapshot, encode
from realtime.tests.support.browser_page import WITHOUT_SOCKETS, Answer, FakeSite, streamed, told
from realtime.tests.support.captured_connection import HOLD, hide, run
from realtime.tests.support.word_cases import JOB, NOW, snapshot

pytestmark = pytest.mark.browser

DOWN = Answer(status=503)
GONE = Answer(status=404)
EVENTS, JSON = "/events", ".json"
KEYED = f"/jobs/{JOB}{{}}?key=a-key"


def at(tick: int, **changes: object) -> Snapshot:
    return snapshot(tick=tick, done=tick, **changes)


def ended(tick: int) -> Snapshot:
    return at(tick, state="succeeded", fraction=1.0, finished_at=NOW)


# Streams that open and say only what the test has them say.
STUCK = f"""
window.shown = {encode(at(12))};
window.opened = [];
window.EventSource = class extends EventTarget {{
  static CONNECTING = 0;
  readyState = 1;
  constructor() {{ super(); window.opened.push(this); }}
  close() {{ this.readyState = 2; }}
  tell(shown) {{
    this.dispatchEvent(new MessageEvent("snapshot", {{ data: JSON.stringify(shown) }}));
  }}
}};"""


@pytest.fixture
def blocked(site: FakeSite) -> FakeSite:
    """A page whose sockets open, as some proxies let them, and carry nothing."""
    site.hangs_up = True
    site.tolerated = "Failed to load resource|MIME type"
    site.page.add_init_script("Math.random = () => 0")
    site.serve(EVENTS, GONE)
    site.serve(JSON, GONE)
    return site


def amount(site: FakeSite) -> Locator:
    return site.page.locator('[data-part="amount"]')


def link(site: FakeSite) -> Locator:
    return site.page.locator("link-state")


def is_asked(site: FakeSite, form: str, times: int = 1) -> Callable[[], bool]:
    return lambda: len([path for path in site.asked if form in path]) >= times


def test_a_page_without_sockets_is_streamed_to(blocked: FakeSite) -> None:
    blocked.serve(EVENTS, streamed(at(12), at(13)))
    blocked.open_without_link(at(11), titled=True)
    blocked.pass_time_until(is_asked(blocked, EVENTS))
    expect(amount(blocked)).to_have_text("13 of 60 photos")
    expect(link(blocked)).to_have_text("live")
    expect(blocked.page).to_have_title("52% · A page")
    assert len(blocked.links) == 2
    assert KEYED.format(EVENTS) in blocked.asked


def test_a_policy_that_forbids_sockets_is_no_error(blocked: FakeSite) -> None:
    blocked.policy = WITHOUT_SOCKETS
    blocked.tolerated = "Content Security Policy"
    blocked.serve(EVENTS, streamed(at(12)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_asked(blocked, EVENTS))
    expect(link(blocked)).to_have_text("live")


def test_a_stream_that_ends_is_opened_again_by_the_browser(blocked: FakeSite) -> None:
    blocked.serve(EVENTS, streamed(at(12), again_after=0.05), streamed(at(13)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_asked(blocked, EVENTS))
    blocked.until(is_asked(blocked, EVENTS, 2))
    expect(amount(blocked)).to_have_text("13 of 60 photos")
    expect(link(blocked)).to_have_text("live")


def test_a_job_that_has_ended_is_streamed_again_after_a_minute(blocked: FakeSite) -> None:
    blocked.serve(EVENTS, streamed(ended(60)), streamed(at(0, revision=4)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_asked(blocked, EVENTS))
    expect(amount(blocked)).to_have_text("60 of 60 photos")
    blocked.pass_time(40)
    assert not is_asked(blocked, EVENTS, 2)()
    blocked.pass_time(20)
    expect(amount(blocked)).to_have_text("0 of 60 photos")


def test_a_silent_stream_is_opened_anew(blocked: FakeSite) -> None:
    blocked.serve(EVENTS, streamed(at(12)))
    blocked.page.add_init_script(STUCK)
    blocked.open_without_link(at(11))
    blocked.pass_time_until(lambda: bool(blocked.page.evaluate("window.opened?.length === 1")))
    blocked.page.evaluate("window.opened[0].tell(window.shown)")
    expect(link(blocked)).to_have_text("live")
    blocked.pass_time(70)
    assert blocked.page.evaluate("window.opened.length") == 1
    blocked.pass_time(10)
    assert blocked.page.evaluate("window.opened.length") == 2


@pytest.mark.parametrize(
    "answer",
    [DOWN, GONE, Answer(status=429), Answer(kind="text/html", body="<p>Log in to the Wi-Fi</p>")],
    ids=lambda answer: f"{answer.status}",
)
def test_a_page_without_streams_asks_every_five_seconds(blocked: FakeSite, answer: Answer) -> None:
    blocked.serve(EVENTS, answer)
    blocked.serve(JSON, told(at(12)), told(at(13)), told(at(14)))
    blocked.open_without_link(at(11), titled=True)
    expect(blocked.page).to_have_title("A page")
    blocked.pass_time_until(is_asked(blocked, JSON, 2))
    expect(link(blocked)).to_have_text("refreshing every 5 s")
    expect(blocked.page).to_have_title("52% · A page")
    assert KEYED.format(JSON) in blocked.asked
    asked = len(blocked.asked)
    blocked.pass_time(3.5)
    assert len(blocked.asked) == asked
    blocked.pass_time_until(is_asked(blocked, JSON, 3))
    expect(amount(blocked)).to_have_text("14 of 60 photos")


def test_polling_works_in_browsers_without_abort_signal_any(blocked: FakeSite) -> None:
    blocked.page.add_init_script("delete AbortSignal.any; delete URL.canParse;")
    blocked.serve(JSON, told(at(12)), told(at(13)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_asked(blocked, JSON, 2))
    expect(link(blocked)).to_have_text("refreshing every 5 s")
    expect(amount(blocked)).to_have_text("13 of 60 photos")
    expect(blocked.page.locator(".item__picture img")).to_have_attribute("src", "/2.webp")


# The status and the headers of a response arrive, but its body never ends.
ENDLESS_BODY = """window.requests = [];
window.fetch = async (address, { signal }) => {
  window.requests.push(signal);
  return new Response(new ReadableStream({
    start: (stream) => signal.addEventListener("abort", () => stream.error(signal.reason)),
  }));
};"""


def test_a_response_that_never_ends_is_aborted_after_ten_seconds(blocked: FakeSite) -> None:
    blocked.page.add_init_script(ENDLESS_BODY)
    blocked.open_without_link(at(11))
    blocked.pass_time_until(lambda: bool(blocked.page.evaluate("window.requests.length === 1")))
    blocked.pass_time(9)
    assert blocked.page.evaluate("window.requests.map(({ aborted }) => aborted)") == [False]
    blocked.pass_time_until(lambda: bool(blocked.page.evaluate("window.requests.length === 2")))
    assert blocked.page.evaluate("window.requests[0].aborted")


def test_a_stream_whose_first_event_never_comes_is_given_up(blocked: FakeSite) -> None:
    blocked.page.add_init_script(STUCK)
    blocked.serve(JSON, told(at(12)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(lambda: bool(blocked.page.evaluate("window.opened?.length === 1")))
    blocked.pass_time(11)
    blocked.pass_time_until(is_asked(blocked, JSON, 2))
    expect(link(blocked)).to_have_text("refreshing every 5 s")
    assert blocked.page.evaluate("window.opened[0].readyState") == 2


def test_more_jobs_than_a_browser_has_connections_are_asked_for(blocked: FakeSite) -> None:
    jobs = [at(11, id=UUID(int=JOB.int + number)) for number in range(5)]
    for job in jobs:
        blocked.serve(f"{job.id}{JSON}", told(at(12, id=job.id)))
    blocked.open_without_link(*jobs)
    blocked.pass_time_until(is_asked(blocked, JSON, 5))
    expect(link(blocked).first).to_have_text("refreshing every 5 s")
    expect(amount(blocked)).to_have_text(["12 of 60 photos"] * 5)
    assert not is_asked(blocked, EVENTS)()


def test_a_page_that_comes_to_watch_more_jobs_goes_over_to_asking(blocked: FakeSite) -> None:
    blocked.serve(EVENTS, streamed(at(12)))
    blocked.serve(JSON, told(at(12)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_asked(blocked, EVENTS))
    expect(link(blocked)).to_have_text("live")
    blocked.module("link/connection", HOLD)
    run(blocked, "for (let n = 0; n < 4; n += 1) connection.watch(`job-${n}`);")
    blocked.pass_time_until(is_asked(blocked, JSON, 5))
    expect(link(blocked)).to_have_text("refreshing every 5 s")


def test_what_may_not_be_watched_is_denied_as_by_a_socket(blocked: FakeSite) -> None:
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_asked(blocked, JSON))
    expect(blocked.page.locator("job-progress")).to_have_attribute("denied", "")


def test_a_page_whose_server_is_away_says_so_and_comes_back_to_what_worked(
    blocked: FakeSite,
) -> None:
    blocked.serve(EVENTS, streamed(at(12), again_after=0.05), DOWN)
    blocked.serve(JSON, DOWN)
    blocked.open_without_link(at(11), titled=True)
    blocked.pass_time_until(is_asked(blocked, JSON))
    expect(link(blocked)).to_contain_text("reconnecting")
    expect(blocked.page).to_have_title("A page")
    blocked.serve(EVENTS, streamed(at(13)))
    blocked.pass_time_until(lambda: amount(blocked).inner_text() == "13 of 60 photos")
    expect(link(blocked)).to_have_text("live")


def test_a_socket_is_tried_again_beside_the_stream_and_taken(blocked: FakeSite) -> None:
    blocked.serve(EVENTS, streamed(at(12)))
    blocked.serve(JSON, told(at(12)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_asked(blocked, EVENTS))
    blocked.pass_time(9)
    blocked.until(lambda: len(blocked.links) == 3)
    expect(link(blocked)).to_have_text("live")
    blocked.hangs_up = False
    blocked.pass_time_until(lambda: bool(blocked.link.of_type("watch")))
    blocked.link.send_jobs(at(14))
    expect(amount(blocked)).to_have_text("14 of 60 photos")
    assert len(blocked.links) == 5, "a trial, then the link itself"


def test_back_online_a_socket_is_tried_at_once(blocked: FakeSite) -> None:
    blocked.serve(EVENTS, streamed(at(12)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_asked(blocked, EVENTS))
    expect(link(blocked)).to_have_text("live")
    blocked.hangs_up = False
    blocked.page.evaluate('window.dispatchEvent(new Event("online"))')
    blocked.until(lambda: bool(blocked.link.of_type("watch")))


def test_a_hidden_page_does_not_ask_and_is_current_when_shown(blocked: FakeSite) -> None:
    blocked.serve(JSON, told(at(12)), told(at(13)))
    blocked.open_without_link(at(11))
    blocked.module("link/connection", HOLD)
    blocked.pass_time_until(is_asked(blocked, JSON, 2))
    hide(blocked, hidden=True)
    blocked.pass_time(1)
    asked = len(blocked.asked)
    blocked.pass_time(60)
    assert len(blocked.asked) == asked
    blocked.serve(JSON, told(at(20)))
    hide(blocked, hidden=False)
    blocked.pass_time_until(lambda: amount(blocked).inner_text() == "20 of 60 photos")


def test_a_socket_that_has_worked_is_not_given_up_for_a_server_that_is_away(site: FakeSite) -> None:
    site.page.add_init_script("Math.random = () => 0")
    site.open_job(at(11))
    site.link.send_jobs(at(12))
    expect(amount(site)).to_have_text("12 of 60 photos")
    site.hangs_up = True
    site.link.close(1011)
    site.pass_time_until(lambda: len(site.links) == 4)
    assert not is_asked(site, EVENTS)()
    site.hangs_up = False
    site.pass_time_until(lambda: bool(site.link.of_type("watch")))
    expect(link(site)).to_have_text("live")
