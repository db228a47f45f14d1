import pytest
from celery import current_app
from django.core.checks import run_checks


def test_django_checks_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not [message for message in run_checks() if message.id == "realtime.E001"]
    monkeypatch.setitem(current_app.conf, "task_time_limit", 7200)
    (message,) = [message for message in run_checks() if message.id == "realtime.E001"]
    assert message.msg.startswith("All tasks: time_limit (7200 s)")
