"""The link of a page that is hidden, left, frozen or offline, and is shown again."""

import pytest

from realtime.tests.support.browser_page import FakeSite
from realtime.tests.support.captured_connection import hide, run, state

pytestmark = pytest.mark.browser


def test_a_page_that_is_left_closes_its_link_until_it_is_shown_again(live: FakeSite) -> None:
    run(live, 'window.dispatchEvent(new Event("pagehide"));')
    live.until(lambda: live.link.is_closed)
    assert state(live) == "paused"
    run(live, 'window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));')
    live.until(lambda: len(live.links) == 2 and state(live) == "live")


def test_a_tab_hidden_for_long_closes_its_link(live: FakeSite) -> None:
    hide(live, hidden=True)
    live.pass_time(4 * 60)
    assert state(live) == "live"
    live.pass_time(2 * 60)
    live.until(lambda: live.link.is_closed)
    hide(live, hidden=False)
    live.until(lambda: len(live.links) == 2 and bool(live.link.of_type("watch")))


def test_a_tab_that_was_frozen_opens_a_new_link(live: FakeSite) -> None:
    hide(live, hidden=True)
    live.page.clock.set_fixed_time(2_000_000_000.0)
    hide(live, hidden=False)
    live.until(lambda: len(live.links) == 2)


def test_a_tab_hidden_for_a_moment_keeps_its_link(live: FakeSite) -> None:
    hide(live, hidden=True)
    live.pass_time(20)
    hide(live, hidden=False)
    live.pass_time(10 * 60)
    assert len(live.links) == 1
    assert state(live) == "live"


def test_back_online_it_connects_at_once(live: FakeSite) -> None:
    live.link.close()
    live.until(lambda: state(live) == "reconnecting")
    run(live, 'window.dispatchEvent(new Event("online"));')
    live.until(lambda: state(live) == "live")
    assert len(live.links) == 2


def test_a_hidden_tab_sends_no_ping_until_it_is_shown(live: FakeSite) -> None:
    hide(live, hidden=True)
    live.pass_time(2 * 60)
    assert live.link.pings == 0
    hide(live, hidden=False)
    live.until(lambda: live.link.pings == 1)
    assert len(live.links) == 1


def test_a_tab_that_waits_for_a_notification_keeps_its_link_while_hidden(live: FakeSite) -> None:
    live.module("link/visibility", "void (window.allowClosing = m.keepOpenWhileHidden())")
    hide(live, hidden=True)
    live.pass_time(6 * 60)
    assert state(live) == "live"
    live.page.evaluate("window.allowClosing()")
    hide(live, hidden=True)
    live.pass_time(6 * 60)
    live.until(lambda: live.link.is_closed)
