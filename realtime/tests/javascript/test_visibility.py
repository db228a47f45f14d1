"""A page that is hidden, left, frozen or offline, and comes back."""

import pytest

from realtime.tests.support.browser_page import FakeSite
from realtime.tests.support.captured_connection import hide, run, state

pytestmark = pytest.mark.browser


def test_a_page_that_is_left_closes_and_comes_back(live: FakeSite) -> None:
    run(live, 'window.dispatchEvent(new Event("pagehide"));')
    live.until(lambda: live.link.is_closed)
    assert state(live) == "paused"
    run(live, 'window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));')
    live.until(lambda: len(live.links) == 2 and state(live) == "live")


def test_a_tab_hidden_for_long_costs_nothing(live: FakeSite) -> None:
    hide(live, hidden=True)
    live.pass_time(4 * 60)
    assert state(live) == "live"
    live.pass_time(2 * 60)
    live.until(lambda: live.link.is_closed)
    hide(live, hidden=False)
    live.until(lambda: len(live.links) == 2 and bool(live.link.of_type("watch")))


def test_a_tab_that_was_frozen_does_not_trust_its_old_link(live: FakeSite) -> None:
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


def test_coming_online_does_not_wait(live: FakeSite) -> None:
    live.link.close()
    live.until(lambda: state(live) == "reconnecting")
    run(live, 'window.dispatchEvent(new Event("online"));')
    live.until(lambda: state(live) == "live")
    assert len(live.links) == 2


def test_a_hidden_tab_does_not_ask_and_asks_when_it_is_shown(live: FakeSite) -> None:
    hide(live, hidden=True)
    live.pass_time(2 * 60)
    assert live.link.pings == 0
    hide(live, hidden=False)
    live.until(lambda: live.link.pings == 1)
    assert len(live.links) == 1


def test_a_tab_that_waits_for_the_end_keeps_its_link_while_hidden(live: FakeSite) -> None:
    live.module("link/visibility", "void (window.letGo = m.keepOpenWhileHidden())")
    hide(live, hidden=True)
    live.pass_time(6 * 60)
    assert state(live) == "live"
    live.page.evaluate("window.letGo()")
    hide(live, hidden=True)
    live.pass_time(6 * 60)
    live.until(lambda: live.link.is_closed)
