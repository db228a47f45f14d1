from collections import Counter
from typing import NoReturn

import pytest
from pytest_django import Settings

from realtime.access import Viewer
from realtime.live.connections import Connections
from realtime.live.watcher import CloseConnection, Watcher
from realtime.live.wire import SESSION_ENDED, TOO_MANY


class RecordingWatcher(Watcher):
    closed: CloseConnection | None = None

    def request_close(self, closed: CloseConnection) -> None:
        self.closed = closed


class LookupsOnly(Counter[str]):
    """A counter that fails when its addresses are iterated over."""

    def items(self) -> NoReturn:
        raise AssertionError("All addresses were iterated over.")


@pytest.mark.parametrize(("others", "is_refused"), [(1, False), (2, False), (3, True)])
def test_an_address_has_a_limited_number_of_connections(
    settings: Settings, others: int, is_refused: bool
) -> None:
    settings.REALTIME_SOCKETS_PER_ADDRESS = 3
    connections = Connections()
    for _ in range(others):
        connections.add(RecordingWatcher(Viewer()), "192.0.2.1")
    connections.add(RecordingWatcher(Viewer()), "192.0.2.2")
    if is_refused:
        with pytest.raises(CloseConnection) as closed:
            connections.add(RecordingWatcher(Viewer()), "192.0.2.1")
        assert closed.value.code == TOO_MANY
    else:
        connections.add(RecordingWatcher(Viewer()), "192.0.2.1")


def test_a_removed_connection_does_not_count(settings: Settings) -> None:
    settings.REALTIME_SOCKETS_PER_ADDRESS = 1
    connections, watcher = Connections(), RecordingWatcher(Viewer())
    connections.add(watcher, "192.0.2.1")
    for _ in range(2):  # The second time does nothing.
        connections.remove(watcher)
    assert not connections
    connections.add(RecordingWatcher(Viewer()), "192.0.2.1")


def test_a_removal_iterates_over_no_other_address() -> None:
    connections = Connections()
    connections._by_address = LookupsOnly()
    watchers = [RecordingWatcher(Viewer()) for _ in range(3)]
    for number, watcher in enumerate(watchers):
        connections.add(watcher, f"192.0.2.{number // 2}")
    connections.remove(watchers[0])
    assert dict.copy(connections._by_address) == {"192.0.2.0": 1, "192.0.2.1": 1}
    connections.remove(watchers[1])
    assert list(connections._by_address) == ["192.0.2.1"]


def test_a_refused_address_is_forgotten(settings: Settings) -> None:
    settings.REALTIME_SOCKETS_PER_ADDRESS = 0
    connections = Connections()
    with pytest.raises(CloseConnection):
        connections.add(RecordingWatcher(Viewer()), "192.0.2.1")
    assert list(connections._by_address) == []


def test_a_gained_right_changes_the_viewer_and_closes_nothing() -> None:
    connections, watcher = Connections(), RecordingWatcher(Viewer(user_id=7), session_key="s")
    connections.add(watcher, "192.0.2.1")
    operator = Viewer(user_id=7, is_operator=True)
    connections.update_viewers({("s", 7): operator})
    assert watcher.closed is None
    assert (watcher.viewer, watcher.is_operator) == (operator, True)


@pytest.mark.parametrize(
    "viewer",
    [
        Viewer(),
        Viewer(user_id=8, is_operator=True, may_act_on_all=True),
        Viewer(user_id=7),
        Viewer(user_id=7, is_operator=True),
    ],
)
def test_a_lost_right_closes_the_connection(viewer: Viewer) -> None:
    before = Viewer(user_id=7, is_operator=True, may_act_on_all=True)
    connections, watcher = Connections(), RecordingWatcher(before, session_key="s")
    connections.add(watcher, "192.0.2.1")
    connections.update_viewers({("s", 7): viewer})
    assert watcher.closed is not None
    assert watcher.closed.code == SESSION_ENDED


def test_other_sessions_and_visitors_are_not_changed() -> None:
    connections = Connections()
    visitor = RecordingWatcher(Viewer())
    other = RecordingWatcher(Viewer(user_id=7), session_key="other")
    for watcher in (visitor, other):
        connections.add(watcher, "192.0.2.1")
    connections.update_viewers({("s", 7): Viewer(), ("other", 7): Viewer(user_id=7)})
    assert (visitor.closed, other.closed) == (None, None)
