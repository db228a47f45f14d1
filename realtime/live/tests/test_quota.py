import pytest
from pytest_django import Settings

from realtime.live import quota as quota_module
from realtime.live.quota import Quota
from realtime.live.watcher import CloseConnection
from realtime.live.wire import TOO_MANY


def test_each_second_allows_so_many_frames(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REALTIME_FRAMES_PER_SECOND = 2
    now = 0.0
    monkeypatch.setattr(quota_module, "monotonic", lambda: now)
    quota = Quota()
    for second in range(3):
        now = float(second)
        quota.count()
        quota.count()
    with pytest.raises(CloseConnection) as closed:
        quota.count()
    assert closed.value.code == TOO_MANY
