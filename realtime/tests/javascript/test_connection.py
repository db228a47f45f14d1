"""The page's only connection: every frame and every close code."""

from functools import partial

import pytest

from realtime.live.wire import AGED, MALFORMED, SESSION_ENDED, TOO_MANY, TOO_SLOW
from realtime.tests.support.browser_page import FakeSite
from realtime.tests.support.captured_connection import (
    CAPTURE,
    OTHER,
    events,
    is_live_again,
    run,
    state,
    ticks,
    watch,
)
from realtime.tests.support.word_cases import JOB, snapshot

pytestmark = pytest.mark.browser

SERVICE_RESTART = 1012


@pytest.fixture
def longest_waits(site: FakeSite) -> None:
    site.page.add_init_script("Math.random = () => 1")


def test_watches_of_one_moment_are_sent_in_one_frame(site: FakeSite) -> None:
    site.open()
    site.module("link/connection", CAPTURE)
    run(site, 'a.forEach((id) => connection.watch(id, "k"));', [str(JOB), str(OTHER)])
    site.until(lambda: bool(site.links and site.link.frames))
    jobs = [{"id": str(JOB), "key": "k"}, {"id": str(OTHER), "key": "k"}]
    assert site.link.frames == [{"type": "watch", "jobs": jobs}]


def test_many_watches_are_split_under_the_servers_limit(site: FakeSite) -> None:
    site.open()
    site.module("link/connection", CAPTURE)
    run(site, "for (let n = 0; n < 90; n += 1) connection.watch(`job-${n}`);")
    site.until(lambda: bool(site.links and len(site.link.frames) == 2))
    assert [len(frame["jobs"]) for frame in site.link.frames] == [50, 40]


def test_many_unwatched_jobs_are_split_too_and_sent_first(live: FakeSite) -> None:
    run(live, "for (let n = 0; n < 90; n += 1) connection.watch(`job-${n}`);")
    live.until(lambda: len(live.link.of_type("watch")) == 3)
    count = len(live.link.frames)
    leave = "for (let n = 0; n < 90; n += 1) connection.unwatch(`job-${n}`);"
    run(live, leave + "for (let n = 90; n < 95; n += 1) connection.watch(`job-${n}`);")
    live.until(lambda: len(live.link.of_type("watch")) == 4)
    frames = [(frame["type"], len(frame["jobs"])) for frame in live.link.frames[count:]]
    assert frames == [("unwatch", 50), ("unwatch", 40), ("watch", 5)]


def test_a_job_unwatched_before_it_was_sent_is_not_sent(live: FakeSite) -> None:
    come_and_go = "connection.watch(`job-${n}`); connection.unwatch(`job-${n}`);"
    each = f"for (let n = 0; n < 500; n += 1) {{ {come_and_go} }}"
    run(live, each + 'connection.watch("last");')
    live.until(lambda: len(live.link.of_type("watch")) == 2)
    assert live.link.of_type("watch")[-1]["jobs"] == [{"id": "last", "key": ""}]
    assert live.link.of_type("unwatch") == []


def test_a_job_watched_again_with_a_key_is_unwatched_in_the_end(live: FakeSite) -> None:
    run(live, 'connection.watch("a-job");')
    live.until(lambda: len(live.link.of_type("watch")) == 2)
    again = 'connection.watch("a-job", "a-key");'
    run(live, again + 'connection.unwatch("a-job"); connection.unwatch("a-job");')
    live.until(lambda: bool(live.link.of_type("unwatch")))
    assert live.link.of_type("unwatch")[-1]["jobs"] == ["a-job"]


def test_a_job_watched_twice_is_sent_once_and_unwatched_with_the_last(live: FakeSite) -> None:
    watch(live, JOB)
    watch(live, OTHER)
    live.until(lambda: len(live.link.of_type("watch")) == 2)
    run(live, "connection.unwatch(a);", str(JOB))
    run(live, "connection.unwatch(a);", str(OTHER))
    live.until(lambda: bool(live.link.of_type("unwatch")))
    run(live, "connection.unwatch(a);", str(JOB))
    live.until(lambda: live.link.is_closed)
    assert live.link.of_type("unwatch") == [{"type": "unwatch", "jobs": [str(OTHER)]}]
    assert state(live) == "idle"


