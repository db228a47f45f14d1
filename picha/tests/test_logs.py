import logging
from typing import Any

import pytest
from django.conf import settings as django_settings

from picha.logs import WithoutQueries, WithoutTracebacks


def test_the_log_of_runserver_has_no_queries(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("django.channels.server")
    assert any(isinstance(filter_, WithoutQueries) for filter_ in logger.filters)

    with caplog.at_level("INFO"):
        details: dict[str, object] = {"method": "GET", "path": "/jobs/1/?key=secret", "status": 200}
        logger.info("HTTP %(method)s %(path)s %(status)s", details)
        logger.info("Listening on %s", "a port")

    lines = [record.getMessage() for record in caplog.records if record.name == logger.name]
    assert lines == ["HTTP GET /jobs/1/ 200", "Listening on a port"]
    assert details["path"] == "/jobs/1/?key=secret"


@pytest.mark.parametrize(
    ("name", "status", "has_traceback"),
    [
        ("django.security.DisallowedHost", 400, False),
        ("django.security.Other", None, False),
        ("django.request", 400, False),
        ("django.request", 403, False),
        ("django.request", 499, False),
        ("django.request", 500, True),
        ("django.request", None, True),
        ("django", None, True),
    ],
)
def test_a_request_that_is_refused_has_no_traceback(
    name: str, status: int | None, *, has_traceback: bool
) -> None:
    handlers: Any = django_settings.LOGGING["handlers"]
    assert handlers["stderr"]["filters"] == ["without_tracebacks"]
    error = ValueError("a bad host")
    record = logging.LogRecord(name, 40, "", 1, "A bad host", (), (ValueError, error, None))
    if status:
        record.__dict__["status_code"] = status

    assert WithoutTracebacks().filter(record)
    assert bool(record.exc_info) == has_traceback
