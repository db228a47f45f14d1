"""The transports of a page that gets no WebSocket: Server-Sent Events, then polling."""

from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import Locator, expect

from realtime.snapshots.schema import Snapshot, encode
from realtime.tests.support.browser_page import (
    WITHOUT_SOCKETS,
    FakeSite,
    Response,
    event_stream,
    json_response,
)
from realtime.tests.support.captured_connection import CAPTURE, hide, run
from realtime.tests.support.word_cases import JOB, NOW, snapshot

pytestmark = pytest.mark.browser

UNAVAILABLE = Response(status=503)
NOT_FOUND = Response(status=404)
EVENTS, JSON = "/events", ".json"
KEYED = f"/jobs/{JOB}{{}}?key=a-key"


def at(tick: int, **changes: object) -> Snapshot:
    return snapshot(tick=tick, done=tick, **changes)


def ended(tick: int) -> Snapshot:
    return at(tick, state="succeeded", fraction=1.0, finished_at=NOW)


# Streams that open, and send only what the test sends with receive().
STUCK = f"""
window.snapshot = {encode(at(12))};
window.opened = [];
window.EventSource = class extends EventTarget {{
  static CONNECTING = 0;
  readyState = 1;
  constructor() {{ super(); window.opened.push(this); }}
  close() {{ this.readyState = 2; }}
  receive(snapshot) {{
    this.dispatchEvent(new MessageEvent("snapshot", {{ data: JSON.stringify(snapshot) }}));
  }}
}};"""


@pytest.fixture
def blocked(site: FakeSite) -> FakeSite:
    """A page whose sockets open and are closed before the first frame, as by some proxies."""
    site.closes_sockets = True
    site.allowed_errors = "Failed to load resource|MIME type"
    site.page.add_init_script("Math.random = () => 0")
    site.serve(EVENTS, NOT_FOUND)
    site.serve(JSON, NOT_FOUND)
    return site


def amount(site: FakeSite) -> Locator:
    return site.page.locator('[data-part="amount"]')


def link(site: FakeSite) -> Locator:
    return site.page.locator("link-state")


def is_requested(site: FakeSite, form: str, times: int = 1) -> Callable[[], bool]:
    return lambda: len([path for path in site.requests if form in path]) >= times


def test_a_page_without_sockets_uses_server_sent_events(blocked: FakeSite) -> None:
    blocked.serve(EVENTS, event_stream(at(12), at(13)))
    blocked.open_without_link(at(11), titled=True)
    blocked.pass_time_until(is_requested(blocked, EVENTS))
    expect(amount(blocked)).to_have_text("13 of 60 photos")
    expect(link(blocked)).to_have_text("live")
    expect(blocked.page).to_have_title("52% · A page")
    assert len(blocked.links) == 2
    assert KEYED.format(EVENTS) in blocked.requests