def test_an_older_snapshot_is_ignored_and_an_equal_one_taken(live: FakeSite) -> None:
    for tick in (5, 7, 6, 7, 8):
        live.link.send_jobs(snapshot(tick=tick))
    live.until(lambda: 8 in ticks(live))
    assert ticks(live) == [5, 7, 7, 8]


def test_a_snapshot_of_a_job_that_is_not_watched_is_ignored(live: FakeSite) -> None:
    live.link.send_jobs(snapshot(id=OTHER), snapshot(tick=11))
    live.until(lambda: bool(ticks(live)))
    assert ticks(live) == [11]


def test_every_sixteenth_frame_is_acknowledged(live: FakeSite) -> None:
    for tick in range(33):
        live.link.send_jobs(snapshot(tick=tick))
    live.until(lambda: len(live.link.of_type("ack")) >= 2)
    first, second, *_ = (frame["seq"] for frame in live.link.of_type("ack"))
    assert 1 <= first <= 16
    assert second == first + 16


def test_a_denied_watch_dispatches_denied(live: FakeSite) -> None:
    live.link.send({"type": "denied", "jobs": [str(JOB), str(OTHER)]})
    live.until(lambda: len(events(live, "denied")) == 1)


def test_an_error_frame_dispatches_refused(live: FakeSite) -> None:
    live.link.send({"type": "error", "code": "forbidden", "detail": "Operators only."})
    live.until(lambda: bool(events(live, "refused")))
    assert events(live, "refused") == [{"code": "forbidden", "detail": "Operators only."}]


def test_a_frame_of_an_unknown_type_is_ignored(live: FakeSite) -> None:
    live.link.send({"type": "weather", "seq": 1})
    live.link.send_jobs(snapshot(tick=12))
    live.until(lambda: ticks(live) == [12])


def test_an_overview_is_requested_once_and_dispatched(live: FakeSite) -> None:
    run(live, "connection.watchOverview(); connection.watchOverview();")
    live.until(lambda: bool(live.link.of_type("overview")))
    live.link.send({"type": "overview", "seq": 1, "numbers": {}, "jobs": []})
    live.until(lambda: bool(events(live, "overview")))
    assert len(live.link.of_type("overview")) == 1


def test_everything_is_watched_again_after_the_link_broke(live: FakeSite) -> None:
    run(live, "connection.watchOverview();")
    live.until(lambda: bool(live.link.of_type("overview")))
    live.link.close()
    live.until(lambda: state(live) == "reconnecting")
    live.pass_time(1)
    live.until(lambda: len(live.links) == 2 and len(live.link.frames) == 2)
    assert live.link.frames[0] == {"type": "overview"}
    assert live.link.frames[1]["jobs"] == [{"id": str(JOB), "key": "k"}]
    assert state(live) == "live"


@pytest.mark.usefixtures("longest_waits")
def test_the_wait_grows_while_the_server_is_away(live: FakeSite) -> None:
    for seconds in (1, 2, 4, 8, 16, 30, 30):
        before = len(live.links)
        live.link.close()
        live.until(lambda: state(live) == "reconnecting")
        live.pass_time(seconds - 0.1)
        assert len(live.links) == before
        live.pass_time(0.2)
        live.until(partial(is_live_again, live, before))


@pytest.mark.usefixtures("longest_waits")
def test_the_first_frame_resets_the_wait(live: FakeSite) -> None:
    for _ in range(2):
        live.link.send_jobs(snapshot())
        live.until(lambda: bool(ticks(live)))
        before = len(live.links)
        live.link.close()
        live.until(lambda: state(live) == "reconnecting")
        live.pass_time(1.1)
        live.until(partial(is_live_again, live, before))
        run(live, "window.captured.events.length = 0;")


