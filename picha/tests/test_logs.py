import logging

import pytest

from picha.logs import WithoutQueries


def test_the_servers_lines_have_no_queries(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("django.channels.server")
    assert any(isinstance(one, WithoutQueries) for one in logger.filters)

    with caplog.at_level("INFO"):
        details: dict[str, object] = {"method": "GET", "path": "/jobs/1/?key=secret", "status": 200}
        logger.info("HTTP %(method)s %(path)s %(status)s", details)
        logger.info("Listening on %s", "a port")

    assert caplog.messages == ["HTTP GET /jobs/1/ 200", "Listening on a port"]
    assert details["path"] == "/jobs/1/?key=secret"