def test_a_content_security_policy_may_forbid_sockets(blocked: FakeSite) -> None:
    blocked.policy = WITHOUT_SOCKETS
    blocked.allowed_errors = "Content Security Policy"
    blocked.serve(EVENTS, event_stream(at(12)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_requested(blocked, EVENTS))
    expect(link(blocked)).to_have_text("live")


def test_a_stream_that_ends_is_opened_again_by_the_browser(blocked: FakeSite) -> None:
    blocked.serve(EVENTS, event_stream(at(12), again_after=0.05), event_stream(at(13)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_requested(blocked, EVENTS))
    blocked.until(is_requested(blocked, EVENTS, 2))
    expect(amount(blocked)).to_have_text("13 of 60 photos")
    expect(link(blocked)).to_have_text("live")


def test_the_stream_of_a_finished_job_is_opened_again_after_a_minute(blocked: FakeSite) -> None:
    blocked.serve(EVENTS, event_stream(ended(60)), event_stream(at(0, revision=4)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_requested(blocked, EVENTS))
    expect(amount(blocked)).to_have_text("60 of 60 photos")
    blocked.pass_time(40)
    assert not is_requested(blocked, EVENTS, 2)()
    blocked.pass_time(20)
    expect(amount(blocked)).to_have_text("0 of 60 photos")


def test_a_silent_stream_is_opened_again(blocked: FakeSite) -> None:
    blocked.serve(EVENTS, event_stream(at(12)))
    blocked.page.add_init_script(STUCK)
    blocked.open_without_link(at(11))
    blocked.pass_time_until(lambda: bool(blocked.page.evaluate("window.opened?.length === 1")))
    blocked.page.evaluate("window.opened[0].receive(window.snapshot)")
    expect(link(blocked)).to_have_text("live")
    blocked.pass_time(70)
    assert blocked.page.evaluate("window.opened.length") == 1
    blocked.pass_time(10)
    assert blocked.page.evaluate("window.opened.length") == 2


@pytest.mark.parametrize(
    "response",
    [
        UNAVAILABLE,
        NOT_FOUND,
        Response(status=429),
        Response(kind="text/html", body="<p>Log in to the Wi-Fi</p>"),
    ],
    ids=lambda response: f"{response.status}",
)
def test_a_page_without_streams_polls_every_five_seconds(
    blocked: FakeSite, response: Response
) -> None:
    blocked.serve(EVENTS, response)
    blocked.serve(JSON, json_response(at(12)), json_response(at(13)), json_response(at(14)))
    blocked.open_without_link(at(11), titled=True)
    expect(blocked.page).to_have_title("A page")
    blocked.pass_time_until(is_requested(blocked, JSON, 2))
    expect(link(blocked)).to_have_text("refreshing every 5 s")
    expect(blocked.page).to_have_title("52% · A page")
    assert KEYED.format(JSON) in blocked.requests
    count = len(blocked.requests)
    blocked.pass_time(3.5)
    assert len(blocked.requests) == count
    blocked.pass_time_until(is_requested(blocked, JSON, 3))
    expect(amount(blocked)).to_have_text("14 of 60 photos")


def test_polling_works_in_browsers_without_abort_signal_any(blocked: FakeSite) -> None:
    blocked.page.add_init_script("delete AbortSignal.any; delete URL.canParse;")
    blocked.serve(JSON, json_response(at(12)), json_response(at(13)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_requested(blocked, JSON, 2))
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


def test_a_stream_without_a_first_event_is_abandoned(blocked: FakeSite) -> None:
    blocked.page.add_init_script(STUCK)
    blocked.serve(JSON, json_response(at(12)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(lambda: bool(blocked.page.evaluate("window.opened?.length === 1")))
    blocked.pass_time(11)
    blocked.pass_time_until(is_requested(blocked, JSON, 2))
    expect(link(blocked)).to_have_text("refreshing every 5 s")
    assert blocked.page.evaluate("window.opened[0].readyState") == 2


def test_more_jobs_than_a_browser_has_connections_are_polled(blocked: FakeSite) -> None:
    jobs = [at(11, id=UUID(int=JOB.int + number)) for number in range(5)]
    for job in jobs:
        blocked.serve(f"{job.id}{JSON}", json_response(at(12, id=job.id)))
    blocked.open_without_link(*jobs)
    blocked.pass_time_until(is_requested(blocked, JSON, 5))
    expect(link(blocked).first).to_have_text("refreshing every 5 s")
    expect(amount(blocked)).to_have_text(["12 of 60 photos"] * 5)
    assert not is_requested(blocked, EVENTS)()


def test_a_page_that_watches_more_jobs_later_changes_to_polling(blocked: FakeSite) -> None:
    blocked.serve(EVENTS, event_stream(at(12)))
    blocked.serve(JSON, json_response(at(12)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_requested(blocked, EVENTS))
    expect(link(blocked)).to_have_text("live")
    blocked.module("link/connection", CAPTURE)
    run(blocked, "for (let n = 0; n < 4; n += 1) connection.watch(`job-${n}`);")
    blocked.pass_time_until(is_requested(blocked, JSON, 5))
    expect(link(blocked)).to_have_text("refreshing every 5 s")


def test_a_job_that_the_viewer_may_not_see_is_denied(blocked: FakeSite) -> None:
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_requested(blocked, JSON))
    expect(blocked.page.locator("job-progress")).to_have_attribute("denied", "")


def test_after_an_outage_the_page_returns_to_the_transport_that_worked(
    blocked: FakeSite,
) -> None:
    blocked.serve(EVENTS, event_stream(at(12), again_after=0.05), UNAVAILABLE)
    blocked.serve(JSON, UNAVAILABLE)
    blocked.open_without_link(at(11), titled=True)
    blocked.pass_time_until(is_requested(blocked, JSON))
    expect(link(blocked)).to_contain_text("reconnecting")
    expect(blocked.page).to_have_title("A page")
    blocked.serve(EVENTS, event_stream(at(13)))
    blocked.pass_time_until(lambda: amount(blocked).inner_text() == "13 of 60 photos")
    expect(link(blocked)).to_have_text("live")


def test_a_socket_that_works_again_replaces_the_stream(blocked: FakeSite) -> None:
    blocked.serve(EVENTS, event_stream(at(12)))
    blocked.serve(JSON, json_response(at(12)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_requested(blocked, EVENTS))
    blocked.pass_time(9)
    blocked.until(lambda: len(blocked.links) == 3)
    expect(link(blocked)).to_have_text("live")
    blocked.closes_sockets = False
    blocked.pass_time_until(lambda: bool(blocked.link.of_type("watch")))
    blocked.link.send_jobs(at(14))
    expect(amount(blocked)).to_have_text("14 of 60 photos")
    assert len(blocked.links) == 5, "a trial socket, then the link"


def test_back_online_a_socket_is_tried_at_once(blocked: FakeSite) -> None:
    blocked.serve(EVENTS, event_stream(at(12)))
    blocked.open_without_link(at(11))
    blocked.pass_time_until(is_requested(blocked, EVENTS))
    expect(link(blocked)).to_have_text("live")
    blocked.closes_sockets = False
    blocked.page.evaluate('window.dispatchEvent(new Event("online"))')
    blocked.until(lambda: bool(blocked.link.of_type("watch")))


def test_a_hidden_page_does_not_poll_and_is_up_to_date_when_shown(blocked: FakeSite) -> None:
    blocked.serve(JSON, json_response(at(12)), json_response(at(13)))
    blocked.open_without_link(at(11))
    blocked.module("link/connection", CAPTURE)
    blocked.pass_time_until(is_requested(blocked, JSON, 2))
    hide(blocked, hidden=True)
    blocked.pass_time(1)
    count = len(blocked.requests)
    blocked.pass_time(60)
    assert len(blocked.requests) == count
    blocked.serve(JSON, json_response(at(20)))
    hide(blocked, hidden=False)
    blocked.pass_time_until(lambda: amount(blocked).inner_text() == "20 of 60 photos")


def test_a_socket_that_has_worked_is_tried_again_while_the_server_is_away(site: FakeSite) -> None:
    site.page.add_init_script("Math.random = () => 0")
    site.open_job(at(11))
    site.link.send_jobs(at(12))
    expect(amount(site)).to_have_text("12 of 60 photos")
    site.closes_sockets = True
    site.link.close(1011)
    site.pass_time_until(lambda: len(site.links) == 4)
    assert not is_requested(site, EVENTS)()
    site.closes_sockets = False
    site.pass_time_until(lambda: bool(site.link.of_type("watch")))
    expect(link(site)).to_have_text("live")