@pytest.mark.parametrize(
    ("code", "final_state"), [(MALFORMED, "stopped"), (SESSION_ENDED, "ended")]
)
def test_after_a_final_close_code_it_does_not_connect_again(
    live: FakeSite, code: int, final_state: str
) -> None:
    live.link.close(code)
    live.until(lambda: state(live) == final_state)
    live.pass_time(120)
    run(live, 'window.dispatchEvent(new Event("online"));')
    assert len(live.links) == 1


@pytest.mark.parametrize("code", [AGED, TOO_SLOW, SERVICE_RESTART])
def test_a_socket_that_the_server_closes_is_opened_again_soon(live: FakeSite, code: int) -> None:
    live.link.send_jobs(snapshot())
    live.until(lambda: bool(ticks(live)))
    live.link.close(code)
    live.until(lambda: state(live) == "reconnecting")
    live.pass_time(1)
    live.until(lambda: len(live.links) == 2 and bool(live.link.of_type("watch")))


def test_after_too_many_connections_the_wait_is_long(live: FakeSite) -> None:
    live.link.close(TOO_MANY)
    live.until(lambda: state(live) == "busy")
    live.pass_time(29)
    assert len(live.links) == 1
    live.pass_time(32)
    live.until(lambda: state(live) == "live")


def test_a_silent_link_is_pinged(live: FakeSite) -> None:
    live.pass_time(29)
    assert live.link.pings == 0
    live.pass_time(2)
    live.until(lambda: live.link.pings == 1)
    live.pass_time(25)
    assert len(live.links) == 1
    live.pass_time(10)
    live.until(lambda: live.link.pings == 2)
    assert state(live) == "live"


def test_a_link_that_receives_frames_is_not_pinged(live: FakeSite) -> None:
    for tick in range(6):
        live.pass_time(10)
        live.link.send_jobs(snapshot(tick=tick))
        live.until(partial(has_received, live, tick))
    assert live.link.pings == 0


def has_received(site: FakeSite, tick: int) -> bool:
    return tick in ticks(site)


def test_a_link_that_does_not_answer_a_ping_is_replaced(live: FakeSite) -> None:
    dead = live.link
    dead.is_dead = True
    live.pass_time(31)
    live.until(lambda: dead.pings == 1)
    live.pass_time(10)
    live.until(lambda: state(live) != "live" or len(live.links) == 2)
    live.pass_time(1)
    live.until(lambda: len(live.links) == 2 and bool(live.link.of_type("watch")))


def test_back_online_the_link_is_pinged_at_once(live: FakeSite) -> None:
    run(live, 'window.dispatchEvent(new Event("online"));')
    live.until(lambda: live.link.pings == 1)
    live.pass_time(15)
    assert len(live.links) == 1


def test_a_socket_that_does_not_open_is_abandoned(site: FakeSite) -> None:
    site.page.add_init_script(NEVER_OPENS)
    site.open()
    site.module("link/connection", CAPTURE)
    watch(site, JOB)
    site.until(lambda: state(site) == "connecting")
    site.pass_time(9)
    assert state(site) == "connecting"
    site.pass_time(2)
    assert state(site) == "reconnecting"


NEVER_OPENS = """window.WebSocket = class extends EventTarget {
  static OPEN = 1;
  readyState = 0;
  close() {}
};"""


def test_a_socket_unneeded_before_it_opens_is_closed_when_it_opens(site: FakeSite) -> None:
    site.page.add_init_script(OPENS_LATE)
    site.open()
    site.module("link/connection", CAPTURE)
    run(site, 'connection.watch("a-job"); setTimeout(() => connection.unwatch("a-job"), 100);')
    site.pass_time(1)
    assert site.page.evaluate("window.late.closed") == []
    site.page.evaluate('window.late.readyState = 1; window.late.dispatchEvent(new Event("open"))')
    assert site.page.evaluate("window.late.closed") == [1]
    assert state(site) == "idle"


OPENS_LATE = """window.WebSocket = class extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  readyState = 0;
  closed = [];
  constructor() { super(); window.late = this; }
  close() { this.closed.push(this.readyState); }
};"""
